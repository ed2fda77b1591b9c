import { expect, test, type TestContext } from "vitest";
import { msOf } from "../../src/audio/encodings.ts";
import type { Clock } from "../../src/kernel/clock.ts";
import type { ToldItem } from "../../src/fakes/panel.ts";
import type { ConversationItem } from "../../src/provider/contract.ts";
import { SimulatedClock } from "../simulated-clock.ts";
import { pause, type Bench } from "./bench.ts";
import { Line } from "./line.ts";

/** What a link tells of itself, whether or not it works for a call. */
const asides: readonly string[] = ["link.named", "link.used"];
const before: readonly ConversationItem[] = [
  { type: "caller", id: "c1", text: "I am Ada and I need two nights." },
  { type: "tool", id: "t1", name: "find_room", arguments: '{"nights":2}', output: undefined },
];
const since: readonly ConversationItem[] = [
  { type: "tool", id: "t1", name: "find_room", arguments: '{"nights":2}', output: '{"rooms":31}' },
  { type: "agent", id: "a1", text: "Thirty rooms are free. From which date?", interrupted: false },
  { type: "caller", id: "c2", text: "And with a view?" },
  { type: "tool", id: "t2", name: "find_room", arguments: '{"nights":7}', output: '{"rooms":77}' },
  { type: "agent", id: "a2", text: "There is one with", interrupted: true },
  { type: "caller", id: "c3", text: "Then I take the cheapest one." },
];
/** Each of these is told in this order, once. */
const marks = ["I am Ada", '"rooms":31', "From which date?", "And with a view?", '"rooms":77', "There is one with", "the cheapest one"];
const minuteMs = 60_000;

/** How a provider's links are opened ahead of need, wait, and are called to work. */
export function standsBy(make: () => Promise<Bench>): void {
  test("a provider whose links cannot wait refuses to open one that does", async (context) => {
    await using bench = await make();
    context.skip(bench.provider.traits.standby, "by trait");
    await using line = new Line(bench, { begin: "wait" });
    expect((await line.refused()).row.remedy).toBe("other-provider");
    expect(bench.panel?.connections ?? 0).toBe(0);
  });

  test("a link that waits says nothing, takes nothing and, closed, leaves nothing", async (context) => {
    await using bench = await standby(context, make);
    const line = await new Line(bench, { begin: "wait", conversation: before }).open();
    expect(line.ends.hear(bench.speech(line.request.uplink))).toBe(false);
    line.ends.takeText("hello?");
    line.ends.commitTurn();
    line.ends.interrupt({ turnId: "x", heardMs: 0 });
    line.ends.answerTool({ toolCallId: "t1", name: "find_room", output: "{}", failed: false });
    line.ends.close();
    // Waits for the other side to see the end: by then everything sent before it has come.
    await line[Symbol.asyncDispose]();
    expect(talk(line)).toEqual([]);
    if (bench.panel !== undefined) {
      expect(bench.panel.records.map((record) => [record.answers, record.heard.bytes])).toEqual(bench.panel.records.map(() => [0, 0]));
      expect(bench.panel.violations).toEqual([]);
    }
    line.ends.takeOver(since, "answer", undefined);
    expect(talk(line)).toEqual([]);
  });

  test("a link that takes over knows the whole conversation, each item once and in order, and answers at once", async (context) => {
    await using bench = await standby(context, make);
    const told: (readonly ToldItem[])[] = [];
    bench.panel?.reply((items) => (told.push([...items]), { text: "Room seven it is.", ms: 1_000 }));
    await using line = await new Line(bench, { begin: "wait", conversation: before }).open();
    line.ends.takeOver(since, "answer", undefined);
    await line.becomes(() => line.all("agent.ended").some(({ turnId }) => line.audioMs(turnId) > 0), "the answer");
    if (bench.panel === undefined) return;
    expect(line.said(line.all("agent.ended")[0]?.turnId ?? "").trim()).toBe("Room seven it is.");
    expect(told).toHaveLength(1);
    const known = JSON.stringify([bench.panel.sessionSettings()?.instructions, told[0]]).replaceAll("\\", "");
    const places = marks.map((mark) => known.indexOf(mark));
    expect(places, known).not.toContain(-1);
    expect(places, known).toEqual(places.toSorted((a, b) => a - b));
    for (const mark of marks) expect(known.split(mark), mark).toHaveLength(2);
    const results = told[0]?.flatMap((item) => (item.by === "tool" ? [item.output] : []));
    if (bench.provider.traits.seeding === "items") expect(results).toEqual(['{"rooms":31}', '{"rooms":77}']);
    expect(bench.panel.violations).toEqual([]);
  });

  test("an item that the link was told before is not told again", async (context) => {
    await using bench = await standby(context, make);
    context.skip(bench.panel === undefined, "needs a fake");
    let known = "";
    bench.panel?.reply((items) => ((known = JSON.stringify(items)), "Yes."));
    await using line = await new Line(bench, { begin: "wait", conversation: before }).open();
    line.ends.takeOver([...before, { type: "caller", id: "c9", text: "Are you there?" }], "answer", undefined);
    await line.hears("agent.ended");
    known += bench.panel?.sessionSettings()?.instructions;
    expect(known.split("I am Ada")).toHaveLength(2);
    expect(bench.panel?.violations).toEqual([]);
  });

  test("asked to listen, a link that takes over waits for the caller and hears all of it from the first sample on", async (context) => {
    await using bench = await standby(context, make);
    const [endpointing = "provider"] = bench.provider.traits.endpointing;
    bench.panel?.callerSays("I need two nights");
    bench.panel?.reply({ text: "Certainly.", ms: 1_000 });
    await using line = await new Line(bench, { begin: "wait", endpointing }).open();
    line.ends.takeOver([{ type: "caller", id: "c1", text: "Good evening." }], "listen", undefined);
    const speech = bench.speech(line.request.uplink);
    await line.says(speech, pause(bench.provider, line.request.uplink));
    if (endpointing === "manual") line.ends.commitTurn();
    const finished = await line.hears("caller.finished");
    await line.hears("agent.ended");
    expect(line.all("caller.spoke")[0]?.uplinkMs ?? 0).toBeLessThanOrEqual(600);
    expect(finished.uplinkMs).toBeLessThanOrEqual(msOf(speech.length, line.request.uplink) + bench.provider.traits.trailingSilenceMs);
    const turns = talk(line).filter((type) => type === "caller.finished" || type === "agent.began");
    expect(turns).toEqual(["caller.finished", "agent.began"]);
    const { panel } = bench;
    if (panel === undefined) return;
    const heard = panel.records.map((record) => record.heard).find((one) => one.bytes > 0);
    expect(Buffer.compare((heard?.all() ?? new Uint8Array(0)).subarray(0, speech.length), speech)).toBe(0);
    expect(panel.violations).toEqual([]);
  });

  test.for(["greet", "carry-on"] as const)("a link that takes over can be told to %s", async (begin, context) => {
    await using bench = await standby(context, make);
    bench.panel?.reply({ text: "Good evening, the night desk speaking.", ms: 1_000 });
    await using line = await new Line(bench, { begin: "wait" }).open();
    line.ends.takeOver(begin === "greet" ? [] : since.slice(0, 5), begin, undefined);
    const ended = await line.hears("agent.ended");
    expect(ended.outcome).toBe("complete");
    expect(line.audioMs(ended.turnId)).toBeGreaterThan(300);
    expect(bench.panel?.violations ?? []).toEqual([]);
  });

  test("a result that comes for a call made while the link waited is spoken of", async (context) => {
    await using bench = await standby(context, make);
    context.skip(bench.panel === undefined, "needs a fake");
    context.skip(bench.provider.traits.tools === "none", "by trait");
    await using line = await new Line(bench, { begin: "wait" }).open();
    line.ends.takeOver([...before], "listen", undefined);
    bench.panel?.reply({ text: "Three rooms are free.", ms: 1_000 });
    line.ends.answerTool({ toolCallId: "t1", name: "find_room", output: '{"rooms":31}', failed: false });
    const ended = await line.hears("agent.ended");
    expect(line.audioMs(ended.turnId)).toBeGreaterThan(0);
    expect(bench.panel?.last.texts.join("\n")).toContain("31");
    expect(bench.panel?.violations).toEqual([]);
  });

  test("a link that takes over goes on as any other: the next turn is answered too", async (context) => {
    await using bench = await standby(context, make);
    context.skip(!bench.provider.traits.text, "by trait");
    await using line = await new Line(bench, { begin: "wait", conversation: before }).open();
    line.ends.takeOver(since, "listen", undefined);
    line.ends.takeText(bench.cue("short") ?? "");
    const first = await line.hears("agent.ended");
    expect(first.outcome).toBe("complete");
    line.ends.takeOver(since, "answer", undefined);
    line.ends.takeText(bench.cue("short") ?? "");
    await line.becomes(() => line.all("agent.ended").length === 2, "the second answer, and none for being called twice");
    expect(bench.panel?.violations ?? []).toEqual([]);
  });

  test("a link that has waited for ten minutes takes over, if the service lets one session live so long", async (context) => {
    await using bench = await standby(context, make);
    const lastsMs = Math.min(10 * minuteMs, bench.provider.traits.sessionLimitMs - 30_000);
    const time = new SimulatedClock();
    await using line = await new Line(bench, { begin: "wait", conversation: before, clock: onWall(time), openLimitMs: minuteMs }).open();
    await idle(time, bench, lastsMs);
    expect(talk(line)).toEqual([]);
    expect(line.all("link.lost")).toEqual([]);
    bench.panel?.reply({ text: "Room seven it is.", ms: 200 });
    line.ends.takeOver(since, "answer", undefined);
    // What is paced by the clock moves on with it.
    while (!line.all("agent.ended").some(({ turnId }) => line.audioMs(turnId) > 0)) {
      expect(line.all("link.lost")).toEqual([]);
      await idle(time, bench, 20);
    }
    expect(bench.panel?.violations ?? []).toEqual([]);
  });

  test.for([1011, "rst"] as const)("a link lost while it waits (%s) is lost once", async (how, context) => {
    await using bench = await standby(context, make);
    const { panel } = bench;
    if (panel === undefined) return context.skip("needs a fake");
    await using line = await new Line(bench, { begin: "wait" }).open();
    panel.drop(how);
    const { fault } = await line.hears("link.lost");
    expect(fault.row, fault.message).toMatchObject({ blame: "provider", remedy: "retry" });
    line.ends.takeOver(since, "answer", undefined);
    expect(line.ends.hear(bench.speech(line.request.uplink))).toBe(false);
    await line.becomes(() => panel.open === 0, "nothing left open");
    expect(line.notices.map((notice) => notice.type).filter((type) => !asides.includes(type))).toEqual(["link.lost"]);
  });

  test("a peer that is gone without a close is found while the link waits, within two minutes", async (context) => {
    await using bench = await standby(context, make);
    const { panel } = bench;
    if (panel === undefined) return context.skip("needs a fake");
    const time = new SimulatedClock();
    await using line = await new Line(bench, { begin: "wait", clock: onWall(time), openLimitMs: minuteMs }).open();
    panel.goDeaf();
    await idle(time, bench, 2 * minuteMs);
    expect(line.all("link.lost").map(({ fault }) => fault.code)).toEqual(["provider-silent"]);
    // So that the fake sees the end.
    panel.serve();
  });

  test("an opening that waits is given up like any other", async (context) => {
    await using bench = await standby(context, make);
    const { panel } = bench;
    if (panel === undefined) return context.skip("needs a fake");
    await using line = await new Line(bench, { begin: "wait" }).open();
    line.abort();
    await line.becomes(() => panel.open === 0, "nothing left open");
    line.ends.takeOver(since, "answer", undefined);
    expect(line.notices.filter(({ type }) => !asides.includes(type))).toEqual([]);
  });

  test("the end of a session whose limit is only known is told at least half a minute ahead, waiting or at work", async (context) => {
    await using bench = await make();
    const { sessionLimitMs, standby: waits } = bench.provider.traits;
    context.skip(!Number.isFinite(sessionLimitMs), "by trait");
    for (const begin of waits ? (["listen", "wait"] as const) : (["listen"] as const)) {
      const time = new SimulatedClock();
      await using line = await new Line(bench, { begin, clock: onWall(time), openLimitMs: minuteMs }).open();
      await idle(time, bench, sessionLimitMs - 30_000);
      const [expiring] = line.all("link.expiring");
      expect(expiring?.inMs, begin).toBeGreaterThanOrEqual(30_000);
      expect(line.all("link.lost")).toEqual([]);
    }
  });
}

async function standby(context: TestContext, make: () => Promise<Bench>): Promise<Bench> {
  const bench = await make();
  if (bench.provider.traits.standby) return bench;
  await bench[Symbol.asyncDispose]();
  return context.skip("by trait");
}

/** What was told of turns. */
const talk = (line: Line): string[] => line.notices.map(({ type }) => type).filter((type) => /^(caller|agent|tool)\./.test(type));

/** The service reckons by the wall's clock, the link by a simulated one that agrees with it at the start. */
function onWall(time: SimulatedClock): Clock {
  const startMs = Date.now();
  return {
    now: () => time.now(),
    wallNow: () => startMs + time.now(),
    setTimeout: (run, delayMs) => time.setTimeout(run, delayMs),
    clearTimeout: (timer) => time.clearTimeout(timer),
  };
}

/** Time goes by in small steps; in each of them what travels between the two sides arrives. */
async function idle(time: SimulatedClock, bench: Bench, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 250) {
    await time.advance(Math.min(250, left));
    const rounds = bench.panel === undefined ? 1 : 6;
    for (let round = 0; round < rounds; round += 1) await new Promise((resolve) => setImmediate(resolve));
  }
}
