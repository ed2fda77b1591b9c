import { expect, test } from "vitest";
import { silentLog, type Log, type LogFields } from "../../src/kernel/log.ts";
import { watchLines } from "../../src/watch/lines.ts";
import { createMetrics } from "../../src/watch/metrics.ts";
import { samplesOf } from "./exposition.ts";

const line = { codec: "PCMU", receivedPackets: 970, lostPackets: 30, jitterMs: 12, concealedMs: 600, mosEstimate: 4.13 };

test("each line is one log line, counted by how good it was estimated to be", async () => {
  const metrics = createMetrics();
  const told: LogFields[] = [];
  const log: Log = { ...silentLog, info: (_event, fields) => void told.push(fields ?? {}) };
  const ended = watchLines(log, metrics);
  for (const mosEstimate of [4.13, 3.8, 2.1, undefined]) ended({ ...line, mosEstimate });
  ended({ ...line, codec: "x".repeat(99) });
  const samples = samplesOf(await metrics.text());
  for (const quality of ["good", "fair", "poor", "unknown"])
    expect(samples.get(`voice_lines_total{codec="PCMU",quality="${quality}"}`)).toBe(1);
  expect(samples.get('voice_lines_total{codec="other",quality="good"}')).toBe(1);
  expect(samples.get('voice_line_packets_total{codec="PCMU",fate="lost"}')).toBe(120);
  expect(samples.get('voice_line_concealed_seconds_total{codec="PCMU"}')).toBe(2.4);
  expect(told).toHaveLength(5);
});
