// Frames as RFC 6455, section 5, writes them, from either end, without extensions.
import { isAscii, isUtf8 } from "node:buffer";
import { isCloseCode, noStatus, opcodes } from "./codes.ts";

export interface FrameLimits {
  /** Longest message, bytes, in however many frames. */
  readonly messageBytes: number;
  /** Most frames of one message. */
  readonly fragments: number;
}

/** Which end of a connection somebody is. Clients mask what they send, servers must not. */
export type End = "client" | "server";

/** Told in the order of the wire. Bytes are valid until it returns. */
export interface FrameListener {
  text(text: string, bytes: number): void;
  binary(bytes: Buffer): void;
  ping(payload: Buffer): void;
  pong(): void;
  /** The last: what comes after it is not read. 1005: the peer gave no code. */
  close(code: number, reason: string): void;
  /** The last: what comes after it is not read. */
  broke(breach: Breach): void;
}

/** Sees texts first. */
export interface Scanner {
  /**
   * A whole text that came in one frame, before a string is made of it and before it is known to be UTF-8; the bytes are valid until it
   * returns. True: that was all; false: it is yet to come as `text`.
   */
  scan?(bytes: Buffer, from: number, end: number): boolean;
}

/** How a peer broke the protocol, with the code to close it with. */
export class Breach extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

const nothing = Buffer.alloc(0);
const nobody: Scanner = {};
const shortestHeaderBytes = 2;
const bytesOfMask = 4;
const longestControlBytes = 125;
/** Memory that is held for a frame or message in pieces begins with so much and doubles. */
const firstHeldBytes = 512;

/**
 * Reads one peer's frames. A frame that lies whole in a chunk is unmasked and handed on in place; of one that does not, what has
 * come is kept, and never more memory than twice that. A header is judged as soon as it can be, before its payload is awaited.
 */
export class FrameReader {
  readonly #messageLimit: number;
  readonly #fragmentsLimit: number;
  readonly #listener: FrameListener;
  #scanner: Scanner;
  /** 0 or 128: what the first bit of a length must be. */
  readonly #maskBit: number;
  readonly #maskBytes: number;
  #done = false;
  /** The beginning of a frame, and how many bytes of it there must be before it is looked at again. */
  #held: Buffer = nothing;
  #heldBytes = 0;
  #neededBytes = 0;
  /** Of the frame whose header was read last. */
  #payloadBytes = 0;
  /** A message in pieces: what it is (0: there is none), how many there were, and their payloads. */
  #opcode = 0;
  #fragments = 0;
  #message: Buffer = nothing;
  #messageBytes = 0;
  /** How much of it is known to be UTF-8. */
  #checkedBytes = 0;

  constructor(limits: FrameLimits, listener: FrameListener, peer: End = "client", scanner: Scanner = nobody) {
    this.#messageLimit = limits.messageBytes;
    this.#fragmentsLimit = limits.fragments;
    this.#listener = listener;
    this.#scanner = scanner;
    this.#maskBit = peer === "client" ? 0x80 : 0;
    this.#maskBytes = peer === "client" ? bytesOfMask : 0;
  }

  /** Reads on; the reader writes into the chunk, and has no use for it once it returns. */
  take(chunk: Buffer): void {
    if (this.#done) return;
    try {
      this.#read(chunk);
    } catch (error) {
      if (!(error instanceof Breach)) throw error;
      this.stop();
      this.#listener.broke(error);
    }
  }

  /** Reads on, but shows no text to the scanner any more. */
  scanNoMore(): void {
    this.#scanner = nobody;
  }

  /** Reads nothing more and keeps nothing. */
  stop(): void {
    this.#done = true;
    this.#held = this.#message = nothing;
    this.#heldBytes = this.#messageBytes = 0;
  }

  #read(chunk: Buffer): void {
    let at = this.#heldBytes === 0 ? 0 : this.#complete(chunk);
    while (at < chunk.length && !this.#done) {
      const end = at + this.#needed(chunk, at, chunk.length);
      if (end > chunk.length) {
        this.#neededBytes = end - at;
        return this.#hold(chunk, at, chunk.length);
      }
      this.#frame(chunk, at, end);
      at = end;
    }
  }

  /** Goes on with the frame that is held; returns where in the chunk the next one begins. */
  #complete(chunk: Buffer): number {
    let at = 0;
    while (this.#heldBytes < this.#neededBytes) {
      if (at === chunk.length) return at;
      const to = Math.min(chunk.length, at + this.#neededBytes - this.#heldBytes);
      this.#hold(chunk, at, to);
      at = to;
      if (this.#heldBytes === this.#neededBytes) this.#neededBytes = this.#needed(this.#held, 0, this.#heldBytes);
    }
    const frame = this.#held;
    this.#held = nothing;
    this.#heldBytes = 0;
    this.#frame(frame, 0, this.#neededBytes);
    return at;
  }

  #hold(chunk: Buffer, from: number, to: number): void {
    this.#held = roomFor(this.#held, this.#heldBytes, this.#heldBytes + to - from, this.#neededBytes);
    chunk.copy(this.#held, this.#heldBytes, from, to);
    this.#heldBytes += to - from;
  }

  /**
   * How long the frame is that begins at `at`, bytes; or, where what there is does not tell, how much there must be to say more.
   * @throws {Breach}
   */
  #needed(bytes: Buffer, at: number, end: number): number {
    if (end - at < shortestHeaderBytes) return shortestHeaderBytes;
    const first = bytes[at] ?? 0;
    const second = bytes[at + 1] ?? 0;
    const short = second & 0x7f;
    this.#judge(first, short);
    if ((second & 0x80) !== this.#maskBit) throw new Breach(1002, this.#maskBit === 0 ? nakedOnly : maskedOnly);
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const payloadAt = at + shortestHeaderBytes + lengthBytes + this.#maskBytes;
    if (end < payloadAt - this.#maskBytes) return payloadAt - this.#maskBytes - at;
    this.#payloadBytes = lengthBytes === 0 ? short : lengthBytes === 2 ? bytes.readUInt16BE(at + 2) : longLength(bytes, at + 2);
    if ((first & 0x08) === 0 && this.#messageBytes + this.#payloadBytes > this.#messageLimit) {
      throw new Breach(1009, `a message may be ${this.#messageLimit} bytes long`);
    }
    return payloadAt - at + this.#payloadBytes;
  }

  #judge(first: number, short: number): void {
    if ((first & 0x70) !== 0) throw new Breach(1002, "reserved bits are set, and no extension was agreed on");
    const opcode = first & 0x0f;
    const isLast = (first & 0x80) !== 0;
    if (opcode === opcodes.close || opcode === opcodes.ping || opcode === opcodes.pong) {
      if (!isLast) throw new Breach(1002, "a control frame may not be fragmented");
      if (short > longestControlBytes) throw new Breach(1002, `a control frame may carry ${longestControlBytes} bytes`);
      if (opcode === opcodes.close && short === 1) throw new Breach(1002, "a close code has two bytes");
      return;
    }
    if (opcode > opcodes.binary) throw new Breach(1002, `opcode ${opcode} means nothing`);
    if (opcode === opcodes.continuation && this.#opcode === 0) throw new Breach(1002, "there is no message to be continued");
    if (opcode !== opcodes.continuation && this.#opcode !== 0) throw new Breach(1002, "a message begins inside another");
    if (this.#fragments === this.#fragmentsLimit) throw new Breach(1008, `a message may have ${this.#fragmentsLimit} fragments`);
  }

  /** A whole frame from `at` to `end`, whose header was just read. */
  #frame(bytes: Buffer, at: number, end: number): void {
    const from = end - this.#payloadBytes;
    const ascii = this.#maskBit === 0 ? undefined : unmask(bytes, from, end);
    const first = bytes[at] ?? 0;
    const opcode = first & 0x0f;
    const isLast = (first & 0x80) !== 0;
    if (opcode > opcodes.binary) this.#control(opcode, bytes.subarray(from, end));
    else if (!isLast || this.#opcode !== 0) this.#fragment(opcode, isLast, bytes, from, end);
    else if (opcode === opcodes.binary) this.#listener.binary(bytes.subarray(from, end));
    else if (this.#scanner.scan?.(bytes, from, end) === true) return;
    else if (ascii ?? isAscii(bytes.subarray(from, end))) this.#listener.text(bytes.toString("latin1", from, end), end - from);
    else this.#text(bytes.subarray(from, end));
  }

  #text(payload: Buffer): void {
    if (!isUtf8(payload)) throw notUtf8();
    this.#listener.text(payload.toString("utf8"), payload.length);
  }

  #fragment(opcode: number, isLast: boolean, bytes: Buffer, from: number, end: number): void {
    if (this.#opcode === 0) this.#opcode = opcode;
    this.#fragments += 1;
    this.#message = roomFor(this.#message, this.#messageBytes, this.#messageBytes + end - from, this.#messageLimit);
    bytes.copy(this.#message, this.#messageBytes, from, end);
    this.#messageBytes += end - from;
    if (!isLast) {
      if (this.#opcode === opcodes.text) this.#checkText();
      return;
    }
    const message = this.#message.subarray(0, this.#messageBytes);
    const isText = this.#opcode === opcodes.text;
    this.#message = nothing;
    this.#messageBytes = this.#checkedBytes = this.#fragments = this.#opcode = 0;
    if (isText) this.#text(message);
    else this.#listener.binary(message);
  }

  /** Bad text is refused with the fragment it comes in, not at the end of the message. */
  #checkText(): void {
    const end = wholeCharacters(this.#message, this.#messageBytes);
    if (end <= this.#checkedBytes) return;
    if (!isUtf8(this.#message.subarray(this.#checkedBytes, end))) throw notUtf8();
    this.#checkedBytes = end;
  }

  #control(opcode: number, payload: Buffer): void {
    if (opcode === opcodes.ping) return this.#listener.ping(payload);
    if (opcode === opcodes.pong) return this.#listener.pong();
    const code = payload.length === 0 ? noStatus : payload.readUInt16BE(0);
    if (payload.length > 0 && !isCloseCode(code)) throw new Breach(1002, `${code} is no close code`);
    if (payload.length > 2 && !isUtf8(payload.subarray(2))) throw notUtf8();
    this.stop();
    this.#listener.close(code, payload.toString("utf8", 2));
  }
}

const maskedOnly = "a client's frame must be masked";
const nakedOnly = "a server's frame must not be masked";
const notUtf8 = (): Breach => new Breach(1007, "text is not UTF-8");

/** A length of eight bytes; nothing that long is ever let through, so that it need not be exact. */
const longLength = (bytes: Buffer, at: number): number => bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);

/** A shorter payload is not worth a second view of its memory. */
const wordsFromBytes = 64;

/** Takes the mask, which stands before the payload, off it. Whether all that was found there is ASCII. */
function unmask(bytes: Buffer, from: number, end: number): boolean {
  const maskAt = from - bytesOfMask;
  const inWords = end - from >= wordsFromBytes && (bytes.byteOffset + from) % 4 === 0;
  const words = inWords ? (end - from) >> 2 : 0;
  let seen = words === 0 ? 0 : unmaskWords(bytes, maskAt, words);
  for (let at = from + 4 * words; at < end; at += 1) seen |= bytes[at] = (bytes[at] ?? 0) ^ (bytes[maskAt + ((at - from) & 3)] ?? 0);
  return (seen & highBits) === 0;
}

/** The memory that was unmasked last, in words: almost always it is the one that all connections are read into. */
let words: Int32Array = new Int32Array(0);

/** The same for so many whole words after the mask: the words that were found there, one over the other. */
function unmaskWords(bytes: Buffer, maskAt: number, count: number): number {
  if (words.buffer !== bytes.buffer) words = new Int32Array(bytes.buffer, 0, bytes.buffer.byteLength >> 2);
  const from = (bytes.byteOffset + maskAt) >> 2;
  const mask = words[from] ?? 0;
  let seen = 0;
  for (let at = from + 1; at <= from + count; at += 1) seen |= words[at] = (words[at] ?? 0) ^ mask;
  return seen;
}

/** In each byte of a word what no ASCII has. */
const highBits = 0x80808080;

/** The same bytes where `wanted` have room; doubled rather than filled up, and never more than `most`, below which it is not worth it. */
function roomFor(held: Buffer, heldBytes: number, wanted: number, most: number): Buffer {
  if (wanted <= held.length) return held;
  const grown = Buffer.allocUnsafeSlow(Math.max(firstHeldBytes, Math.min(most, 2 * wanted)));
  held.copy(grown, 0, 0, heldBytes);
  return grown;
}

/** Where the last character begins that may have more bytes to come; the end if there is none such. */
function wholeCharacters(bytes: Buffer, end: number): number {
  for (let back = 1; back <= Math.min(3, end); back += 1) {
    const byte = bytes[end - back] ?? 0;
    if (byte < 0x80) return end;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? end - back : end;
  }
  return end;
}
