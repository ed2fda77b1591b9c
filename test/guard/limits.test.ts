import { expect, test } from "vitest";
import { Limits, noLimits, type LimitSettings } from "../../src/guard/limits.ts";
import { Fault } from "../../src/kernel/fault.ts";
import type { RateLimit } from "../../src/provider/contract.ts";
import { SimulatedClock } from "../simulated-clock.ts";

function house(settings: Partial<LimitSettings> = {}) {
  const clock = new SimulatedClock();
  const hits: number[] = [];
  const limits = new Limits("alpha", { ...noLimits, ...settings }, clock, (waitMs) => hits.push(Math.round(waitMs)));
  const tells = (...told: readonly RateLimit[]): void => limits.noticed({ type: "link.limited", limits: told });
  const uses = (tokens: number): void =>
    limits.noticed({ type: "link.used", usage: { model: "m", quantities: { input_audio_tokens: tokens - 10, output_text_tokens: 10 } } });
  return { clock, limits, hits, tells, uses };
}

const limited = (retryAfterMs?: number): Fault =>
  new Fault("provider-limited", "HTTP 429", retryAfterMs === undefined ? {} : { retryAfterMs });

test("nothing is refused where nobody set or told a limit", () => {
  const { limits, hits, uses } = house();
  for (let session = 0; session < 1_000; session += 1) limits.sessionBegan();
  uses(1e9);
  expect([limits.refusal(), limits.views(), hits]).toEqual([undefined, [], []]);
});

test("sessions and answers are requests; when a minute's are spent, the next waits for its own", async () => {
  const { clock, limits, hits } = house({ requestsPerMinute: 4 });
  limits.sessionBegan();
  limits.sessionBegan();
  limits.noticed({ type: "agent.began", turnId: "a1" });
  expect(limits.refusal()).toBeUndefined();
  limits.noticed({ type: "agent.began", turnId: "a2" });
  expect(limits.refusal()).toMatchObject({ code: "provider-limited", retryAfterMs: 15_000 });
  expect(hits).toEqual([15_000]);
  await clock.advance(15_000);
  expect(limits.refusal()).toBeUndefined();
});

test("tokens count once they were used, in and out", async () => {
  const { clock, limits, hits, uses } = house({ tokensPerMinute: 6_000 });
  uses(5_000);
  expect(limits.refusal()).toBeUndefined();
  uses(2_000);
  expect(limits.refusal()?.message).toBe("alpha is at its rate limit for 11 s more");
  expect(hits).toHaveLength(1);
  await clock.advance(10_010);
  expect(limits.refusal()).toBeUndefined();
});

test("all sessions in use: the next waits until one ends", () => {
  const { limits, hits } = house({ sessions: 2 });
  limits.sessionBegan();
  limits.sessionBegan();
  expect(limits.refusal()).toMatchObject({ code: "provider-limited", retryAfterMs: undefined });
  expect(hits).toEqual([0]);
  limits.sessionEnded(undefined);
  expect(limits.refusal()).toBeUndefined();
});

test("what the provider tells of its limits counts until they are full again", async () => {
  const { clock, limits, hits, tells } = house();
  tells({ scope: "tokens", limit: 40_000, remaining: 12_000, resetsInMs: 20_000 });
  expect(limits.refusal()).toBeUndefined();
  tells(
    { scope: "tokens", limit: 40_000, remaining: 120, resetsInMs: 59_000 },
    { scope: "requests", limit: 100, remaining: 60, resetsInMs: 500 },
  );
  expect(limits.refusal()).toMatchObject({ retryAfterMs: 59_000 });
  expect(hits).toEqual([59_000]);
  expect(limits.views()).toEqual([
    { scope: "tokens", by: "told", limit: 40_000, remaining: 120, resetsInMs: 59_000 },
    { scope: "requests", by: "told", limit: 100, remaining: 60, resetsInMs: 500 },
  ]);
  await clock.advance(59_000);
  expect([limits.refusal(), limits.views()[0]?.remaining]).toEqual([undefined, 40_000]);
});

test("better news lift what worse had shut", () => {
  const { limits, tells } = house();
  tells({ scope: "tokens", limit: 40_000, remaining: 0, resetsInMs: 60_000 });
  tells({ scope: "tokens", limit: 40_000, remaining: 30_000, resetsInMs: 15_000 });
  expect(limits.refusal()).toBeUndefined();
});

test.each([
  { name: "with its time", fault: limited(2_500), waitMs: 2_500 },
  { name: "without one: a minute", fault: limited(), waitMs: 60_000 },
  { name: "with an absurd one: five minutes", fault: limited(86_400_000), waitMs: 300_000 },
])("a refusal counts $name", async ({ fault, waitMs }) => {
  const { clock, limits, hits } = house();
  limits.sessionBegan();
  limits.sessionEnded(fault);
  expect(limits.refusal()).toMatchObject({ code: "provider-limited", retryAfterMs: waitMs });
  await clock.advance(waitMs);
  expect([limits.refusal(), hits]).toEqual([undefined, [waitMs]]);
});

test("a limit that is hit again while it is hit is told once", () => {
  const { limits, hits } = house();
  for (let session = 0; session < 5; session += 1) {
    limits.sessionBegan();
    limits.sessionEnded(limited(9_000));
  }
  expect(hits).toEqual([9_000]);
});
