import { expect, test } from "vitest";
import { babble, silence } from "../../../src/fakes/voice.ts";
import { silentLog } from "../../../src/kernel/log.ts";
import { seededRandom } from "../../../src/kernel/random.ts";
import type { LinkNotice, OpenRequest } from "../../../src/provider/contract.ts";
import { linkSettings } from "../../../src/provider/gemini/settings.ts";
import { Talk } from "../../../src/provider/gemini/talk.ts";
import { audioInput, type ServerEvent } from "../../../src/provider/gemini/wire.ts";
import { SimulatedClock } from "../../simulated-clock.ts";

const encoding = "pcm16@16000";
const words = (ms = 1_000): Uint8Array => babble("could you move my visit", encoding, ms);
const quiet = (ms: number): Uint8Array => silence(ms * 32, encoding);

function talk({ endpointing = "provider", ...own }: { endpointing?: "provider" | "manual"; model?: string; toolBehavior?: string } = {}) {
  const clock = new SimulatedClock();
  const sent: string[] = [];
  const notices: LinkNotice[] = [];
  const heard: string[] = [];
  const agent = {
    name: "desk",
    instructions: "",
    greeting: undefined,
    language: "en-US",
    voice: undefined,
    tools: [],
    providerSettings: { gemini: own },
  };
  const request: OpenRequest = {
    callId: "call_1",
    agent,
    uplink: encoding,
    downlink: "pcm16@24000",
    endpointing,
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
  };
  const subject = new Talk({
    request,
    settings: linkSettings(agent, "gemini-3.8-live"),
    send: (message) => sent.push(message),
    sendAudio: (frame) => sent.push(audioInput.around(frame)),
    notice: (notice) => notices.push(notice),
    audio: (bytes, turnId) => heard.push(`${turnId}:${bytes.length}`),
    lost: (fault) => notices.push({ type: "link.lost", fault }),
  });
  const take = (...events: readonly ServerEvent[]): void => events.forEach((event) => subject.take(event));
  /** In frames of 20 ms, in real time. */
  const say = async (...pieces: readonly Uint8Array[]): Promise<void> => {
    for (const piece of pieces) {
      for (let at = 0; at < piece.length; at += 640) {
        subject.hear(piece.subarray(at, at + 640));
        await clock.advance(20);
      }
    }
  };
  const types = (): string[] => notices.map((notice) => notice.type);
  const all = <T extends LinkNotice["type"]>(type: T) =>
    notices.filter((notice): notice is Extract<LinkNotice, { type: T }> => notice.type === type);
  return { subject, clock, sent, notices, heard, take, say, types, all };
}

const audio: ServerEvent = { type: "audio", bytes: new Uint8Array(960), rateHz: 24_000 };
const heardWords = (text: string): ServerEvent => ({ type: "heard", text });
const complete: ServerEvent = { type: "complete", reason: undefined };
const generated: ServerEvent = { type: "generated" };
const interrupted: ServerEvent = { type: "interrupted" };
const call = (id: string): ServerEvent => ({ type: "calls", calls: [{ id, name: "find_room", arguments: "{}" }] });

test("speech that the service gives words for has finished at its own end, however late that is noticed", async () => {
  const { say, take, all } = talk();
  await say(quiet(1_000), words(), quiet(200));
  take(heardWords("I need"), heardWords(" two nights"));
  await say(quiet(600));
  expect(all("caller.spoke")).toEqual([{ type: "caller.spoke", turnId: "caller_1", uplinkMs: 800 }]);
  expect(all("caller.finished")).toEqual([{ type: "caller.finished", turnId: "caller_1", uplinkMs: 2_000 }]);
  expect(all("caller.transcribed").map((notice) => notice.text)).toEqual(["I need", "I need two nights"]);
});

test("words that come after the silence finish the turn then", async () => {
  const { say, take, types } = talk();
  await say(words(), quiet(900));
  expect(types()).toEqual(["caller.spoke"]);
  take(heardWords("yes"));
  expect(types()).toEqual(["caller.spoke", "caller.transcribed", "caller.finished"]);
});

test("a cough of which the service says nothing is dismissed, and no answer is owed", async () => {
  const { say, types, clock } = talk();
  await say(words(200), quiet(3_600));
  expect(types()).toEqual(["caller.spoke", "caller.dismissed"]);
  await clock.advance(60_000);
  expect(types()).toHaveLength(2);
});

test("a long noise of which the service says nothing is dismissed; a caller who has to say it again is owed an answer", async () => {
  const { say, types, all, clock } = talk();
  await say(words(), quiet(3_600));
  expect(types()).toEqual(["caller.spoke", "caller.dismissed"]);
  await say(words(200), quiet(3_600), words(), quiet(3_600));
  expect(types().slice(2)).toEqual(["caller.spoke", "caller.dismissed", "caller.spoke", "caller.finished"]);
  await clock.advance(10_000);
  expect(all("link.lost")[0]?.fault.code).toBe("provider-silent");
});

test("noises on both sides of an answered turn are dismissed", async () => {
  const { say, take, all } = talk();
  await say(words(), quiet(3_600), words());
  take(heardWords("hello"));
  await say(quiet(600));
  take(audio, generated, complete);
  await say(words(), quiet(3_600));
  expect(all("caller.dismissed").map(({ turnId }) => turnId)).toEqual(["caller_1", "caller_4"]);
  expect(all("caller.finished").map(({ turnId }) => turnId)).toEqual(["caller_2"]);
});

test("a caller who goes on before the answer has resumed the same turn", async () => {
  const { say, take, notices } = talk();
  await say(words());
  take(heardWords("a table"));
  await say(quiet(700), words(), quiet(700));
  take(heardWords(" for two"), audio);
  const turn = "caller_1";
  expect(notices.filter((notice) => notice.type.startsWith("caller"))).toEqual([
    { type: "caller.spoke", turnId: turn, uplinkMs: 0 },
    { type: "caller.transcribed", turnId: turn, text: "a table", final: false },
    { type: "caller.finished", turnId: turn, uplinkMs: 1_000 },
    { type: "caller.resumed", turnId: turn },
    { type: "caller.finished", turnId: turn, uplinkMs: 2_700 },
    { type: "caller.transcribed", turnId: turn, text: "a table for two", final: false },
  ]);
});

test("an answer that begins while the line is still loud ends the turn where the caller is now", async () => {
  const { say, take, all } = talk();
  await say(words(2_000));
  take(heardWords("hello"), audio);
  expect(all("caller.finished")).toEqual([{ type: "caller.finished", turnId: "caller_1", uplinkMs: 2_000 }]);
});

test("words are final once the answer has begun and no more come; late ones are still taken", async () => {
  const { say, take, all, clock } = talk();
  await say(words(), quiet(600));
  take(heardWords("I need"), audio);
  await clock.advance(500);
  take(heardWords(" two nights"));
  await clock.advance(500);
  expect(all("caller.transcribed").map(({ final }) => final)).toEqual([false, false]);
  await clock.advance(300);
  expect(all("caller.transcribed").at(-1)).toEqual({
    type: "caller.transcribed",
    turnId: "caller_1",
    text: "I need two nights",
    final: true,
  });
});

test("words are final before what is done about them", async () => {
  const { say, take, types } = talk();
  await say(words(), quiet(600));
  take(heardWords("a room"), call("f1"));
  expect(types().slice(-2)).toEqual(["caller.transcribed", "tool.called"]);
});

test("words are final before the next turn begins, and those of an answered turn never open another", async () => {
  const { say, take, all, notices } = talk();
  await say(words(), quiet(600));
  take(heardWords("one"), audio, generated);
  await say(words());
  const finals = all("caller.transcribed").filter(({ final }) => final);
  expect(finals.map(({ text }) => text)).toEqual(["one"]);
  expect(notices.findIndex((notice) => notice === finals[0])).toBeLessThan(
    notices.findIndex((notice) => notice === all("caller.spoke")[1]),
  );
  take(complete);
});

test("a guess at the words is replaced, and gives way to the words", async () => {
  const { say, take, all } = talk();
  await say(words());
  take({ type: "guessed", text: "I kneed" }, { type: "guessed", text: "I need to" }, heardWords("I need"), heardWords(" two"));
  expect(all("caller.transcribed").map(({ text }) => text)).toEqual(["I kneed", "I need to", "I need", "I need two"]);
});

test("a caller whom only the service hears has a turn all the same", async () => {
  const { say, take, all, clock } = talk();
  await say(quiet(5_000));
  take(heardWords("hello"));
  expect(all("caller.spoke")).toEqual([{ type: "caller.spoke", turnId: "caller_1", uplinkMs: 2_000 }]);
  await clock.advance(1_400);
  take(heardWords(" there"));
  await clock.advance(1_400);
  expect(all("caller.finished")).toEqual([]);
  await clock.advance(200);
  expect(all("caller.finished")).toEqual([{ type: "caller.finished", turnId: "caller_1", uplinkMs: 5_000 }]);
});

test("the service's own voice activity has its own positions", async () => {
  const { say, take, all } = talk();
  await say(quiet(4_000));
  take({ type: "activity", edge: "start", atMs: 1_500 }, { type: "activity", edge: "end", atMs: 3_000 });
  expect(all("caller.spoke")[0]?.uplinkMs).toBe(1_300);
  expect(all("caller.finished")[0]?.uplinkMs).toBe(3_000);
  take({ type: "activity", edge: "start", atMs: 99_000 }, { type: "activity", edge: "end", atMs: 99_000 });
  expect(all("caller.finished").at(-1)?.uplinkMs).toBeLessThanOrEqual(4_000);
});

test("a model that wants to hear more gives the caller the word back", async () => {
  const { say, take, types, clock } = talk();
  await say(words(), quiet(600));
  take(heardWords("I would like"), { type: "complete", reason: "NEED_MORE_INPUT" });
  expect(types().at(-1)).toBe("caller.resumed");
  await clock.advance(60_000);
  expect(types()).not.toContain("link.lost");
});

test("an answer has ended when its last sound is there, not when its playback is thought to be over", () => {
  const { take, types } = talk();
  take(audio, generated);
  expect(types()).toEqual(["agent.began", "agent.ended"]);
  take(complete, { type: "complete", reason: "NEED_MORE_INPUT" });
  expect(types()).toHaveLength(2);
});

test("an interruption that comes twice, or after all was said, ends an answer once", () => {
  const { take, notices } = talk();
  take(audio, interrupted, interrupted, complete);
  take(audio, generated, interrupted, complete);
  expect(notices.filter((notice) => notice.type === "agent.ended")).toEqual([
    { type: "agent.ended", turnId: "agent_1", outcome: "interrupted" },
    { type: "agent.ended", turnId: expect.any(String), outcome: "complete" },
  ]);
});

test("what comes between an interruption and the turn's end is stale; what comes long after is not", async () => {
  const { take, heard, clock } = talk();
  take(audio, interrupted, audio, audio);
  expect(heard).toHaveLength(1);
  take(complete, audio, interrupted, audio);
  expect(heard).toHaveLength(2);
  await clock.advance(2_000);
  take(audio);
  expect(heard).toHaveLength(3);
  expect(new Set(heard).size).toBe(3);
});

test("an answer that the session cut is not passed on, whether or not the service notices; the next one is", () => {
  const { subject, take, heard, all } = talk();
  take(audio);
  subject.interrupt("agent_1");
  subject.interrupt("agent_1");
  take(audio, { type: "words", text: "and so" }, generated, complete);
  expect(heard).toHaveLength(1);
  expect(all("agent.ended")).toEqual([{ type: "agent.ended", turnId: "agent_1", outcome: "interrupted" }]);
  take(audio);
  expect(heard.at(-1)).toBe("agent_2:960");
});

test("an interruption of nothing is no sign of a caller", () => {
  const { take, types } = talk();
  take(interrupted, complete, interrupted, complete);
  expect(types()).toEqual([]);
});

test("our own words that interrupt the model are no caller", () => {
  const { subject, take, types } = talk();
  take(audio);
  subject.takeText("stop");
  take(interrupted, complete, audio);
  expect(types()).toEqual(["agent.began", "agent.ended", "agent.began"]);
  take(interrupted, complete);
  expect(types()).toContain("caller.spoke");
});

test("a caller who begins to speak while our words are being answered is not taken for answered", async () => {
  const { subject, say, take, types } = talk();
  subject.takeText("hello");
  await say(words(400));
  take(audio);
  expect(types()).toEqual(["caller.spoke", "agent.began"]);
});

test.for(["RESPONSE_REJECTED", "MALFORMED_FUNCTION_CALL", "SOMETHING_NEW"])("a turn that ended by %s has failed", (reason) => {
  const { take, all } = talk();
  take({ type: "complete", reason });
  expect(all("agent.ended")).toEqual([{ type: "agent.ended", turnId: "agent_1", outcome: "failed" }]);
  take(audio, { type: "complete", reason });
  expect(all("agent.ended")).toHaveLength(2);
  expect(all("agent.ended")[1]?.outcome).toBe("failed");
});

test("an empty turn fails when an answer was owed, and is nothing otherwise", () => {
  const { subject, take, types } = talk();
  take(complete);
  expect(types()).toEqual([]);
  subject.takeText("hello?");
  take(complete);
  expect(types()).toEqual(["agent.began", "agent.ended"]);
});

test("a handle is told with what was answered, not with what is still to be", async () => {
  const { say, take, all } = talk();
  const handle: ServerEvent = { type: "resumable", handle: "h" };
  await say(words(), quiet(600));
  take(handle, heardWords("one"), audio, generated, handle, complete, handle);
  expect(all("link.resumable").map(({ uplinkMs }) => uplinkMs)).toEqual([0, 0, 1_000]);
  await say(words());
  take(handle);
  expect(all("link.resumable").at(-1)?.uplinkMs).toBe(1_000);
});

test("a handle from before a call's result is not told: it does not know the call", () => {
  const { subject, take, all } = talk();
  take(call("f1"), { type: "resumable", handle: "old" });
  expect(all("link.resumable")).toEqual([]);
  subject.answerTool({ toolCallId: "f1", name: "find_room", output: "{}", failed: false });
  take(audio, generated, complete, { type: "resumable", handle: "new" });
  expect(all("link.resumable").map(({ handle }) => handle)).toEqual(["new"]);
});

test("what was said before a call that blocks is a turn of its own", () => {
  const { subject, take, notices } = talk({ toolBehavior: "BLOCKING" });
  take(audio, call("f1"));
  subject.answerTool({ toolCallId: "f1", name: "find_room", output: "{}", failed: false });
  take(audio, generated);
  expect(notices.map((notice) => ("turnId" in notice ? `${notice.type} ${notice.turnId}` : notice.type))).toEqual([
    "agent.began agent_1",
    "agent.ended agent_1",
    "tool.called",
    "agent.began agent_2",
    "agent.ended agent_2",
  ]);
});

test("of calls made at once only the last result is spoken of", () => {
  const { subject, take, sent } = talk();
  take({ type: "calls", calls: ["f1", "f2", "f3"].map((id) => ({ id, name: "find_room", arguments: "{}" })) });
  take({ type: "calls.cancelled", ids: ["f2"] });
  for (const toolCallId of ["f3", "f1"]) subject.answerTool({ toolCallId, name: "find_room", output: "{}", failed: false });
  const responses = sent.map((message) => JSON.parse(message).toolResponse.functionResponses[0]);
  expect(responses.map(({ id, scheduling }) => [id, scheduling])).toEqual([
    ["f3", "SILENT"],
    ["f1", "WHEN_IDLE"],
  ]);
});

test("a result for a withdrawn call is not sent, in no form", () => {
  const { subject, take, sent } = talk();
  take(call("f1"), { type: "calls.cancelled", ids: ["f1", "f9"] });
  subject.answerTool({ toolCallId: "f1", name: "find_room", output: "{}", failed: false });
  expect(sent).toEqual([]);
});

test("a call told twice is one call", () => {
  const { take, types } = talk();
  take(call("f1"), call("f1"));
  expect(types()).toEqual(["tool.called"]);
});

test("a microphone that pauses is told to the service, and its turn ends", async () => {
  const { say, take, sent, types, clock } = talk();
  await say(words());
  take(heardWords("two nights"));
  await clock.advance(1_500);
  expect(sent.at(-1)).toBe('{"realtimeInput":{"audioStreamEnd":true}}');
  expect(types().at(-1)).toBe("caller.finished");
  const before = sent.length;
  await clock.advance(5_000);
  expect(sent).toHaveLength(before);
  await say(quiet(40));
  await clock.advance(1_500);
  expect(sent).toHaveLength(before + 3);
});

test("nothing is told of a pausing microphone while audio would end the session", async () => {
  const { subject, say, take, sent, clock } = talk({ model: "gemini-2.5-flash-native-audio-preview-12-2025" });
  await say(quiet(100));
  take(call("f1"));
  expect(subject.deaf).toBe(true);
  const before = sent.length;
  await clock.advance(5_000);
  expect(sent).toHaveLength(before);
  subject.answerTool({ toolCallId: "f1", name: "find_room", output: "{}", failed: false });
  expect(subject.deaf).toBe(false);
});

test("by hand, the window opens when somebody speaks and is given what was said just before", async () => {
  const { subject, say, sent, all } = talk({ endpointing: "manual" });
  await say(quiet(3_000));
  expect(sent).toEqual([]);
  await say(words());
  subject.commitTurn();
  const frames = sent.map((message) => JSON.parse(message).realtimeInput);
  expect(frames[0]).toEqual({ activityStart: {} });
  expect(frames.at(-1)).toEqual({ activityEnd: {} });
  const bytes = frames.slice(1, -1).reduce((sum, frame) => sum + Buffer.from(frame.audio.data, "base64").length, 0);
  expect(bytes / 32).toBe(1_500);
  expect(all("caller.finished")).toEqual([{ type: "caller.finished", turnId: "caller_1", uplinkMs: 4_000 }]);
});

test("by hand, what was too quiet to be noticed is sent all the same, up to ten seconds of it", async () => {
  const { subject, say, sent, types } = talk({ endpointing: "manual" });
  await say(quiet(12_000));
  subject.commitTurn();
  expect(sent).toHaveLength(2 + 500);
  expect(types()).toEqual(["caller.spoke", "caller.finished"]);
});

test("by hand, what is kept is a copy", () => {
  const { subject, sent } = talk({ endpointing: "manual" });
  const frame = new Uint8Array(640).fill(1);
  subject.hear(frame);
  frame.fill(2);
  subject.commitTurn();
  expect(Buffer.from(JSON.parse(sent[1] ?? "").realtimeInput.audio.data, "base64")).toEqual(Buffer.alloc(640, 1));
});

test("by hand, a turn without any audio is dismissed", () => {
  const { subject, sent, types } = talk({ endpointing: "manual" });
  subject.commitTurn();
  expect(sent).toEqual([]);
  expect(types()).toEqual(["caller.dismissed"]);
});

test("by hand, text on a family that takes it as realtime input comes within an activity", () => {
  const { subject, sent } = talk({ endpointing: "manual", model: "gemini-3.1-flash-live-preview" });
  subject.takeText("hello");
  expect(sent.map((message) => Object.keys(JSON.parse(message).realtimeInput)[0])).toEqual(["activityStart", "text", "activityEnd"]);
});

test("audio of another rate is made the agreed one", () => {
  const { take, heard, all } = talk();
  take({ type: "audio", bytes: new Uint8Array(1_920), rateHz: 48_000 }, { type: "audio", bytes: new Uint8Array(20), rateHz: 11_025 });
  expect(heard).toEqual(["agent_1:960"]);
  expect(all("link.puzzled")).toHaveLength(1);
});

test("no timer outlives the talk", async () => {
  const { subject, say, take, clock } = talk();
  await say(words());
  take(heardWords("hello"), audio);
  subject.takeText("and?");
  subject.close();
  expect(clock.armed).toBe(0);
});
