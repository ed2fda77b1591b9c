import type { Encoding } from "./encodings.ts";
import { transcoder } from "./transcode.ts";

const known = new WeakMap<Uint8Array, Map<Encoding, Uint8Array>>();

/** A whole recording of pcm16@16000 in another encoding; made once and kept as long as the recording is. Not to be written to. */
export function clipIn(encoding: Encoding, recording: Uint8Array): Uint8Array {
  const made = known.get(recording) ?? new Map<Encoding, Uint8Array>();
  known.set(recording, made);
  const kept = made.get(encoding);
  if (kept !== undefined) return kept;
  const stream = transcoder("pcm16@16000", encoding);
  // Both results are the transcoder's own memory, which the next call uses again.
  const body = Buffer.from(stream.push(recording));
  const clip = new Uint8Array(Buffer.concat([body, stream.flush()]));
  made.set(encoding, clip);
  return clip;
}
