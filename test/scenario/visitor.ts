import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { resampleClip } from "../../src/audio/resample.ts";
import { wavOf } from "../public/wav.ts";
import { callerLevelNow, callIdNow, shownTurns, startTape, takeTape, tapeBeforeReload, type PackedTape, type Turn } from "./in-the-page.js";

export const chromiumPath = "/usr/bin/chromium";
export const chromiumIsThere = existsSync(chromiumPath);

const flags =
  "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync --use-fake-device-for-media-stream --autoplay-policy=no-user-gesture-required";
const microphoneHz = 48_000;

/** Both sides of a call as the page's audio thread had them, sample for sample on one clock. */
export interface Tape {
  readonly rateHz: number;
  /** What left for the loudspeaker. */
  readonly agent: Float32Array;
  /** What came from the microphone. */
  readonly caller: Float32Array;
  /** When the page was told to stop playing, in samples of the tape. */
  readonly flushes: readonly number[];
  /** From rendered to heard, as the browser reckons, ms. */
  readonly outputLatencyMs: number;
}

/** Somebody in front of the page, in Chromium. */
export interface Visitor extends AsyncDisposable {
  readonly page: Page;
  /** What the page threw or complained of; a connection that fails is no such thing. */
  readonly complaints: readonly string[];
  /** As the page shows them, in order. */
  turns(): Promise<readonly Turn[]>;
  /** Resolves when the page is in that state. */
  isIn(state: "listening" | "thinking" | "speaking" | "reconnecting" | "ended" | "failed", limitMs?: number): Promise<void>;
  tape(): Promise<Tape>;
  /** What left for the loudspeaker before the page was loaded again, at the same rate; the last 43 ms may be missing. */
  agentBeforeReload(): Promise<Float32Array>;
  /** Of the call that the page has just now; empty before it has begun. */
  callId(): Promise<string>;
  /** Loudness of the microphone just now, 0 to 1. */
  callerLevel(): Promise<number>;
}

/**
 * Opens the page with a microphone that hears `said` (pcm16 at 16 kHz) once, from when it is switched on, then silence.
 * `taped`: keeps the sound of both sides. `raw`: without the browser's echo cancellation and the like. `query`: more for the page's address.
 */
export async function visit(
  url: string,
  said: Int16Array = new Int16Array(16_000),
  { taped = false, raw = false, query = "" } = {},
): Promise<Visitor> {
  const folder = await mkdtemp(join(tmpdir(), "linekeeper-visitor-"));
  const microphone = join(folder, "microphone.wav");
  await writeFile(
    microphone,
    wavOf(
      Float32Array.from(resampleClip(said, 16_000, microphoneHz), (sample) => sample / 32_768),
      microphoneHz,
    ),
  );
  const args = [...flags.split(" "), `--use-file-for-fake-audio-capture=${microphone}%noloop`];
  const browser = await chromium.launch({ executablePath: chromiumPath, args });
  try {
    return await openPage(browser, `${url}?${raw ? "raw=1&" : ""}${query}`, folder, taped);
  } catch (error) {
    await browser.close();
    throw error;
  }
}

async function openPage(browser: Browser, url: string, folder: string, taped: boolean): Promise<Visitor> {
  // The tape's own source is nothing that the server's policy allows.
  const context = await browser.newContext({ permissions: ["microphone"], bypassCSP: taped });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (line) => {
    if (line.type() === "error" && !/WebSocket|net::ERR/.test(line.text())) complaints.push(line.text());
  });
  if (taped) await page.addInitScript(startTape, await readFile(new URL("tape-worklet.js", import.meta.url), "utf8"));
  await page.goto(url);
  await page.locator(".example").first().waitFor();
  return {
    page,
    complaints,
    turns: () => page.evaluate(shownTurns),
    isIn: (state, limitMs = 30_000) => page.locator(`body[data-state="${state}"]`).waitFor({ timeout: limitMs }),
    tape: async () => tapeOf(await page.evaluate(takeTape)),
    agentBeforeReload: async () => samplesOf(await page.evaluate(tapeBeforeReload)),
    callId: () => page.evaluate(callIdNow),
    callerLevel: () => page.evaluate(callerLevelNow),
    async [Symbol.asyncDispose]() {
      await browser.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function samplesOf(track: string): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(track, "base64"));
  return Float32Array.from(new Int16Array(bytes.buffer), (sample) => sample / 32_767);
}

function tapeOf({ rateHz, tracks, flushes, outputLatencyMs }: PackedTape): Tape {
  const [agent = new Float32Array(0), caller = new Float32Array(0)] = tracks.map(samplesOf);
  return { rateHz, agent, caller, flushes, outputLatencyMs };
}
