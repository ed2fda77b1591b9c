import { encodings, type Encoding } from "../../../audio/encodings.ts";
import { transcoder, type Transcoder } from "../../../audio/transcode.ts";
import type { Agreed } from "../sdp.ts";
import type { AudioCodec } from "./codecs.ts";
import { Concealer } from "./concealer.ts";
import { DtmfReceiver } from "./dtmf.ts";
import { JitterBuffer } from "./jitter-buffer.ts";
import type { RtpPacket } from "./packet.ts";

export interface MediaEar {
  /** Caller audio in the leg's encoding, in order, without holes; valid during the call. */
  audio(frame: Uint8Array): void;
  dtmf(digit: string): void;
}

/** Made-up audio and silence go on in pieces of at most this. */
const pieceMs = 100;

/** From packets to continuous audio: order, loss, decoding, telephone events. One a codec: a new codec is a new receiver. */
export class Receiver {
  readonly buffer: JitterBuffer;
  readonly #agreed: Agreed;
  readonly #codec: AudioCodec;
  readonly #concealer: Concealer;
  readonly #toLeg: Transcoder;
  readonly #ear: MediaEar;
  readonly #dtmf = new DtmfReceiver();
  malformed = 0;

  constructor(agreed: Agreed, uplink: Encoding, ear: MediaEar) {
    const { codec } = agreed;
    this.#agreed = agreed;
    this.#codec = codec.open();
    this.#concealer = new Concealer(codec.encoding);
    this.#toLeg = transcoder(codec.encoding, uplink);
    this.#ear = ear;
    this.buffer = new JitterBuffer(codec.clockHz, {
      packet: (payload, maySkip) => this.#packet(payload, maySkip),
      lost: (units) => this.#inPieces(units, (samples) => this.#concealer.conceal(samples)),
      paused: (units) => this.#inPieces(units, (samples) => this.#concealer.silence(samples)),
    });
  }

  /** False: neither audio nor events of this call. */
  receive(packet: RtpPacket, nowMs: number): boolean {
    const { payloadType, sequence, timestamp, payload } = packet;
    if (payloadType === this.#agreed.payloadType) {
      const units = this.#codec.unitsOf(payload);
      if (units === 0) this.malformed += 1;
      this.buffer.push(sequence, timestamp, units === 0 ? undefined : payload, units, nowMs);
    } else if (payloadType === this.#agreed.dtmf?.payloadType) {
      this.buffer.push(sequence, timestamp, undefined, 0, nowMs);
      this.#tellDigit(this.#dtmf.packet(payload, timestamp, nowMs));
    } else {
      return false;
    }
    return true;
  }

  tick(nowMs: number): void {
    this.buffer.tick(nowMs);
    this.#tellDigit(this.#dtmf.tick(nowMs));
  }

  /** The codec's memory is given back. */
  close(): void {
    this.#codec.close();
  }

  /** Are these packets ones that this receiver understands? */
  knows(payloadType: number): boolean {
    return payloadType === this.#agreed.payloadType || payloadType === this.#agreed.dtmf?.payloadType;
  }

  #packet(payload: Uint8Array, maySkip: boolean): boolean {
    const audio = this.#decode(payload);
    if (audio === undefined) return false;
    if (maySkip && this.#concealer.isQuiet(audio)) return true;
    this.#ear.audio(this.#toLeg.push(this.#concealer.heard(audio)));
    return false;
  }

  /** A payload that the codec cannot read is as good as lost. */
  #decode(payload: Uint8Array): Uint8Array | undefined {
    try {
      return this.#codec.decode(payload);
    } catch {
      this.malformed += 1;
      this.#inPieces(this.#codec.unitsOf(payload), (samples) => this.#concealer.conceal(samples));
      return undefined;
    }
  }

  #inPieces(units: number, make: (samples: number) => Uint8Array): void {
    const { clockHz, encoding } = this.#agreed.codec;
    const { rateHz } = encodings[encoding];
    const longest = (pieceMs * rateHz) / 1000;
    for (let left = Math.round((units * rateHz) / clockHz); left > 0; left -= longest) {
      this.#ear.audio(this.#toLeg.push(make(Math.min(left, longest))));
    }
  }

  #tellDigit(digit: string | undefined): void {
    if (digit !== undefined) this.#ear.dtmf(digit);
  }
}
