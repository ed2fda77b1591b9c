import { describe, expect, test } from "vitest";
import { Talk } from "./talk.ts";

const sundayAtEight = { party_size: 4, day: "2026-11-22", time: "20:00", name: "Ann Lee", phone: "5550199222" };

describe("booking a table", () => {
  test("one thing after the other, with the phone number read back and everything confirmed", async () => {
    const talk = new Talk();
    expect(await talk.says("Hello, I'd like to book a table.")).toMatch(/people/);
    expect(await talk.says("Four.")).toMatch(/day/i);
    expect(await talk.says("On Sunday.")).toMatch(/time/i);
    expect(await talk.says("At eight.")).toMatch(/name/i);
    expect(await talk.says("Ann Lee.")).toMatch(/Ann.*phone/);
    expect(await talk.says("five five five, oh one double nine, two two two")).toContain("5 5 5, 0 1 9, 9 2 2 2, right?");
    expect(await talk.says("Yes.")).toMatch(/4 .*Sunday, November 22nd at 8 pm.*Ann Lee\. Shall I book it\?$/);
    expect(talk.calls).toEqual([]);
    expect(await talk.says("Yes please.")).toMatch(/^One moment.*(booked|Done).*reference is \d \d \d \d\..*else\?$/);
    expect(talk.calls).toEqual([{ name: "book_table", arguments: sundayAtEight }]);
  });

  test("all in one breath leaves only what is missing", async () => {
    const talk = new Talk();
    expect(await talk.says("Hi, can I book a table for four on Sunday at eight? My name is Ann Lee.")).toMatch(/phone number/);
    await talk.saysAll("555 019 9222", "yes", "yes");
    expect(talk.calls).toEqual([{ name: "book_table", arguments: sundayAtEight }]);
  });

  test("the recogniser's own spellings are understood", async () => {
    const talk = new Talk();
    await talk.saysAll(
      "Id like to reserve a table",
      "For.",
      "Sunday the 22nd.",
      "7:30.",
      "It's Bob.",
      "5 5 5, 0 1, 9 9, 2 2 2.",
      "Yeah.",
      "Sure.",
    );
    expect(talk.calls).toEqual([
      { name: "book_table", arguments: { party_size: 4, day: "2026-11-22", time: "19:30", name: "Bob", phone: "5550199222" } },
    ]);
  });

  test("a question in between is answered and the booking goes on", async () => {
    const talk = new Talk();
    await talk.says("a table for two tomorrow, please");
    const answer = await talk.says("What are your opening hours?");
    expect(answer).toContain("noon to 10 pm");
    expect(answer).toMatch(/time[^.]*\?$/);
    expect(await talk.says("seven")).toMatch(/name/);
  });

  test("a number said in pieces is put together", async () => {
    const talk = new Talk();
    await talk.saysAll("book a table for two tomorrow at one", "Bob");
    expect(await talk.says("five five five")).toMatch(/^5 5 5[.,]/);
    expect(await talk.says("oh one nine")).toMatch(/5 5 5, 0 1 9/);
    expect(await talk.says("nine two two two")).toContain("5 5 5, 0 1 9, 9 2 2 2, right?");
  });

  test("a part of a number is corrected and read back again", async () => {
    const talk = new Talk();
    await talk.saysAll("book a table for two tomorrow at one", "Bob", "555 019 9222");
    expect(await talk.says("no, it is nine two two three")).toContain("5 5 5, 0 1 9, 9 2 2 3, right?");
    expect(await talk.says("right")).toMatch(/Shall I book it\?$/);
  });

  test.each([
    ["not Saturday, Sunday", /Sunday, November 22nd at 1 pm/],
    ["no, on Sunday", /Sunday, November 22nd at 1 pm/],
    ["change the time to eight", /Saturday, November 21st at 8 pm/],
    ["Yes but at half past eight", /at 8:30 pm/],
    ["no, for six people", /6 people|for 6/],
    ["the name is Miller", /Miller/],
  ])("at the end %j changes just that", async (correction, confirmed) => {
    const talk = new Talk();
    await talk.saysAll("book a table for two tomorrow at one", "Bob", "555 019 9222", "yes");
    const answer = await talk.says(correction);
    expect(answer).toMatch(confirmed);
    expect(answer).toMatch(/Shall I book it\?$/);
    await talk.says("yes");
    expect(talk.calls).toHaveLength(1);
  });

  test("a plain no asks what to change", async () => {
    const talk = new Talk();
    await talk.saysAll("book a table for two tomorrow at one", "Bob", "555 019 9222", "yes");
    expect(await talk.says("no")).toMatch(/change|wrong/);
    expect(await talk.says("the time")).toMatch(/time.*\?$/i);
    expect(await talk.says("two")).toMatch(/at 2 pm/);
  });

  test("closed days, past times and parties too large are told at once", async () => {
    const talk = new Talk();
    expect(await talk.says("a table for two on Monday")).toMatch(/Monday, November 23rd.*Which day|closed on Monday/);
    expect(await talk.says("Tuesday")).toMatch(/time/i);
    expect(await talk.says("eleven pm")).toMatch(/open from noon to 10 pm.*time/i);
    expect(await talk.says("make it for thirty people")).toMatch(/12/);
  });

  test("a full evening is told with other times, and the caller takes one", async () => {
    const talk = new Talk();
    await talk.saysAll("book a table for four tomorrow at seven", "Ann", "555 019 9222", "yes");
    expect(await talk.says("yes")).toMatch(/full at 7 pm.*room at 5:30 pm or 8:30 pm.*time/is);
    expect(await talk.says("half past eight then")).toMatch(/8:30 pm.*Shall I book it\?$/);
    expect(await talk.says("yes")).toMatch(/reference/);
    expect(talk.calls.map(({ name }) => name)).toEqual(["book_table", "book_table"]);
  });

  test("after two misses keys are offered, after three a person", async () => {
    const talk = new Talk();
    await talk.says("book a table");
    expect(await talk.says("the green one on the wall")).toMatch(/^(Sorry, how many|How many)/);
    expect(await talk.says("purple banana")).toMatch(/key in/);
    expect(await talk.says("under the bridge somewhere")).toMatch(/someone|colleague/);
    expect(talk.calls).toMatchObject([{ name: "transfer_to_human" }]);
  });

  test("speech without words is asked for again", async () => {
    const talk = new Talk();
    await talk.says("book a table");
    expect(await talk.says("")).toMatch(/again|catch/);
    expect(await talk.says("four")).toMatch(/day/i);
  });

  test("never mind drops it, and what was kept helps the next task", async () => {
    const talk = new Talk();
    await talk.saysAll("book a table for two", "never mind");
    expect(await talk.says("what is your address?")).toMatch(/14 Harbour Street/);
    await talk.saysAll("my name is Ann Lee", "my number is 555 019 9222", "yes");
    expect(await talk.says("I'd like to leave a message")).toMatch(/message|tell them/);
    expect(await talk.says("the soup was wonderful")).toMatch(/noted|have it/);
    expect(talk.calls).toEqual([
      { name: "leave_message", arguments: { message: "the soup was wonderful", name: "Ann Lee", phone: "5550199222" } },
    ]);
  });

  test("a tool that fails is told and the talk goes on", async () => {
    const talk = new Talk({ failing: ["book_table"] });
    await talk.saysAll("book a table for two tomorrow at one", "Bob", "555 019 9222", "yes");
    expect(await talk.says("yes")).toMatch(/did not work.*else\?$/);
    expect(await talk.says("what time do you close?")).toMatch(/10 pm/);
  });

  test("an agent without the tool says so", async () => {
    const talk = new Talk({ lacks: ["book_table"] });
    expect(await talk.saysAll("book a table for two tomorrow at one", "Bob", "555 019 9222", "yes", "yes")).toMatch(/cannot do that/);
  });
});

test("a booking is moved and then cancelled by its phone number", async () => {
  const talk = new Talk();
  await talk.saysAll("I want to move my booking", "555 012 3456", "yes");
  expect(await talk.says("Sunday at six")).toMatch(/Sunday, November 22nd at 6 pm/);
  expect(await talk.says("yes")).toMatch(/moved|now on Sunday/);
  expect(await talk.says("actually, cancel my reservation")).toMatch(/5 5 5, 0 1 2, 3 4 5 6.*Shall I\?$/);
  expect(await talk.says("yes")).toMatch(/cancelled/);
  expect(talk.calls).toEqual([
    { name: "move_booking", arguments: { phone: "5550123456", day: "2026-11-22", time: "18:00" } },
    { name: "cancel_booking", arguments: { phone: "5550123456" } },
  ]);
});

test("an unknown phone number is asked for again", async () => {
  const talk = new Talk();
  expect(await talk.saysAll("cancel my booking", "555 444 3333", "yes", "yes")).toMatch(/no booking.*phone number/);
});

test("an order is found by its number, corrected in part", async () => {
  const talk = new Talk();
  expect(await talk.says("Where is my order?")).toMatch(/order number/);
  expect(await talk.says("four seven one, nine four")).toContain("4 7 1, 9 4, right?");
  expect(await talk.says("no, it is nine three")).toContain("4 7 1, 9 3, right?");
  expect(await talk.says("yes")).toMatch(/^.*One moment.*margherita.*oven/);
});

describe("while something is read back or confirmed", () => {
  const beforeConfirm = ["book a table for two tomorrow at one", "Bob", "555 019 9222", "yes"];
  const beforeCheck = ["where is my order", "four seven one nine three"];

  test.each([
    ["What are you doing right now?"],
    ["What is seven times eight?"],
    ["Worse."],
    ["ok, can you repeat that?"],
    ["what time do you close"],
  ])("%j agrees to nothing", async (text) => {
    const talk = new Talk();
    expect(await talk.saysAll(...beforeCheck, text)).toContain("4 7 1, 9 3, right?");
    expect(talk.calls.filter(({ name }) => name === "look_up_order")).toEqual([]);
    const other = new Talk();
    expect(await other.saysAll(...beforeConfirm, text)).toMatch(/2 .*at 1 pm.*Bob.*Shall I book it\?$/);
    expect(other.calls.filter(({ name }) => name === "book_table")).toEqual([]);
  });

  test("goodbye ends the call and books nothing", async () => {
    const talk = new Talk();
    expect(await talk.saysAll(...beforeConfirm, "No thanks, good-bye.")).toMatch(/Goodbye!$/);
    expect(talk.calls.map(({ name }) => name)).toEqual(["end_call"]);
  });

  test("a number said anew replaces the whole", async () => {
    expect(await new Talk().saysAll(...beforeCheck, "one two three four five")).toContain("1 2 3, 4 5, right?");
  });

  test("the second unclear answer is asked for a yes or no, the third gets a person", async () => {
    const talk = new Talk();
    expect(await talk.saysAll(...beforeCheck, "Worse.", "Worse.")).toMatch(/yes or no\. .*4 7 1, 9 3, right\?$/);
    await talk.says("Worse.");
    expect(talk.calls).toMatchObject([{ name: "transfer_to_human" }]);
  });

  test("the beginning of a number is corrected too", async () => {
    const talk = new Talk();
    await talk.saysAll("where is my order", "seven one nine two");
    expect(await talk.says("No, seven one nine three.")).toMatch(/^.*7 1 9 3[.,]/);
    expect(await talk.says("four")).toContain("7 1 9, 3 4, right?");
  });
});

test("a call-back needs minutes and a number", async () => {
  const talk = new Talk();
  await talk.saysAll("Can you call me back in half an hour?", "my number is 555 019 9222");
  expect(await talk.says("yes")).toMatch(/30 minutes/);
  expect(talk.calls).toEqual([{ name: "call_back", arguments: { minutes: 30, phone: "5550199222" } }]);
});
