// SRTP and SRTCP with AES-CM and HMAC-SHA1 (RFC 3711), keyed by SDES (RFC 4568).
import { createCipheriv, createHmac, timingSafeEqual } from "node:crypto";
import { rtpHeaderBytes } from "./packet.ts";

/** What we offer and take, best first. */
export const srtpSuites = ["AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"] as const;
export type SrtpSuite = (typeof srtpSuites)[number];

/** Master key of 16 bytes and salt of 14, in one. */
export const srtpKeyBytes = 30;

const rtcpTagBytes = 10;
const labels = { rtpKey: 0, rtpAuth: 1, rtpSalt: 2, rtcpKey: 3, rtcpAuth: 4, rtcpSalt: 5 } as const;
const windowBits = 64n;
const windowMask = (1n << windowBits) - 1n;

interface SessionKeys {
  readonly key: Buffer;
  readonly auth: Buffer;
  readonly salt: Buffer;
}

/** Which packets of a stream came already: nothing is taken twice (RFC 3711 section 3.3.2). */
class ReplayWindow {
  #highest = -1;
  #seen = 0n;

  /** May a packet of this index still come? */
  isNew(index: number): boolean {
    const behind = this.#highest - index;
    return behind < 0 || (behind < Number(windowBits) && ((this.#seen >> BigInt(behind)) & 1n) === 0n);
  }

  note(index: number): void {
    const ahead = index - this.#highest;
    if (ahead > 0) {
      this.#seen = (ahead >= Number(windowBits) ? 1n : (this.#seen << BigInt(ahead)) | 1n) & windowMask;
      this.#highest = index;
    } else {
      this.#seen |= 1n << BigInt(-ahead);
    }
  }
}

/** One direction of one stream: either all that we send, or all that comes. */
export class SrtpStream {
  readonly #rtp: SessionKeys;
  readonly #rtcp: SessionKeys;
  readonly #tagBytes: number;
  readonly #sources = new Map<number, { rollovers: number; highest: number; window: ReplayWindow }>();
  readonly #rtcpWindow = new ReplayWindow();
  #rtcpIndex = 0;

  /** @param keyAndSalt of `srtpKeyBytes` */
  constructor(suite: SrtpSuite, keyAndSalt: Buffer) {
    const [key, salt] = [keyAndSalt.subarray(0, 16), keyAndSalt.subarray(16, 30)];
    this.#rtp = sessionKeys(key, salt, labels.rtpKey, labels.rtpAuth, labels.rtpSalt);
    this.#rtcp = sessionKeys(key, salt, labels.rtcpKey, labels.rtcpAuth, labels.rtcpSalt);
    this.#tagBytes = suite === "AES_CM_128_HMAC_SHA1_32" ? 4 : 10;
  }

  protectRtp(packet: Buffer): Buffer {
    const [sequence, ssrc, start] = [packet.readUInt16BE(2), packet.readUInt32BE(8), rtpHeaderBytes(packet) ?? 12];
    const source = this.#sourceOf(ssrc, sequence);
    if (sequence < source.highest && source.highest - sequence > 0x8000) source.rollovers += 1;
    source.highest = sequence;
    const payload = crypt(this.#rtp, ssrc, source.rollovers * 65_536 + sequence, packet.subarray(start));
    const sealed = Buffer.concat([packet.subarray(0, start), payload]);
    return Buffer.concat([sealed, this.#rtpTag(sealed, source.rollovers)]);
  }

  /** Undefined: not from who has the key, or it came before. */
  openRtp(packet: Buffer): Buffer | undefined {
    const start = rtpHeaderBytes(packet);
    const end = packet.length - this.#tagBytes;
    if (start === undefined || end < start) return undefined;
    const [sequence, ssrc] = [packet.readUInt16BE(2), packet.readUInt32BE(8)];
    const known = this.#sources.get(ssrc);
    const source = known ?? { rollovers: 0, highest: sequence, window: new ReplayWindow() };
    const rollovers = guessRollovers(source.rollovers, source.highest, sequence);
    const index = rollovers * 65_536 + sequence;
    const sealed = packet.subarray(0, end);
    if (rollovers < 0 || !source.window.isNew(index) || !timingSafeEqual(this.#rtpTag(sealed, rollovers), packet.subarray(end)))
      return undefined;
    source.window.note(index);
    if (index > source.rollovers * 65_536 + source.highest) [source.rollovers, source.highest] = [rollovers, sequence];
    // Only who has the key gets here; it has no reason for more than a few sources.
    if (known === undefined && this.#sources.size < 16) this.#sources.set(ssrc, source);
    return Buffer.concat([sealed.subarray(0, start), crypt(this.#rtp, ssrc, index, sealed.subarray(start))]);
  }

  protectRtcp(packet: Buffer): Buffer {
    const index = this.#rtcpIndex;
    this.#rtcpIndex = (index + 1) % 2 ** 31;
    const payload = crypt(this.#rtcp, packet.readUInt32BE(4), index, packet.subarray(8));
    const trailer = Buffer.alloc(4);
    trailer.writeUInt32BE((0x80000000 | index) >>> 0);
    const sealed = Buffer.concat([packet.subarray(0, 8), payload, trailer]);
    return Buffer.concat([sealed, tagOf(this.#rtcp.auth, sealed, rtcpTagBytes)]);
  }

  openRtcp(packet: Buffer): Buffer | undefined {
    const end = packet.length - rtcpTagBytes;
    if (end < 12) return undefined;
    const sealed = packet.subarray(0, end);
    const word = sealed.readUInt32BE(end - 4);
    const index = word & 0x7fffffff;
    if (!this.#rtcpWindow.isNew(index) || !timingSafeEqual(tagOf(this.#rtcp.auth, sealed, rtcpTagBytes), packet.subarray(end)))
      return undefined;
    this.#rtcpWindow.note(index);
    const body = sealed.subarray(8, end - 4);
    const isEncrypted = word >= 0x80000000;
    return Buffer.concat([sealed.subarray(0, 8), isEncrypted ? crypt(this.#rtcp, sealed.readUInt32BE(4), index, body) : body]);
  }

  #sourceOf(ssrc: number, sequence: number): { rollovers: number; highest: number } {
    const known = this.#sources.get(ssrc);
    if (known !== undefined) return known;
    const source = { rollovers: 0, highest: sequence, window: new ReplayWindow() };
    this.#sources.set(ssrc, source);
    return source;
  }

  #rtpTag(sealed: Buffer, rollovers: number): Buffer {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(rollovers);
    return tagOf(this.#rtp.auth, Buffer.concat([sealed, counter]), this.#tagBytes);
  }
}

/** RFC 3711 section 3.3.1 and appendix A: the rollover counter that puts the sequence nearest to the highest seen. */
function guessRollovers(rollovers: number, highest: number, sequence: number): number {
  if (highest < 0x8000) return sequence - highest > 0x8000 ? rollovers - 1 : rollovers;
  return highest - 0x8000 > sequence ? rollovers + 1 : rollovers;
}

/** AES in counter mode; the same for both ways (section 4.1.1). */
function crypt({ key, salt }: SessionKeys, ssrc: number, index: number, payload: Buffer): Buffer {
  const iv = Buffer.alloc(16);
  salt.copy(iv);
  iv.writeUInt32BE((iv.readUInt32BE(4) ^ ssrc) >>> 0, 4);
  iv.writeUInt16BE(iv.readUInt16BE(8) ^ Math.floor(index / 2 ** 32), 8);
  iv.writeUInt32BE((iv.readUInt32BE(10) ^ (index % 2 ** 32)) >>> 0, 10);
  return createCipheriv("aes-128-ctr", key, iv).update(payload);
}

const tagOf = (auth: Buffer, bytes: Buffer, length: number): Buffer => createHmac("sha1", auth).update(bytes).digest().subarray(0, length);

function sessionKeys(master: Buffer, salt: Buffer, key: number, auth: number, salting: number): SessionKeys {
  return { key: derive(master, salt, key, 16), auth: derive(master, salt, auth, 20), salt: derive(master, salt, salting, 14) };
}

/** Section 4.3.1, with a key derivation rate of 0. Exported for the RFC's own vectors. */
export function derive(master: Buffer, salt: Buffer, label: number, length: number): Buffer {
  const iv = Buffer.alloc(16);
  salt.copy(iv);
  iv[7] = (iv[7] ?? 0) ^ label;
  return createCipheriv("aes-128-ctr", master, iv).update(Buffer.alloc(length));
}
