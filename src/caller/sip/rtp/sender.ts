import { bytesOf, encodings, msOf, type Encoding } from "../../../audio/encodings.ts";
import { transcoder, type Transcoder } from "../../../audio/transcode.ts";
import type { Random } from "../../../kernel/random.ts";
import type { Agreed } from "../sdp.ts";
import type { AudioCodec } from "./codecs.ts";
import { DtmfSender } from "./dtmf.ts";
import { writeRtp } from "./packet.ts";

/** More audio than this never waits here; whoever sends it is ahead of the clock. */
const longestQueueMs = 2_000;
/** After a stall of ours up to so much is sent late, and the rest of the time is skipped. */
const catchUpMs = 100;

/** From audio to packets at an even pace: one every `packetMs` on an absolute clock, silence when there is nothing to say. */
export class Sender {
  readonly ssrc: number;
  readonly #downlink: Encoding;
  readonly #send: (packet: Buffer) => void;
  readonly #queue: Uint8Array;
  #queued = 0;
  #agreed: Agreed;
  #codec: AudioCodec;
  #fromLeg: Transcoder;
  #frame: Uint8Array;
  #dtmf: DtmfSender;
  #dtmfTimestamp = 0;
  #sequence: number;
  #timestamp: number;
  #nextMs: number | undefined;
  #isTalking = false;
  heldBack = false;
  packets = 0;
  bytes = 0;
  droppedFrames = 0;

  constructor(agreed: Agreed, downlink: Encoding, random: Random, send: (packet: Buffer) => void) {
    const bits = (count: number): number => Math.floor(random.next() * 2 ** count);
    [this.ssrc, this.#sequence, this.#timestamp] = [bits(32), bits(15), bits(32)];
    this.#downlink = downlink;
    this.#send = send;
    this.#queue = new Uint8Array(bytesOf(longestQueueMs, downlink));
    this.#agreed = agreed;
    this.#codec = agreed.codec.open();
    this.#fromLeg = transcoder(downlink, agreed.codec.encoding);
    this.#frame = new Uint8Array(bytesOf(agreed.packetMs, downlink));
    this.#dtmf = new DtmfSender(agreed.dtmf?.clockHz ?? agreed.codec.clockHz);
  }

  /** The time stamp of the packet that comes next. */
  get timestamp(): number {
    return this.#timestamp;
  }

  /** Audio that waits to be sent. */
  get queuedMs(): number {
    return msOf(this.#queued, this.#downlink);
  }

  /** A new agreement: the stream goes on, in another form. */
  change(agreed: Agreed): void {
    if (agreed.codec.name !== this.#agreed.codec.name) {
      this.#codec.close();
      this.#codec = agreed.codec.open();
      this.#fromLeg = transcoder(this.#downlink, agreed.codec.encoding);
    }
    if (agreed.dtmf?.clockHz !== this.#agreed.dtmf?.clockHz) this.#dtmf = new DtmfSender(agreed.dtmf?.clockHz ?? agreed.codec.clockHz);
    this.#frame = new Uint8Array(bytesOf(agreed.packetMs, this.#downlink));
    this.#agreed = agreed;
  }

  /** False: too much waits already, the frame was dropped. */
  play(frame: Uint8Array): boolean {
    if (this.#queued + frame.length > this.#queue.length) {
      this.droppedFrames += 1;
      return false;
    }
    this.#queue.set(frame, this.#queued);
    this.#queued += frame.length;
    return true;
  }

  flush(): void {
    this.#queued = 0;
  }

  sendDtmf(digits: string): void {
    if (this.#agreed.dtmf !== undefined) this.#dtmf.add(digits);
  }

  /** The codec's memory is given back. */
  close(): void {
    this.#codec.close();
  }

  /** Sends what is due by now. */
  tick(nowMs: number): void {
    const { packetMs } = this.#agreed;
    this.#nextMs ??= nowMs;
    if (nowMs - this.#nextMs > catchUpMs) {
      const missed = Math.floor((nowMs - this.#nextMs) / packetMs);
      this.#advance(missed);
      this.#nextMs += missed * packetMs;
    }
    for (; this.#nextMs <= nowMs; this.#nextMs += packetMs) {
      if (this.#agreed.sends) this.#sendOne();
      else this.#isTalking = false;
      this.#advance(1);
    }
  }

  #sendOne(): void {
    if (this.#dtmf.active && this.#agreed.dtmf !== undefined) return this.#sendEvent(this.#agreed.dtmf.payloadType);
    const payload = this.#codec.encode(this.#fromLeg.push(this.#take()));
    this.#emit(this.#agreed.payloadType, this.#timestamp, !this.#isTalking, payload);
    this.#isTalking = true;
  }

  #sendEvent(payloadType: number): void {
    const event = this.#dtmf.next();
    this.#isTalking = false;
    if (event === undefined) return;
    if (event.begins) this.#dtmfTimestamp = this.#timestamp;
    this.#emit(payloadType, this.#dtmfTimestamp, event.begins, event.payload);
  }

  /** The next packet's audio from the queue, silence where it is short. */
  #take(): Uint8Array {
    const frame = this.#frame;
    const count = this.heldBack ? 0 : Math.min(frame.length, this.#queued);
    frame.set(this.#queue.subarray(0, count));
    frame.fill(encodings[this.#downlink].silence, count);
    this.#queue.copyWithin(0, count, this.#queued);
    this.#queued -= count;
    return frame;
  }

  #emit(payloadType: number, timestamp: number, marker: boolean, payload: Uint8Array): void {
    this.#send(writeRtp({ payloadType, marker, sequence: this.#sequence, timestamp, ssrc: this.ssrc }, payload));
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.packets += 1;
    this.bytes += payload.length;
  }

  #advance(packets: number): void {
    this.#timestamp = (this.#timestamp + (packets * this.#agreed.packetMs * this.#agreed.codec.clockHz) / 1000) % 2 ** 32;
  }
}
