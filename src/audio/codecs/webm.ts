// WebM (a profile of Matroska, RFC 9559, on EBML, RFC 8794), as far as browsers' MediaRecorder writes it: one Opus track as it comes.
import { Fault } from "../../kernel/fault.ts";

const ids = {
  ebml: 0x1a45dfa3,
  segment: 0x18538067,
  cluster: 0x1f43b675,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackNumber: 0xd7,
  codecId: 0x86,
  blockGroup: 0xa0,
  block: 0xa1,
  simpleBlock: 0xa3,
} as const;

/** What lies in these is read as if it lay beside them: their sizes, which a live stream does not know, do not matter. */
const opened: ReadonlySet<number> = new Set([ids.segment, ids.cluster, ids.tracks, ids.trackEntry, ids.blockGroup]);
const kept: ReadonlySet<number> = new Set([ids.trackNumber, ids.codecId, ids.block, ids.simpleBlock]);
/** An Opus packet is at most 3,828 bytes as far as we decode it. */
const longestKeptBytes = 4_096;
/** Four bytes of id, eight of size. */
const longestHeadBytes = 12;
const nothing: Uint8Array = new Uint8Array(0);

/** Takes a WebM stream in pieces of any length and gives its Opus packets. It holds at most one element. */
export class WebmOpus {
  #rest: Uint8Array = nothing;
  /** Bytes of an uninteresting element that are still to come. */
  #skip = 0;
  #begun = false;
  #tracks = 0;
  #track: number | undefined;
  #isOpus = false;

  /**
   * The packets that are whole by now, in order; views into `bytes` where they lie in one piece.
   * @throws {Fault} caller-malformed for what is no WebM, caller-unsupported for other than one Opus track
   */
  push(bytes: Uint8Array): Uint8Array[] {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const packets: Uint8Array[] = [];
    let at = 0;
    for (;;) {
      const skipped = Math.min(this.#skip, all.length - at);
      this.#skip -= skipped;
      at += skipped;
      const head = this.#skip > 0 ? undefined : headAt(all, at);
      if (head === undefined) break;
      this.#check(head);
      if (opened.has(head.id)) {
        if (head.id === ids.trackEntry) this.#beginTrack();
        at = head.end;
      } else if (kept.has(head.id)) {
        if (all.length < head.end + head.size) break;
        const packet = this.#read(head.id, all.subarray(head.end, head.end + head.size));
        if (packet !== undefined) packets.push(packet);
        at = head.end + head.size;
      } else {
        this.#skip = head.size;
        at = head.end;
      }
    }
    // A copy: whoever gave the bytes may use their place again.
    this.#rest = at === all.length ? nothing : all.slice(at);
    return packets;
  }

  #check({ id, size }: Head): void {
    if (!this.#begun && id !== ids.ebml) throw malformed("it does not begin with an EBML header");
    this.#begun = true;
    if (opened.has(id)) return;
    if (size === Infinity) throw malformed(`element ${id.toString(16)} has no size`);
    if (kept.has(id) && size > longestKeptBytes)
      throw malformed(`element ${id.toString(16)} of ${size} bytes, the limit is ${longestKeptBytes}`);
  }

  #beginTrack(): void {
    this.#tracks += 1;
    if (this.#tracks > 1) throw unsupported("it has more than one track");
  }

  #read(id: number, body: Uint8Array): Uint8Array | undefined {
    if (id === ids.trackNumber) {
      this.#track = body.reduce((sum, byte) => sum * 256 + byte, 0);
      return undefined;
    }
    if (id === ids.codecId) {
      const codec = Buffer.from(body).toString("latin1");
      this.#isOpus = codec === "A_OPUS";
      if (!this.#isOpus) throw unsupported(`its track is ${JSON.stringify(codec.slice(0, 32))}, not A_OPUS`);
      return undefined;
    }
    return this.#packetOf(body);
  }

  /** A block: the track's number, two bytes of time, flags, the packet. */
  #packetOf(block: Uint8Array): Uint8Array {
    if (!this.#isOpus) throw malformed("a block came before its track");
    const track = sizeAt(block, 0);
    if (track === undefined || block.length <= track.end + 3) throw malformed("a block is too short");
    if (track.value !== this.#track) throw unsupported(`a block of track ${track.value}, the only one is ${this.#track}`);
    if (((block[track.end + 2] ?? 0) & 0x06) !== 0) throw unsupported("its blocks are laced");
    return block.subarray(track.end + 3);
  }
}

interface Head {
  readonly id: number;
  readonly size: number;
  /** Where the element's body begins. */
  readonly end: number;
}

/** Undefined: not whole yet. */
function headAt(bytes: Uint8Array, at: number): Head | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  const idBytes = Math.clz32(first) - 23;
  if (idBytes > 4) throw malformed(`no element begins with ${first}`);
  if (at + idBytes >= bytes.length) return undefined;
  let id = 0;
  for (let n = 0; n < idBytes; n += 1) id = id * 256 + (bytes[at + n] ?? 0);
  const size = sizeAt(bytes, at + idBytes);
  if (size === undefined && bytes.length - at >= longestHeadBytes) throw malformed("an element has a size of more than eight bytes");
  return size === undefined ? undefined : { id, size: size.value, end: size.end };
}

/** A number of one to eight bytes, the length by the leading zeros of the first; all ones: unknown, Infinity. */
function sizeAt(bytes: Uint8Array, at: number): { readonly value: number; readonly end: number } | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  const length = Math.clz32(first) - 23;
  if (length > 8) throw malformed("an element has a size of more than eight bytes");
  if (at + length > bytes.length) return undefined;
  const mask = (1 << (8 - length)) - 1;
  let value = first & mask;
  let isUnknown = value === mask;
  for (let n = 1; n < length; n += 1) {
    const byte = bytes[at + n] ?? 0;
    value = value * 256 + byte;
    isUnknown &&= byte === 0xff;
  }
  return { value: isUnknown ? Infinity : value, end: at + length };
}

const malformed = (why: string): Fault => new Fault("caller-malformed", `the WebM stream: ${why}`);
const unsupported = (why: string): Fault => new Fault("caller-unsupported", `the WebM stream: ${why}`);
