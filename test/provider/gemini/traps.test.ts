import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { WebSocketServer } from "ws";
import { startGeminiFake, type GeminiFakeOptions } from "../../../src/fakes/gemini/gemini.ts";
import { systemClock } from "../../../src/kernel/clock.ts";
import { silentLog } from "../../../src/kernel/log.ts";
import type { ConversationItem } from "../../../src/provider/contract.ts";
import { gemini } from "../../../src/provider/gemini/gemini.ts";
import { SimulatedClock } from "../../simulated-clock.ts";
import { fakeBench, pause } from "../bench.ts";
import { Line } from "../line.ts";

afterEach(() => vi.unstubAllEnvs());

const families = {
  "2.5": "gemini-2.5-flash-native-audio-preview-12-2025",
  "3.1": "gemini-3.1-flash-live-preview",
  "3.8": "gemini-3.8-live",
  "3.8 extended thinking": "gemini-3.8-live-extended-thinking",
} as const;
const models = Object.values(families);

const own = (settings: Readonly<Record<string, unknown>>): { agent: { providerSettings: Record<string, unknown> } } => ({
  agent: { providerSettings: { gemini: settings } },
});

async function bed(options: GeminiFakeOptions = {}) {
  const fake = await startGeminiFake({ playbackPace: 10, ...options });
  const bench = await fakeBench(fake, gemini);
  return { fake, panel: fake.panel, bench, [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose]() };
}

const talkSoFar: readonly ConversationItem[] = [
  { type: "caller", id: "c1", text: "I need two nights." },
  { type: "tool", id: "t1", name: "find_room", arguments: '{"nights":2}', output: '{"rooms":3}' },
  { type: "agent", id: "a1", text: "From which date?", interrupted: false },
];

describe("setting up", { timeout: 30_000 }, () => {
  test("the key goes into a header, the address has the version, and no variable of the environment has a say", async () => {
    for (const name of ["GOOGLE_API_KEY", "GEMINI_API_KEY"]) vi.stubEnv(name, "stray");
    vi.stubEnv("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:1");
    vi.stubEnv("GOOGLE_GENAI_USE_VERTEXAI", "true");
    await using on = await bed();
    await using _line = await new Line(on.bench).open();
    const { url, headers } = on.panel.last.asked;
    expect(url).toBe("/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent");
    expect(headers["x-goog-api-key"]).toBe(on.fake.settings["GEMINI_API_KEY"]);
    expect(JSON.stringify(headers)).not.toContain("stray");
  });

  test.for(["http://127.0.0.1:0/", "http://127.0.0.1:0//"])("an address that ends in slashes is the same address: %s", async (shape) => {
    await using on = await bed();
    const base = shape.replace("http://127.0.0.1:0", on.fake.url);
    const provider = await gemini.make({
      setting: (name) => (name === "GOOGLE_GEMINI_BASE_URL" ? base : on.fake.settings[name]),
      clock: systemClock,
      log: silentLog,
    });
    await using _line = await new Line({ ...on.bench, provider }).open();
    expect(on.panel.last.asked.url).not.toContain("//");
  });

  test("an address that is none is refused at boot", async () => {
    const making = gemini.make({ setting: () => "localhost:80", clock: systemClock, log: silentLog });
    await expect(making).rejects.toThrow("GOOGLE_GEMINI_BASE_URL must be an http or https address");
  });

  test("a key that was rotated is used by the next call", async () => {
    await using on = await bed();
    const settings: Record<string, string | undefined> = { ...on.fake.settings, GEMINI_API_KEY: undefined };
    const provider = await gemini.make({ setting: (name) => settings[name], clock: systemClock, log: silentLog });
    const bench = { ...on.bench, provider };
    await using without = new Line(bench);
    expect((await without.refused()).code).toBe("provider-key");
    settings["GEMINI_API_KEY"] = "key\nwith a break";
    await using broken = new Line(bench);
    const fault = await broken.refused();
    expect([fault.code, fault.message.includes("with a break")]).toEqual(["provider-key", false]);
    settings["GEMINI_API_KEY"] = on.fake.settings["GEMINI_API_KEY"];
    await using line = await new Line(bench).open();
    expect(line.all("link.lost")).toEqual([]);
  });

  test.for(["close", "refusal"] as const)("a wrong key is a key fault, however it is told (%s)", async (badKeyBy) => {
    await using on = await bed({ badKeyBy });
    on.panel.opening = { type: "bad-key" };
    await using line = new Line(on.bench);
    expect((await line.refused()).code).toBe("provider-key");
  });

  test("a reason that quotes the key is told without it", async () => {
    await using on = await bed();
    const key = on.fake.settings["GEMINI_API_KEY"] ?? "";
    const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
    server.on("connection", (socket) => socket.close(1011, `Internal error for ?key=${key}`));
    await once(server, "listening");
    // Listening on TCP gives an address of this kind.
    const { port } = server.address() as AddressInfo;
    const setting = (name: string): string | undefined =>
      name === "GOOGLE_GEMINI_BASE_URL" ? `http://127.0.0.1:${port}` : on.fake.settings[name];
    const provider = await gemini.make({ setting, clock: systemClock, log: silentLog });
    await using line = new Line({ ...on.bench, provider });
    const { message } = await line.refused();
    server.close();
    expect(message).toContain("Internal error for ?key=[key]");
    expect(message).not.toContain(key);
  });

  test("nobody listening is told as unreachable", async () => {
    await using on = await bed();
    await on.fake[Symbol.asyncDispose]();
    await using line = new Line(on.bench);
    expect((await line.refused()).code).toBe("provider-unreachable");
  });

  test("a voice that is none ends the opening and says so", async () => {
    await using on = await bed();
    await using line = new Line(on.bench, { agent: { voice: "nobody" } });
    const fault = await line.refused();
    expect(fault.code).toBe("provider-refused");
    expect(fault.message).toContain("speechConfig.voiceConfig");
  });

  test.for([
    { settings: { modle: "x" }, says: "modle is unknown" },
    { settings: { temperature: 9 }, says: "temperature" },
    { settings: { thinkingBudget: 1 }, says: "thinkingBudget: gemini-3.8-live has thinkingLevel instead" },
    { settings: { model: families["2.5"], thinkingLevel: "LOW" }, says: "thinkingLevel" },
    { settings: { model: families["3.1"], toolBehavior: "BLOCKING" }, says: "toolBehavior: gemini-3.1-flash-live-preview takes none" },
    { settings: { model: families["3.8 extended thinking"], toolBehavior: "BLOCKING" }, says: "takes NON_BLOCKING" },
    { settings: 7, says: "providerSettings.gemini" },
  ])("an agent's wrong setting is named: $says", async ({ settings, says }) => {
    await using on = await bed();
    await using line = new Line(on.bench, { agent: { providerSettings: { gemini: settings } } });
    const fault = await line.refused();
    expect(fault.code).toBe("setting-invalid");
    expect(fault.message).toContain(says);
    expect(on.panel.connections).toBe(0);
  });

  test("an agent's settings are taken by the service", async () => {
    await using on = await bed();
    const detection = { startSensitivity: "HIGH", endSensitivity: "LOW", prefixPaddingMs: 40, silenceMs: 700 };
    const model = { model: "models/gemini-3.8-live", temperature: 0.5, maxOutputTokens: 900, thinkingLevel: "LOW" };
    await using _line = await new Line(on.bench, own({ ...detection, ...model, toolBehavior: "BLOCKING" })).open();
    expect(on.panel.sessionSettings()?.model).toBe("models/gemini-3.8-live");
    expect(on.panel.violations).toEqual([]);
  });

  test("a model that is no more is replaced by its successor", async () => {
    await using on = await bed();
    await using _line = await new Line(on.bench, own({ model: "gemini-2.5-flash-native-audio-preview-09-2025" })).open();
    expect(on.panel.sessionSettings()?.model).toBe("models/gemini-3.8-live");
  });
});

describe.for(models)("%s", (model) => {
  test("greets, hears, answers, calls a tool and speaks of its result", { timeout: 30_000 }, async () => {
    await using on = await bed({ seed: 5 });
    await using line = await new Line(on.bench, { begin: "greet", ...own({ model }) }).open();
    await line.hears("agent.ended");
    on.panel.callerSays("I need two nights");
    on.panel.reply({ text: "", toolCalls: [{ name: "find_room", arguments: '{"nights":2}' }] }, "Three rooms are free.");
    await line.says(on.bench.speech(line.request.uplink), pause(on.bench.provider, line.request.uplink));
    const { toolCallId, name } = await line.hears("tool.called");
    line.ends.answerTool({ toolCallId, name, output: '{"rooms":3}', failed: false });
    await line.becomes(() => line.all("agent.ended").length === 2, "the answer with the result");
    expect(line.said(line.all("agent.ended")[1]?.turnId ?? "").trim()).toBe("Three rooms are free.");
    expect(on.panel.violations).toEqual([]);
  });

  test.for([1, 2, 3])("bears 2,000 broken messages and talks on (seed %s)", { timeout: 30_000 }, async (seed) => {
    await using on = await bed({ seed });
    await using line = await new Line(on.bench, own({ model })).open();
    const { unreadable } = await on.panel.garbage(2_000, seed);
    await line.becomes(() => line.all("link.puzzled").length >= unreadable, `${unreadable} puzzles, seed ${seed}`);
    on.panel.reply({ text: "Still here.", ms: 500 });
    const before = line.notices.length;
    line.ends.takeText("are you still there?");
    await line.becomes(() => line.all("agent.ended", before).some(({ turnId }) => line.said(turnId) === "Still here."), "the answer");
    expect(line.all("link.lost")).toEqual([]);
  });

  test.for(["instructions", "turns"])("is told the conversation by %s, and answers its last words", async (seeding) => {
    await using on = await bed();
    const question: ConversationItem = { type: "caller", id: "c2", text: "From the fifth." };
    const settings = own({ model, seeding });
    const quiet = await new Line(on.bench, { conversation: talkSoFar, ...settings }).open();
    const places = ["two nights", "find_room", "rooms", "which date"];
    await quiet.becomes(() => places.every((text) => on.panel.last.texts.join().includes(text)), "the conversation is told");
    expect(on.panel.last.answers).toBe(0);
    await quiet[Symbol.asyncDispose]();
    await using line = await new Line(on.bench, { conversation: [...talkSoFar, question], begin: "answer", ...settings }).open();
    const ended = await line.hears("agent.ended");
    expect(line.said(ended.turnId).trim()).toBe("You said: From the fifth.");
    const told = on.panel.last.texts.join("\n");
    expect(places.every((text) => told.includes(text))).toBe(true);
    expect(told.indexOf("From the fifth.")).toBe(told.lastIndexOf("From the fifth."));
    expect(on.panel.historyTold().length).toBe(seeding === "turns" ? (model === families["2.5"] ? 5 : 4) : 1);
    expect(on.panel.violations).toEqual([]);
  });
});

describe("frames", { timeout: 30_000 }, () => {
  test.for(Array.from({ length: 12 }, (_, seed) => ({ seed, frames: seed % 2 === 0 ? ("binary" as const) : ("text" as const) })))(
    "an answer is whole however it is framed, and the caller's words whenever they come (seed $seed, $frames)",
    async ({ seed, frames }) => {
      await using on = await bed({ seed, frames });
      on.panel.callerSays("I need two nights");
      on.panel.reply({ text: "From which date would you like to stay?", ms: 1_500 });
      await using line = await new Line(on.bench).open();
      await line.says(on.bench.speech(line.request.uplink), pause(on.bench.provider, line.request.uplink));
      const { turnId, outcome } = await line.hears("agent.ended");
      expect([outcome, line.audioMs(turnId), line.said(turnId)]).toEqual(["complete", 1_500, "From which date would you like to stay?"]);
      await line.becomes(() => line.all("caller.transcribed").some(({ final }) => final), "the final words");
      expect(line.all("caller.transcribed").at(-1)?.text).toBe("I need two nights");
      expect(line.all("link.puzzled")).toEqual([]);
      expect(on.panel.violations).toEqual([]);
    },
  );

  test("with and without the service's own voice activity the turn is the same", async () => {
    for (const voiceActivity of [true, false]) {
      await using on = await bed({ voiceActivity });
      on.panel.callerSays("yes please");
      await using line = await new Line(on.bench).open();
      const said = on.bench.speech(line.request.uplink);
      await line.says(said, pause(on.bench.provider, line.request.uplink));
      await line.hears("agent.ended");
      const spoke = line.all("caller.spoke");
      expect(spoke).toHaveLength(1);
      expect(spoke[0]?.uplinkMs).toBe(0);
      expect(line.all("caller.finished")).toHaveLength(1);
      expect(line.all("caller.finished")[0]?.uplinkMs).toBeGreaterThanOrEqual(1_000);
      expect(line.all("caller.finished")[0]?.uplinkMs).toBeLessThanOrEqual(1_600);
    }
  });
});

describe("turns", { timeout: 30_000 }, () => {
  test("an answer has ended while the service still waits for its playback", async () => {
    await using on = await bed();
    on.panel.reply({ text: "A very long story indeed.", ms: 600_000 });
    await using line = await new Line(on.bench).open();
    line.ends.takeText("tell me");
    const { turnId } = await line.hears("agent.ended");
    expect(line.audioMs(turnId)).toBe(600_000);
    expect(line.all("link.used")).toEqual([]);
  });

  test("a caller who speaks over what was sent in full is answered", async () => {
    await using on = await bed();
    on.panel.staleAudio = true;
    on.panel.reply({ text: "A very long story indeed.", ms: 60_000 }, "Very well.");
    await using line = await new Line(on.bench).open();
    line.ends.takeText("tell me");
    const { turnId } = await line.hears("agent.ended");
    await line.says(on.bench.speech(line.request.uplink), pause(on.bench.provider, line.request.uplink));
    await line.becomes(() => line.all("agent.ended").length === 2, "the second answer");
    expect(line.all("agent.ended").map(({ outcome }) => outcome)).toEqual(["complete", "complete"]);
    expect(line.audioMs(turnId)).toBe(60_000);
    expect(line.said(line.all("agent.ended")[1]?.turnId ?? "").trim()).toBe("Very well.");
    expect(line.all("caller.spoke")).toHaveLength(1);
  });

  test("a caller who speaks while the service is silent is waited for no longer than the limit", async () => {
    await using on = await bed();
    const clock = new SimulatedClock();
    await using line = await new Line(on.bench, { clock }).open();
    on.panel.goSilent();
    line.ends.takeText("are you there?");
    await clock.advance(9_900);
    expect(line.all("link.lost")).toEqual([]);
    await clock.advance(200);
    expect((await line.hears("link.lost")).fault.code).toBe("provider-silent");
    expect(clock.armed).toBe(0);
  });
});

describe("tools", { timeout: 30_000 }, () => {
  test("caller audio is held back while a call blocks a model that cannot bear it, and taken again after", async () => {
    await using on = await bed();
    await using line = await new Line(on.bench, own({ model: families["2.5"] })).open();
    line.ends.takeText(on.bench.cue("tool") ?? "");
    const { toolCallId, name } = await line.hears("tool.called");
    const frame = on.bench.speech(line.request.uplink).subarray(0, 640);
    expect(line.ends.hear(frame)).toBe(false);
    line.ends.answerTool({ toolCallId, name, output: "{}", failed: false });
    expect(line.ends.hear(frame)).toBe(true);
    await line.hears("agent.ended");
    expect(on.panel.violations).toEqual([]);
  });

  test("other models go on hearing; a caller who speaks withdraws a blocking call, and its late result is not sent", async () => {
    await using on = await bed();
    await using line = await new Line(on.bench, own({ toolBehavior: "BLOCKING" })).open();
    line.ends.takeText(on.bench.cue("tool") ?? "");
    const { toolCallId, name } = await line.hears("tool.called");
    await line.says(on.bench.speech(line.request.uplink), pause(on.bench.provider, line.request.uplink));
    expect(await line.hears("tool.cancelled")).toEqual({ type: "tool.cancelled", toolCallId });
    line.ends.answerTool({ toolCallId, name, output: "{}", failed: false });
    await line.hears("agent.ended");
    expect(on.panel.last.toolResults).toEqual([]);
    expect(on.panel.violations).toEqual([]);
  });

  test("a result may interrupt what the agent says", async () => {
    await using on = await bed();
    on.panel.reply(
      { text: "One moment, I am looking for a room.", ms: 4_000, holdAtMs: 1_000, toolCalls: [{ name: "find_room", arguments: "{}" }] },
      "Three rooms.",
    );
    await using line = await new Line(on.bench, own({ toolScheduling: "INTERRUPT" })).open();
    line.ends.takeText("a room");
    const { toolCallId, name } = await line.hears("tool.called");
    await line.becomes(() => line.all("agent.began").length === 1, "the first words");
    line.ends.answerTool({ toolCallId, name, output: "{}", failed: false });
    await line.becomes(() => line.all("agent.ended").length === 2, "both answers");
    expect(line.all("agent.ended").map(({ outcome }) => outcome)).toEqual(["interrupted", "complete"]);
    expect(line.all("caller.spoke")).toEqual([]);
  });

  test("a result that comes while the agent speaks waits for its end", async () => {
    await using on = await bed({ playbackPace: 20 });
    on.panel.reply(
      { text: "One moment, I am looking for a room.", ms: 4_000, holdAtMs: 1_000, toolCalls: [{ name: "find_room", arguments: "{}" }] },
      "Three rooms.",
    );
    await using line = await new Line(on.bench).open();
    line.ends.takeText("a room");
    const { toolCallId, name } = await line.hears("tool.called");
    await line.hears("agent.began");
    line.ends.answerTool({ toolCallId, name, output: "{}", failed: false });
    await line.becomes(() => on.panel.last.toolResults.length === 1, "the result there");
    on.panel.release();
    await line.becomes(() => line.all("agent.ended").length === 2, "both answers");
    expect(line.all("agent.ended").map(({ outcome }) => outcome)).toEqual(["complete", "complete"]);
  });

  test("the result of a call that a lost link made is told in words", async () => {
    await using on = await bed();
    await using line = await new Line(on.bench).open();
    line.ends.answerTool({ toolCallId: "call_of_another_link", name: "find_room", output: '{"rooms":3}', failed: false });
    await line.hears("agent.ended");
    expect(on.panel.last.texts.at(-1)).toContain('find_room, called before the line was restored, returned {"rooms":3}');
    expect(on.panel.violations).toEqual([]);
  });
});

describe("the end of a connection", { timeout: 30_000 }, () => {
  test("it is told two minutes ahead, and again when the service tells it", async () => {
    await using on = await bed();
    const clock = new SimulatedClock();
    await using line = await new Line(on.bench, { clock }).open();
    await clock.advance(7.9 * 60_000);
    expect(line.all("link.expiring")).toEqual([]);
    await clock.advance(0.2 * 60_000);
    expect(line.all("link.expiring")).toEqual([{ type: "link.expiring", inMs: 120_000 }]);
    on.panel.endsIn(50_000);
    await line.becomes(() => line.all("link.expiring").length === 2, "the service's own word");
    expect(line.all("link.expiring")[1]?.inMs).toBe(50_000);
    line.ends.close();
    await line.becomes(() => on.panel.open === 0 && clock.armed === 0, "nothing is left");
  });

  test("it is not told again by our own reckoning once the service has told it", async () => {
    await using on = await bed();
    const clock = new SimulatedClock();
    await using line = await new Line(on.bench, { clock }).open();
    on.panel.endsIn(55_000);
    await line.hears("link.expiring");
    await clock.advance(9 * 60_000);
    expect(line.all("link.expiring")).toHaveLength(1);
  });

  test("a close after the service said goodbye is the expected end, whatever its code", async () => {
    await using on = await bed();
    await using line = await new Line(on.bench).open();
    on.panel.endsIn(60_000);
    await line.hears("link.expiring");
    on.panel.drop(1008);
    expect((await line.hears("link.lost")).fault.code).toBe("provider-expired");
  });

  test("a client that stays after goodbye is thrown out", async () => {
    await using on = await bed();
    await using line = await new Line(on.bench).open();
    on.panel.endsIn(30);
    expect((await line.hears("link.lost")).fault.code).toBe("provider-expired");
  });

  test("a handle takes the session up again: it remembers, and is not told twice", async () => {
    await using on = await bed();
    on.panel.callerSays("my name is Ada");
    const first = await new Line(on.bench).open();
    await first.says(on.bench.speech(first.request.uplink), pause(on.bench.provider, first.request.uplink));
    const { handle, uplinkMs } = await first.hears("link.resumable");
    const finished = await first.hears("caller.finished");
    expect(uplinkMs).toBe(finished.uplinkMs);
    await first[Symbol.asyncDispose]();
    on.panel.reply((told) => `I was told ${told.length} things, first ${told[0]?.by === "caller" ? told[0].text : "nothing"}`);
    const conversation: ConversationItem[] = [{ type: "caller", id: "c1", text: "my name is Ada" }];
    await using second = await new Line(on.bench, { resumption: handle, conversation }).open();
    expect(on.panel.last.texts.join()).not.toContain("Ada");
    second.ends.takeText("what is my name?");
    const ended = await second.hears("agent.ended");
    expect(second.said(ended.turnId)).toBe("I was told 3 things, first my name is Ada");
    expect(on.panel.violations).toEqual([]);
  });

  test("a handle that is stale, of another model, or of a session that still stands is worth another try without it", async () => {
    await using on = await bed();
    await using first = await new Line(on.bench).open();
    first.ends.takeText(on.bench.cue("short") ?? "");
    const { handle } = await first.hears("link.resumable");
    await using twice = new Line(on.bench, { resumption: handle });
    expect((await twice.refused()).row.remedy).toBe("retry");
    first.ends.close();
    await first.becomes(() => on.panel.open === 0, "the first is gone");
    await using other = new Line(on.bench, { resumption: handle, ...own({ model: families["2.5"] }) });
    expect((await other.refused()).code).toBe("provider-expired");
    on.fake.memory.forget();
    await using stale = new Line(on.bench, { resumption: handle });
    expect((await stale.refused()).code).toBe("provider-expired");
    await using fresh = await new Line(on.bench).open();
    expect(fresh.all("link.lost")).toEqual([]);
  });

  test("a caller turn that was not answered before the break is not in the handle", async () => {
    await using on = await bed();
    await using line = await new Line(on.bench).open();
    line.ends.takeText(on.bench.cue("short") ?? "");
    const { uplinkMs } = await line.hears("link.resumable");
    expect(uplinkMs).toBe(0);
    on.panel.reply({ text: "There are a great many things to be said.", ms: 4_000, holdAtMs: 1_000 });
    await line.says(on.bench.speech(line.request.uplink), pause(on.bench.provider, line.request.uplink));
    await line.becomes(() => line.all("agent.began").length === 2, "the second answer begins");
    expect(line.all("link.resumable")).toHaveLength(1);
  });
});
