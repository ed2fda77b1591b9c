import { setImmediate as turn } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { dial } from "../../scripts/caller/caller.ts";
import { fakes } from "../../src/fakes/fakes.ts";
import { startServer } from "./server.ts";

const patient = { timeout: 20_000, interval: 50 };

/** Work that holds up the event loop in pieces of 90 ms, until disposed: the server in this process is late for everything. */
function holdUpTheLoop(): AsyncDisposable {
  let goesOn = true;
  const work = (async () => {
    while (goesOn) {
      const untilMs = performance.now() + 90;
      while (performance.now() < untilMs);
      await turn();
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      goesOn = false;
      await work;
    },
  };
}

test(
  "a process that is overloaded refuses new callers on every wire, keeps its calls, and lets their callers back in",
  { timeout: 60_000 },
  async () => {
    await using fake = await fakes.find(({ name }) => name === "openai")?.start({ port: 0 });
    if (fake === undefined) throw new Error("there is no fake OpenAI");
    await using server = await startServer({
      ...fake.settings,
      LINEKEEPER_TIERS: "openai",
      LINEKEEPER_MAX_LAG_MS: "50",
      LINEKEEPER_MAX_LOAD_PERCENT: "80",
    });
    const caller = await server.dials();
    const ready = async (): Promise<number> => (await fetch(`${server.url}readyz`)).status;
    {
      await using _ = holdUpTheLoop();
      await vi.waitFor(async () => expect(await ready()).toBe(503), patient);

      await expect(dial(server.url)).rejects.toMatchObject({ kind: "busy" });
      const upgrade = await fetch(`${server.url}readyz`);
      expect(await upgrade.json()).toMatchObject({ status: "not ready", reasons: [expect.stringContaining("limit of what it can carry")] });
      const webhook = await fetch(`${server.url}twilio/voice`, {
        method: "POST",
        body: new URLSearchParams({ CallSid: "CA1", From: "+15550101" }),
      });
      expect(await webhook.text()).toContain('<Reject reason="busy"');
      // The caller at the door, and the one whose carrier asked.
      expect(await server.metric('voice_connections_rejected_total{reason="overload"}')).toBe(2);
      expect(await server.metric("voice_overloaded")).toBe(1);

      // Whoever is cut off is awaited: from now on the door asks who it is.
      caller.isCutOff();
      await vi.waitFor(() => expect(server.house.roster.isAwaiting).toBe(true), patient);
      await using again = await dial(server.url, { resume: caller.resumeToken });
      expect(again.callId).toBe(caller.callId);
    }
    await vi.waitFor(async () => expect(await ready()).toBe(200), patient);
    await using next = await server.dials();
    expect(next.callId).not.toBe(caller.callId);
  },
);
