// Frames as RFC 6455, section 5, writes them: whole messages, without masks to a client, and to a server under one.
import { randomFillSync } from "node:crypto";
import { noStatus, opcodes } from "./codes.ts";

const last = 0x80;
const shortest = 126;
const longest = 0x10000;
const maskBit = 0x80;
const maskBytes = 4;

/** A frame of its own memory, so that it goes out in one piece. */
export function frameOf(opcode: number, payload: Uint8Array): Buffer {
  const frame = headed(opcode, payload.length);
  frame.set(payload, frame.length - payload.length);
  return frame;
}

/** The same for a text. */
export function textFrame(text: string): Buffer {
  const bytes = Buffer.byteLength(text);
  const frame = headed(opcodes.text, bytes);
  frame.write(text, frame.length - bytes, "utf8");
  return frame;
}

/** The same to a server. */
export function maskedFrameOf(opcode: number, payload: Uint8Array): Buffer {
  const frame = headed(opcode, payload.length, maskBytes);
  frame.set(payload, frame.length - payload.length);
  mask(frame, frame.length - payload.length, frame.length);
  return frame;
}

export function maskedTextFrame(text: string): Buffer {
  const bytes = Buffer.byteLength(text);
  const frame = headed(opcodes.text, bytes, maskBytes);
  frame.write(text, frame.length - bytes, "utf8");
  mask(frame, frame.length - bytes, frame.length);
  return frame;
}

/** Of a text of fewer than 64 KiB, with its mask. */
export const longestShortHeader = 8;

/**
 * Writes the header of a text of fewer than 64 KiB, which lies from `payloadAt` to `end`, right before it and before the mask that may yet
 * come; returns where it begins.
 */
export function headerBefore(bytes: Buffer, payloadAt: number, end: number, isMasked: boolean): number {
  const length = end - payloadAt;
  const headerEnd = isMasked ? payloadAt - maskBytes : payloadAt;
  const bit = isMasked ? maskBit : 0;
  const from = headerEnd - (length < shortest ? 2 : 4);
  bytes[from] = last | opcodes.text;
  bytes[from + 1] = bit | Math.min(length, shortest);
  if (length >= shortest) bytes.writeUInt16BE(length, from + 2);
  return from;
}

/** What a close frame carries; a reason that is too long is cut. */
export function closePayload(code: number, reason: string): Buffer {
  if (code === noStatus) return Buffer.alloc(0);
  const payload = Buffer.alloc(125);
  payload.writeUInt16BE(code, 0);
  // Whole characters only.
  return payload.subarray(0, 2 + payload.write(reason, 2, "utf8"));
}

/** A frame whose payload, and the mask before it, is still to be written. */
function headed(opcode: number, payloadBytes: number, extraBytes = 0): Buffer {
  const bit = extraBytes === 0 ? 0 : maskBit;
  const lengthBytes = payloadBytes < shortest ? 0 : payloadBytes < longest ? 2 : 8;
  const frame = Buffer.allocUnsafe(2 + lengthBytes + extraBytes + payloadBytes);
  frame[0] = last | opcode;
  if (lengthBytes === 0) frame[1] = bit | payloadBytes;
  else if (lengthBytes === 2) {
    frame[1] = bit | 126;
    frame.writeUInt16BE(payloadBytes, 2);
  } else {
    frame[1] = bit | 127;
    frame.writeUInt32BE(Math.floor(payloadBytes / 2 ** 32), 2);
    frame.writeUInt32BE(payloadBytes >>> 0, 6);
  }
  return frame;
}

/** Random bytes for masks, drawn many at once. */
const pool = Buffer.allocUnsafeSlow(8_192);
let poolAt = pool.length;

/** Puts a mask of its own, which nobody can foresee (section 5.3), before the payload and over it. */
export function mask(frame: Buffer, payloadAt: number, end: number): void {
  if (poolAt === pool.length) {
    randomFillSync(pool);
    poolAt = 0;
  }
  const a = (frame[payloadAt - 4] = pool[poolAt] ?? 0);
  const b = (frame[payloadAt - 3] = pool[poolAt + 1] ?? 0);
  const c = (frame[payloadAt - 2] = pool[poolAt + 2] ?? 0);
  const d = (frame[payloadAt - 1] = pool[poolAt + 3] ?? 0);
  poolAt += maskBytes;
  let at = payloadAt;
  for (; at + 3 < end; at += 4) {
    frame[at] = (frame[at] ?? 0) ^ a;
    frame[at + 1] = (frame[at + 1] ?? 0) ^ b;
    frame[at + 2] = (frame[at + 2] ?? 0) ^ c;
    frame[at + 3] = (frame[at + 3] ?? 0) ^ d;
  }
  if (at < end) frame[at] = (frame[at] ?? 0) ^ a;
  if (at + 1 < end) frame[at + 1] = (frame[at + 1] ?? 0) ^ b;
  if (at + 2 < end) frame[at + 2] = (frame[at + 2] ?? 0) ^ c;
}
