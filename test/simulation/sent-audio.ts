import { bytesOf, encodings, msOf, type Encoding } from "../../src/audio/encodings.ts";

/** Enough of a stretch to tell its place. */
const needleBytes = 32;

/** All that one caller sent, byte for byte: noise, of which any stretch tells where it lies. */
export class SentAudio {
  readonly encoding: Encoding;
  #bytes: Buffer = Buffer.alloc(0);
  #length = 0;
  #noise: number;

  constructor(encoding: Encoding, seed: number) {
    this.encoding = encoding;
    this.#noise = seed | 1;
  }

  get length(): number {
    return this.#length;
  }

  get ms(): number {
    return msOf(this.#length, this.encoding);
  }

  /** The next piece to be sent: a view, valid until the next call. */
  grow(ms: number, isSilent: boolean): Uint8Array {
    const bytes = bytesOf(ms, this.encoding);
    const from = this.#length;
    this.#length += bytes;
    if (this.#bytes.length < this.#length) this.#bytes = Buffer.concat([this.#bytes], Math.max(1_000_000, this.#length * 2));
    const piece = this.#bytes.subarray(from, this.#length);
    if (!isSilent) this.#fill(piece);
    return isSilent ? Buffer.from(piece.fill(encodings[this.encoding].silence)) : piece;
  }

  /** What was sent after `length` came to a node that is no more. */
  forgetAfter(length: number): void {
    this.#length = length;
  }

  /** Whether `heard` is what was sent from `from` on. */
  isAt(from: number, heard: Uint8Array): boolean {
    return from >= 0 && from + heard.length <= this.#length && this.#bytes.compare(heard, 0, heard.length, from, from + heard.length) === 0;
  }

  /** Where what a link heard begins; undefined while it is nothing but silence. -1: nowhere in what was sent. */
  placeOf(heard: Uint8Array): number | undefined {
    const { silence } = encodings[this.encoding];
    const first = heard.findIndex((byte) => byte !== silence);
    if (first < 0 || heard.length - first < needleBytes) return undefined;
    const needle = heard.subarray(first, first + needleBytes);
    const nearest = this.#bytes.subarray(0, this.#length).indexOf(needle, Math.max(0, this.#length - bytesOf(90_000, this.encoding)));
    return nearest < 0 ? -1 : nearest - first;
  }

  /** Where the silence begins that lasts until `to`. */
  silentFrom(to: number): number {
    const { silence } = encodings[this.encoding];
    let from = to;
    while (from > 0 && this.#bytes[from - 1] === silence) from -= 1;
    return from;
  }

  #fill(piece: Buffer): void {
    let noise = this.#noise;
    for (let at = 0; at < piece.length; at += 4) {
      noise ^= noise << 13;
      noise ^= noise >>> 17;
      noise ^= noise << 5;
      piece.writeInt32LE(noise, at);
    }
    this.#noise = noise;
  }
}
