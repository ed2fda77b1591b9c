import { describe, expect, test } from "vitest";
import { Conversation } from "../../src/session/conversation.ts";

function agentTurn(sayings: readonly (readonly [string, number | undefined])[], audioMs: number): Conversation {
  const conversation = new Conversation();
  conversation.openAgentTurn("t1");
  for (const [text, at] of sayings) conversation.say("t1", text, at);
  conversation.addAudio("t1", audioMs);
  conversation.audioEnded("t1");
  return conversation;
}

describe("what was heard of an agent turn, in words", () => {
  test.each([
    { name: "nothing", heardMs: 0, text: "" },
    { name: "a word that was begun counts", heardMs: 300, text: "We open" },
    { name: "the first clause to its end", heardMs: 1_000, text: "We open at nine." },
    { name: "into the second clause", heardMs: 2_500, text: "We open at nine. And we close at" },
    { name: "everything", heardMs: 4_000, text: "We open at nine. And we close at ten tonight." },
  ])("$name, where the provider tells where words begin", ({ heardMs, text }) => {
    const conversation = agentTurn(
      [
        ["We open at nine. ", 0],
        ["And we close at ten tonight.", 1_000],
      ],
      4_000,
    );
    conversation.cut("t1", heardMs, "caller", 0);
    expect(conversation.textOf("t1")).toBe(text);
  });

  test("words spread over the audio where the provider does not say", () => {
    const conversation = agentTurn(
      [
        ["one two ", undefined],
        ["three four", undefined],
      ],
      1_800,
    );
    conversation.cut("t1", 900, "caller", 0);
    expect(conversation.textOf("t1")).toBe("one two three");
  });

  test("words that ran ahead of the audio are not taken for heard when a fault breaks the turn off", () => {
    const conversation = new Conversation();
    conversation.openAgentTurn("t1");
    conversation.say("t1", "There are a great many things to be said about our menu, and I shall say all of them.", undefined);
    conversation.addAudio("t1", 1_500);
    conversation.breakOff("t1", "fault");
    expect(conversation.textOf("t1")).toBe("There are a great many things");
  });

  test("a better figure that comes later replaces the first", () => {
    const conversation = agentTurn([["one two three four", 0]], 4_000);
    conversation.cut("t1", 4_000, "caller", 0);
    conversation.cut("t1", 300, "caller", 0);
    expect(conversation.textOf("t1")).toBe("one");
  });
});

describe("what a new link is told", () => {
  test("settled turns, agent turns as heard and tool calls, in order", () => {
    const conversation = agentTurn([["Hello.", 0]], 500);
    conversation.heardWhole("t1", 500);
    conversation.openCallerTurn("t2", 600);
    conversation.hear("t2", "book a table");
    conversation.commit("t2", 900);
    conversation.settle("t2");
    conversation.callTool("t3", "book", "{}");
    conversation.toolAnswered("t3", '{"ok":true}');
    conversation.openCallerTurn("t4", 1_500);
    expect(conversation.items()).toEqual([
      { type: "agent", id: "t1", text: "Hello.", interrupted: false },
      { type: "caller", id: "t2", text: "book a table" },
      { type: "tool", id: "t3", name: "book", arguments: "{}", output: '{"ok":true}' },
    ]);
  });

  test.each([
    { name: "a greeting, when nothing was said", steps: () => new Conversation(), owed: "greeting" },
    {
      name: "an answer, when the caller had the last word",
      owed: "answer",
      steps: () => {
        const conversation = new Conversation();
        conversation.openCallerTurn("t1", 0);
        conversation.hear("t1", "hello?");
        conversation.settle("t1");
        return conversation;
      },
    },
    {
      name: "the rest, when a fault cut the agent short, also after what came of it was heard",
      owed: "rest",
      steps: () => {
        const conversation = agentTurn([["We have", 0]], 300);
        conversation.breakOff("t1", "fault");
        conversation.heardWhole("t1", 300);
        return conversation;
      },
    },
    {
      name: "nothing, when the caller cut the agent short",
      owed: "nothing",
      steps: () => {
        const conversation = agentTurn([["We have", 0]], 300);
        conversation.cut("t1", 300, "caller", 0);
        return conversation;
      },
    },
  ])("and what is owed: $name", ({ steps, owed }) => {
    expect(steps().owed()).toBe(owed);
  });
});

test("a conversation of days keeps its newest turns, and one turn only so many words", () => {
  const conversation = new Conversation();
  for (let turn = 0; turn < 3_000; turn += 1) {
    conversation.openCallerTurn(`t${turn}`, turn);
    conversation.hear(`t${turn}`, `turn ${turn}`);
    conversation.settle(`t${turn}`);
  }
  expect(conversation.items()).toHaveLength(2_000);
  expect(conversation.items().at(-1)).toMatchObject({ text: "turn 2999" });
  conversation.openAgentTurn("long");
  for (let word = 0; word < 100_000; word += 1) conversation.say("long", "word ", undefined);
  expect(conversation.textOf("long").length).toBeLessThanOrEqual(20_000);
});

describe("what is kept of a long conversation", () => {
  /** Of so many questions, each answered and heard whole. */
  function talked(questions: number): Conversation {
    const conversation = new Conversation();
    for (let at = 0; at < questions; at += 1) {
      conversation.openCallerTurn(`c${at}`, at);
      conversation.hear(`c${at}`, `question ${at}`);
      conversation.commit(`c${at}`, at + 1);
      conversation.settle(`c${at}`);
      conversation.openAgentTurn(`a${at}`);
      for (const word of [" answer", ` ${at}`]) conversation.say(`a${at}`, word, undefined);
      conversation.addAudio(`a${at}`, 400);
      conversation.audioEnded(`a${at}`);
      conversation.heardWhole(`a${at}`, at + 2);
    }
    return conversation;
  }

  test("all but the newest turns are sealed, and stay as they were told", () => {
    const conversation = talked(30);
    const before = conversation.left([]);
    expect([before.turns.length, before.sealed, before.before]).toEqual([60, 44, 0]);
    conversation.hear("c29", "question 29, and late words");
    conversation.cut("a29", 100, "caller", 0);
    conversation.withdraw("c0");
    const after = conversation.left([]);
    expect(after.turns.slice(0, 44)).toEqual(before.turns.slice(0, 44));
    expect(after.turns.at(-1)).toMatchObject({ heard: { state: "cut", ms: 100 } });
    expect(conversation.textOf("a3")).toBe("answer 3");
  });

  test("a turn that may still change seals nothing after it", () => {
    const conversation = talked(2);
    conversation.callTool("x", "look_up", "{}");
    const later = talked(20).left([]).turns;
    conversation.restore(later);
    expect(conversation.left([]).sealed).toBe(4);
    conversation.toolAnswered("x", "found");
    expect(conversation.left([]).sealed).toBe(4 + 1 + 40 - 16);
  });

  test("what is forgotten is counted, also by who goes on", () => {
    const conversation = talked(1_050);
    expect(conversation.left([])).toMatchObject({ sealed: 1_984, before: 100 });
    const next = new Conversation();
    next.restore(talked(1_010).left([]).turns);
    next.restore(talked(10).left([]).turns);
    expect(next.left([])).toMatchObject({ sealed: 1_984, before: 20 });
  });
});
