import { describe, expect, test } from "vitest";
import { Fault } from "../../../src/kernel/fault.ts";
import type { ConversationItem, ToolResult } from "../../../src/provider/contract.ts";
import type { MindPart } from "../../../src/provider/local/parts.ts";
import { call, letterMs, Parlour, say } from "./parlour.ts";

const result = (toolCallId: string, output: string): ToolResult => ({ toolCallId, name: "look_up", output, failed: false });
const agentPart = (story: readonly string[]): string[] => story.filter((line) => !line.startsWith("caller."));

describe("a turn", () => {
  test("is answered clause by clause, each with its exact place in the audio", async () => {
    const parlour = new Parlour([[say("Yes."), say("At noon.")]]);
    await parlour.caller("c1", "Are you open?", 500, 2_000);
    expect(parlour.mind).toEqual(['caller "Are you open?"']);
    expect(parlour.story).toEqual([
      "caller.spoke c1",
      "caller.transcribed c1",
      "caller.finished c1",
      "agent.began a1",
      'agent.said a1 @0"Yes."',
      "audio a1 200",
      'agent.said a1 @200" At noon."',
      "audio a1 400",
      "agent.ended a1 complete",
    ]);
    expect(parlour.used).toEqual([
      { model: "ears", quantities: { transcribed_ms: 1_500 } },
      { model: "mouth", quantities: { spoken_characters: 13 } },
    ]);
  });

  test("tells once how long its words took to come, and how long their first sound", async () => {
    const words = Promise.withResolvers<MindPart>();
    const parlour = new Parlour([[words.promise, say("At noon.")]]);
    await parlour.caller("c1", "Are you open?");
    await parlour.passes(700);
    words.resolve(say("Yes."));
    await parlour.passes(0);
    const timed = parlour.notices.filter(({ type }) => type === "link.timed");
    expect(timed).toEqual([{ type: "link.timed", turnId: "a1", llmMs: 700, ttsMs: 0 }]);
    const order = parlour.notices.map(({ type }) => type);
    expect(order.indexOf("link.timed")).toBeLessThan(order.indexOf("agent.said"));
  });

  test("that is being spoken when the link closes is paid for as far as it came", async () => {
    const parlour = new Parlour([[say("Yes."), new Promise<MindPart>(() => {})]]);
    await parlour.caller("c1", "Are you open?");
    parlour.link.close();
    parlour.link.close();
    expect(parlour.used.slice(1)).toEqual([{ model: "mouth", quantities: { spoken_characters: 4 } }]);
  });

  test("with speech but no words is given to the mind as such", async () => {
    const parlour = new Parlour([[say("Sorry?")]]);
    await parlour.caller("c1", "");
    expect(parlour.mind).toEqual(['caller ""']);
  });

  test("that is typed is answered, an empty one is not", async () => {
    const parlour = new Parlour([[say("Yes.")]]);
    parlour.link.takeText("  ");
    parlour.link.takeText(" Are you open? ");
    await parlour.passes(0);
    expect(parlour.mind).toEqual(['caller "Are you open?"']);
    expect(parlour.story.at(-1)).toBe("agent.ended a1 complete");
  });

  test("to which the mind has nothing to say still ends", async () => {
    const parlour = new Parlour([[]]);
    await parlour.caller("c1", "Hm.");
    expect(agentPart(parlour.story)).toEqual(["agent.began a1", "agent.ended a1 complete"]);
  });

  test("that was none is told, and a reply that waited for it is spoken", async () => {
    const parlour = new Parlour([[say("Welcome.")]], { begin: "greet" });
    parlour.tellEar({ type: "caller.spoke", turnId: "c1", uplinkMs: 0 });
    await parlour.passes(0);
    expect(parlour.story).toEqual(["caller.spoke c1"]);
    parlour.tellEar({ type: "caller.dismissed", turnId: "c1" });
    await parlour.passes(0);
    expect(parlour.story.slice(1, 3)).toEqual(["caller.dismissed c1", "agent.began a1"]);
  });

  test("that overtakes an unspoken reply is answered instead of it", async () => {
    const slow = Promise.withResolvers<MindPart>();
    const parlour = new Parlour([[slow.promise], [say("Both.")]]);
    await parlour.caller("c1", "One.");
    await parlour.caller("c2", "And two.", 2_000);
    slow.resolve(say("Late."));
    await parlour.passes(0);
    expect(parlour.mind).toEqual(['caller "One."', 'heard ""', 'caller "And two."']);
    expect(agentPart(parlour.story)).toEqual(["agent.began a2", 'agent.said a2 @0"Both."', "audio a2 250", "agent.ended a2 complete"]);
  });
});

describe("an interruption", () => {
  test("of a reply that was given out in full tells the mind what was heard, to the word", async () => {
    const parlour = new Parlour([[say("One two three."), say("Four five six.")]]);
    await parlour.caller("c1", "Count.");
    parlour.link.interrupt({ turnId: "a1", heardMs: 14 * letterMs + 10 * letterMs });
    parlour.link.interrupt({ turnId: "a1", heardMs: 0 });
    expect(parlour.mind.slice(1)).toEqual(['heard "One two three. Four five"']);
    expect(parlour.story.filter((line) => line.startsWith("agent.ended"))).toEqual(["agent.ended a1 complete"]);
  });

  test("of a running reply ends it at once and for good", async () => {
    const rest = Promise.withResolvers<MindPart>();
    const parlour = new Parlour([[say("One two three."), rest.promise], [say("Yes.")]]);
    await parlour.caller("c1", "Count.");
    parlour.link.interrupt({ turnId: "a1", heardMs: 7 * letterMs });
    expect(parlour.story.at(-1)).toBe("agent.ended a1 interrupted");
    rest.resolve(say("Four."));
    await parlour.caller("c2", "Stop.", 2_000);
    expect(parlour.mind).toEqual(['caller "Count."', 'heard "One two"', 'caller "Stop."']);
    expect(parlour.story.filter((line) => line.includes("a1"))).toHaveLength(4);
    expect(parlour.story.at(-1)).toBe("agent.ended a2 complete");
  });

  test("of what was heard to its end, or of no turn of ours, changes nothing", async () => {
    const parlour = new Parlour([[say("Yes.")]]);
    await parlour.caller("c1", "Open?");
    parlour.link.interrupt({ turnId: "a1", heardMs: 4 * letterMs });
    parlour.link.interrupt({ turnId: "a7", heardMs: 0 });
    expect(parlour.mind).toEqual(['caller "Open?"']);
  });
});

describe("a caller who goes on", () => {
  const resume = (parlour: Parlour): void => parlour.tellEar({ type: "caller.resumed", turnId: "c1" });

  test("takes the reply back, and the whole turn is thought about anew", async () => {
    const parlour = new Parlour([[say("Which day?")], [say("Sunday, yes.")]]);
    await parlour.caller("c1", "A table", 0, 1_000);
    resume(parlour);
    await parlour.finishes("c1", "A table for Sunday", 2_500);
    expect(parlour.mind).toEqual(['caller "A table"', 'heard ""', "withdrawn", 'caller "A table for Sunday"']);
    expect(parlour.story.at(-1)).toBe("agent.ended a2 complete");
    expect(parlour.used.filter((usage) => JSON.stringify(usage).includes("transcribed"))).toEqual([
      { model: "ears", quantities: { transcribed_ms: 1_000 } },
      { model: "ears", quantities: { transcribed_ms: 1_500 } },
    ]);
  });

  test("silences a reply that is still coming, told as interrupted", async () => {
    const rest = Promise.withResolvers<MindPart>();
    const parlour = new Parlour([[say("Which day?"), rest.promise], [say("Yes.")]]);
    await parlour.caller("c1", "A table");
    resume(parlour);
    expect(parlour.story.slice(-2)).toEqual(["caller.resumed c1", "agent.ended a1 interrupted"]);
    expect(parlour.ear.agentIsSpeaking).toBe(false);
  });

  test("never makes a tool run twice: only what they added is thought about", async () => {
    const parlour = new Parlour([[call("t1")], [say("Booked.")], [say("You are welcome.")]]);
    await parlour.caller("c1", "Yes.");
    parlour.link.answerTool(result("t1", "ok"));
    await parlour.passes(0);
    resume(parlour);
    await parlour.finishes("c1", "Yes, thank you.", 2_000);
    expect(parlour.mind).toEqual(['caller "Yes."', "tools ok", 'heard ""', 'caller "thank you."']);
  });

  test("but adds nothing while a tool runs gets its result, and nothing else", async () => {
    const parlour = new Parlour([[call("t1")], [say("Booked.")]]);
    await parlour.caller("c1", "Yes.");
    resume(parlour);
    await parlour.finishes("c1", "Yes.", 2_000);
    parlour.link.answerTool(result("t1", "ok"));
    await parlour.passes(0);
    expect(parlour.mind).toEqual(['caller "Yes."', "tools ok"]);
  });
});

describe("tools", () => {
  test("run while the words before them are heard, and their results make the next turn", async () => {
    const parlour = new Parlour([[say("One moment."), call("t1"), call("t2")], [say("Found.")]]);
    await parlour.caller("c1", "Look it up.");
    expect(agentPart(parlour.story)).toEqual([
      "agent.began a1",
      'agent.said a1 @0"One moment."',
      "audio a1 550",
      "tool.called t1",
      "tool.called t2",
      "agent.ended a1 complete",
    ]);
    parlour.link.answerTool(result("t2", "second"));
    await parlour.passes(0);
    expect(parlour.mind).toHaveLength(1);
    parlour.link.answerTool(result("t1", "first"));
    await parlour.passes(0);
    expect(parlour.mind.at(-1)).toBe("tools first second");
    expect(parlour.story.at(-1)).toBe("agent.ended a2 complete");
  });

  test("called without a word are no turn of the agent", async () => {
    const parlour = new Parlour([[call("t1")]]);
    await parlour.caller("c1", "Look it up.");
    expect(agentPart(parlour.story)).toEqual(["tool.called t1"]);
  });

  test("that are answered while they are being called wait for the last of them", async () => {
    const parlour = new Parlour([[call("t1"), call("t2")], [say("Found.")]]);
    parlour.onNotice = (notice) => {
      if (notice.type === "tool.called") parlour.link.answerTool(result(notice.toolCallId, notice.toolCallId));
    };
    await parlour.caller("c1", "Look it up.");
    expect(parlour.mind).toEqual(['caller "Look it up."', "tools t1 t2"]);
  });

  test("answered while the caller speaks are spoken of afterwards, before the new question", async () => {
    const parlour = new Parlour([[say("One moment."), call("t1")], [say("Found.")], [say("Sure.")]]);
    await parlour.caller("c1", "Look it up.");
    parlour.tellEar({ type: "caller.spoke", turnId: "c2", uplinkMs: 2_000 });
    parlour.link.answerTool(result("t1", "ok"));
    await parlour.passes(0);
    expect(parlour.mind).toHaveLength(1);
    await parlour.finishes("c2", "And hurry.", 3_000);
    expect(parlour.mind.slice(1)).toEqual(["tools ok", 'caller "And hurry."']);
  });

  test("that nobody called are counted as a puzzle", async () => {
    const parlour = new Parlour([]);
    parlour.link.answerTool(result("t9", "ok"));
    expect(parlour.story).toEqual(["link.puzzled a result of look_up, which nobody waits for"]);
  });

  test("that an earlier link called are answered on this one", async () => {
    const conversation: ConversationItem[] = [{ type: "tool", id: "t1", name: "look_up", arguments: "{}", output: undefined }];
    const parlour = new Parlour([[say("Found.")]], { conversation });
    parlour.link.answerTool(result("t1", "ok"));
    await parlour.passes(0);
    expect(parlour.mind).toEqual(["tools ok"]);
  });
});

describe("the beginning", () => {
  const asked: ConversationItem = { type: "caller", id: "c1", text: "Are you open?" };
  const ran: ConversationItem = { type: "tool", id: "t1", name: "look_up", arguments: "{}", output: "yes" };

  test.each([
    { begin: "greet" as const, conversation: [], mind: ["greet"] },
    { begin: "listen" as const, conversation: [asked], mind: [] },
    { begin: "carry-on" as const, conversation: [asked], mind: ["carry-on"] },
    { begin: "answer" as const, conversation: [asked], mind: ['caller "Are you open?"'] },
    { begin: "answer" as const, conversation: [asked, ran], mind: ["tools yes"] },
  ])("$begin after $conversation.length items is thought of as $mind", async ({ begin, conversation, mind }) => {
    const parlour = new Parlour([[say("Hello.")]], { begin, conversation });
    await parlour.passes(0);
    expect(parlour.mind).toEqual(mind);
    expect(parlour.story.length > 0).toBe(begin !== "listen");
  });
});

describe("the ear", () => {
  test("knows how long the agent is heard, though all audio was given out at once", async () => {
    const parlour = new Parlour([[say("One two three."), say("Four five six.")]]);
    await parlour.caller("c1", "Count.");
    await parlour.passes(29 * letterMs - 100);
    expect(parlour.ear.agentIsSpeaking).toBe(true);
    await parlour.passes(101);
    expect(parlour.ear.agentIsSpeaking).toBe(false);
  });

  test("that fails ends the link with its fault", () => {
    const parlour = new Parlour([]);
    parlour.tellEar({ type: "ears.failed", fault: new Fault("internal", "deaf") });
    expect(parlour.story).toEqual(["link.lost internal"]);
    expect(parlour.closed).toBe(1);
  });
});

describe("limits", () => {
  test("a reply without end does not run ahead of its playback for more than half a minute", async () => {
    const parlour = new Parlour([Array.from({ length: 100 }, () => say("A sentence of forty letters, give or take"))]);
    const givenOutMs = (): number =>
      parlour.story.filter((line) => line.startsWith("audio")).reduce((sum, line) => sum + Number(line.split(" ")[2]), 0);
    await parlour.caller("c1", "Go on.");
    expect(givenOutMs()).toBeGreaterThan(30_000);
    expect(givenOutMs()).toBeLessThan(35_000);
    await parlour.passes(60_000);
    expect(givenOutMs()).toBeGreaterThan(90_000);
    expect(givenOutMs()).toBeLessThan(95_000);
  });

  test("a mind that comes to nothing fails the turn, and the next one is answered", async () => {
    const parlour = new Parlour([[new Promise<MindPart>(() => {})], [say("Yes.")]]);
    await parlour.caller("c1", "Open?");
    await parlour.passes(20_000);
    expect(agentPart(parlour.story)).toEqual(["agent.began a1", "agent.ended a1 failed"]);
    await parlour.caller("c2", "Hello?", 30_000);
    expect(parlour.story.at(-1)).toBe("agent.ended a2 complete");
  });

  test("a mouth that fails once fails the turn, twice in a row the link", async () => {
    const parlour = new Parlour([[say("Yes.")], [say("Yes.")], [say("Yes.")]]);
    parlour.hoarse = new Fault("internal", "no voice");
    await parlour.caller("c1", "Open?");
    expect(agentPart(parlour.story)).toEqual(["agent.began a1", "agent.ended a1 failed"]);
    expect(parlour.link.isOpen).toBe(true);
    await parlour.caller("c2", "Hello?", 3_000);
    expect(parlour.story.slice(-2)).toEqual(["agent.ended a2 failed", "link.lost internal"]);
    expect(parlour.link.isOpen).toBe(false);
  });
});

describe("the end", () => {
  test.each([
    { how: "close", end: (parlour: Parlour) => parlour.link.close() },
    { how: "abort", end: (parlour: Parlour) => parlour.abort() },
  ])("by $how leaves nothing open, reports nothing more, and happens once", async ({ end }) => {
    const rest = Promise.withResolvers<MindPart>();
    const parlour = new Parlour([[say("One."), rest.promise]]);
    await parlour.caller("c1", "Count.");
    const told = parlour.story.length;
    end(parlour);
    end(parlour);
    rest.resolve(say("Two."));
    parlour.tellEar({ type: "caller.spoke", turnId: "c2", uplinkMs: 0 });
    parlour.link.takeText("hello?");
    parlour.link.answerTool(result("t1", "ok"));
    parlour.link.interrupt({ turnId: "a1", heardMs: 0 });
    await parlour.passes(60_000);
    expect(parlour.link.hear(new Uint8Array(640))).toBe(false);
    expect(parlour.story).toHaveLength(told);
    expect(parlour).toMatchObject({ closed: 1, ear: { isOpen: false, heardBytes: 0, agentIsSpeaking: false } });
    expect(parlour.clock.armed).toBe(0);
  });

  test("in the middle of a notice is the end of it", async () => {
    const parlour = new Parlour([[say("One."), say("Two.")]]);
    parlour.onNotice = (notice) => {
      if (notice.type === "agent.said") parlour.link.close();
    };
    await parlour.caller("c1", "Count.");
    expect(agentPart(parlour.story)).toEqual(["agent.began a1", 'agent.said a1 @0"One."']);
  });
});
