import { describe, expect, test } from "vitest";
import { Book } from "../../src/desk/book.ts";
import { deskTools } from "../../src/desk/desk-tools.ts";
import type { ToolContext } from "../../src/desk/tool.ts";
import { seededRandom } from "../../src/kernel/random.ts";
import { SimulatedClock } from "../simulated-clock.ts";

/** The simulated clock stands on Monday, January 5th, 2026. */
function desk(slowMs = 0): { run: (name: string, args: unknown) => Promise<unknown>; clock: SimulatedClock; abort: AbortController } {
  const clock = new SimulatedClock();
  const abort = new AbortController();
  const tools = deskTools({ slowMs });
  const context: ToolContext = { callId: "call-1", signal: abort.signal, clock, random: seededRandom(1) };
  return {
    clock,
    abort,
    run: (name, args) => tools.find(({ spec }) => spec.name === name)?.run(args, context) ?? Promise.reject(new Error(`no ${name}`)),
  };
}

const table = { party_size: 4, day: "2026-01-08", time: "19:00", name: "Ann", phone: "555 019 9222" };

test("every tool has a description and the schema of an object", () => {
  const tools = deskTools({ slowMs: 0 });
  expect(tools.map(({ spec }) => spec.name)).toEqual([
    "book_table",
    "move_booking",
    "cancel_booking",
    "look_up_order",
    "leave_message",
    "call_back",
  ]);
  for (const { spec } of tools)
    expect(spec).toMatchObject({ description: expect.stringMatching(/\.$/), parameters: { type: "object", additionalProperties: false } });
});

describe("tables", () => {
  test("a booking is made, moved and cancelled by its phone number", async () => {
    const { run } = desk();
    const booked = await run("book_table", table);
    expect(booked).toEqual({ reference: expect.stringMatching(/^\d{4}$/) });
    expect(await run("move_booking", { phone: "5550199222", day: "2026-01-09", time: "20:00" })).toMatchObject({
      name: "Ann",
      party_size: 4,
    });
    expect(await run("cancel_booking", { phone: "5550199222" })).toMatchObject({ name: "Ann" });
    expect(await run("cancel_booking", { phone: "5550199222" })).toMatchObject({
      problem: expect.stringContaining("no booking"),
      field: "phone",
    });
  });

  test("a full time is refused in words, with the nearest times that have room", async () => {
    expect(await desk().run("book_table", { ...table, day: "2026-01-10" })).toEqual({
      problem: "I am sorry, we are full at 7 pm. There is room at 5:30 pm or 8:30 pm.",
      field: "time",
      alternatives: ["17:30", "20:30"],
    });
  });

  test("the seats are counted together, and a booking is no obstacle to its own move", async () => {
    const { run } = desk();
    for (let at = 0; at < 3; at += 1) await run("book_table", { ...table, party_size: 12, phone: `555000000${at}` });
    expect(await run("book_table", { ...table, party_size: 5 })).toMatchObject({ problem: expect.stringContaining("full") });
    expect(await run("move_booking", { phone: "5550000000", day: "2026-01-08", time: "19:30" })).toMatchObject({ party_size: 12 });
  });

  test("a past day is refused", async () => {
    expect(await desk().run("book_table", { ...table, day: "2026-01-04" })).toMatchObject({ problem: "That day is already past." });
  });
});

test.each([
  ["book_table", { ...table, party_size: 0 }, "book_table needs party_size as a whole number from 1 to 12, found 0."],
  ["book_table", { ...table, day: "Friday" }, 'book_table needs day as a day such as 2026-11-27, found "Friday".'],
  ["book_table", { ...table, time: "7 pm" }, 'book_table needs time as a time such as 19:30, found "7 pm".'],
  ["book_table", { ...table, name: "" }, 'book_table needs name as text of 1 to 200 characters, found "".'],
  ["book_table", [], "book_table needs an object of arguments, found []."],
  ["cancel_booking", { phone: "123" }, 'cancel_booking needs phone as a phone number of 7 to 15 digits, found "123".'],
  ["look_up_order", {}, "look_up_order needs order_number as text of 1 to 200 characters, found nothing."],
  ["call_back", { minutes: 9999, phone: "5550199222" }, "call_back needs minutes as a whole number from 1 to 1440, found 9999."],
])("%s with wrong arguments says which and why", async (name, args, message) => {
  await expect(desk().run(name, args)).rejects.toThrow(message);
});

test("an order is known by its number, said with blanks or not", async () => {
  const { run } = desk();
  expect(await run("look_up_order", { order_number: "47 193" })).toMatchObject({ items: expect.stringContaining("margherita") });
  expect(await run("look_up_order", { order_number: "99999" })).toMatchObject({ problem: "I find no order with that number." });
});

test("messages and call-backs are noted", async () => {
  const { run } = desk();
  expect(await run("leave_message", { message: "Hello", name: "Ann", phone: "5550199222" })).toEqual({ noted: true });
  expect(await run("call_back", { minutes: 30, phone: "5550199222" })).toEqual({ due: "2026-01-05T09:30:00.000Z" });
});

test("a slow desk takes its time, and stops when the call is over", async () => {
  const { run, clock, abort } = desk(2_000);
  const found = run("look_up_order", { order_number: "47193" });
  await clock.advance(2_000);
  expect(await found).toMatchObject({ order_number: "47193" });
  const second = run("look_up_order", { order_number: "47193" });
  abort.abort();
  await expect(second).rejects.toThrow("cancelled");
  expect(clock.armed).toBe(0);
});

test("the book forgets its oldest notes and bookings, and counts them", () => {
  const book = new Book("2026-01-05");
  for (let at = 0; at < 2_100; at += 1) {
    book.put({ reference: `r${at}`, name: "x", phone: "5550000000", partySize: 1, day: "2027-01-01", time: "12:00" });
    book.note({ kind: "message", phone: "5550000000", text: "x", dueMs: 0 });
  }
  expect(book.forgotten).toBe(102 + 1_100);
  expect(book.has("r0")).toBe(false);
  expect(book.has("r2099")).toBe(true);
});
