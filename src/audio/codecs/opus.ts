// Opus (RFC 6716), mono, for speech. Of the package only the compiled library is used: its own wrapper writes outside of what it
// has allocated, and loses its views when memory grows, which with many calls at once happens.
import openNative from "opusscript/build/opusscript_native_wasm.js";

export type OpusRate = 8_000 | 12_000 | 16_000 | 24_000 | 48_000;

/** A frame of silence as encoders send it: CELT, full band, 20 ms, mono. Any decoder takes it at any time. */
export const opusSilence: Uint8Array = Uint8Array.of(0xf8, 0xff, 0xfe);

const forVoice = 2048;
const setBitrate = 4002;
const bitsPerSecond = 32_000;
/** Longer packets are within the standard and outside what the library makes room for. */
const longestMs = 60;
const longestSamples = (48_000 * longestMs) / 1000;
const longestPacketBytes = 1276 * 3;

/** One for all: every call into the library begins and ends within one of ours, so all streams share its buffers. */
interface Library {
  readonly native: ReturnType<typeof openNative>;
  readonly packetIn: number;
  readonly packetOut: number;
  /** Audio in both directions takes 16 bits a byte: the library puts samples together from two of them, and takes them apart. */
  readonly audioIn: number;
  readonly audioOut: number;
}

let library: Library | undefined;

function opened(): Library {
  if (library !== undefined) return library;
  const native = openNative();
  const room = (bytes: number): number => native._malloc(bytes);
  library = {
    native,
    audioIn: room(longestSamples * 4),
    packetIn: room(longestPacketBytes),
    packetOut: room(longestPacketBytes),
    audioOut: room(longestSamples * 4),
  };
  return library;
}

/** One stream each way. Its memory lies outside JavaScript's heap: `close` gives it back. */
export class OpusCodec {
  readonly #library = opened();
  readonly #handler: InstanceType<Library["native"]["OpusScriptHandler"]>;
  #isClosed = false;

  constructor(rateHz: OpusRate) {
    this.#handler = new this.#library.native.OpusScriptHandler(rateHz, 1, forVoice);
    this.#handler._encoder_ctl(setBitrate, bitsPerSecond);
  }

  /** pcm16 of 10, 20, 40 or 60 ms to one packet, a copy. @throws {Error} for another length */
  encode(audio: Uint8Array): Uint8Array {
    const { native, audioIn, packetOut } = this.#library;
    const into = audioIn >> 1;
    for (let at = 0; at < audio.length; at += 1) native.HEAPU16[into + at] = audio[at] ?? 0;
    const length = this.#handler._encode(audioIn, audio.length, packetOut, audio.length / 2);
    if (length < 0) throw new Error(`Opus cannot encode ${audio.length} bytes: error ${length}`);
    return native.HEAPU8.slice(packetOut, packetOut + length);
  }

  /** One packet to pcm16, a copy. @throws {Error} for what is no Opus */
  decode(packet: Uint8Array): Uint8Array {
    const { native, packetIn, audioOut } = this.#library;
    if (packet.length === 0 || packet.length > longestPacketBytes) throw new Error(`an Opus packet of ${packet.length} bytes`);
    native.HEAPU8.set(packet, packetIn);
    const samples = this.#handler._decode(packetIn, packet.length, audioOut);
    if (samples < 0) throw new Error(`Opus cannot decode ${packet.length} bytes: error ${samples}`);
    return Uint8Array.from(native.HEAPU16.subarray(audioOut >> 1, (audioOut >> 1) + 2 * samples));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#library.native.OpusScriptHandler.destroy_handler(this.#handler);
  }
}

/** How long a packet lasts, ms, by its first bytes (RFC 6716 section 3.1); 0: no Opus, or more than can be decoded. */
export function opusMs(packet: Uint8Array): number {
  const [toc, count = 0] = packet;
  if (toc === undefined) return 0;
  const code = toc & 3;
  const frames = code === 0 ? 1 : code < 3 ? 2 : count & 0x3f;
  const ms = frameMsOf(toc >> 3) * frames;
  return ms <= longestMs ? ms : 0;
}

function frameMsOf(configuration: number): number {
  if (configuration < 12) return [10, 20, 40, 60][configuration & 3] ?? 0;
  if (configuration < 16) return configuration & 1 ? 20 : 10;
  return [2.5, 5, 10, 20][configuration & 3] ?? 0;
}
