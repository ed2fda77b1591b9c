import { expect, test } from "vitest";
import { silentLog } from "../../../src/kernel/log.ts";
import { seededRandom } from "../../../src/kernel/random.ts";
import type { LinkNotice } from "../../../src/provider/contract.ts";
import { Talk } from "../../../src/provider/openai/talk.ts";
import type { ClientEvent } from "../../../src/provider/openai/client-events.ts";
import type { ServerEvent } from "../../../src/provider/openai/server-events.ts";
import { SimulatedClock } from "../../simulated-clock.ts";

function talk() {
  const clock = new SimulatedClock();
  const sent: ClientEvent[] = [];
  const notices: LinkNotice[] = [];
  const heard: string[] = [];
  const agent = { name: "desk", instructions: "", greeting: undefined, language: "en", voice: undefined, tools: [], providerSettings: {} };
  const subject = new Talk({
    request: {
      callId: "call_1",
      agent,
      uplink: "pcmu@8000",
      downlink: "pcmu@8000",
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
    settings: {
      model: "m",
      transcriptionModel: "t",
      turnDetection: {},
      noiseReduction: undefined,
      speed: undefined,
      maxOutputTokens: undefined,
      reasoningEffort: undefined,
    },
    secret: "key",
    send: (event) => sent.push(event),
    notice: (notice) => notices.push(notice),
    audio: (bytes, turnId) => heard.push(`${turnId}:${bytes.length}`),
    lost: (fault) => notices.push({ type: "link.lost", fault }),
  });
  const take = (...events: readonly ServerEvent[]): void => events.forEach((event) => subject.take(event));
  return { subject, clock, sent, notices, heard, take, types: () => sent.map((event) => event.type) };
}

const begun = (responseId: string, itemId: string): ServerEvent[] => [
  { type: "response.created", responseId, askId: undefined },
  { type: "response.item", responseId, itemId, kind: "message" },
];
const audio = (responseId: string, itemId: string, ms: number): ServerEvent => ({
  type: "response.audio",
  responseId,
  itemId,
  bytes: new Uint8Array(ms * 8),
});
const done = (responseId: string): ServerEvent => ({
  type: "response.done",
  responseId,
  status: "completed",
  error: undefined,
  used: undefined,
});
const refusal = (code: string, eventId: string | undefined): ServerEvent => ({
  type: "error",
  error: { code, message: "", param: undefined, eventId },
});

test("a response that has gone quiet is cancelled before it can keep the caller waiting for the next", async () => {
  const { subject, clock, take, types, sent } = talk();
  take(...begun("r1", "i1"));
  subject.takeText("hello");
  await clock.advance(2_900);
  expect(types()).toEqual(["conversation.item.create"]);
  await clock.advance(200);
  expect(types()).toEqual(["conversation.item.create", "response.cancel"]);
  take(refusal("response_cancel_not_active", sent[1]?.event_id));
  expect(types()).toEqual(["conversation.item.create", "response.cancel", "response.create"]);
  subject.close();
  expect(clock.armed).toBe(0);
});

test("a response that still speaks is not cancelled for another that waits", async () => {
  const { subject, clock, take, types } = talk();
  take(...begun("r1", "i1"));
  subject.takeText("hello");
  for (let at = 0; at < 10; at += 1) {
    await clock.advance(1_000);
    take(audio("r1", "i1", 100));
  }
  expect(types()).toEqual(["conversation.item.create"]);
  subject.close();
});

test("a request that another response outran is made again only for what that one did not answer", () => {
  const { subject, take, types, sent } = talk();
  subject.takeText("in time");
  take(...begun("auto", "i1"), refusal("conversation_already_has_active_response", sent[1]?.event_id), {
    type: "item.added",
    itemId: sent[0]?.event_id ?? "",
  });
  take(done("auto"));
  expect(types()).toEqual(["conversation.item.create", "response.create", "response.create"]);

  const other = talk();
  other.subject.takeText("in time");
  other.take({ type: "item.added", itemId: other.sent[0]?.event_id ?? "" }, ...begun("auto", "i1"));
  other.take(refusal("conversation_already_has_active_response", other.sent[1]?.event_id), done("auto"));
  expect(other.types()).toEqual(["conversation.item.create", "response.create"]);
});

test("a service that does not give metadata back is asked again all the same", () => {
  const { subject, take, types } = talk();
  for (const text of ["one", "two"]) {
    subject.takeText(text);
    take({ type: "item.added", itemId: text === "one" ? "t_1" : "t_3" }, ...begun(`r_${text}`, "i1"), done(`r_${text}`));
  }
  expect(types()).toEqual(["conversation.item.create", "response.create", "conversation.item.create", "response.create"]);
});

test("a turn that ended while a response ran is asked for when the service did not answer it itself", () => {
  const { take, types } = talk();
  take(...begun("r1", "i1"), { type: "committed", itemId: "u1" }, done("r1"));
  expect(types()).toEqual(["response.create"]);

  const other = talk();
  other.take({ type: "committed", itemId: "u1" }, ...begun("r1", "i1"), done("r1"));
  expect(other.types()).toEqual([]);
});

test("what comes late of an interrupted response is dropped, and a message it began late is taken back", () => {
  const { subject, take, types, heard, notices } = talk();
  take(...begun("r1", "i1"), audio("r1", "i1", 1_000));
  subject.interrupt("r1", 400);
  take(
    audio("r1", "i1", 200),
    { type: "response.words", responseId: "r1", itemId: "i1", delta: "late" },
    { type: "response.item", responseId: "r1", itemId: "i2", kind: "message" },
  );
  take({ type: "response.call", responseId: "r1", callId: "c1", name: "find_room", arguments: "{}" });
  expect(types()).toEqual(["response.cancel", "conversation.item.truncate", "conversation.item.delete"]);
  expect(heard).toEqual(["r1:8000"]);
  expect(notices.map((notice) => notice.type)).toEqual(["agent.began", "agent.ended"]);
});

test("an answer heard to the end of what came is still cut there, for the service had more to say", () => {
  const { subject, take, sent } = talk();
  take(...begun("r1", "i1"), audio("r1", "i1", 1_000));
  subject.interrupt("r1", 5_000);
  expect(sent.at(-1)).toMatchObject({ type: "conversation.item.truncate", item_id: "i1", audio_end_ms: 1_000 });
});

test("the end of a response that was never announced changes nothing", () => {
  const { take, notices, sent } = talk();
  take(done("r9"));
  expect([...notices, ...sent]).toEqual([]);
});

test("audio of a response that was never announced is a puzzle, not a turn", () => {
  const { take, notices, heard } = talk();
  take(audio("r9", "i9", 100));
  expect(notices.map((notice) => notice.type)).toEqual(["link.puzzled"]);
  expect(heard).toEqual([]);
});

test("a call is told once, and a cancelled response's half call never", () => {
  const { take, notices } = talk();
  const call: ServerEvent = { type: "response.call", responseId: "r1", callId: "c1", name: "find_room", arguments: "{}" };
  take({ type: "response.created", responseId: "r1", askId: undefined }, call, call);
  expect(notices.filter((notice) => notice.type === "tool.called")).toHaveLength(1);
});

test("words that come before those of an earlier turn wait for them", () => {
  const { take, notices } = talk();
  take({ type: "speech.started", itemId: "u1", atMs: 0 }, { type: "speech.started", itemId: "u2", atMs: 900 });
  take({ type: "transcript.done", itemId: "u2", text: "second", used: undefined });
  expect(notices.filter((notice) => notice.type === "caller.transcribed")).toEqual([]);
  take({ type: "transcript.done", itemId: "u1", text: "first", used: undefined });
  expect(notices.slice(2)).toEqual([
    { type: "caller.transcribed", turnId: "u1", text: "first", final: true },
    { type: "caller.transcribed", turnId: "u2", text: "second", final: true },
  ]);
});

test("words of a turn whose recognition failed are what was heard of them", () => {
  const { take, notices } = talk();
  take(
    { type: "speech.started", itemId: "u1", atMs: 0 },
    { type: "transcript.delta", itemId: "u1", delta: "I need" },
    { type: "transcript.failed", itemId: "u1" },
  );
  expect(notices.at(-1)).toEqual({ type: "caller.transcribed", turnId: "u1", text: "I need", final: true });
});

test("words that never come hold back later ones for eight turns, not for ever", () => {
  const { take, notices } = talk();
  for (let at = 0; at < 9; at += 1) take({ type: "speech.started", itemId: `u${at}`, atMs: at });
  take({ type: "transcript.done", itemId: "u1", text: "second", used: undefined });
  const finals = notices.flatMap((notice) =>
    notice.type === "caller.transcribed" && notice.final ? [`${notice.turnId} ${notice.text}`] : [],
  );
  expect(finals).toEqual(["u0 ", "u1 second"]);
});
