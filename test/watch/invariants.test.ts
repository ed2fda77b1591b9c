import { expect, test } from "vitest";
import { silentLog, type Log } from "../../src/kernel/log.ts";
import type { CallEvent } from "../../src/session/words.ts";
import { watchInvariants } from "../../src/watch/invariants.ts";
import { createMetrics } from "../../src/watch/metrics.ts";
import { samplesOf } from "./exposition.ts";

const callId = "c1";
const started: CallEvent = { callId, type: "call.started", dialect: "browser", agent: "desk", language: "en", tiers: [] };
const opened: CallEvent = {
  callId,
  type: "link.opened",
  provider: "local",
  setupMs: 7,
  attempt: 1,
  model: undefined,
  path: { up: ["pcmu@8000"], down: ["pcm16@24000", "pcmu@8000"] },
};
const closed: CallEvent = { callId, type: "link.closed", provider: "local", livedMs: 9 };
const ended: CallEvent = { callId, type: "call.ended", dialect: "browser", outcome: "completed", cause: undefined, durationMs: 9 };
const began: CallEvent = { callId, type: "tool.began", name: "book", toolCallId: "t1" };
const came: CallEvent = { callId, type: "tool.ended", name: "book", toolCallId: "t1", status: "ok", durationMs: 4 };
const account = { receivedMs: 5_000, deliveredMs: 4_000, overflowedMs: 500, forgottenMs: 0, unheardMs: 300, movedMs: 200 };
const accounted = (but: Partial<typeof account> = {}): CallEvent => ({ callId, type: "audio.accounted", ...account, ...but });
const timed = (totalMs: number): CallEvent => ({
  callId,
  type: "turn.timed",
  provider: "local",
  kind: "plain",
  times: { totalMs, stages: { endpointing: 300, provider: 500.2, playout: 99.9 } },
});

async function violations(...events: readonly CallEvent[]): Promise<readonly string[]> {
  const lines: unknown[] = [];
  const log: Log = { ...silentLog, error: (event, fields) => void lines.push([event, fields?.["callId"], fields?.["invariant"]]) };
  const metrics = createMetrics();
  const watch = watchInvariants(log, metrics);
  for (const event of events) watch.tell(event);
  const samples = [...samplesOf(await metrics.text())].filter(([name]) => name.startsWith("voice_invariant_violations_total{"));
  expect(samples).toHaveLength(5);
  const counted = samples.filter(([, count]) => count > 0).map(([name]) => /invariant="(\w+)"/.exec(name)?.[1] ?? "");
  expect(lines).toEqual(counted.map((invariant) => ["invariant_violated", callId, invariant]));
  return counted;
}

test("a call as it should be violates nothing", async () => {
  expect(await violations(started, opened, began, came, timed(900.1), closed, accounted(), ended, came)).toEqual([]);
});

test.each<[string, string, readonly CallEvent[]]>([
  ["caller audio of which nobody knows what became", "audio_accounted", [started, accounted({ unheardMs: 100 })]],
  ["less than nothing", "audio_accounted", [started, accounted({ overflowedMs: -500, unheardMs: 1_300 })]],
  ["more forgotten than any link was given", "audio_accounted", [started, accounted({ forgottenMs: 4_100 })]],
  ["a second end", "call_ends_once", [started, ended, ended]],
  ["a call that begins twice", "call_ends_once", [started, started]],
  ["a link that outlives its call", "links_closed", [started, opened, ended]],
  ["a link that closes twice", "links_closed", [started, opened, closed, closed, ended]],
  ["stages that do not add up", "stages_add_up", [started, timed(950)]],
  ["a tool that ends twice", "tools_ended", [started, began, came, came]],
])("%s is one count and one line", async (_, invariant, events) => {
  expect(await violations(...events)).toEqual([invariant]);
});
