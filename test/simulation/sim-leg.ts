import { bytesOf, msOf, type Encoding } from "../../src/audio/encodings.ts";
import { g711Quality } from "../../src/audio/e-model.ts";
import type { CallerNotice, Leg, LegEnd, LegListener, LegQuality, LegTraits } from "../../src/caller/leg.ts";
import type { Clock } from "../../src/kernel/clock.ts";

const downlinkEncoding: Encoding = "pcm16@16000";
const longestSpeechMs = 30_000;

/** What agents say: each sample is its own place in the turn. */
const ramp = (() => {
  const samples = new Uint16Array(bytesOf(longestSpeechMs, downlinkEncoding) / 2);
  for (let at = 0; at < samples.length; at += 1) samples[at] = at & 0xffff;
  return new Uint8Array(samples.buffer);
})();

/** Agent audio of a turn, from `fromMs` to `toMs` of it. */
export const speech = (fromMs: number, toMs: number): Uint8Array =>
  ramp.subarray(bytesOf(fromMs, downlinkEncoding), bytesOf(toMs, downlinkEncoding));

/** Half a second that is no turn. */
export const bridgeLine = new Uint8Array(bytesOf(500, downlinkEncoding)).fill(9);

interface Played {
  /** Sample that comes next, of those that count. */
  next: number;
  ms: number;
}

/** How a caller is attached just now; plays as fast as the clock goes and keeps an eye on what it is given. */
export class SimLeg implements Leg {
  readonly dialect = "simulated";
  readonly traits: LegTraits;
  readonly uplink: Encoding;
  readonly downlink = downlinkEncoding;
  line: LegListener | undefined;
  ended: LegEnd | undefined;
  resumeToken = "";
  callId = "";
  bridgeLines = 0;
  playedMs = 0;
  /** The far end takes nothing just now. */
  isSlow = false;
  /** Nothing comes back from the far end just now. */
  isCut = false;
  readonly #clock: Clock;
  readonly #fault: (what: string) => void;
  readonly #turns = new Map<string, Played>();
  readonly #cut = new Set<string>();
  #turn = "";
  /** When what was played will have left the loudspeaker. */
  #untilMs = 0;
  #marks: { readonly name: string; readonly atMs: number }[] = [];
  #hasSkipped = false;

  constructor(clock: Clock, uplink: Encoding, playback: LegTraits["playback"], fault: (what: string) => void) {
    this.#clock = clock;
    this.uplink = uplink;
    this.traits = {
      playback,
      aheadMs: 200,
      frameMs: 20,
      flush: true,
      captions: false,
      dtmfOut: false,
      transfer: false,
      resume: "token",
    };
    this.#fault = fault;
  }

  get isPlaying(): boolean {
    return this.#untilMs > this.#clock.now() && !this.#turn.startsWith("aside");
  }

  /** What was heard of a turn by now, by the loudspeaker's own account, ms. */
  heardMs(turnId: string): number {
    const leftMs = this.#turn === turnId ? Math.max(0, this.#untilMs - this.#clock.now()) : 0;
    return Math.max(0, (this.#turns.get(turnId)?.ms ?? 0) - leftMs);
  }

  play(frame: Uint8Array): boolean {
    if (this.ended !== undefined) this.#fault("audio after the leg was closed");
    if (this.isSlow) {
      this.#hasSkipped = true;
      return false;
    }
    const ms = msOf(frame.length, this.downlink);
    this.#untilMs = Math.max(this.#untilMs, this.#clock.now()) + ms;
    this.playedMs += ms;
    if (this.#turn.startsWith("aside")) return true;
    if (this.#cut.has(this.#turn)) this.#fault(`F20: audio of ${this.#turn} after it was cut`);
    const first = (frame[0] ?? 0) | ((frame[1] ?? 0) << 8);
    const played = this.#turns.get(this.#turn);
    const next = (first + frame.length / 2) & 0xffff;
    if (played === undefined) this.#turns.set(this.#turn, { next, ms });
    else {
      if (played.next !== first && !this.#hasSkipped) this.#fault(`agent audio of ${this.#turn} has a gap or is heard twice`);
      played.next = next;
      played.ms += ms;
    }
    this.#hasSkipped = false;
    return true;
  }

  beginTurn(turnId: string): void {
    if (turnId.startsWith("aside")) this.bridgeLines += 1;
    this.#turn = turnId;
  }

  mark(name: string): void {
    this.#marks.push({ name, atMs: this.#untilMs });
  }

  flush(): void {
    this.#reports();
    if (!this.#turn.startsWith("aside")) this.#cut.add(this.#turn);
    this.#untilMs = 0;
    for (const { name } of this.#marks.splice(0)) this.#tell({ type: "mark", name });
  }

  notify(notice: CallerNotice): void {
    if (notice.type !== "started") return;
    this.resumeToken = notice.resumeToken;
    this.callId = notice.callId;
  }

  sendDtmf(): void {}
  transfer(): void {}

  quality(): LegQuality {
    return { lossShare: 0, burstRatio: 1, jitterMs: 0, gaps: 0, filledMs: 0, delayMs: undefined, codec: g711Quality };
  }

  close(end: LegEnd): void {
    this.ended = end;
    this.line = undefined;
  }

  /** What the far end tells of itself now and then. */
  step(): void {
    const nowMs = this.#clock.now();
    while (this.#marks[0] !== undefined && this.#marks[0].atMs <= nowMs) {
      const mark = this.#marks.shift();
      if (mark !== undefined) this.#tell({ type: "mark", name: mark.name });
    }
    if (this.#turn !== "" && this.#untilMs > nowMs - 500) this.#reports();
  }

  #reports(): void {
    if (this.traits.playback !== "reports" || this.#turn === "" || this.#turn.startsWith("aside")) return;
    this.#tell({ type: "played", turnId: this.#turn, ms: this.heardMs(this.#turn) });
  }

  #tell(signal: Parameters<LegListener["signal"]>[0]): void {
    if (!this.isCut) this.line?.signal(signal);
  }
}
