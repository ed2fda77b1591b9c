import { readFile, stat, writeFile } from "node:fs/promises";
import { encodings } from "../../src/audio/encodings.ts";
import { resampleClip } from "../../src/audio/resample.ts";
import { readWav, writeWav } from "../../src/audio/wav.ts";
import { transcoder } from "../../src/audio/transcode.ts";
import { Fault } from "../../src/kernel/fault.ts";
import { WrongUse } from "./options.ts";
import type { Playback } from "./playback.ts";

const largestFileBytes = 1024 * 1024 * 1024;
const longestHours = 1;

/** The voice of the caller at the wire's rate. @throws {WrongUse} in words for whoever named the file. */
export async function loadVoice(path: string, rateHz: number): Promise<Int16Array> {
  const { samples, rateHz: fromHz } = await load(path);
  if (samples.length === 0) throw new WrongUse(`${path}: there is no sound in it`);
  if (samples.length / fromHz > longestHours * 3_600) throw new WrongUse(`${path}: longer than ${longestHours} h`);
  return resampleClip(samples, fromHz, rateHz);
}

async function load(path: string): Promise<{ rateHz: number; samples: Int16Array }> {
  try {
    const found = await stat(path);
    if (!found.isFile()) throw new WrongUse(`${path}: not a file`);
    if (found.size > largestFileBytes) throw new WrongUse(`${path}: larger than 1 GiB, which is more than ${longestHours} h of speech`);
    return readWav(await readFile(path));
  } catch (error) {
    if (error instanceof WrongUse) throw error;
    if (error instanceof Fault) throw new WrongUse(`${path}: ${error.message}`, { cause: error });
    const code = (error as NodeJS.ErrnoException).code; // From the file system, which always gives one.
    throw new WrongUse(`${path}: ${code === "ENOENT" ? "there is no such file" : `cannot be read (${code ?? String(error)})`}`, {
      cause: error,
    });
  }
}

/** What was heard, on the call's own time line: silence where nothing played. */
export async function saveHeard(path: string, playback: Playback): Promise<void> {
  const { rateHz } = encodings[playback.encoding];
  const positionOf = (atMs: number): number => Math.round((atMs * rateHz) / 1000);
  const pieces = playback.heard.map(({ atMs, bytes }) => ({ at: positionOf(atMs), samples: samplesOf(bytes, playback) }));
  const end = pieces.reduce((longest, { at, samples }) => Math.max(longest, at + samples.length), 0);
  const samples = new Int16Array(end);
  for (const piece of pieces) samples.set(piece.samples, piece.at);
  try {
    await writeFile(path, writeWav({ rateHz, samples }));
  } catch (error) {
    throw new WrongUse(`${path}: cannot be written (${(error as NodeJS.ErrnoException).code ?? "unknown"})`, { cause: error });
  }
}

function samplesOf(bytes: Uint8Array, { encoding }: Playback): Int16Array {
  const plain = encodings[encoding].codec === "pcm16" ? bytes : transcoder(encoding, "pcm16@8000").push(bytes);
  const copy = plain.slice();
  return new Int16Array(copy.buffer, 0, copy.length / 2);
}
