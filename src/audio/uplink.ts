import type { Clock } from "../kernel/clock.ts";
import { bytesOf, encodings, msOf, type Encoding, type EncodingRow } from "./encodings.ts";
import { Ring, type RingShape } from "./ring.ts";
import type { Beat, Ticked } from "./ticker.ts";
import { transcoder, whole, type Transcoder } from "./transcode.ts";

/** How a link hears. */
export interface UplinkTerms {
  readonly encoding: Encoding;
  /** Multiple of real time at which a replay may be sent. */
  readonly replayPace: number;
  /** Silence that it needs after a replay to notice that the caller has come to an end, ms. */
  readonly trailingSilenceMs: number;
}

/** A link, as far as the uplink knows it. */
export interface Hearer {
  /** False: not taken, it will be offered again. */
  hear(frame: Uint8Array): boolean;
}

export interface UplinkAccount {
  readonly receivedMs: number;
  /** Given to at least one link. */
  readonly deliveredMs: number;
  /** Pushed out of the ring before any link took it. */
  readonly overflowedMs: number;
  /** Heard by a link that died, and pushed out of the ring before the next could hear it. */
  readonly forgottenMs: number;
  /** Sent again to a new link. */
  readonly replayedMs: number;
  /** Held for the next link, and heard by none so far. */
  readonly waitingMs: number;
}

/** Audio that was sent this long ago, while nobody was speaking, was heard as silence; a socket that is dead is known as such by then. */
const quietTailMs = 2_000;
/** Most audio that one beat sends of a replay, so that a long one never holds up other calls. */
const replayBeatMs = 2_000;
/** A replay starts with this much at once, whatever the pace. */
const replayHeadMs = 200;
/** A caller from whom nothing came for so long is not there: no silence of theirs follows the replay. */
const goneAfterMs = 500;
const silencePieceMs = 100;
/** How much audio there is between two notes of where in it the link stands, and how many such notes the quiet tail needs. */
const noteEveryMs = 100;
const notes = 32;

/**
 * Caller to provider. Every frame goes into the ring and to the link the moment it arrives; positions are bytes since the call began.
 * What is not settled is replayed to the next link, in order, then live audio follows: never twice on one link, never out of order.
 */
export class Uplink implements Ticked {
  readonly encoding: Encoding;
  readonly #ring: Ring;
  readonly #beat: Beat;
  readonly #clock: Pick<Clock, "now">;
  #sink: Attached | undefined;
  /** The next byte for the present link. */
  #sent = 0;
  /** The first byte that belongs to no settled turn, and to no silence that was heard long enough ago. */
  #settled = 0;
  /** The same without such silence: in what seemed silence a link may yet tell of a turn. */
  #settledForSure = 0;
  /** The next byte that no link has had yet. */
  #delivered = 0;
  /** When the present link, hearing the caller without delay, had been sent all up to where. By time of sending: a line may deliver seconds at once. */
  readonly #sentAtMs = new Float64Array(notes);
  readonly #sentTo = new Float64Array(notes);
  readonly #noteBytes: number;
  /** Where in the caller's audio the next note is due. */
  #noteAt = 0;
  #oldestNote = 0;
  #nextNote = 0;
  /** Where the turns begin that are not settled, oldest first. */
  readonly #openTurns: number[] = [];
  /** When the caller's last audio came. */
  #pushedMs = -Infinity;
  #overflowed = 0;
  #forgotten = 0;
  #replayed = 0;

  constructor(shape: RingShape, beat: Beat, clock: Pick<Clock, "now">) {
    this.encoding = shape.encoding;
    this.#ring = new Ring(shape);
    this.#beat = beat;
    this.#clock = clock;
    this.#noteBytes = bytesOf(noteEveryMs, shape.encoding);
  }

  /** Caller audio, whole samples; the bytes are copied. */
  push(frame: Uint8Array, nowMs = this.#clock.now()): void {
    this.#pushedMs = nowMs;
    const sink = this.#sink;
    const caughtUp = sink !== undefined && this.#sent === this.#ring.end && sink.rest === undefined;
    const isNoteDue = this.#ring.end >= this.#noteAt;
    if (isNoteDue) {
      this.#noteAt = this.#ring.end + this.#noteBytes;
      this.#settleQuiet(nowMs);
    }
    this.#ring.push(frame, this.#settled);
    this.#countLoss();
    if (sink === undefined) return;
    if (caughtUp && sink.offer(frame)) {
      this.#sent = this.#ring.end;
      this.#delivered = Math.max(this.#delivered, this.#sent);
      if (isNoteDue) this.#noteSent(nowMs);
    } else if (caughtUp && sink.rest !== undefined) {
      // Already through the transcoder: only its output waits, the ring's bytes are spent.
      this.#sent = this.#ring.end;
      this.#delivered = Math.max(this.#delivered, this.#sent);
      this.#beat.wake(this);
    } else this.#beat.wake(this);
  }

  /** Goes on with what another node had not settled; the last `waitingBytes` of it no link has heard yet. */
  restore(unsettled: readonly Uint8Array[], waitingBytes: number): void {
    for (const piece of unsettled) this.push(piece);
    this.#delivered = Math.max(0, this.#ring.end - waitingBytes);
  }

  /** Replays what is not settled to `hearer`, then feeds it until disposed. */
  attach(terms: UplinkTerms, hearer: Hearer): Attachment {
    this.#sink?.[Symbol.dispose]();
    const from = Math.max(this.#settled, this.#ring.start);
    this.#forgotten += Math.max(0, Math.min(from, this.#delivered) - this.#settled);
    this.#settled = this.#settledForSure = from;
    this.#sent = from;
    const backlog = this.#ring.end - from;
    const again = Math.max(0, this.#delivered - from);
    this.#replayed += again;
    const attached = new Attached(terms, hearer, this.encoding, from, this.#clock.now(), again / this.#ring.chunkBytes, () => {
      if (this.#sink !== attached) return;
      this.#sink = undefined;
      this.#settleQuiet(this.#pushedMs);
      // What a link was sent shortly before it died counts as heard by nobody.
      this.#oldestNote = this.#nextNote;
    });
    this.#sink = attached;
    this.#oldestNote = this.#nextNote;
    if (backlog > 0 && this.tick(this.#clock.now())) this.#beat.wake(this);
    return attached;
  }

  tick(nowMs: number): boolean {
    const sink = this.#sink;
    if (sink === undefined) return false;
    if (!sink.offerRest()) return true;
    const beatEnd = Math.min(this.#ring.end, this.#sent + bytesOf(replayBeatMs, this.encoding), sink.allowedTo(nowMs));
    while (this.#sent < beatEnd) {
      const piece = this.#ring.view(this.#sent, Math.min(this.#ring.chunkBytes, beatEnd - this.#sent));
      const taken = sink.offer(piece);
      if (taken || sink.rest !== undefined) {
        this.#sent += piece.length;
        this.#delivered = Math.max(this.#delivered, this.#sent);
      }
      if (!taken) return true;
    }
    if (this.#sent < this.#ring.end) return true;
    this.#noteSent(nowMs);
    return sink.owesSilence && !this.#giveSilence(sink, nowMs);
  }

  /** After a replay that nothing follows. False: it is not yet known whether something does, or not all was taken. */
  #giveSilence(sink: Attached, nowMs: number): boolean {
    return this.#pushedMs > sink.sinceMs || (nowMs - this.#pushedMs >= goneAfterMs && sink.offerSilence());
  }

  /** The caller's turn begins here; its audio is kept until it is settled, up to the ring's longest. */
  openTurn(from: number): void {
    const begin = Math.max(this.#settledForSure, this.#ring.start, Math.min(from, this.#ring.end));
    this.#settled = Math.min(this.#settled, begin);
    this.#openTurns.push(begin);
  }

  /** No turn is open any more; what was said is kept no longer than any silence. */
  forgetTurns(): void {
    this.#openTurns.length = 0;
  }

  /** Everything before `end` stands in the conversation, was answered in full, or was no speech. */
  settle(end: number): void {
    // A link can only tell of what it has heard.
    this.#settledForSure = Math.max(this.#settledForSure, Math.min(end, this.#sent));
    this.#settled = Math.max(this.#settled, this.#settledForSure);
    while (this.#openTurns[0] !== undefined && this.#openTurns[0] < this.#settled) this.#openTurns.shift();
  }

  /** Position of the oldest byte that is kept. */
  get start(): number {
    return this.#ring.start;
  }

  /** See `Ring.view`. */
  view(from: number, limit: number): Uint8Array {
    return this.#ring.view(from, limit);
  }

  /** Position of the next byte to come; also how much the caller has sent. */
  get end(): number {
    return this.#ring.end;
  }

  /** The newest audio, at most `ms` of it: a view, valid until the next push. */
  latest(ms: number): Uint8Array {
    const from = Math.max(this.#ring.start, this.#ring.end - bytesOf(ms, this.encoding));
    return this.#ring.view(from, this.#ring.end - from);
  }

  /** What the next link would hear first, were all before `settled` settled: views, valid until the next push. */
  unsettled(settled: number): readonly Uint8Array[] {
    const pieces: Uint8Array[] = [];
    for (let at = Math.min(this.#ring.end, Math.max(settled, this.#ring.start)); at < this.#ring.end;) {
      const piece = this.#ring.view(at, this.#ring.end - at);
      pieces.push(piece);
      at += piece.length;
    }
    return pieces;
  }

  /** Audio that no link has heard yet. */
  get waitingBytes(): number {
    return this.#ring.end - this.#delivered;
  }

  /** How long the present link will have to hear, at the pace of its replay, all that the caller has sent until now, ms. */
  get abreastInMs(): number {
    const sink = this.#sink;
    return sink === undefined ? 0 : msOf(this.#ring.end - this.#sent, this.encoding) / sink.replayPace;
  }

  get settled(): number {
    return this.#settled;
  }

  /** Chunks held for a replay just now. */
  get unsettledChunks(): number {
    return Math.ceil((this.#ring.end - Math.max(this.#settled, this.#ring.start)) / this.#ring.chunkBytes);
  }

  get chunkBytes(): number {
    return this.#ring.chunkBytes;
  }

  /** All figures add up: received = delivered + overflowed + waiting. */
  get account(): UplinkAccount {
    const ms = (bytes: number): number => msOf(bytes, this.encoding);
    return {
      receivedMs: ms(this.#ring.end),
      deliveredMs: ms(this.#delivered - this.#overflowed),
      overflowedMs: ms(this.#overflowed),
      forgottenMs: ms(this.#forgotten),
      replayedMs: ms(this.#replayed),
      waitingMs: ms(this.waitingBytes),
    };
  }

  /** What was sent long enough ago, while nobody was speaking, is needed no more. */
  #settleQuiet(nowMs: number): void {
    const heardMs = nowMs - quietTailMs;
    for (; this.#oldestNote !== this.#nextNote; this.#oldestNote = (this.#oldestNote + 1) % notes) {
      if ((this.#sentAtMs[this.#oldestNote] ?? 0) >= heardMs) break;
      if (this.#openTurns.length === 0) this.#settled = Math.max(this.#settled, this.#sentTo[this.#oldestNote] ?? 0);
    }
  }

  #noteSent(nowMs: number): void {
    const last = (this.#nextNote + notes - 1) % notes;
    if (this.#oldestNote !== this.#nextNote && nowMs - (this.#sentAtMs[last] ?? 0) < noteEveryMs / 2) return;
    const next = (this.#nextNote + 1) % notes;
    if (next === this.#oldestNote) return;
    this.#sentAtMs[this.#nextNote] = nowMs;
    this.#sentTo[this.#nextNote] = this.#sent;
    this.#nextNote = next;
  }

  /** What the ring pushed out: never heard by any link it has overflowed, heard only by links that died it is forgotten. */
  #countLoss(): void {
    const { start } = this.#ring;
    const heard = this.#sink === undefined ? this.#settled : this.#sent;
    if (start <= heard) return;
    const known = Math.max(heard, Math.min(start, this.#delivered));
    this.#forgotten += known - heard;
    this.#overflowed += start - known;
    this.#delivered = Math.max(this.#delivered, start);
    this.#sink?.skip(start - heard);
    this.#sent = Math.max(this.#sent, start);
    this.#settled = Math.max(this.#settled, start);
    this.#settledForSure = Math.max(this.#settledForSure, start);
  }
}

/** One link's feed; disposing it stops the feed, the audio stays for the next. */
export interface Attachment extends Disposable {
  /** Where in the caller's audio a position on the link's own time line lies, bytes. */
  positionOf(uplinkMs: number): number;
  /** Chunks that an earlier link had heard and this one hears again. */
  readonly replayedChunks: number;
  /** What the link has taken, in its own encoding. */
  readonly takenBytes: number;
}

class Attached implements Attachment {
  readonly replayedChunks: number;
  readonly #terms: UplinkTerms;
  readonly #hearer: Hearer;
  /** Undefined: the link hears what the caller speaks. */
  readonly #transcoder: Transcoder | undefined;
  takenBytes = 0;
  /** Where in the caller's audio the link's time line begins, as seen from what it heard last. */
  #from: number;
  readonly sinceMs: number;
  readonly #row: EncodingRow;
  readonly #detach: () => void;
  #silentMs = 0;
  /** Transcoded audio that the sink has not taken yet. */
  rest: Uint8Array | undefined;

  constructor(
    terms: UplinkTerms,
    hearer: Hearer,
    encoding: Encoding,
    from: number,
    nowMs: number,
    replayedChunks: number,
    detach: () => void,
  ) {
    this.#terms = terms;
    this.#hearer = hearer;
    this.#transcoder = encoding === terms.encoding ? undefined : transcoder(encoding, terms.encoding);
    this.#from = from;
    this.sinceMs = nowMs;
    this.#row = encodings[encoding];
    this.#detach = detach;
    this.replayedChunks = Math.ceil(replayedChunks);
  }

  /** False and no rest: not consumed. False and a rest: consumed, its output waits here. */
  offer(frame: Uint8Array): boolean {
    const out = this.#transcoder === undefined ? whole(frame, this.#terms.encoding) : this.#transcoder.push(frame);
    if (out.length === 0 || this.#give(out)) return true;
    if (out !== frame) this.rest = out.slice();
    return false;
  }

  #give(out: Uint8Array): boolean {
    const isTaken = this.#hearer.hear(out);
    if (isTaken) this.takenBytes += out.length;
    return isTaken;
  }

  /** Something was replayed, and no end of it was heard so far. */
  get owesSilence(): boolean {
    return this.replayedChunks > 0 && this.#silentMs < this.#terms.trailingSilenceMs;
  }

  /** Silence that the caller did not send: the link's time line runs on by it. False: not all was taken. */
  offerSilence(): boolean {
    const piece = new Uint8Array(bytesOf(silencePieceMs, this.#terms.encoding)).fill(encodings[this.#terms.encoding].silence);
    while (this.owesSilence) {
      if (!this.#give(piece)) return false;
      this.#silentMs += silencePieceMs;
      this.#from -= Math.round((silencePieceMs * this.#row.rateHz) / 1000) * this.#row.bytesPerSample;
    }
    return true;
  }

  offerRest(): boolean {
    if (this.rest === undefined) return true;
    if (!this.#give(this.rest)) return false;
    this.rest = undefined;
    return true;
  }

  get replayPace(): number {
    return this.#terms.replayPace;
  }

  allowedTo(nowMs: number): number {
    if (this.#terms.replayPace === Infinity) return Infinity;
    return this.positionOf(replayHeadMs + (nowMs - this.sinceMs) * this.#terms.replayPace);
  }

  positionOf(uplinkMs: number): number {
    return this.#from + Math.round((uplinkMs * this.#row.rateHz) / 1000) * this.#row.bytesPerSample;
  }

  /** So many bytes never came to this link. */
  skip(bytes: number): void {
    this.#from += bytes;
  }

  [Symbol.dispose](): void {
    this.#detach();
  }
}
