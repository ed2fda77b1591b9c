import { expect, test } from "vitest";
import { observed } from "../../src/guard/observed.ts";
import { Fault } from "../../src/kernel/fault.ts";
import type { Begin, Link, LinkNotice } from "../../src/provider/contract.ts";
import { SimulatedClock } from "../simulated-clock.ts";
import { plain, requestOn, ScriptedProvider } from "./wire.ts";

/** A session that took 400 ms to open, and what its witness was told since. */
async function house(begin?: Begin) {
  const clock = new SimulatedClock();
  const provider = new ScriptedProvider(clock);
  provider.conduct = { does: "serve", ms: 400 };
  const told: string[] = [];
  const watched = observed(plain(provider), () => ({
    opened: (setupMs) => void told.push(`opened after ${setupMs}`),
    answered: (afterMs) => void told.push(`answered after ${afterMs}`),
    proved: (proof) => void told.push(proof),
    noticed: () => {},
    ended: ({ failing, waitedMs }) => void told.push(`${failing ?? "ended"}, waited ${waitedMs}`),
  }));
  const abort = new AbortController();
  const opening = watched.open(requestOn(clock, abort.signal, begin));
  await clock.advance(400);
  const link = await opening;
  const after = told.length;
  return { clock, provider, link, abort, since: () => told.slice(after) };
}

const finished: LinkNotice = { type: "caller.finished", turnId: "c1", uplinkMs: 10 };
const toolCalled: LinkNotice = { type: "tool.called", toolCallId: "t1", name: "book", arguments: "{}" };
const result = { toolCallId: "t1", name: "book", output: "{}", failed: false };

test.each<{ name: string; begin?: Begin; owe: (link: Link, provider: ScriptedProvider) => void }>([
  { name: "a caller's turn that ended", owe: (_, provider) => provider.tells(finished) },
  { name: "a turn that was typed", owe: (link) => link.takeText("hello") },
  { name: "a greeting", begin: "greet", owe: () => {} },
  { name: "an answer that a new link begins with", begin: "answer", owe: () => {} },
  { name: "the same of a link that waited", owe: (link) => link.takeOver([], "answer", undefined) },
  { name: "what follows from a tool's result", owe: (link) => link.answerTool(result) },
])("$name is answered by the first audio, counted from when it was owed", async ({ begin, owe }) => {
  const { clock, provider, link, since } = await house(begin);
  owe(link, provider);
  await clock.advance(700);
  provider.speaks("a1");
  provider.speaks("a1");
  expect(since()).toEqual(["answered after 700"]);
});

test("a tool call answers a turn, and its result is owed an answer of its own", async () => {
  const { clock, provider, link, since } = await house();
  provider.tells(finished);
  await clock.advance(300);
  provider.tells(toolCalled);
  await clock.advance(2_000);
  link.answerTool(result);
  await clock.advance(500);
  provider.speaks("a1");
  expect(since()).toEqual(["answered after 300", "answered after 500"]);
});

test.each<{ name: string; forgive: (link: Link, provider: ScriptedProvider) => void }>([
  { name: "had no words", forgive: (_, provider) => provider.tells({ type: "caller.dismissed", turnId: "c1" }) },
  { name: "went on", forgive: (_, provider) => provider.tells({ type: "caller.resumed", turnId: "c1" }) },
  { name: "was followed by another", forgive: (_, provider) => provider.tells({ type: "caller.spoke", turnId: "c2", uplinkMs: 20 }) },
  { name: "was cut", forgive: (link) => link.interrupt({ turnId: "a1", heardMs: 0 }) },
])("a turn that $name is owed nothing", async ({ forgive }) => {
  const { clock, provider, link, since } = await house();
  provider.tells(finished);
  await clock.advance(700);
  forgive(link, provider);
  provider.speaks("a1");
  await clock.advance(5_000);
  expect(since()).toEqual(["lived"]);
});

test.each([
  { name: "an unanswered turn", before: [finished], waitedMs: 6_000, failing: "unanswered", code: "provider-silent" },
  { name: "a loss in its first moments", before: [], waitedMs: undefined, failing: "flapped", code: "provider-dropped" },
  { name: "a time that was over", before: [], waitedMs: undefined, failing: "ended", code: "provider-expired" },
] as const)("$name is told as it is, with what was waited for", async ({ before, waitedMs, failing, code }) => {
  const { clock, provider, link, abort, since } = await house();
  provider.tells(...before);
  await clock.advance(waitedMs ?? 1_000);
  abort.abort(new Fault(code, "x"));
  link.close();
  expect(since()).toEqual([`${failing}, waited ${waitedMs}`]);
  expect(provider.sessions).toBe(0);
});

test("a loss after it was proven is a loss", async () => {
  const { clock, provider, since } = await house();
  await clock.advance(5_000);
  provider.tells({ type: "link.lost", fault: new Fault("provider-dropped", "x") });
  expect(since()).toEqual(["lived", "lost, waited undefined"]);
});
