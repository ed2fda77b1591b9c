import { expect, test } from "vitest";
import { newLegCounts } from "../../src/caller/leg-counts.ts";
import { watchLegs } from "../../src/house/leg-metrics.ts";
import { createMetrics } from "../../src/watch/metrics.ts";

test("what goes wrong at callers' sockets is counted by kind, each time once", async () => {
  const metrics = createMetrics();
  const counts = newLegCounts();
  watchLegs(metrics, counts);
  expect(await metrics.text()).toContain('voice_leg_troubles_total{kind="mute_leg"} 0');
  counts.muteLegs += 2;
  counts.floods += 1;
  await metrics.text();
  counts.muteLegs += 1;
  const text = await metrics.text();
  expect(text).toContain('voice_leg_troubles_total{kind="mute_leg"} 3');
  expect(text).toContain('voice_leg_troubles_total{kind="flood"} 1');
});
