import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pcmu } from "../../../../src/audio/g711.ts";
import { resampleClip } from "../../../../src/audio/resample.ts";
import { silentLog } from "../../../../src/kernel/log.ts";
import type { EarNotice, Ears } from "../../../../src/provider/local/parts.ts";

/** Human speech, pcm16@16000, and what is said in it. */
export interface Recording {
  readonly file: string;
  readonly text: string;
}

export const speechFolder = join(import.meta.dirname, "../../../../fixtures/speech");

/** In the order of their table. */
export function recordings(folder = speechFolder): Recording[] {
  const [, ...rows] = readFileSync(join(folder, "transcripts.tsv"), "utf8").trim().split("\n");
  return rows.map((row) => {
    const [file = "", text = ""] = row.split("\t");
    return { file: join(folder, file), text };
  });
}

/** The samples of a 16 kHz mono WAV file. */
export function samplesOf(file: string): Int16Array {
  const bytes = readFileSync(file);
  let at = 12;
  while (bytes.toString("latin1", at, at + 4) !== "data") at += 8 + bytes.readUInt32LE(at + 4);
  const data = Uint8Array.from(bytes.subarray(at + 8, at + 8 + bytes.readUInt32LE(at + 4)));
  return new Int16Array(data.buffer);
}

/** As it sounds at the other end of a telephone line: 300 to 3400 Hz, 8 kHz, µ-law, and back. */
export function byTelephone(samples: Int16Array): Int16Array {
  const narrow = Float64Array.from(resampleClip(samples, 16_000, 8_000));
  for (const quality of [0.541, 1.307]) highPass(narrow, quality);
  const line = Int16Array.from(narrow, (sample) => Math.max(-32_768, Math.min(32_767, Math.round(sample))));
  return resampleClip(pcmu.decode(pcmu.encode(line)), 8_000, 16_000);
}

/** One biquad at 300 Hz of 8 kHz, in place; two with Butterworth's qualities fall by 24 dB an octave. */
function highPass(samples: Float64Array, quality: number): void {
  const omega = (2 * Math.PI * 300) / 8_000;
  const alpha = Math.sin(omega) / (2 * quality);
  const gain = (1 + Math.cos(omega)) / 2 / (1 + alpha);
  const [a1, a2] = [(-2 * Math.cos(omega)) / (1 + alpha), (1 - alpha) / (1 + alpha)];
  let [x1, x2, y1, y2] = [0, 0, 0, 0];
  for (const [at, x] of samples.entries()) {
    const y = gain * (x - 2 * x1 + x2) - a1 * y1 - a2 * y2;
    [x2, x1, y2, y1] = [x1, x, y1, y];
    samples[at] = y;
  }
}

export const silence = (ms: number): Int16Array => new Int16Array(ms * 16);

export function concatenated(...parts: readonly Int16Array[]): Int16Array {
  const all = new Int16Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/**
 * All that one ear tells of a recording that is played to it in 20 ms frames, as fast as it takes them. `ears` must hear nobody else.
 * Ends when all audio was judged and every turn is closed; end the samples with silence.
 */
export async function heardIn(ears: Ears, samples: Int16Array): Promise<EarNotice[]> {
  const notices: EarNotice[] = [];
  const judged = (): number => (ears.status()["voiceActivity"] as { frames: number }).frames;
  const judgedBefore = judged();
  const ear = ears.open({ report: (notice) => notices.push(notice), log: silentLog });
  const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
  for (let at = 0; at < bytes.length; at += 640) while (!ear.hear(bytes.subarray(at, at + 640))) await delay(1);
  const toJudge = Math.floor(samples.length / 512);
  while (judged() - judgedBefore < toJudge || turnsOpen(notices) > 0) {
    const failure = notices.find((notice) => notice.type === "ears.failed");
    if (failure !== undefined) throw failure.fault;
    await delay(1);
  }
  ear.close();
  return notices;
}

function turnsOpen(notices: readonly EarNotice[]): number {
  const opening = notices.filter(({ type }) => type === "caller.spoke" || type === "caller.resumed").length;
  const closing = notices.filter(({ type }) => type === "caller.finished" || type === "caller.dismissed").length;
  return opening - closing;
}

/** The last final text of each turn, in order. */
export function turnsIn(notices: readonly EarNotice[]): string[] {
  const turns = new Map<string, string>();
  for (const notice of notices) if (notice.type === "caller.transcribed" && notice.final) turns.set(notice.turnId, notice.text);
  return [...turns.values()];
}
