import { expect, test } from "vitest";
import { Health } from "../../src/guard/health.ts";
import { AdaptiveLimit } from "../../src/guard/pace.ts";
import { SimulatedClock } from "../simulated-clock.ts";

function house() {
  const clock = new SimulatedClock();
  const answers = new AdaptiveLimit(clock, 10_000);
  const health = new Health(clock, [new AdaptiveLimit(clock, 5_000), answers]);
  const went = (good: number, bad: number): void => {
    for (let event = 0; event < good; event += 1) health.went(true);
    for (let event = 0; event < bad; event += 1) health.went(false);
  };
  const took = (count: number, ms: number): void => {
    for (let answer = 0; answer < count; answer += 1) answers.took(ms);
  };
  return { clock, health, went, took };
}

test.each([
  { good: 0, bad: 0, level: "healthy" },
  { good: 0, bad: 1, level: "degraded" },
  { good: 0, bad: 2, level: "unhealthy" },
  { good: 100, bad: 5, level: "healthy" },
  { good: 95, bad: 5, level: "degraded" },
  { good: 90, bad: 10, level: "degraded" },
  { good: 89, bad: 11, level: "unhealthy" },
])("$bad of $bad + $good that failed: $level", ({ good, bad, level }) => {
  const { health, went } = house();
  went(good, bad);
  expect(health.level("closed")).toBe(level);
});

test.each([
  { name: "one slow answer says nothing", answers: [[1, 9_000]], level: "healthy" },
  {
    name: "of a few the median counts",
    answers: [
      [4, 900],
      [3, 9_000],
    ],
    level: "healthy",
  },
  {
    name: "of many the slowest twentieth",
    answers: [
      [90, 900],
      [10, 3_000],
    ],
    level: "degraded",
  },
  { name: "from two seconds on it is degraded", answers: [[10, 2_000]], level: "degraded" },
  { name: "up to five", answers: [[10, 5_000]], level: "degraded" },
  { name: "above it is unhealthy", answers: [[10, 5_001]], level: "unhealthy" },
] as const)("$name", ({ answers, level }) => {
  const { health, took } = house();
  for (const [count, ms] of answers) took(count, ms);
  expect(health.level("closed")).toBe(level);
});

test("a shut provider is unhealthy whatever its figures, one on trial degraded at best", () => {
  const { health, went } = house();
  went(100, 0);
  expect([health.level("open"), health.level("half_open"), health.level("closed")]).toEqual(["unhealthy", "degraded", "healthy"]);
});

test("what went wrong is forgotten after five minutes, or when an outage is over", async () => {
  const { clock, health, went, took } = house();
  went(0, 10);
  took(10, 9_000);
  await clock.advance(300_001);
  expect(health.figures()).toEqual({ latencyMs: undefined, errorRate: 0 });
  went(0, 10);
  health.restart();
  expect(health.level("closed")).toBe("healthy");
});
