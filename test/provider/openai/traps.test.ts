import { afterEach, describe, expect, test, vi } from "vitest";
import { startAzureFake, startOpenaiFake, type OpenaiFake } from "../../../src/fakes/openai/openai.ts";
import { systemClock } from "../../../src/kernel/clock.ts";
import { silentLog } from "../../../src/kernel/log.ts";
import { azure } from "../../../src/provider/openai/azure.ts";
import { openai } from "../../../src/provider/openai/openai.ts";
import type { ProviderRow } from "../../../src/provider/registry.ts";
import { fakeBench, pause } from "../bench.ts";
import { Line } from "../line.ts";

afterEach(() => vi.unstubAllEnvs());

/** An agent's settings for both services. */
const own = (settings: Readonly<Record<string, unknown>>): { agent: { providerSettings: Record<string, unknown> } } => ({
  agent: { providerSettings: { openai: settings, azure: settings } },
});

describe("setting up", { timeout: 30_000 }, () => {
  const services: { name: string; start: () => Promise<OpenaiFake>; row: ProviderRow }[] = [
    { name: "openai", start: startOpenaiFake, row: openai },
    { name: "azure", start: startAzureFake, row: azure },
  ];

  test.for(services)("$name: what stands in the environment redirects no call and adds no header", async ({ start, row }) => {
    for (const name of ["OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT"]) vi.stubEnv(name, "http://127.0.0.1:1");
    vi.stubEnv("OPENAI_API_KEY", "stray");
    vi.stubEnv("AZURE_OPENAI_API_KEY", "stray");
    vi.stubEnv("OPENAI_ORG_ID", "stray-org");
    vi.stubEnv("OPENAI_PROJECT_ID", "stray-project");
    vi.stubEnv("OPENAI_API_VERSION", "2024-10-01-preview");
    await using fake = await start();
    await using bench = await fakeBench(fake, row);
    await using _line = await new Line(bench).open();
    const { url, headers } = fake.panel.last.asked;
    expect(JSON.stringify(headers)).not.toContain("stray");
    expect(url).not.toContain("api-version");
    expect(headers["openai-beta"]).toBeUndefined();
    expect(fake.panel.violations).toEqual([]);
  });

  test("organisation and project travel as headers", async () => {
    await using fake = await startOpenaiFake();
    const settings = { ...fake.settings, OPENAI_ORG_ID: "org-1", OPENAI_PROJECT_ID: "proj-1" };
    await using bench = await fakeBench({ ...fake, settings }, openai);
    await using _line = await new Line(bench).open();
    expect(fake.panel.last.asked.headers).toMatchObject({ "openai-organization": "org-1", "openai-project": "proj-1" });
  });

  test("the key is read at each opening", async () => {
    await using fake = await startOpenaiFake();
    const settings: Record<string, string> = { ...fake.settings, OPENAI_API_KEY: "sk-old" };
    await using bench = await fakeBench({ ...fake, settings }, openai);
    await using refused = new Line(bench);
    expect((await refused.refused()).code).toBe("provider-key");
    settings["OPENAI_API_KEY"] = fake.settings["OPENAI_API_KEY"] ?? "";
    await using line = await new Line(bench).open();
    expect(line.all("link.lost")).toEqual([]);
  });

  test("a key refused after the handshake is a key fault that does not quote it", async () => {
    await using fake = await startOpenaiFake({ badKeyBy: "close" });
    fake.panel.opening = { type: "bad-key" };
    await using bench = await fakeBench(fake, openai);
    await using line = new Line(bench);
    const fault = await line.refused();
    expect(fault.code).toBe("provider-key");
    expect(fault.message).not.toContain(fake.settings["OPENAI_API_KEY"]);
  });

  test("nobody listening is told as unreachable", async () => {
    const fake = await startOpenaiFake();
    await using bench = await fakeBench(fake, openai);
    await fake[Symbol.asyncDispose]();
    await using line = new Line(bench);
    expect((await line.refused()).code).toBe("provider-unreachable");
  });

  test.for([
    { name: "a voice that is none", settings: { agent: { voice: "nobody" } }, says: "voice" },
    { name: "reasoning for a model without it", settings: own({ model: "gpt-realtime-1.5", reasoningEffort: "low" }), says: "reasoning" },
  ])("a refused configuration ends the opening and says why: $name", async ({ settings, says }) => {
    await using fake = await startOpenaiFake();
    await using bench = await fakeBench(fake, openai);
    await using line = new Line(bench, settings);
    const fault = await line.refused();
    expect(fault.code).toBe("provider-refused");
    expect(fault.message).toContain(says);
  });

  test("a refused item of the conversation ends the opening: nobody talks with an agent that has forgotten", async () => {
    await using fake = await startOpenaiFake();
    await using bench = await fakeBench(fake, openai);
    await using line = new Line(bench, {
      conversation: [{ type: "tool", id: "t", name: "n".repeat(65), arguments: "{}", output: "{}" }],
    });
    const fault = await line.refused();
    expect(fault.code).toBe("provider-refused");
    expect(fault.message).toContain("item.name");
  });

  test.for([
    { settings: { modle: "x" }, says: "modle is unknown" },
    { settings: { speed: 9 }, says: "speed must be 0.25 to 1.5" },
    { settings: { turnDetection: { type: "semantic_vad", threshold: 1 } }, says: "turnDetection must be" },
  ])("an agent's wrong setting is named: $says", async ({ settings, says }) => {
    await using fake = await startOpenaiFake();
    await using bench = await fakeBench(fake, openai);
    await using line = new Line(bench, own(settings));
    const fault = await line.refused();
    expect(fault.code).toBe("setting-invalid");
    expect(fault.message).toContain(says);
    expect(fake.panel.connections).toBe(0);
  });

  test("an agent's settings reach the service", async () => {
    await using fake = await startOpenaiFake();
    await using bench = await fakeBench(fake, openai);
    const settings = {
      turnDetection: { type: "semantic_vad", eagerness: "low" },
      noiseReduction: "far_field",
      speed: 1.2,
      maxOutputTokens: 900,
      reasoningEffort: "low",
    };
    await using line = await new Line(bench, own({ ...settings, model: "gpt-realtime-2" })).open();
    expect(line.all("link.puzzled")).toEqual([]);
    expect(fake.panel.sessionSettings()?.model).toBe("gpt-realtime-2");
    expect(fake.panel.violations).toEqual([]);
  });

  test("an address that is none is refused at boot", async () => {
    const making = openai.make({
      setting: (name) => (name === "OPENAI_BASE_URL" ? "localhost:80" : "key"),
      clock: systemClock,
      log: silentLog,
    });
    await expect(making).rejects.toThrow("OPENAI_BASE_URL must be an http or https address");
  });
});

describe("turns", { timeout: 30_000 }, () => {
  test.for(Array.from({ length: 12 }, (_, seed) => ({ seed })))(
    "words are told in the order of the turns, whenever the recogniser has them (seed $seed)",
    async ({ seed }) => {
      await using fake = await startOpenaiFake({ seed });
      await using bench = await fakeBench(fake, openai);
      await using line = await new Line(bench).open();
      const said = ["one", "two", "three"];
      fake.panel.callerSays(...said);
      for (const [at] of said.entries()) {
        await line.says(bench.speech(line.request.uplink), pause(bench.provider, line.request.uplink));
        await line.becomes(() => line.all("agent.ended").length === at + 1, `answer ${at + 1}`);
      }
      await line.becomes(() => line.all("caller.transcribed").filter((notice) => notice.final).length === 3, "three transcripts");
      const finals = line.all("caller.transcribed").filter((notice) => notice.final);
      expect(finals.map((notice) => notice.text)).toEqual(said);
      expect(finals.map((notice) => notice.turnId)).toEqual(line.all("caller.spoke").map((notice) => notice.turnId));
      expect(fake.panel.violations).toEqual([]);
    },
  );

  test.for([
    { heardMs: 1_500, cuts: [500], what: "the second is cut, the first stays" },
    { heardMs: 500, cuts: [500, 0], what: "the first is cut, the second taken back" },
    { heardMs: 0, cuts: [0, 0], what: "both are taken back" },
    { heardMs: 2_000, cuts: [], what: "nothing is cut" },
    { heardMs: 9_000, cuts: [], what: "more than was sent is all of it" },
  ])("an answer of two messages of 1 s heard to $heardMs ms: $what", async ({ heardMs, cuts }) => {
    await using fake = await startOpenaiFake();
    await using bench = await fakeBench(fake, openai);
    await using line = await new Line(bench).open();
    fake.panel.reply({ text: "One room is free.", more: ["Shall I take it?"], ms: 1_000 });
    line.ends.takeText("is a room free?");
    const { turnId } = await line.hears("agent.ended");
    expect(line.audioMs(turnId)).toBe(2_000);
    expect(line.said(turnId)).toBe("One room is free. Shall I take it?");
    line.ends.interrupt({ turnId, heardMs });
    line.ends.takeText("go on");
    await line.becomes(() => line.all("agent.ended").length === 2, "the next answer");
    expect(fake.panel.last.cuts).toEqual(cuts);
    expect(fake.panel.violations).toEqual([]);
  });

  test("what is typed while an answer runs is answered after it, once", async () => {
    await using fake = await startOpenaiFake();
    await using bench = await fakeBench(fake, openai);
    await using line = await new Line(bench).open();
    fake.panel.reply({ text: "A long story about it all.", ms: 3_000, holdAtMs: 1_000 }, "Second.");
    line.ends.takeText("first");
    await line.hears("agent.began");
    line.ends.takeText("second");
    line.ends.takeText("third");
    await line.becomes(() => fake.panel.last.texts.includes("third"), "both texts there");
    expect(fake.panel.last.answers).toBe(1);
    fake.panel.release();
    await line.becomes(() => line.all("agent.ended").length === 2, "both answers");
    expect(fake.panel.last.answers).toBe(2);
    expect(fake.panel.violations).toEqual([]);
  });

  test("a tool's result that comes while the caller is being answered is spoken of once", async () => {
    await using fake = await startOpenaiFake();
    await using bench = await fakeBench(fake, openai);
    await using line = await new Line(bench).open();
    line.ends.takeText(bench.cue("tool") ?? "");
    const { toolCallId, name } = await line.hears("tool.called");
    await line.hears("link.used");
    fake.panel.reply({ text: "Still looking, one moment please.", ms: 2_000, holdAtMs: 1_000 }, "Three rooms.");
    await line.says(bench.speech(line.request.uplink), pause(bench.provider, line.request.uplink));
    await line.hears("agent.began");
    line.ends.answerTool({ toolCallId, name, output: '{"rooms":3}', failed: false });
    await line.becomes(() => fake.panel.last.toolResults.length === 1, "the result there");
    fake.panel.release();
    await line.becomes(() => line.all("agent.ended").length === 2, "both answers");
    expect(line.said(line.all("agent.ended")[1]?.turnId ?? "")).toBe("Three rooms.");
    expect(fake.panel.last.answers).toBe(3);
    expect(fake.panel.violations).toEqual([]);
  });

  test("the results of two calls are spoken of once, however late the second comes", async () => {
    await using fake = await startOpenaiFake();
    await using bench = await fakeBench(fake, openai);
    await using line = await new Line(bench).open();
    line.ends.takeText(bench.cue("tools") ?? "");
    await line.hears("link.used");
    const [first, second] = line.all("tool.called");
    if (first === undefined || second === undefined) throw new Error("two calls were scripted");
    line.ends.answerTool({ ...first, output: '{"rooms":3}', failed: false });
    await line.becomes(() => fake.panel.last.toolResults.length === 1, "the first result there");
    line.ends.answerTool({ ...second, output: '{"rooms":1}', failed: false });
    await line.hears("agent.ended");
    line.ends.takeText("thanks");
    await line.becomes(
      () => line.all("agent.ended").some(({ turnId }) => line.said(turnId) === "You said: thanks"),
      "the answer to the thanks",
    );
    expect(fake.panel.last.answers).toBe(3);
    expect(fake.panel.violations).toEqual([]);
  });

  test("the result of a call that a lost link made is told with its call", async () => {
    await using fake = await startOpenaiFake();
    await using bench = await fakeBench(fake, openai);
    const conversation = [{ type: "tool", id: "t1", name: "find_room", arguments: '{"nights":2}', output: undefined }] as const;
    await using line = await new Line(bench, { conversation }).open();
    fake.panel.reply("Three rooms.", "One table.");
    line.ends.answerTool({ toolCallId: "t1", name: "find_room", output: '{"rooms":3}', failed: false });
    await line.hears("agent.ended");
    line.ends.answerTool({ toolCallId: "call_of_another_link", name: "find_table", output: '{"tables":1}', failed: false });
    await line.becomes(() => line.all("agent.ended").length === 2, "both answers");
    expect(fake.panel.historyTold()).toEqual([
      { by: "tool", name: "find_room", arguments: '{"nights":2}', output: '{"rooms":3}' },
      { by: "tool", name: "find_table", arguments: "{}", output: '{"tables":1}' },
    ]);
    expect(fake.panel.violations).toEqual([]);
  });

  test("arguments that are no JSON are handed on as they came", async () => {
    await using fake = await startOpenaiFake();
    await using bench = await fakeBench(fake, openai);
    await using line = await new Line(bench).open();
    fake.panel.reply({ text: "", toolCalls: [{ name: "find_room", arguments: '{"nights":' }] });
    line.ends.takeText("a room");
    expect((await line.hears("tool.called")).arguments).toBe('{"nights":');
  });

  test("a turn ended by hand with next to no audio is dismissed", async () => {
    await using fake = await startOpenaiFake();
    await using bench = await fakeBench(fake, openai);
    await using line = await new Line(bench, { endpointing: "manual" }).open();
    await line.says(bench.speech(line.request.uplink).subarray(0, 480));
    line.ends.commitTurn();
    await line.hears("caller.dismissed");
    expect(line.all("caller.finished")).toEqual([]);
    expect(line.all("link.lost")).toEqual([]);
  });
});

describe("the end of a link", { timeout: 30_000 }, () => {
  test("two failed answers in a row end it", async () => {
    await using fake = await startOpenaiFake();
    await using bench = await fakeBench(fake, openai);
    await using line = await new Line(bench).open();
    fake.panel.reply({ text: "", fails: true }, { text: "", fails: true });
    line.ends.takeText("one");
    await line.hears("agent.ended");
    line.ends.takeText("two");
    expect((await line.hears("link.lost")).fault.code).toBe("provider-overloaded");
  });

  test("a peer that is gone without a close is found while something is owed", async () => {
    await using fake = await startOpenaiFake();
    await using bench = await fakeBench(fake, openai);
    await using line = await new Line(bench).open();
    fake.panel.goDeaf();
    line.ends.takeText("are you there?");
    const { fault } = await line.hears("link.lost");
    expect(fault.code, fault.message).toBe("provider-silent");
    // So that the fake sees the end.
    fake.panel.serve();
  });
});
