import { expect, test } from "vitest";
import { startOpenaiFake } from "../../../src/fakes/openai/openai.ts";
import type { Clock } from "../../../src/kernel/clock.ts";
import { openai } from "../../../src/provider/openai/openai.ts";
import { SimulatedClock } from "../../simulated-clock.ts";
import { fakeBench } from "../bench.ts";
import { Line } from "../line.ts";

test("the end of a session is told five minutes ahead", async () => {
  await using fake = await startOpenaiFake();
  await using bench = await fakeBench(fake, openai);
  fake.panel.endsIn(5 * 60_000 + 10_000);
  const time = new SimulatedClock();
  const clock: Clock = {
    now: () => time.now(),
    wallNow: () => Date.now(),
    setTimeout: (run, delayMs) => time.setTimeout(run, delayMs),
    clearTimeout: (timer) => time.clearTimeout(timer),
  };
  await using line = await new Line(bench, { clock }).open();
  await time.advance(7_000);
  expect(line.all("link.expiring")).toEqual([]);
  await time.advance(4_000);
  const { inMs } = await line.hears("link.expiring");
  expect(inMs).toBeLessThanOrEqual(5 * 60_000);
  expect(inMs).toBeGreaterThan(5 * 60_000 - 4_000);
  line.ends.close();
  await line.becomes(() => fake.panel.open === 0, "the end at the fake");
  await line.becomes(() => time.armed === 0, "no timer left");
});
