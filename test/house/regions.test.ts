import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startServer } from "../scenario/server.ts";

test("a node's region and its agents' class are in what is measured and kept of its calls", async () => {
  const folder = mkdtempSync(join(tmpdir(), "linekeeper-region-"));
  try {
    const config = join(folder, "config.json");
    writeFileSync(config, JSON.stringify({ agents: [{ name: "desk", instructions: "Take bookings.", slaClass: "gold" }] }));
    const data = join(folder, "data");
    {
      await using server = await startServer({
        LINEKEEPER_TIERS: "emergency",
        LINEKEEPER_CONFIG: config,
        LINEKEEPER_REGION: "eu-north",
        LINEKEEPER_DATA: data,
      });
      expect(await server.metric('voice_ready{region="eu-north"}')).toBe(1);
      const caller = await server.dials();
      const rate = (id: string, body: object): Promise<Response> =>
        fetch(`${server.url}v1/calls/${id}/rating`, { method: "POST", body: JSON.stringify(body) });
      expect((await rate(caller.callId, { stars: 3 })).status).toBe(200);
      await caller.hangsUp();
      // Records are written after the event that they tell of; a rating that comes before is in the first of them.
      await expect.poll(() => recordsIn(data).length, { timeout: 10_000 }).toBe(1);
      expect((await rate(caller.callId, { stars: 5 })).status).toBe(200);
      expect((await rate("call_nobody", { stars: 5 })).status).toBe(404);
    }
    expect(recordsIn(data)).toMatchObject(
      [3, 5].map((rating) => ({ region: "eu-north", slaClass: "gold", rating, acceptedAt: expect.any(String) })),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

function recordsIn(data: string): unknown[] {
  const file = join(data, "calls.jsonl");
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n");
  // The last is empty, or still being written.
  return lines.slice(0, -1).map((line): unknown => JSON.parse(line));
}
