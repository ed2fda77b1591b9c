import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { tone, type Script, type StandInCall } from "./stand-in-call.ts";
import { startStandIn, type StandIn } from "./stand-in.ts";
import { levelOf } from "./tone-level.ts";
import { wavOf } from "./wav.ts";

const chromiumPath = "/usr/bin/chromium";
const present = existsSync(chromiumPath);
const needed = process.env["LINEKEEPER_TEST_NEEDS"] === "all";
if (!present && !needed)
  console.warn(`SKIPPED: the page in a browser is not tested, there is no ${chromiumPath} (apt-get install chromium)`);

const flags =
  "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync --use-fake-device-for-media-stream --autoplay-policy=no-user-gesture-required";
const patient = { timeout: 20_000, interval: 50 };

describe.skipIf(!present && !needed)("the page in Chromium", { timeout: 60_000 }, () => {
  let folder: string;
  let browser: Browser;
  let standIn: StandIn | undefined;
  /** What the pages threw or complained of; a connection that fails is no such thing. */
  const errors: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "linekeeper-page-"));
    const microphone = join(folder, "microphone.wav");
    // Silence first, so that nothing is said before the call is up; the browser plays it once, then silence.
    const said = new Float32Array(48_000 * 4);
    said.set(tone(700, 1_500, 48_000), 48_000 * 2);
    await writeFile(microphone, wavOf(said, 48_000));
    const args = [...flags.split(" "), `--use-file-for-fake-audio-capture=${microphone}%noloop`];
    browser = await chromium.launch({ executablePath: chromiumPath, args });
  }, 60_000);

  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
    await standIn?.close();
    standIn = undefined;
    expect(errors.splice(0)).toEqual([]);
  });

  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function visit(script: Script, options: BrowserContextOptions = {}): Promise<Page> {
    standIn = await startStandIn(script);
    const context = await browser.newContext({ permissions: ["microphone"], ...options });
    const page = await context.newPage();
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("console", (line) => {
      if (line.type() === "error" && !/WebSocket|net::ERR/.test(line.text())) errors.push(line.text());
    });
    await page.goto(`${standIn.url}?raw=1`);
    await page.locator(".example").first().waitFor();
    return page;
  }

  async function theCall(): Promise<StandInCall> {
    return vi.waitFor(() => {
      const call = standIn?.calls.at(-1);
      if (call?.started !== true) throw new Error("no call has started");
      return call;
    }, patient);
  }

  /** What the loudspeaker is given from now on, gathered in the page as `heardHere`. */
  async function listenIn(page: Page): Promise<void> {
    await page.waitForFunction(() => window.linekeeper.call !== undefined);
    await page.evaluate(() => {
      const { context, agentVoice } = window.linekeeper.call?.sound ?? {};
      if (context === undefined || agentVoice === undefined) throw new Error("no call");
      const analyser = new AnalyserNode(context, { fftSize: 4_096 });
      agentVoice.connect(analyser);
      window.heardHere = () => {
        const samples = new Float32Array(analyser.fftSize);
        analyser.getFloatTimeDomainData(samples);
        return { samples: [...samples], rateHz: context.sampleRate };
      };
    });
  }

  const loudnessHere = (page: Page, hz: number): Promise<number> =>
    page.evaluate(() => window.heardHere()).then(({ samples, rateHz }) => levelOf(samples, hz, rateHz));

  test("what the microphone hears arrives at the server, at its pitch and level", async () => {
    const page = await visit({ hears: ["A tone."] });
    await page.getByRole("button", { name: "Start the call" }).click();
    const call = await theCall();
    await vi.waitFor(() => expect(call.sentMs.size).toBe(1), patient);
    const loudAt = call.heard.findIndex((sample) => Math.abs(sample) > 0.1);
    const said = call.heard.slice(loudAt + 1_600, loudAt + 1_600 + 16_000);
    expect(levelOf(said, 700, 16_000)).toBeGreaterThan(0.15);
    expect(levelOf(said, 1_400, 16_000)).toBeLessThan(0.02);
    await expect.poll(() => page.locator(".turn.caller").innerText(), patient).toContain("A tone.");
    expect(call.complaints).toEqual([]);
  });

  test("the agent's voice leaves the loudspeaker at its pitch, and all of it is reported as played", async () => {
    const page = await visit({ greeting: { text: "Hello there.", sound: tone(440, 1_500, 24_000) } });
    await page.getByRole("button", { name: "Start the call" }).click();
    await listenIn(page);
    await vi.waitFor(async () => expect(await loudnessHere(page, 440)).toBeGreaterThan(0.35), patient);
    const call = await theCall();
    await vi.waitFor(() => expect(call.played.at(-1)).toEqual({ turnId: "t1", ms: 1_500 }), patient);
    expect(call.played.length).toBeGreaterThan(8);
    await expect.poll(() => page.locator("#phase").innerText(), patient).toBe("Listening");
    expect(await page.locator(".turn.agent.final").innerText()).toContain("Hello there.");
    expect(call.complaints).toEqual([]);
  });

  test("a barge-in silences the agent and reports what was heard of it", async () => {
    const page = await visit({ greeting: { text: "one two three four five six seven eight", sound: tone(440, 20_000, 24_000) } });
    await page.getByRole("button", { name: "Start the call" }).click();
    await listenIn(page);
    const call = await theCall();
    await vi.waitFor(async () => expect(await loudnessHere(page, 440)).toBeGreaterThan(0.35), patient);
    call.bargeIn();
    const reports = call.played.length;
    await vi.waitFor(async () => expect(await loudnessHere(page, 440)).toBeLessThan(0.001), patient);
    await vi.waitFor(() => expect(call.played.length).toBeGreaterThan(reports), patient);
    const flushMs = await page.evaluate(() => window.linekeeper.call?.stats.flushMs);
    console.log(`barge-in: flush message to faded out in the audio thread ${flushMs?.toFixed(1)} ms`);
    expect(flushMs).toBeDefined();
    expect(call.played.at(-1)?.ms).toBeLessThanOrEqual(call.sentMs.get("t1") ?? 0);
    expect(await page.locator(".turn.interrupted").innerText()).toContain("interrupted");
    expect(call.complaints).toEqual([]);
  });

  test("a typed turn is answered, and muting sends silence on", async () => {
    const page = await visit({ answers: [{ text: "At seven, then." }] });
    await page.getByRole("button", { name: "Start the call" }).click();
    const call = await theCall();
    await page.getByRole("button", { name: "Mute" }).click();
    await page.getByLabel("Type to the agent").fill("A table at seven");
    await page.keyboard.press("Enter");
    await expect.poll(() => page.locator(".turn.agent.final").innerText(), patient).toContain("At seven, then.");
    expect(call.typed).toEqual(["A table at seven"]);
    expect(await page.locator(".turn.agent .badge").innerText()).toBe("0.12 s");
    // The microphone's tone comes two seconds in; muted, four seconds of pure silence arrive.
    await vi.waitFor(() => expect(call.heard.length).toBeGreaterThan(16_000 * 4.5), patient);
    expect(Math.max(...call.heard.slice(16_000))).toBe(0);
    await page.getByRole("button", { name: "Hang up" }).click();
    await vi.waitFor(() => expect(call.saidBye).toBe(true), patient);
    expect(await page.locator("#phase").innerText()).toBe("Call ended");
  });

  test("an example call speaks with a recorded voice and shows both sides", async () => {
    const page = await visit({
      greeting: { text: "How can I help?" },
      hears: ["Hello. What are your opening hours?"],
      answers: [{ text: "From noon to ten." }],
    });
    await page.getByRole("button", { name: /Susan books a table/ }).click();
    const call = await theCall();
    await expect
      .poll(() => page.locator(".turn").allInnerTexts(), patient)
      .toEqual(
        expect.arrayContaining([
          expect.stringContaining("How can I help?"),
          expect.stringContaining("opening hours?"),
          expect.stringContaining("From noon"),
        ]),
      );
    expect(await page.locator(".note").first().innerText()).toContain("recorded, computer-made voice");
    expect(call.complaints).toEqual([]);
  });

  test("connection events and tools are told in words", async () => {
    const page = await visit({
      asides: {
        0: [
          { type: "connection.reconnecting", provider: "openai", attempt: 1 },
          { type: "handed-over", provider: "gemini", restored: "full" },
          { type: "tool", name: "find_table", state: "running" },
        ],
      },
    });
    await page.getByRole("button", { name: "Start the call" }).click();
    (await theCall()).answer(300);
    await expect
      .poll(() => page.locator(".note").allInnerTexts(), patient)
      .toEqual(["Reconnecting to openai. You can go on talking.", "Handed over to gemini, nothing lost.", "find table: working"]);
    expect(await page.locator("#provider").innerText()).toBe("on gemini");
  });

  test("a denied microphone is said in words, and typing is offered instead", async () => {
    const page = await visit({ answers: [{ text: "Hello, typist." }] }, { permissions: [] });
    await page.getByRole("button", { name: "Start the call" }).click();
    await expect.poll(() => page.getByRole("alert").innerText(), patient).toContain("The microphone is blocked");
    await page.getByRole("button", { name: "Type instead" }).click();
    await theCall();
    await page.getByLabel("Type to the agent").fill("Hello");
    await page.getByRole("button", { name: "Send" }).click();
    await expect.poll(() => page.locator(".turn.agent").innerText(), patient).toContain("Hello, typist.");
  });

  test("a busy server is said in words", async () => {
    const page = await visit({ refuse: { code: "busy", message: "8 of 8 calls", closeCode: 1013 } });
    await page.getByRole("button", { name: "Start the call" }).click();
    await expect.poll(() => page.getByRole("alert").innerText(), patient).toContain("All lines are taken");
    expect(await page.getByRole("button", { name: "Try again" }).isVisible()).toBe(true);
  });

  test("a server that is not there is said in words", async () => {
    const page = await visit({});
    await standIn?.close();
    standIn = undefined;
    await page.getByRole("button", { name: "Start the call" }).click();
    await expect.poll(() => page.getByRole("alert").innerText(), patient).toContain("The server does not answer");
  });

  test("a server that vanishes is called again by the page, which says so; what it then refuses is said in words", async () => {
    const script: { refuse?: NonNullable<Script["refuse"]> } = {};
    const page = await visit(script);
    await page.getByRole("button", { name: "Start the call" }).click();
    const call = await theCall();
    script.refuse = { code: "draining", message: "restarting", closeCode: 1012 };
    call.vanish();
    await expect.poll(() => page.locator("#phase").innerText(), patient).toBe("Reconnecting");
    await vi.waitFor(() => expect(standIn?.calls.length).toBeGreaterThan(2), patient);
    expect(standIn?.calls[1]?.start).toMatchObject({ type: "start", resume: "resume-1" });
    script.refuse = { code: "call-unknown", message: "the call to come back to is over", closeCode: 1008 };
    await expect.poll(() => page.getByRole("alert").innerText(), patient).toContain("That call is over");
    delete script.refuse;
    await page.getByRole("button", { name: "Try again" }).click();
    await expect.poll(() => page.locator("#phase").innerText(), patient).toBe("Listening");
    expect(standIn?.calls.at(-1)?.start).toMatchObject({ type: "start" });
    expect(standIn?.calls.at(-1)?.start).not.toHaveProperty("resume");
  });

  test("nothing sticks out of a phone of 360 pixels, neither idle nor in a call", async () => {
    const page = await visit(
      { greeting: { text: "Ottorhinolaryngologisches Universitätsklinikumsgebäude ".repeat(6) } },
      { viewport: { width: 360, height: 740 } },
    );
    const width = (): Promise<number> => page.evaluate(() => document.documentElement.scrollWidth);
    expect(await width()).toBe(360);
    await page.getByRole("button", { name: "Start the call" }).click();
    await page.locator(".turn.agent.final").waitFor();
    for (const name of ["Sound", "Details of the line"]) await page.getByText(name, { exact: true }).click();
    expect(await width()).toBe(360);
  });
});
