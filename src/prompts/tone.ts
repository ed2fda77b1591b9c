import { encodings } from "../audio/encodings.ts";

const encoding = "pcm16@16000";
const beepMs = 220;
const gapMs = 120;
const fadeMs = 20;
const frequencyHz = 440;
const amplitude = 0.2 * 32_767;

/** Two soft beeps: what the caller hears in place of a line that could not be read, so that the line does not seem dead. pcm16@16000. */
export function attentionTone(): Uint8Array {
  const perMs = encodings[encoding].rateHz / 1_000;
  const samples = new Int16Array((2 * beepMs + gapMs) * perMs);
  for (const startMs of [0, beepMs + gapMs]) {
    for (let at = 0; at < beepMs * perMs; at += 1) {
      const fade = Math.min(1, at / (fadeMs * perMs), (beepMs * perMs - at) / (fadeMs * perMs));
      samples[startMs * perMs + at] = Math.round(
        amplitude * fade * Math.sin((2 * Math.PI * frequencyHz * at) / encodings[encoding].rateHz),
      );
    }
  }
  return new Uint8Array(samples.buffer);
}
