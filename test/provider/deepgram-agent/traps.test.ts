import type { DeepgramTransportRequest } from "@deepgram/sdk";
import { afterEach, describe, expect, test, vi } from "vitest";
import { startDeepgramAgentFake } from "../../../src/fakes/deepgram-agent/deepgram-agent.ts";
import type { Clock } from "../../../src/kernel/clock.ts";
import { systemClock } from "../../../src/kernel/clock.ts";
import { silentLog } from "../../../src/kernel/log.ts";
import { deepgramAgent } from "../../../src/provider/deepgram-agent/deepgram-agent.ts";
import { deepgramAddress } from "../../../src/provider/deepgram-sdk/client.ts";
import { WsTransport } from "../../../src/provider/deepgram-sdk/transport.ts";
import { SimulatedClock } from "../../simulated-clock.ts";
import { fakeBench, pause } from "../bench.ts";
import { Line } from "../line.ts";

afterEach(() => vi.unstubAllEnvs());

/** The transport reads no more of it than this. */
const asked = { protocols: [] } as unknown as DeepgramTransportRequest;

type Options = NonNullable<Parameters<typeof startDeepgramAgentFake>[0]>;

/** A fake, a provider on it, and the settings of an agent for it. */
async function stage(options: Options = {}) {
  const fake = await startDeepgramAgentFake(options);
  return { fake, panel: fake.panel, bench: await fakeBench(fake, deepgramAgent) };
}
const own = (settings: unknown): { agent: { providerSettings: Record<string, unknown> } } => ({
  agent: { providerSettings: { "deepgram-agent": settings } },
});

/**
 * Time that a test moves, for a link on a real socket. Half-second beats, which wait for a real peer's pong, stay in real time unless
 * `beatsToo`.
 */
function movable(beatsToo = false): { readonly time: SimulatedClock; readonly clock: Clock } {
  const time = new SimulatedClock();
  const beats = new Set<unknown>();
  const clock: Clock = {
    now: () => time.now(),
    wallNow: () => time.wallNow(),
    setTimeout(run, delayMs) {
      if (delayMs > 500 || beatsToo) return time.setTimeout(run, delayMs);
      const beat = systemClock.setTimeout(run, delayMs);
      beats.add(beat);
      return beat;
    },
    clearTimeout: (timer) => (beats.delete(timer) ? systemClock : time).clearTimeout(timer),
  };
  return { time, clock };
}

describe("the official client", { timeout: 30_000 }, () => {
  test("what stands in the environment redirects no call and changes no header", async () => {
    vi.stubEnv("DEEPGRAM_API_KEY", "stray");
    vi.stubEnv("DEEPGRAM_ACCESS_TOKEN", "stray");
    const { bench, panel } = await stage();
    await using _bench = bench;
    await using _line = await new Line(bench).open();
    expect(panel.last.asked.headers.authorization).toMatch(/^Token fake-/);
    expect(JSON.stringify(panel.last.asked)).not.toContain("stray");
    expect(panel.last.asked.headers["sec-websocket-extensions"]).toBeUndefined();
    expect(panel.violations).toEqual([]);
  });

  test("its socket is dialled once: a client that wants to connect again is told no", async () => {
    await using fake = await startDeepgramAgentFake();
    const ends: string[] = [];
    const transport = new WsTransport(systemClock, { binary: () => {}, pong: () => {}, ended: (end) => ends.push(end.type) });
    const dial = (): unknown => transport.factory(fake.url.replace("http", "ws"), {}, asked);
    dial();
    expect(dial).toThrow("dialled before");
    await vi.waitFor(() => expect(ends).toEqual(["refused"]), 10_000);
  });

  test("a socket closed while it is being dialled is gone, and nothing is told of it", async () => {
    await using fake = await startDeepgramAgentFake();
    fake.panel.opening = { type: "never-upgraded" };
    const ends: string[] = [];
    const transport = new WsTransport(systemClock, { binary: () => {}, pong: () => {}, ended: (end) => ends.push(end.type) });
    void transport.factory(`${fake.url.replace("http", "ws")}/v1/agent/converse`, {}, asked);
    await vi.waitFor(() => expect(fake.panel.open).toBe(1), 10_000);
    transport.close();
    await vi.waitFor(() => expect(fake.panel.open).toBe(0), 10_000);
    expect(ends).toEqual([]);
  });

  test("bytes of a Blob are refused rather than sent late", () => {
    const transport = new WsTransport(systemClock, { binary: () => {}, pong: () => {}, ended: () => {} });
    expect(() => transport.send(new Blob(["x"]))).toThrow(TypeError);
  });

  test("audio and messages keep their order: at the end of a turn all of it has been told", async () => {
    const { bench, panel } = await stage();
    await using _bench = bench;
    let atTheEnd = -1;
    const during = (notice: { readonly type: string }): void => {
      if (notice.type === "agent.ended") atTheEnd = line.audio("a1").length;
    };
    await using line = new Line(bench, { during });
    await line.open();
    panel.reply({ text: "One. Two. Three.", ms: 3_000 });
    line.ends.takeText("count");
    await line.hears("agent.ended");
    expect(atTheEnd).toBe(panel.last.spoken.bytes);
    expect(atTheEnd).toBeGreaterThan(0);
  });

  test("an empty frame is taken and not sent: on the wire it would end the audio", async () => {
    const { bench, panel } = await stage();
    await using _bench = bench;
    await using line = await new Line(bench).open();
    expect(line.ends.hear(new Uint8Array(0))).toBe(true);
    line.ends.takeText("still there?");
    await line.hears("agent.ended");
    expect(panel.violations).toEqual([]);
  });

  test("a refused upgrade is told with its status, Deepgram's words and its request", async () => {
    const { bench, panel } = await stage();
    await using _bench = bench;
    panel.opening = { type: "quota" };
    await using line = new Line(bench);
    const fault = await line.refused();
    expect(fault.message).toMatch(/^opening deepgram-agent: HTTP 402, ASR_PAYMENT_REQUIRED: .+ \(request [0-9a-f-]+\)$/);
  });

  test("nobody listening is told as unreachable", async () => {
    const { bench, fake } = await stage();
    await using _bench = bench;
    await fake[Symbol.asyncDispose]();
    await using line = new Line(bench);
    expect((await line.refused()).code).toBe("provider-unreachable");
  });

  test("the key is read at each opening", async () => {
    await using fake = await startDeepgramAgentFake();
    const settings: Record<string, string> = { ...fake.settings, DEEPGRAM_API_KEY: "old" };
    await using bench = await fakeBench({ ...fake, settings }, deepgramAgent);
    await using refused = new Line(bench);
    expect((await refused.refused()).code).toBe("provider-key");
    settings["DEEPGRAM_API_KEY"] = fake.settings["DEEPGRAM_API_KEY"] ?? "";
    await using line = await new Line(bench).open();
    expect(line.all("link.lost")).toEqual([]);
  });
});

describe("addresses", () => {
  const from = (settings: Record<string, string>) => deepgramAddress((name) => settings[name]);

  test("the agent lives on a host of its own, unless one address is given for all", () => {
    expect(from({})).toEqual({
      base: "https://api.deepgram.com",
      production: "wss://api.deepgram.com",
      agent: "wss://agent.deepgram.com",
      agentRest: "https://agent.deepgram.com",
    });
    expect(from({ DEEPGRAM_BASE_URL: "http://127.0.0.1:9/" }).agent).toBe("ws://127.0.0.1:9");
    const both = from({ DEEPGRAM_BASE_URL: "https://api.eu.deepgram.com", DEEPGRAM_AGENT_BASE_URL: "https://agent.eu.example" });
    expect(both).toMatchObject({ production: "wss://api.eu.deepgram.com", agent: "wss://agent.eu.example" });
  });

  test("an address that is none is refused at boot", async () => {
    const making = deepgramAgent.make({
      setting: (name) => (name === "DEEPGRAM_BASE_URL" ? "localhost:80" : "key"),
      clock: systemClock,
      log: silentLog,
    });
    await expect(making).rejects.toThrow("DEEPGRAM_BASE_URL must be an http or https address");
  });
});

describe("setting up", { timeout: 30_000 }, () => {
  test.for([
    { settings: { modle: "x" }, says: "modle" },
    { settings: { think: [] }, says: "think" },
    { settings: { think: [{ provider: { type: "groq", model: "x" } }] }, says: "needs an endpoint" },
    { settings: { listen: { eot_threshold: 2 } }, says: "listen.eot_threshold" },
    { settings: { speak: [{ provider: { type: "open_ai", model: "tts-1", voice: "alloy" } }] }, says: "needs an endpoint" },
  ])("an agent's wrong setting is named: $says", async ({ settings, says }) => {
    const { bench, panel } = await stage();
    await using _bench = bench;
    await using line = new Line(bench, own(settings));
    const fault = await line.refused();
    expect(fault.code).toBe("setting-invalid");
    expect(fault.message).toContain(says);
    expect(panel.connections).toBe(0);
  });

  test("an agent's models and their fall-backs reach the service, each told everything", async () => {
    const { bench, panel } = await stage();
    await using _bench = bench;
    const settings = {
      listen: { model: "nova-3", keyterms: ["Linekeeper"], smart_format: true },
      think: [
        { provider: { type: "open_ai", model: "house-model" }, endpoint: { url: "https://llm.example/v1", headers: { "x-key": "k" } } },
        { provider: { type: "anthropic", model: "claude-haiku-4-5", temperature: 0.2 } },
      ],
      speak: [
        { provider: { type: "deepgram", model: "aura-2-zeus-en" } },
        { provider: { type: "open_ai", model: "tts-1", voice: "alloy" }, endpoint: { url: "https://tts.example/v1" } },
      ],
    };
    await using line = await new Line(bench, own(settings)).open();
    expect(panel.sessionSettings()).toMatchObject({
      model: "house-model",
      voice: "aura-2-zeus-en",
      language: "en",
      toolNames: ["find_room"],
    });
    expect(line.all("link.puzzled")).toEqual([]);
    expect(panel.violations).toEqual([]);
  });

  test("an agent's voice comes before the voices of its settings", async () => {
    const { bench, panel } = await stage();
    await using _bench = bench;
    const { agent } = own({ speak: [{ provider: { type: "deepgram", model: "aura-2-zeus-en" } }] });
    await using _line = await new Line(bench, { agent: { ...agent, voice: "aura-2-luna-en" } }).open();
    expect(panel.sessionSettings()?.voice).toBe("aura-2-luna-en");
  });

  test("a language other than English gets its own recognition and its own voice", async () => {
    const { bench, panel } = await stage();
    await using _bench = bench;
    await using _line = await new Line(bench, { agent: { language: "de-CH" } }).open();
    expect(panel.sessionSettings()).toMatchObject({ language: "de", voice: "aura-2-viktoria-de" });
  });

  test("a model that is not served ends the opening as the operator's", async () => {
    const { bench } = await stage();
    await using _bench = bench;
    await using line = new Line(bench, own({ think: [{ provider: { type: "open_ai", model: "gpt-nine" } }] }));
    const fault = await line.refused();
    expect(fault.code).toBe("provider-model");
    expect(fault.message).toContain("gpt-nine");
  });

  test("settings that the service refuses end the opening and say why", async () => {
    const { bench } = await stage();
    await using _bench = bench;
    await using line = new Line(bench, own({ listen: { eager_eot_threshold: 0.9, eot_threshold: 0.6 } }));
    const fault = await line.refused();
    expect(fault.code).toBe("provider-refused");
    expect(fault.message).toContain("eager_eot_threshold");
  });

  test("settings that are never applied are waited for no longer than the limit", async () => {
    const { bench } = await stage({ appliesSettings: false });
    await using _bench = bench;
    await using line = new Line(bench, { openLimitMs: 300 });
    const fault = await line.refused();
    expect(fault.code).toBe("provider-silent");
    expect(fault.message).toBe("opening deepgram-agent: still configuring after 300 ms");
  });
});

describe("beginning", { timeout: 30_000 }, () => {
  const past = [
    { type: "caller", id: "c1", text: "Is a room free?" },
    { type: "agent", id: "a1", text: "Three of them.", interrupted: false },
  ] as const;

  test("a link with a past is never given a greeting of the service's", async () => {
    const { bench, panel } = await stage();
    await using _bench = bench;
    await using line = await new Line(bench, { conversation: past, begin: "greet" }).open();
    await line.hears("agent.ended");
    expect(panel.violations).toEqual([]);
    expect(panel.last.texts.join("\n")).toContain("[Say exactly: Good evening, the night desk speaking.]");
    expect(line.all("caller.spoke")).toEqual([]);
  });

  test("without a greeting the agent is asked for one in its own words", async () => {
    const { bench, panel } = await stage();
    await using _bench = bench;
    await using line = await new Line(bench, { agent: { greeting: undefined }, begin: "greet" }).open();
    await line.hears("agent.ended");
    expect(panel.last.texts).toContain("[The call begins. Greet the caller.]");
    expect(line.all("caller.transcribed")).toEqual([]);
  });

  test("a turn that waits for its answer is said again, not told as history", async () => {
    const { bench, panel } = await stage();
    await using _bench = bench;
    await using line = await new Line(bench, { conversation: past.slice(0, 1), begin: "answer" }).open();
    await line.hears("agent.ended");
    expect(panel.historyTold()).toEqual([]);
    expect(panel.last.texts.filter((text) => text === "Is a room free?")).toHaveLength(1);
    expect(line.all("caller.spoke")).toEqual([]);
  });
});

describe("talking", { timeout: 30_000 }, () => {
  test("a reply whose end is never told ends by silence", async () => {
    const { bench, panel } = await stage({ tellsAudioDone: false });
    await using _bench = bench;
    const { time, clock } = movable();
    await using line = await new Line(bench, { clock }).open();
    panel.reply({ text: "Certainly.", ms: 1_000 });
    line.ends.takeText("a room, please");
    await line.becomes(() => line.audioMs("a1") === 1_000, "all of the reply");
    expect(line.all("agent.ended")).toEqual([]);
    await time.advance(3_100);
    expect((await line.hears("agent.ended")).outcome).toBe("complete");
  });

  test("the line is kept alive while the caller is silent, and only then", async () => {
    const { bench, panel, fake } = await stage({ idleLimitMs: 60_000 });
    await using _bench = bench;
    const { time, clock } = movable();
    await using line = await new Line(bench, { clock }).open();
    const frame = bench.speech(line.request.uplink).subarray(0, 640);
    for (let second = 0; second < 20; second += 1) {
      line.ends.hear(frame);
      await time.advance(1_000);
    }
    line.ends.takeText("still there?");
    await line.hears("agent.ended");
    expect(fake.kept()).toBe(0);
    await time.advance(7_500);
    await line.becomes(() => fake.kept() === 1, "a sign of life");
    // The fake holds a sign of life right after audio for a fault, and it has a clock of its own.
    panel.violations.length = 0;
    await time.advance(8_100);
    await line.becomes(() => fake.kept() === 2, "the next one");
  });

  test("a call that was taken back is not answered", async () => {
    const { bench, panel, fake } = await stage();
    await using _bench = bench;
    await using line = await new Line(bench).open();
    line.ends.takeText(bench.cue("tool") ?? "");
    const { toolCallId, name } = await line.hears("tool.called");
    fake.cancelCalls();
    await line.hears("tool.cancelled");
    line.ends.answerTool({ toolCallId, name, output: "{}", failed: false });
    panel.reply("Very well.");
    line.ends.takeText("never mind");
    await line.hears("agent.ended");
    expect(panel.last.toolResults).toEqual([]);
    expect(panel.violations).toEqual([]);
  });

  test("the result of a call that a lost link made is told, and spoken of", async () => {
    const { bench, panel } = await stage();
    await using _bench = bench;
    const conversation = [{ type: "tool", id: "t1", name: "find_room", arguments: "{}", output: undefined }] as const;
    await using line = await new Line(bench, { conversation }).open();
    panel.reply("Three rooms are free.");
    line.ends.answerTool({ toolCallId: "t1", name: "find_room", output: '{"rooms":3}', failed: false });
    const ended = await line.hears("agent.ended");
    expect(line.said(ended.turnId)).toBe("Three rooms are free.");
    expect(panel.last.texts.join("\n")).toContain('{"rooms":3}');
    expect(panel.violations).toEqual([]);
  });

  test("a warning is counted and logged, and the talk goes on", async () => {
    const { bench, fake } = await stage();
    await using _bench = bench;
    await using line = await new Line(bench).open();
    fake.warn("THINK_REQUEST_FAILED");
    await line.hears("link.puzzled");
    expect(line.diary.join("\n")).toMatch(/log provider_error .*THINK_REQUEST_FAILED/);
    line.ends.takeText("still there?");
    expect((await line.hears("agent.ended")).outcome).toBe("complete");
  });

  test.for([
    ["FAILED_TO_THINK", "provider-overloaded"],
    ["FAILED_TO_SPEAK", "provider-overloaded"],
    ["SERVER_GOING_AWAY", "provider-dropped"],
  ] as const)("the error %s ends the link once, although a close with 1000 follows", async ([code, fault]) => {
    const { bench, fake } = await stage();
    await using _bench = bench;
    await using line = await new Line(bench).open();
    fake.error(code, "");
    expect((await line.hears("link.lost")).fault.code).toBe(fault);
    await line.becomes(() => fake.panel.open === 0, "the end at the fake");
    expect(line.all("link.lost")).toHaveLength(1);
  });

  test("a close with 1000 that nobody asked for is a lost link", async () => {
    const { bench, panel } = await stage();
    await using _bench = bench;
    await using line = await new Line(bench).open();
    panel.drop(1000);
    expect((await line.hears("link.lost")).fault.code).toBe("provider-dropped");
  });

  test("a peer that is gone without a close is found while somebody waits for it", async () => {
    const { bench, panel } = await stage();
    await using _bench = bench;
    const { time, clock } = movable(true);
    await using line = await new Line(bench, { clock }).open();
    panel.goDeaf();
    line.ends.takeText("hello?");
    await time.advance(2_000);
    expect(line.all("link.lost")).toEqual([]);
    await time.advance(1_000);
    expect((await line.hears("link.lost")).fault.code).toBe("provider-silent");
    expect(time.armed).toBe(0);
    panel.serve();
  });
});

describe("time", { timeout: 30_000 }, () => {
  test("the end of a session is told five minutes ahead, and a close at its end is an expiry", async () => {
    const { bench, panel } = await stage({ idleLimitMs: 600_000 });
    await using _bench = bench;
    const { time, clock } = movable();
    await using line = await new Line(bench, { clock }).open();
    const minuteMs = 60_000;
    // Everything that a peer of flesh would answer in two hours is answered in a moment here.
    const pass = async (ms: number): Promise<void> => {
      for (let left = ms; left > 0; left -= 10_000) {
        await time.advance(Math.min(left, 10_000));
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await pass(114 * minuteMs);
    expect(line.all("link.lost")).toEqual([]);
    expect(line.all("link.expiring")).toEqual([]);
    await pass(2 * minuteMs);
    expect(await line.hears("link.expiring")).toMatchObject({ inMs: 5 * minuteMs });
    await pass(3.5 * minuteMs);
    const used = line.all("link.used").reduce((sum, { usage }) => sum + (usage.quantities.session_ms ?? 0), 0);
    expect(used).toBeGreaterThan(119 * minuteMs);
    panel.drop(1000);
    expect((await line.hears("link.lost")).fault.code).toBe("provider-expired");
  });

  test("the time of a session is told with each answer and never twice", async () => {
    const { bench } = await stage();
    await using _bench = bench;
    const { time, clock } = movable();
    await using line = await new Line(bench, { clock }).open();
    await time.advance(4_000);
    line.ends.takeText("hello");
    await line.hears("link.used");
    await time.advance(6_000);
    const told = line.all("link.used").map(({ usage }) => usage.quantities.session_ms);
    expect(told).toEqual([4_000, 6_000]);
  });

  test.each(["close", "abort"] as const)("what was used since it was told last is told on %s, to the millisecond and once", async (how) => {
    const { bench } = await stage();
    await using _bench = bench;
    const { time, clock } = movable();
    await using line = await new Line(bench, { clock }).open();
    await time.advance(13_457);
    if (how === "close") line.ends.close();
    else line.abort();
    line.ends.close();
    await time.advance(60_000);
    expect(line.all("link.used").map(({ usage }) => usage.quantities.session_ms)).toEqual([10_000, 3_457]);
  });
});

test("what a caller says into the service is heard in its own time", { timeout: 30_000 }, async () => {
  const { bench, panel } = await stage();
  await using _bench = bench;
  await using line = await new Line(bench).open();
  await line.says(bench.speech(line.request.uplink), pause(bench.provider, line.request.uplink));
  await line.hears("agent.ended");
  expect(panel.violations).toEqual([]);
});
