import type { Random } from "../../src/kernel/random.ts";
import { closing, frame } from "./torture.ts";

/** Messages whole and in fragments, with pings between, and sometimes something that no peer may send. */
export function anyStream(random: () => number): Buffer {
  const upTo = (most: number): number => Math.floor(random() * most);
  const mask = (): number[] => Array.from({ length: 4 }, () => upTo(256));
  const payload = (opcode: number): Buffer => {
    const length = [0, 3, 125, 126, 700][upTo(5)] ?? 0;
    if (opcode === 1) return Buffer.from("aß→😀".repeat(length).slice(0, length).toWellFormed());
    return Buffer.from(Uint8Array.from({ length }, () => upTo(256)));
  };
  const frames: Buffer[] = [];
  for (let count = 1 + upTo(12); count > 0; count -= 1) {
    const opcode = 1 + upTo(2);
    const pieces = 1 + upTo(4);
    const whole = payload(opcode);
    const size = Math.ceil(whole.length / pieces);
    for (let piece = 0; piece < pieces; piece += 1) {
      if (random() < 0.2) frames.push(frame({ opcode: 9 + upTo(2), payload: payload(2).subarray(0, 125), mask: mask() }));
      const part = whole.subarray(piece * size, (piece + 1) * size);
      frames.push(frame({ opcode: piece === 0 ? opcode : 0, fin: piece === pieces - 1, payload: part, mask: mask() }));
    }
  }
  if (random() < 0.5) frames.push(frame({ opcode: upTo(16), rsv: upTo(2), fin: random() < 0.5, payload: payload(2) }));
  frames.push(closing(1000), frame({ opcode: 1 }));
  return Buffer.concat(frames);
}

/** A stream of which a few bits fell over, and the pieces in which it comes. */
export function damaged(random: Random): Buffer[] {
  const stream = anyStream(() => random.next());
  for (let flips = 1 + Math.floor(random.next() * 4); flips > 0; flips -= 1) {
    const at = Math.floor(random.next() * stream.length);
    stream[at] = (stream[at] ?? 0) ^ (1 << Math.floor(random.next() * 8));
  }
  const middle = Math.floor(random.next() * stream.length);
  return [stream.subarray(0, middle), stream.subarray(middle)];
}
