import type { RemoteInfo } from "node:dgram";
import { estimateMos, type CodecQuality } from "../../../audio/e-model.ts";
import type { Encoding } from "../../../audio/encodings.ts";
import type { Ticked, Ticker } from "../../../audio/ticker.ts";
import type { Clock } from "../../../kernel/clock.ts";
import type { Random } from "../../../kernel/random.ts";
import type { Agreed } from "../sdp.ts";
import { plainAddress } from "../wire/wire.ts";
import { Latch } from "./latch.ts";
import { isRtcp, parseRtp } from "./packet.ts";
import type { RtpPorts, RtpSockets } from "./ports.ts";
import { Receiver, type MediaEar } from "./receiver.ts";
import { Reports, type PeerView } from "./reports.ts";
import { Sender } from "./sender.ts";
import { SrtpStream } from "./srtp.ts";

export interface MediaParts {
  readonly ports: RtpPorts;
  readonly clock: Clock;
  /** 20 ms, shared by all calls. */
  readonly beat: Ticker;
  readonly random: Random;
}

/** How good a call's line was, as far as RTP and RTCP tell. */
export interface LineQuality {
  readonly codec: string;
  readonly codecQuality: CodecQuality;
  readonly receivedPackets: number;
  readonly sentPackets: number;
  readonly lostPackets: number;
  readonly latePackets: number;
  readonly reorderedPackets: number;
  readonly jitterMs: number;
  /** Caller audio that had to be made up. */
  readonly concealedMs: number;
  /** Mean time that packets waited for others. */
  readonly bufferMs: number;
  /** What the far end last reported of our stream; undefined: it never did. */
  readonly peer: PeerView | undefined;
  /** Of the caller's packets, 0 to 1, and how they were lost: see `estimateMos`. */
  readonly lossShare: number;
  readonly burstRatio: number;
  /** Runs of packets that were lost. */
  readonly bursts: number;
  /** One way, as far as known. */
  readonly delayMs: number;
  /** An estimate by the E-model of G.107 for what we hear, 1 to 4.5; see `estimateMos`. Undefined: nothing came. */
  readonly mosEstimate: number | undefined;
}

export interface MediaListener extends MediaEar {
  /** Nothing came for `silenceLimitMs` though the caller is not on hold. */
  silent(): void;
  /** Its sound cannot go on; only this call is touched. */
  broke(error: unknown): void;
}

const silenceLimitMs = 30_000;
const packetisationMs = 20;

/** The sound of one call: its sockets, both streams, their encryption and reports. */
export class Media implements Ticked {
  readonly #parts: MediaParts;
  readonly #sockets: RtpSockets;
  #open: OpenMedia | undefined;
  #isClosed = false;

  private constructor(parts: MediaParts, sockets: RtpSockets) {
    this.#parts = parts;
    this.#sockets = sockets;
    sockets.rtp.on("message", (bytes, from) => this.#guarded((open) => open.received(bytes, from, false)));
    sockets.rtcp.on("message", (bytes, from) => this.#guarded((open) => open.received(bytes, from, true)));
  }

  /** @throws {Fault} busy when all ports are taken */
  static async reserve(parts: MediaParts): Promise<Media> {
    return new Media(parts, await parts.ports.open());
  }

  get port(): number {
    return this.#sockets.port;
  }

  /** Begins to listen and to send; called again after a new agreement of the same call. */
  start(agreed: Agreed, encoding: Encoding, listener: MediaListener): void {
    if (this.#isClosed) return;
    if (this.#open === undefined) this.#open = new OpenMedia(this.#parts, this.#sockets, agreed, encoding, listener);
    else this.#open.change(agreed);
    this.#parts.beat.wake(this);
  }

  tick(nowMs: number): boolean {
    this.#guarded((open) => open.tick(nowMs));
    return this.#open !== undefined;
  }

  /** An error in one call's sound must not stop the beat of all. */
  #guarded(run: (open: OpenMedia) => void): void {
    if (this.#open === undefined) return;
    try {
      run(this.#open);
    } catch (error) {
      this.#open.listener.broke(error);
    }
  }

  /** False: too much waits already, the frame was dropped. */
  play(frame: Uint8Array): boolean {
    return this.#open?.sender.play(frame) ?? false;
  }

  /** While held back silence is sent and audio waits: the caller is not ready to hear it. */
  holdBack(on: boolean): void {
    if (this.#open !== undefined) this.#open.sender.heldBack = on;
  }

  get queuedMs(): number {
    return this.#open?.sender.queuedMs ?? 0;
  }

  flush(): void {
    this.#open?.sender.flush();
  }

  sendDtmf(digits: string): void {
    this.#open?.sender.sendDtmf(digits);
  }

  quality(): LineQuality | undefined {
    return this.#open?.quality();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#open?.close();
    this.#open = undefined;
    this.#parts.beat.forget(this);
    this.#parts.ports.release(this.#sockets);
  }
}

/** Media from the first agreement on. */
class OpenMedia {
  readonly sender: Sender;
  readonly #parts: MediaParts;
  readonly #sockets: RtpSockets;
  readonly #encoding: Encoding;
  readonly listener: MediaListener;
  readonly #latch: Latch;
  readonly #reports: Reports;
  #agreed: Agreed;
  #receiver: Receiver;
  #crypto: { readonly out: SrtpStream; readonly in: SrtpStream } | undefined;
  #heardMs: number;

  constructor(parts: MediaParts, sockets: RtpSockets, agreed: Agreed, encoding: Encoding, listener: MediaListener) {
    this.#parts = parts;
    this.#sockets = sockets;
    this.#agreed = agreed;
    this.#encoding = encoding;
    this.listener = listener;
    this.#latch = new Latch(agreed.remote);
    this.#receiver = new Receiver(agreed, encoding, listener);
    this.#crypto = cryptoOf(agreed);
    this.sender = new Sender(agreed, encoding, parts.random, (packet) => this.#sendRtp(packet));
    this.#reports = new Reports(this.sender.ssrc, parts, (packet) => this.#sendRtcp(packet));
    this.#heardMs = parts.clock.now();
  }

  change(agreed: Agreed): void {
    const before = this.#agreed;
    this.#agreed = agreed;
    this.#latch.describe(agreed.remote);
    this.sender.change(agreed);
    if (!sameKeys(before, agreed)) this.#crypto = cryptoOf(agreed);
    const sameStream = before.payloadType === agreed.payloadType && before.dtmf?.payloadType === agreed.dtmf?.payloadType;
    if (!sameStream) {
      this.#receiver.close();
      this.#receiver = new Receiver(agreed, this.#encoding, this.listener);
    } else if (before.receives !== agreed.receives) this.#receiver.buffer.restart();
    this.#heardMs = this.#parts.clock.now();
  }

  received(bytes: Buffer, from: RemoteInfo, onRtcpPort: boolean): void {
    const now = this.#parts.clock.now();
    if (onRtcpPort || isRtcp(bytes)) return this.#receivedRtcp(bytes, from, now);
    const packet = parseRtp(this.#crypto === undefined ? bytes : (this.#crypto.in.openRtp(bytes) ?? noPacket));
    if (packet === undefined || !this.#receiver.knows(packet.payloadType)) return;
    if (!this.#latch.lets({ address: plainAddress(from.address), port: from.port }, this.#crypto !== undefined, now)) return;
    this.#heardMs = now;
    this.#reports.heard(packet);
    if (this.#agreed.receives) this.#receiver.receive(packet, now);
  }

  tick(nowMs: number): void {
    if (this.#agreed.receives) {
      this.#receiver.tick(nowMs);
      if (nowMs - this.#heardMs >= silenceLimitMs) {
        this.#heardMs = nowMs;
        this.listener.silent();
      }
    }
    this.sender.tick(nowMs);
    this.#reports.tick(nowMs, this.sender, this.#receiver.buffer);
  }

  quality(): LineQuality {
    const { counts, jitterMs, delayMs } = this.#receiver.buffer;
    const { peer } = this.#reports;
    const sent = counts.received + counts.lost - counts.late;
    const lossShare = sent <= 0 ? 0 : counts.lost / sent;
    const randomRun = 1 / Math.max(0.001, 1 - lossShare);
    const transport = {
      delayMs: packetisationMs + delayMs + (peer?.roundTripMs ?? 0) / 2,
      lossShare,
      burstRatio: counts.bursts === 0 ? 1 : counts.lost / counts.bursts / randomRun,
    };
    return {
      codec: this.#agreed.codec.name,
      codecQuality: this.#agreed.codec.quality,
      receivedPackets: counts.received,
      sentPackets: this.sender.packets,
      lostPackets: counts.lost,
      latePackets: counts.late,
      reorderedPackets: counts.reordered,
      jitterMs,
      concealedMs: ((counts.concealedUnits + counts.surplusUnits) * 1000) / this.#agreed.codec.clockHz,
      bufferMs: delayMs,
      peer,
      bursts: counts.bursts,
      ...transport,
      mosEstimate: sent <= 0 ? undefined : estimateMos({ ...transport, codec: this.#agreed.codec.quality }),
    };
  }

  /** A last report with a goodbye. */
  close(): void {
    this.#reports.goodbye(this.sender, this.#receiver.buffer);
    this.#receiver.close();
    this.sender.close();
  }

  #receivedRtcp(bytes: Buffer, from: RemoteInfo, now: number): void {
    if (plainAddress(from.address) !== this.#latch.target.address) return;
    const plain = this.#crypto === undefined ? bytes : this.#crypto.in.openRtcp(bytes);
    if (plain !== undefined) this.#reports.received(plain, this.#agreed.codec.clockHz, now);
  }

  #sendRtp(packet: Buffer): void {
    const { address, port } = this.#latch.target;
    this.#sockets.rtp.send(this.#crypto?.out.protectRtp(packet) ?? packet, port, address, ignoreError);
  }

  #sendRtcp(packet: Buffer): void {
    const { remote, rtcpMux } = this.#agreed;
    const { address, port } = this.#latch.target;
    const socket = rtcpMux ? this.#sockets.rtp : this.#sockets.rtcp;
    socket.send(this.#crypto?.out.protectRtcp(packet) ?? packet, rtcpMux ? port : remote.rtcpPort, address, ignoreError);
  }
}

const noPacket = Buffer.alloc(0);
/** A peer that is gone is noticed by its silence. */
const ignoreError = (): void => {};

const cryptoOf = ({ srtp }: Agreed): { out: SrtpStream; in: SrtpStream } | undefined =>
  srtp && { out: new SrtpStream(srtp.suite, srtp.ours), in: new SrtpStream(srtp.suite, srtp.theirs) };

const sameKeys = (a: Agreed, b: Agreed): boolean =>
  a.srtp?.suite === b.srtp?.suite &&
  (a.srtp === undefined || b.srtp === undefined || (a.srtp.theirs.equals(b.srtp.theirs) && a.srtp.ours.equals(b.srtp.ours)));
