import { describe, expect, test } from "vitest";
import type { ConversationItem } from "../../../../src/provider/contract.ts";
import { Talk, words } from "./talk.ts";

const caller = (text: string): ConversationItem => ({ type: "caller", id: "x", text });
const agent = (text: string, interrupted = false): ConversationItem => ({ type: "agent", id: "y", text, interrupted });

describe("taking over from another provider", () => {
  const booking: ConversationItem[] = [
    agent("Hi there! Thanks for calling the restaurant. How may I assist you today?"),
    caller("I'd like a table for three on Sunday"),
    agent("Wonderful, three people on Sunday! And what time works best for you?"),
    caller("seven thirty"),
  ];

  test("the last caller turn is answered and the missing slot asked for", async () => {
    const talk = new Talk({ conversation: booking });
    expect(await talk.turn({ type: "caller", text: "seven thirty" })).toMatch(/name/);
    await talk.saysAll("Bob", "555 019 9222", "yes", "yes");
    expect(talk.calls).toEqual([
      { name: "book_table", arguments: { party_size: 3, day: "2026-11-22", time: "19:30", name: "Bob", phone: "5550199222" } },
    ]);
  });

  test("carrying on says one bridging sentence and asks on", async () => {
    const talk = new Talk({ conversation: [...booking, agent("Perfect! And could I have your", true)] });
    expect(await talk.turn({ type: "carry-on" })).toMatch(/^Sorry [^.]*\. .*name[^.]*\?$/);
    expect(await talk.says("it's Bob")).toMatch(/Bob.*phone/);
  });

  test("what tools were told and answered is known", async () => {
    const conversation: ConversationItem[] = [
      ...booking,
      {
        type: "tool",
        id: "t1",
        name: "book_table",
        arguments: JSON.stringify({ party_size: 3, day: "2026-11-22", time: "19:30", name: "Bob", phone: "555-019-9222" }),
        output: '{"reference":"4321"}',
      },
      agent("All booked, your reference is 4321. Anything else?"),
    ];
    const talk = new Talk({ conversation });
    expect(await talk.says("yes, I would like to cancel my booking")).toMatch(/5 5 5, 0 1 9, 9 2 2 2.*Shall I\?$/);
  });

  test("a tool still under way is answered when it is done", async () => {
    const conversation: ConversationItem[] = [
      ...booking,
      {
        type: "tool",
        id: "t1",
        name: "book_table",
        arguments: JSON.stringify({ party_size: 3, day: "2026-11-22", time: "19:30", name: "Bob", phone: "5550199222" }),
        output: undefined,
      },
    ];
    const talk = new Talk({ conversation });
    expect(await talk.turn({ type: "carry-on" })).toMatch(/still on it|Just a second/);
    expect(
      await talk.turn({
        type: "tools",
        results: [{ toolCallId: "t1", name: "book_table", output: '{"reference":"4321"}', failed: false }],
      }),
    ).toMatch(/Sunday, November 22nd at 7:30 pm.*4 3 2 1/);
  });

  test("an empty conversation is carried on with an open question", async () => {
    expect(await new Talk().turn({ type: "carry-on" })).toMatch(/\?$/);
  });

  test("an answer that was cut is finished, without what was heard", async () => {
    const talk = new Talk({ conversation: [caller("who are you"), agent("I am the automatic receptionist of the Blue Lantern.", true)] });
    const answer = await talk.turn({ type: "carry-on" });
    expect(answer).toContain("If you prefer a person, just say so.");
    expect(answer).not.toContain("automatic receptionist");
  });
});

test("opened anew after every turn with its own conversation, the talk goes on as if nothing was", async () => {
  const texts = [
    "book a table",
    "four",
    "what are your hours?",
    "Sunday",
    "at eight",
    "Ann Lee",
    "five five five",
    "oh one nine nine two two two",
    "no, it ends in three",
    "yes",
    "no",
    "the time",
    "nine",
    "yes",
    "thanks",
    "cancel my booking",
    "yes",
  ];
  const whole = new Talk({ seed: 3 });
  for (const text of texts) await whole.says(text);
  let pieces = new Talk({ seed: 3 });
  const calls = [];
  for (const text of texts) {
    await pieces.says(text);
    calls.push(...pieces.calls);
    pieces = new Talk({ seed: 3, conversation: pieces.items });
  }
  expect(calls).toEqual(whole.calls);
  expect(calls.map(({ name }) => name)).toEqual(["book_table", "cancel_booking"]);
});

test("a conversation of hours is read in slices, and what was said first is still known", async () => {
  const small: ConversationItem[] = Array.from({ length: 300 }, (_, at) => [
    caller("what are your hours"),
    agent(`We are open, for the time ${at}.`),
  ]).flat();
  const talk = new Talk({ conversation: [caller("my name is Ann Lee"), agent("Thank you, Ann. How can I help?"), ...small] });
  expect(await talk.says("can you spell my name?")).toBe("A, N, N. L, E, E.");
});

describe("taking back", () => {
  test("a withdrawn turn leaves no trace", async () => {
    const talk = new Talk();
    await talk.says("book a table for two");
    await talk.think({ type: "caller", text: "on Sunday" });
    talk.mind.withdraw();
    expect(words(await talk.think({ type: "caller", text: "on Sunday at seven, my name is Ann" }))).toMatch(/phone/);
    expect(words(await talk.think({ type: "caller", text: "no, on Saturday" }))).toMatch(/phone/);
  });

  test("a withdrawn yes books nothing, and its tool's late result is still told", async () => {
    const talk = new Talk();
    await talk.saysAll("book a table for two on Sunday at one", "Bob", "555 019 9222", "yes");
    const parts = await talk.think({ type: "caller", text: "yes" });
    const call = parts.find((part) => part.type === "call");
    talk.mind.withdraw();
    expect(words(await talk.think({ type: "caller", text: "yes but at two" }))).toMatch(/at 2 pm.*Shall I book it\?$/);
    const late = await talk.think({
      type: "tools",
      results: [{ toolCallId: call?.toolCallId ?? "", name: "book_table", output: '{"reference":"1234"}', failed: false }],
    });
    expect(words(late)).toMatch(/1 2 3 4/);
  });

  test("a question that was not heard is asked again", async () => {
    const talk = new Talk();
    await talk.says("book a table for two on Sunday at one");
    await talk.saysAll("Bob", "555 019 9222");
    await talk.think({ type: "caller", text: "yes" });
    talk.mind.heardOnly("Thank you. A table for");
    expect(words(await talk.think({ type: "caller", text: "yes" }))).toMatch(/Shall I book it\?$/);
    expect(talk.calls).toEqual([]);
  });

  test.each([
    ["yes", "Thank you. A table for 2 on Sunday, November 22nd at 1 pm, under Bob. Shall I book"],
    ["yes please", "Very good. That is 2 people on Sunday, November 22nd at 1 pm, for Bob. Shall I boo"],
  ])("%j said over the last syllable of the question answers it", async (text, heard) => {
    const talk = new Talk();
    await talk.saysAll("book a table for two on Sunday at one", "Bob", "555 019 9222");
    await talk.think({ type: "caller", text: "yes" });
    talk.mind.heardOnly(heard);
    expect((await talk.think({ type: "caller", text })).at(-1)).toMatchObject({ type: "call", name: "book_table" });
  });

  test("a yes over the end of a read-back counts once all its digits were heard", async () => {
    const talk = new Talk();
    await talk.saysAll("book a table for two on Sunday at one", "Bob");
    await talk.think({ type: "caller", text: "555 019 9222" });
    talk.mind.heardOnly("5 5 5, 0 1 9, 9 2");
    expect(words(await talk.think({ type: "caller", text: "yes" }))).toMatch(/right\?$/);
    talk.mind.heardOnly("That is 5 5 5, 0 1 9, 9 2 2 2, ri");
    expect(words(await talk.think({ type: "caller", text: "yes" }))).toMatch(/Shall I book it\?$/);
  });

  test("repeat says an answer in full that was cut", async () => {
    const talk = new Talk();
    await talk.think({ type: "caller", text: "what are your opening hours" });
    talk.mind.heardOnly("We are open");
    expect(words(await talk.think({ type: "caller", text: "say that again" }))).toMatch(
      /^We are open Tuesday to Thursday.*closed on Monday\.$/,
    );
  });

  test("a reply stopped half-way is known only as far as it was given", async () => {
    const talk = new Talk();
    const stop = new AbortController();
    for await (const part of talk.mind.think(
      { type: "caller", text: "book a table for two on Sunday at one, I'm Bob, 555 019 9222" },
      stop.signal,
    )) {
      if (part.type === "say") stop.abort();
    }
    expect(words(await talk.think({ type: "caller", text: "hello?" }))).toMatch(/right\?$/);
  });

  test("an answer already given for a slot is used, though its question was cut", async () => {
    const talk = new Talk();
    await talk.think({ type: "caller", text: "book a table" });
    talk.mind.heardOnly("With pleasure. For how");
    expect(words(await talk.think({ type: "caller", text: "four" }))).toMatch(/day/i);
  });
});

test("while a tool is under way the caller is told so, and the result comes after", async () => {
  const talk = new Talk();
  await talk.saysAll("where is my order", "four seven one nine two");
  const parts = await talk.think({ type: "caller", text: "yes" });
  const call = parts.find((part) => part.type === "call");
  expect(words(parts)).toMatch(/One moment/);
  expect(words(await talk.think({ type: "caller", text: "hello?" }))).toMatch(/still on it|Just a second/);
  const told = await talk.think({
    type: "tools",
    results: [
      { toolCallId: call?.toolCallId ?? "", name: "look_up_order", output: '{"items":"one lasagne","status":"ready"}', failed: false },
    ],
  });
  expect(words(told)).toMatch(/lasagne.*ready/);
});
