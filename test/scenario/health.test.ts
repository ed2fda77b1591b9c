import { expect, test, vi } from "vitest";
import { dial } from "../../scripts/caller/caller.ts";
import { startCloudWith, type Cloud } from "./cloud.ts";

const patient = { timeout: 20_000, interval: 50 };
const json = async (cloud: Cloud, path: string): Promise<{ readonly status: number; readonly body: unknown }> => {
  const answer = await fetch(`${cloud.url}${path}`);
  return { status: answer.status, body: await answer.json() };
};
const orders = async (cloud: Cloud, provider: string, order: string): Promise<void> => {
  const answer = await fetch(`${cloud.url}v1/providers/${provider}/breaker`, { method: "POST", body: JSON.stringify({ order }) });
  expect(answer.status).toBe(200);
};

test(
  "a node says that it is ready, full, without providers, draining; and that it is alive all the while",
  { timeout: 60_000 },
  async () => {
    await using cloud = await startCloudWith({ LINEKEEPER_MAX_CALLS: "1" }, "openai", "gemini");
    expect(await json(cloud, "readyz")).toEqual({ status: 200, body: { status: "ready", reasons: [], degraded: [] } });

    const caller = await cloud.answers();
    expect(await json(cloud, "readyz")).toMatchObject({
      status: 503,
      body: { status: "not ready", reasons: ["all 1 lines are busy; call again in a moment"] },
    });
    expect(await cloud.metric('voice_ready{region="default"}')).toBe(0);
    await expect(dial(cloud.url)).rejects.toMatchObject({ kind: "busy" });
    await caller.hangsUp();
    await vi.waitFor(async () => expect(await json(cloud, "readyz")).toMatchObject({ status: 200 }), patient);

    await orders(cloud, "openai", "open");
    expect(await json(cloud, "readyz")).toMatchObject({ status: 200, body: { degraded: ["1 of 2 providers take no calls"] } });
    await orders(cloud, "gemini", "open");
    // Callers are still answered, if only by fixed lines: a node without them would answer nobody.
    expect(await json(cloud, "readyz")).toMatchObject({
      status: 200,
      body: { degraded: [expect.stringContaining("no provider takes calls")] },
    });
    for (const provider of ["openai", "gemini"]) await orders(cloud, provider, "auto");
    expect(await json(cloud, "readyz")).toMatchObject({ status: 200, body: { degraded: [] } });

    await using last = await cloud.answers();
    const drained = await fetch(`${cloud.url}v1/drain`, { method: "POST", body: "{}" });
    expect(drained.ok).toBe(true);
    expect(await json(cloud, "readyz")).toMatchObject({ status: 503, body: { reasons: [expect.stringContaining("restarting")] } });
    expect(await json(cloud, "healthz")).toMatchObject({ status: 200, body: { status: "alive" } });
    await last.hangsUp();
  },
);

test(
  "each provider tells level, latency, error rate, breaker, limits and time-outs, from the first call on",
  { timeout: 60_000 },
  async () => {
    await using cloud = await startCloudWith({}, "openai", "azure", "gemini", "deepgram");
    await using caller = await cloud.answers();
    const answer = caller.hears();
    caller.types("When do you open?");
    await answer;
    const { body } = await json(cloud, "v1/providers");
    const sound = {
      health: "healthy",
      errorRate: 0,
      breaker: { state: "closed", order: "auto" },
      limits: expect.any(Array),
      limitedForMs: 0,
    };
    expect(body).toMatchObject({
      providers: [
        {
          ...sound,
          provider: "openai",
          activeSessions: 1,
          timeouts: { openMs: 5_000, answerMs: 15_000 },
          latencyMs: { open: { p50: expect.any(Number) }, answer: { p50: expect.any(Number) } },
        },
        { ...sound, provider: "azure", timeouts: { openMs: 5_000, answerMs: 15_000 } },
        { ...sound, provider: "gemini", timeouts: { openMs: 5_000, answerMs: 10_000 } },
        { ...sound, provider: "deepgram", timeouts: { openMs: 5_000, answerMs: 10_000 } },
        { ...sound, provider: "emergency", timeouts: { openMs: 5_000, answerMs: 5_000 } },
      ],
    });
    await caller.hangsUp();
  },
);
