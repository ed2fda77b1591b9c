import { describe, expect, test } from "vitest";
import { silentLog } from "../../../src/kernel/log.ts";
import { seededRandom } from "../../../src/kernel/random.ts";
import type { LinkNotice } from "../../../src/provider/contract.ts";
import { Talk } from "../../../src/provider/deepgram-agent/talk.ts";
import type { ServerMessage } from "../../../src/provider/deepgram-agent/wire.ts";
import { SimulatedClock } from "../../simulated-clock.ts";

function talk(downlink: "pcmu@8000" | "pcm16@24000" = "pcmu@8000") {
  const clock = new SimulatedClock();
  const told: string[] = [];
  const notices: LinkNotice[] = [];
  const injected: string[] = [];
  const answered: string[] = [];
  const sent = { ms: 0 };
  const agent = { name: "desk", instructions: "", greeting: undefined, language: "en", voice: undefined, tools: [], providerSettings: {} };
  const subject = new Talk({
    request: {
      callId: "call_1",
      agent,
      uplink: "pcmu@8000",
      downlink,
      endpointing: "provider",
      conversation: [],
      begin: "listen",
      resumption: undefined,
      handOver: undefined,
      urgent: false,
      openLimitMs: 1_000,
      report: { audio: () => {}, notice: () => {} },
      signal: new AbortController().signal,
      clock,
      random: seededRandom(1),
      log: silentLog,
    },
    get sentMs() {
      return sent.ms;
    },
    inject: (text) => injected.push(text),
    answerCall: (id, name, content) => answered.push(`${id} ${name} ${content}`),
    notice: (notice) => {
      notices.push(notice);
      told.push(inWords(notice));
    },
    audio: (bytes, turnId) => told.push(`${turnId}: ${bytes.length} bytes`),
  });
  const take = (...messages: readonly ServerMessage[]): void => messages.forEach((message) => subject.take(message));
  const hear = (bytes = 160): void => subject.takeAudio(new Uint8Array(bytes));
  return { subject, clock, told, notices, injected, answered, sent, take, hear };
}

function inWords(notice: LinkNotice): string {
  const turn = "turnId" in notice ? ` ${notice.turnId}` : "";
  const text = "text" in notice ? ` ${JSON.stringify(notice.text)}` : "";
  const more = notice.type === "agent.ended" ? ` ${notice.outcome}` : "uplinkMs" in notice ? ` ${notice.uplinkMs}` : "";
  return `${notice.type}${turn}${text}${more}`;
}

const spoke: ServerMessage = { type: "caller.spoke" };
const audioDone: ServerMessage = { type: "audio.done" };
const answering: ServerMessage = { type: "answering" };
const user = (text: string): ServerMessage => ({ type: "said", by: "caller", text });
const agent = (text: string): ServerMessage => ({ type: "said", by: "agent", text });
const calls = (...ids: string[]): ServerMessage => ({
  type: "calls",
  calls: ids.map((id) => ({ id, name: "find_room", arguments: "{}", ours: true })),
});

describe("the caller's turns", () => {
  test("a turn goes from the first sign of speech to its words, at positions that keep too much rather than too little", () => {
    const { take, sent, told } = talk();
    sent.ms = 4_000;
    take(spoke);
    sent.ms = 6_000;
    take(user("two nights"));
    expect(told).toEqual([`caller.spoke c1 3000`, `caller.transcribed c1 "two nights"`, `caller.finished c1 5700`]);
  });

  test("no turn begins before the end of the one before it", () => {
    const { take, sent, told } = talk();
    sent.ms = 2_000;
    take(spoke, user("one"));
    sent.ms = 2_100;
    take(spoke);
    expect(told.at(-1)).toBe("caller.spoke c2 1700");
  });

  test("that the caller speaks is told once, however often it comes", () => {
    const { take, told } = talk();
    take(spoke, spoke);
    expect(told).toEqual(["caller.spoke c1 0"]);
  });

  test("words without a sign of speech before them are a whole turn", () => {
    const { take, told } = talk();
    take(user("hello"));
    expect(told).toEqual(["caller.spoke c1 0", `caller.transcribed c1 "hello"`, "caller.finished c1 0"]);
  });

  test("a second sentence before any answer belongs to the same turn", () => {
    const { take, told } = talk();
    take(spoke, user("I need"), user("two nights."));
    expect(told.slice(3)).toEqual(["caller.resumed c1", `caller.transcribed c1 "I need two nights."`, "caller.finished c1 0"]);
  });

  test("a second sentence after the answer began is a turn of its own", () => {
    const { take, told } = talk();
    take(spoke, user("one"), agent("Yes?"), user("two"));
    expect(told).toContain(`caller.transcribed c2 "two"`);
  });

  test("the agent's thinking ends the turn, and the words may follow", () => {
    const { take, told } = talk();
    take(spoke, answering);
    expect(told.at(-1)).toBe("caller.finished c1 0");
    take(user("late words"));
    expect(told.slice(2)).toEqual([`caller.transcribed c1 "late words"`]);
  });

  test("a turn that was answered without words is settled as such when the next begins", () => {
    const { take, told } = talk();
    take(spoke, agent("Yes?"), spoke);
    expect(told.filter((line) => line.startsWith("caller.transcribed"))).toEqual([`caller.transcribed c1 ""`]);
  });

  test("speech without words is dismissed, at once when the service says so and else after a minute", async () => {
    const { take, clock, told } = talk();
    take(spoke, user(""));
    expect(told.at(-1)).toBe("caller.dismissed c1");
    take(spoke);
    await clock.advance(59_000);
    expect(told.at(-1)).toBe("caller.spoke c2 0");
    await clock.advance(2_000);
    expect(told.at(-1)).toBe("caller.dismissed c2");
  });
});

describe("the agent's turns", () => {
  test("sentences and audio of one reply are one turn, whichever comes first", () => {
    const { take, hear, told } = talk();
    hear();
    take(agent("One."), agent("Two."));
    hear();
    take(audioDone);
    expect(told).toEqual([
      "agent.began a1",
      "a1: 160 bytes",
      `agent.said a1 "One."`,
      `agent.said a1 " Two."`,
      "a1: 160 bytes",
      "agent.ended a1 complete",
    ]);
  });

  test("a reply whose end is never told is over when nothing more comes", async () => {
    const { take, hear, clock, told } = talk();
    take(agent("One."));
    hear();
    await clock.advance(2_900);
    hear();
    await clock.advance(2_900);
    expect(told.at(-1)).toBe("a1: 160 bytes");
    await clock.advance(200);
    expect(told.at(-1)).toBe("agent.ended a1 complete");
    expect(clock.armed).toBe(0);
  });

  test("a service that says it is slow is given more time", async () => {
    const { take, hear, clock, told } = talk();
    hear();
    await clock.advance(2_500);
    take({ type: "warning", code: "SLOW_SPEAK_REQUEST", description: "" });
    await clock.advance(2_500);
    expect(told).not.toContain("agent.ended a1 complete");
    await clock.advance(600);
    expect(told).toContain("agent.ended a1 complete");
  });

  test("words that nobody ever speaks are a failed turn", async () => {
    const { take, clock, told } = talk();
    take(agent("One."));
    await clock.advance(5_900);
    expect(told.at(-1)).toBe(`agent.said a1 "One."`);
    await clock.advance(200);
    expect(told.at(-1)).toBe("agent.ended a1 failed");
  });

  test("the end of the reply before does not end the next", () => {
    const { take, hear, told } = talk();
    hear();
    take(spoke, user("wait"), agent("Yes?"), audioDone);
    expect(told.at(-1)).toBe(`agent.said a2 "Yes?"`);
  });

  test("half a sample waits for its other half", () => {
    const { hear, told } = talk("pcm16@24000");
    hear(3);
    hear(1);
    hear(1);
    hear(4);
    hear(1);
    expect(told.slice(1)).toEqual(["a1: 2 bytes", "a1: 2 bytes", "a1: 4 bytes", "a1: 2 bytes"]);
  });
});

describe("barge-in", () => {
  test("the caller's speech ends the reply, and what was on its way of it is dropped until the next", () => {
    const { take, hear, told } = talk();
    take(agent("A long"));
    hear();
    take(spoke);
    hear();
    take(audioDone);
    hear();
    take(user("stop"), agent("Very well."));
    hear();
    expect(told).toEqual([
      "agent.began a1",
      `agent.said a1 "A long"`,
      "a1: 160 bytes",
      "caller.spoke c1 0",
      "agent.ended a1 interrupted",
      `caller.transcribed c1 "stop"`,
      "caller.finished c1 0",
      "agent.began a2",
      `agent.said a2 "Very well."`,
      "a2: 160 bytes",
    ]);
  });

  test("a reply that only we have cut is dropped to its end, its later sentences too", () => {
    const { subject, take, hear, told } = talk();
    hear();
    subject.interrupt("a1");
    subject.interrupt("a1");
    hear();
    take(agent("and further"));
    hear();
    expect(told.slice(2)).toEqual(["agent.ended a1 interrupted"]);
    take(audioDone, agent("Next."));
    expect(told.at(-1)).toBe(`agent.said a2 "Next."`);
  });

  test("what we cut and nobody ended keeps the agent silent no longer than a reply pauses", async () => {
    const { subject, take, hear, clock, told } = talk();
    hear();
    subject.interrupt("a1");
    await clock.advance(3_100);
    take(agent("Are you there?"));
    expect(told.at(-1)).toBe(`agent.said a2 "Are you there?"`);
  });

  test("an interruption of a turn that is over changes nothing", () => {
    const { subject, take, hear, told } = talk();
    hear();
    take(audioDone);
    subject.interrupt("a1");
    hear();
    expect(told.slice(2)).toEqual(["agent.ended a1 complete", "agent.began a2", "a2: 160 bytes"]);
  });
});

describe("injected words", () => {
  test("their echo is no turn of the caller's, in whatever spelling", () => {
    const { subject, take, told, injected } = talk();
    subject.takeText("Two nights");
    take(user("two nights."), agent("Fine."));
    expect(injected).toEqual(["Two nights"]);
    expect(told).toEqual(["agent.began a1", `agent.said a1 "Fine."`]);
  });

  test("what the caller says meanwhile is told", () => {
    const { subject, take, told } = talk();
    take(spoke);
    subject.takeText("Two nights");
    take(user("and a cot"), user("Two nights"));
    expect(told.filter((line) => line.startsWith("caller.transcribed"))).toEqual([`caller.transcribed c1 "and a cot"`]);
  });

  test("an echo that never came swallows no later words", () => {
    const { subject, take, hear, told } = talk();
    subject.takeText("Two nights");
    take(agent("Fine."));
    hear();
    take(audioDone, user("thanks"));
    expect(told).toContain(`caller.transcribed c1 "thanks"`);
  });

  test("somebody waits from the words to the answer", () => {
    const { subject, take, hear } = talk();
    expect(subject.owed).toBe(false);
    subject.takeText("Two nights");
    expect(subject.owed).toBe(true);
    hear();
    take(audioDone);
    expect(subject.owed).toBe(false);
  });
});

describe("calls", () => {
  test("a call is told once and answered by its id", () => {
    const { subject, take, told, answered } = talk();
    take(calls("fc_1"), calls("fc_1"));
    expect(told).toEqual(["tool.called"]);
    subject.answerTool({ toolCallId: "fc_1", name: "find_room", output: '{"rooms":3}', failed: false });
    expect(answered).toEqual(['fc_1 find_room {"rooms":3}']);
  });

  test("a call that the service answers itself is not ours", () => {
    const { take, told } = talk();
    take({ type: "calls", calls: [{ id: "fc_1", name: "x", arguments: "{}", ours: false }] });
    expect(told).toEqual([]);
  });

  test("a call that was taken back is told so, and its result goes nowhere", () => {
    const { subject, take, told, answered, injected } = talk();
    take(calls("fc_1"), { type: "calls.cancelled", ids: ["fc_1", "fc_unknown"] });
    subject.answerTool({ toolCallId: "fc_1", name: "find_room", output: "{}", failed: false });
    expect(told).toEqual(["tool.called", "tool.cancelled"]);
    expect([...answered, ...injected]).toEqual([]);
  });

  test("a flood of calls is bounded", () => {
    const { take, notices } = talk();
    take(calls(...Array.from({ length: 200 }, (_, at) => `fc_${at}`)));
    expect(notices.filter((notice) => notice.type === "tool.called")).toHaveLength(64);
    expect(notices.filter((notice) => notice.type === "link.puzzled")).toHaveLength(136);
  });

  test("the result of a call that this session never made is told in a note", () => {
    const { subject, answered, injected } = talk();
    subject.answerTool({ toolCallId: "t1", name: "find_room", output: '{"rooms":3}', failed: false });
    expect(answered).toEqual([]);
    expect(injected).toEqual(['[The result of find_room has come: {"rooms":3}. Tell the caller.]']);
  });
});

test("after the end of the link no timer is left", () => {
  const { subject, take, hear, clock } = talk();
  hear();
  take(spoke);
  subject.close();
  expect(clock.armed).toBe(0);
});
