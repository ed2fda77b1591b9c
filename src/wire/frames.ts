// Frames as RFC 6455, section 5, writes them, to a client: whole messages without masks.
import { noStatus, opcodes } from "./codes.ts";

const last = 0x80;
const shortest = 126;
const longest = 0x10000;

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

/**
 * What goes before an ASCII text, each character one byte; undefined for one too long. Node writes strings to a socket from memory
 * of its own, so that such a frame costs no buffer.
 */
export function asciiHeader(bytes: number): string | undefined {
  if (bytes < shortest) return String.fromCharCode(last | opcodes.text, bytes);
  return bytes < longest ? String.fromCharCode(last | opcodes.text, 126, bytes >> 8, bytes & 0xff) : undefined;
}

/** A reason that is too long is cut. */
export function closeFrame(code: number, reason: string): Buffer {
  if (code === noStatus) return headed(opcodes.close, 0);
  const payload = Buffer.alloc(125);
  payload.writeUInt16BE(code, 0);
  // Whole characters only.
  const bytes = payload.write(reason, 2, "utf8");
  return frameOf(opcodes.close, payload.subarray(0, 2 + bytes));
}

/** A frame whose payload is still to be written. */
function headed(opcode: number, payloadBytes: number): Buffer {
  if (payloadBytes < shortest) {
    const frame = Buffer.allocUnsafe(2 + payloadBytes);
    frame[1] = payloadBytes;
    frame[0] = last | opcode;
    return frame;
  }
  if (payloadBytes < longest) {
    const frame = Buffer.allocUnsafe(4 + payloadBytes);
    frame[1] = 126;
    frame.writeUInt16BE(payloadBytes, 2);
    frame[0] = last | opcode;
    return frame;
  }
  const frame = Buffer.allocUnsafe(10 + payloadBytes);
  frame[1] = 127;
  frame.writeUInt32BE(Math.floor(payloadBytes / 2 ** 32), 2);
  frame.writeUInt32BE(payloadBytes >>> 0, 6);
  frame[0] = last | opcode;
  return frame;
}
