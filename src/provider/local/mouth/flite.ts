import { runCommand } from "./wasi.ts";
import { trimmed } from "./trim.ts";

/** The voices of the Flite build that speak 16 kHz; the first is the clearest. */
export const fliteVoices = ["rms", "slt", "awb", "kal16"] as const;

export type FliteVoice = (typeof fliteVoices)[number];

export const isFliteVoice = (name: string): name is FliteVoice => fliteVoices.some((voice) => voice === name);

const headerBytes = 44;

/**
 * One clause as pcm16@16000, trimmed; `text` must be speakable already (see reading.ts).
 * `gapMs`: the silence that follows.
 * @throws {Error} when the module traps or writes no audio.
 */
export function synthesize(module: WebAssembly.Module, text: string, voice: FliteVoice, gapMs: number): Uint8Array<ArrayBuffer> {
  // A leading dash would be read as an option, and an empty text as the name of a file.
  const run = runCommand(module, ["flite", "-voice", voice, "-t", ` ${text}`, "-o", "/speech.wav"]);
  if (run.exitCode !== 0 || run.output.length <= headerBytes) {
    throw new Error(`flite ended with ${run.exitCode} and ${run.output.length} bytes: ${run.complaint.slice(0, 200)}`);
  }
  const { buffer, byteOffset, byteLength } = run.output;
  return trimmed(new Int16Array(buffer.slice(byteOffset + headerBytes, byteOffset + byteLength - (byteLength % 2))), gapMs);
}
