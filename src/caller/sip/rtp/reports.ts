import type { Clock } from "../../../kernel/clock.ts";
import type { Random } from "../../../kernel/random.ts";
import type { JitterBuffer } from "./jitter-buffer.ts";
import type { RtpPacket } from "./packet.ts";
import { compactNtp, parseRtcp, writeRtcp, type ReceptionReport } from "./rtcp.ts";
import type { Sender } from "./sender.ts";

/** What the far end says of our stream. */
export interface PeerView {
  /** Over the whole call, 0 to 1. */
  readonly lossShare: number;
  readonly jitterMs: number;
  /** Undefined: it has not answered a report of ours yet. */
  readonly roundTripMs: number | undefined;
}

const everyMs = 5_000;
/** Reports of many calls must not fall together: each interval is within half of it (RFC 3550 section 6.3.1). */
const spread = 0.5;

/** RTCP of one call: ours every 5 s, theirs read. */
export class Reports {
  readonly #ssrc: number;
  readonly #parts: { readonly clock: Clock; readonly random: Random };
  readonly #send: (packet: Buffer) => void;
  readonly #cname: string;
  #dueMs: number;
  #source: { readonly ssrc: number; readonly first: number; highest: number; cycles: number; received: number } | undefined;
  #reported = { expected: 0, received: 0 };
  #lastSender: { readonly stamp: number; readonly atMs: number } | undefined;
  #peer: PeerView | undefined;

  constructor(ssrc: number, parts: { readonly clock: Clock; readonly random: Random }, send: (packet: Buffer) => void) {
    this.#ssrc = ssrc;
    this.#parts = parts;
    this.#send = send;
    // RFC 7022 section 4.2: a name of one call, that tells nothing else.
    this.#cname = parts.random.id("", 16);
    this.#dueMs = parts.clock.now() + this.#interval();
  }

  get peer(): PeerView | undefined {
    return this.#peer;
  }

  /** A packet of the caller's stream came. */
  heard({ ssrc, sequence }: RtpPacket): void {
    const source = this.#source;
    if (source === undefined || source.ssrc !== ssrc) {
      this.#source = { ssrc, first: sequence, highest: sequence, cycles: 0, received: 1 };
      this.#reported = { expected: 0, received: 0 };
      return;
    }
    const ahead = ((sequence - source.highest) << 16) >> 16;
    if (ahead > 0) {
      if (sequence < source.highest) source.cycles += 1;
      source.highest = sequence;
    }
    source.received += 1;
  }

  /** @param clockHz of our stream, in which they count its jitter */
  received(bytes: Buffer, clockHz: number, nowMs: number): void {
    const news = parseRtcp(bytes);
    if (news === undefined) return;
    if (news.senderStamp !== undefined) this.#lastSender = { stamp: news.senderStamp, atMs: nowMs };
    const report = news.reports.find((each) => each.ssrc === this.#ssrc);
    if (report !== undefined) this.#read(report, clockHz);
  }

  tick(nowMs: number, sender: Sender, buffer: JitterBuffer): void {
    if (nowMs < this.#dueMs) return;
    this.#dueMs = nowMs + this.#interval();
    this.#send(this.#compose(nowMs, sender, buffer, false));
  }

  goodbye(sender: Sender, buffer: JitterBuffer): void {
    this.#send(this.#compose(this.#parts.clock.now(), sender, buffer, true));
  }

  #sentPackets = 0;

  #compose(nowMs: number, sender: Sender, buffer: JitterBuffer, bye: boolean): Buffer {
    const { packets, bytes, timestamp } = sender;
    this.#sentPackets = packets;
    const info = packets === 0 ? undefined : { wallMs: this.#parts.clock.wallNow(), timestamp, packets, bytes };
    return writeRtcp(this.#ssrc, this.#cname, info, this.#report(nowMs, buffer), bye);
  }

  #report(nowMs: number, buffer: JitterBuffer): ReceptionReport | undefined {
    const source = this.#source;
    if (source === undefined) return undefined;
    const highestSequence = source.cycles * 65_536 + source.highest;
    const expected = highestSequence - source.first + 1;
    const [expectedNow, receivedNow] = [expected - this.#reported.expected, source.received - this.#reported.received];
    this.#reported = { expected, received: source.received };
    return {
      ssrc: source.ssrc,
      lossShare: expectedNow <= 0 ? 0 : Math.max(0, (expectedNow - receivedNow) / expectedNow),
      lostPackets: expected - source.received,
      highestSequence: highestSequence % 2 ** 32,
      jitterUnits: buffer.jitterUnits,
      lastReport: this.#lastSender?.stamp ?? 0,
      sinceLastReport: this.#lastSender === undefined ? 0 : ((nowMs - this.#lastSender.atMs) * 65_536) / 1000,
    };
  }

  #read({ lostPackets, jitterUnits, lastReport, sinceLastReport }: ReceptionReport, clockHz: number): void {
    const ago = (compactNtp(this.#parts.clock.wallNow()) - lastReport - sinceLastReport) / 65.536;
    const known = lastReport !== 0 && ago >= 0 && ago < 60_000;
    this.#peer = {
      lossShare: this.#sentPackets === 0 ? 0 : Math.min(1, Math.max(0, lostPackets / this.#sentPackets)),
      jitterMs: (jitterUnits * 1000) / clockHz,
      roundTripMs: known ? ago : this.#peer?.roundTripMs,
    };
  }

  #interval(): number {
    return everyMs * (1 + spread * (2 * this.#parts.random.next() - 1));
  }
}
