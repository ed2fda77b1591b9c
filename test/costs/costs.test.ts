import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { BudgetPlan } from "../../src/costs/budget.ts";
import { openCosts, type Costs } from "../../src/costs/costs.ts";
import { inheritCosts } from "../../src/costs/inherit.ts";
import { Fault } from "../../src/kernel/fault.ts";
import type { Usage } from "../../src/provider/contract.ts";
import { SimulatedClock } from "../simulated-clock.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function office(budget: Partial<BudgetPlan> = {}, folder = mkdtempSync(join(tmpdir(), "costs-")), clock = new SimulatedClock()) {
  if (!folders.includes(folder)) folders.push(folder);
  const told: string[] = [];
  const costs = openCosts({
    clock,
    folder,
    prices: [{ model: "dear", providers: ["openai"], usd: { session_ms: 6 }, source: "x", date: "2026", trust: "config" }],
    budget: { day: undefined, month: undefined, whenSpent: "alert", ...budget },
    elsewhere: () => 0,
    report: {
      spent: () => undefined,
      unpriced: (provider, model) => void told.push(`unpriced ${provider} ${model}`),
      reached: (period, step, ratio) => void told.push(`${period} ${step} at ${ratio.toFixed(2)}`),
      fileFailed: (error) => void told.push(`file ${error instanceof Error ? error.name : "?"}`),
    },
  });
  return { costs, told, folder, clock };
}

/** So many dollars, ten cents a second. */
function spend(costs: Costs, usd: number, callId = "c1"): void {
  use(costs, "openai", { model: "dear", quantities: { session_ms: usd * 10_000 } }, callId);
}

const use = (costs: Costs, provider: string, usage: Usage, callId = "c1"): void =>
  costs.tell({ callId, type: "link.used", provider, usage });

const start = (costs: Costs, callId: string, user?: string): void =>
  costs.tell({ callId, type: "call.started", dialect: "browser", agent: "desk", language: "en", tiers: ["openai"], user });

const anyCall = { inCrisis: false, last: ["emergency"] } as const;

test("what a call costs is booked to the call, its provider, its user, the day and the month", () => {
  const { costs, clock } = office();
  start(costs, "c1", "ann");
  start(costs, "c2");
  spend(costs, 0.3);
  spend(costs, 0.1);
  spend(costs, 0.5, "c2");
  use(costs, "local", { model: "tiny", quantities: { transcribed_ms: 9_000 } }, "c2");
  expect(costs.costOf("c1")).toBe(0.4);
  const day = new Date(clock.wallNow()).toISOString().slice(0, 10);
  expect(costs.spending("day")).toEqual({
    key: day,
    usd: 0.9,
    byProvider: { openai: 0.9, local: 0 },
    byUser: { ann: 0.4, "agent:desk": 0.5 },
    unpriced: [],
    unpricedCalls: 0,
  });
  expect(costs.spending("month")).toEqual({ ...costs.spending("day"), key: day.slice(0, 7) });
});

test("a call with something unpriced has an unknown cost, and the model is told once a day", () => {
  const { costs, told } = office();
  start(costs, "c1");
  spend(costs, 1);
  for (let times = 0; times < 3; times += 1) use(costs, "azure", { model: "my-deployment", quantities: { output_text_tokens: 1 } });
  expect(costs.costOf("c1")).toBeUndefined();
  expect(told).toEqual(["unpriced azure my-deployment"]);
  expect(costs.spending("day")).toMatchObject({ usd: 1, unpriced: ["azure my-deployment"], unpricedCalls: 1 });
});

test("each step of a budget is told once, also when one usage passes several", () => {
  const { costs, told } = office({ day: 10, month: 100 });
  spend(costs, 7.9);
  expect(told).toEqual([]);
  spend(costs, 0.1);
  expect(told).toEqual(["day 80 at 0.80"]);
  spend(costs, 2.5);
  spend(costs, 1);
  expect(told).toEqual(["day 80 at 0.80", "day 90 at 1.05", "day 100 at 1.05"]);
  spend(costs, 70);
  expect(told.slice(3)).toEqual(["month 80 at 0.81"]);
});

test("a new day begins with nothing spent and every step untold; the month goes on", async () => {
  const { costs, told, clock } = office({ day: 10, whenSpent: "refuse" });
  spend(costs, 12);
  expect(costs.admit(["openai"], anyCall)).toBeInstanceOf(Fault);
  await clock.advance(24 * 3_600_000);
  expect(costs.usedRatio("day")).toBe(0);
  expect(costs.admit(["openai"], anyCall)).toEqual(["openai"]);
  spend(costs, 8);
  expect(told.filter((line) => line.startsWith("day 80"))).toHaveLength(2);
  expect(costs.spending("month").usd).toBe(20);
});

test("a spent budget refuses new calls, but for somebody in a crisis", () => {
  const { costs } = office({ month: 1, whenSpent: "refuse" });
  expect(costs.admit(["openai", "local"], anyCall)).toEqual(["openai", "local"]);
  spend(costs, 1);
  const refusal = costs.admit(["openai", "local"], anyCall);
  expect(refusal).toMatchObject({ code: "busy", message: expect.stringContaining("budget of this month") });
  expect(costs.admit(["openai", "local"], { ...anyCall, inCrisis: true })).toEqual(["openai", "local"]);
});

test("a spent budget puts the cheapest tier first, one of unknown cost behind, and the last one last", () => {
  const { costs } = office({ day: 1, whenSpent: "cheaper" });
  for (const provider of ["openai", "local"]) costs.tell({ callId: "c1", type: "link.closed", provider, livedMs: 120_000 });
  spend(costs, 2);
  expect(costs.admit(["gemini", "openai", "local", "emergency"], anyCall)).toEqual(["local", "openai", "gemini", "emergency"]);
});

test("without a budget, and with one that only tells, calls go where they go", () => {
  const { costs } = office({ day: 1 });
  spend(costs, 5);
  expect(costs.admit(["openai", "local"], anyCall)).toEqual(["openai", "local"]);
});

test("a restart goes on with what was spent and told", async () => {
  const first = office({ day: 10 });
  start(first.costs, "c1", "ann");
  spend(first.costs, 8.5);
  first.costs.tell({ callId: "c1", type: "link.closed", provider: "openai", livedMs: 90_000 });
  await first.costs.close();
  const second = office({ day: 10 }, first.folder, first.clock);
  expect(second.costs.spending("day")).toEqual(first.costs.spending("day"));
  spend(second.costs, 0.6);
  expect([first.told, second.told]).toEqual([["day 80 at 0.85"], ["day 90 at 0.91"]]);
});

test("a file that is damaged, and a folder that cannot be written, are told and stop nothing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "costs-"));
  writeFileSync(join(folder, "costs.json"), '{"version":1,"ledger":');
  const { costs, told } = office({}, folder);
  spend(costs, 1);
  expect(told).toEqual(["file SyntaxError"]);
  writeFileSync(join(folder, "in-the-way"), "");
  const blocked = office({}, join(folder, "in-the-way", "data"));
  folders.pop();
  spend(blocked.costs, 1);
  await blocked.costs.close();
  expect(blocked.told.at(-1)).toBe("file Error");
});

test("what processes spent that there are no more counts on, once, and no step of a budget is told again", async () => {
  const [one, two] = [office({ day: 10 }), office({ day: 10 })];
  for (const [office, user, usd] of [
    [one, "ann", 3],
    [two, "bob", 5.5],
  ] as const) {
    start(office.costs, "c1", user);
    spend(office.costs, usd);
    await office.costs.close();
  }
  const failures: unknown[] = [];
  const inherit = (): void =>
    inheritCosts(one.folder, [two.folder, join(two.folder, "nothing-here")], (error) => void failures.push(error));
  inherit();
  inherit();
  const alone = office({ day: 10 }, one.folder, one.clock);
  expect(alone.costs.spending("day")).toMatchObject({ usd: 8.5, byProvider: { openai: 8.5 }, byUser: { ann: 3, bob: 5.5 } });
  expect(alone.costs.spending("month").usd).toBe(8.5);
  spend(alone.costs, 0.6);
  expect(alone.told).toEqual(["day 80 at 0.91", "day 90 at 0.91"]);
  await alone.costs.close();
  const late = office({ day: 10 }, undefined, one.clock);
  inheritCosts(late.folder, [one.folder], (error) => void failures.push(error));
  const heir = office({ day: 10 }, late.folder, one.clock);
  spend(heir.costs, 0.9);
  expect(heir.told).toEqual(["day 100 at 1.00"]);
  expect(failures).toEqual([]);
});

test("of yesterday's costs nothing is inherited but the month's", async () => {
  const [old, own] = [office(), office()];
  spend(old.costs, 2);
  await old.costs.close();
  await own.clock.advance(24 * 3_600_000);
  spend(own.costs, 1);
  await own.costs.close();
  inheritCosts(own.folder, [old.folder], () => {});
  const heir = office({}, own.folder, own.clock);
  const isOneMonth = old.costs.spending("month").key === own.costs.spending("month").key;
  expect([heir.costs.spending("day").usd, heir.costs.spending("month").usd]).toEqual([1, isOneMonth ? 3 : 1]);
});
