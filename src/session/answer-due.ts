import { msOf } from "../audio/encodings.ts";
import type { Uplink } from "../audio/uplink.ts";
import type { CallerNotice } from "../caller/leg.ts";
import { AnswerTimer } from "./answer-timer.ts";
import type { SessionHouse } from "./session-house.ts";
import type { Told, TurnKind } from "./words.ts";

/** A call, as far as it owes its caller answers. */
interface OwingCall {
  readonly house: Pick<SessionHouse, "clock" | "pace">;
  readonly uplink: Pick<Uplink, "end" | "encoding" | "abreastInMs">;
  readonly leg: { readonly playback: string | undefined };
  readonly seat: object | undefined;
  readonly lastProvider: string;
  readonly conversation: { owed(): string };
  readonly tools: { beginAnswer(): void };
  readonly asides: { await(sinceMs: number): void; rest(): void };
  readonly crisis: { owe(sinceMs: number): void; owesNothing(): void };
  notify(notice: CallerNotice): void;
  tell(event: Told): void;
}

/** What one call owes its caller, and how long each answer took: told to whoever watches, and to all who fill the wait. */
export class AnswerDue {
  readonly #call: OwingCall;
  readonly timer = new AnswerTimer();
  #kind: TurnKind = "plain";

  constructor(call: OwingCall) {
    this.#call = call;
  }

  /** Of the turn that is, or was last, answered. */
  get kind(): TurnKind {
    return this.#kind;
  }

  /** The caller's speech ended where the uplink is at `end`, bytes; an answer is owed from then on. */
  begin(end: number, kind: TurnKind): void {
    const call = this.#call;
    const endpointingMs = msOf(Math.max(0, call.uplink.end - end), call.uplink.encoding);
    const nowMs = call.house.clock.now();
    this.tellTimes();
    this.timer.owe(nowMs - endpointingMs, nowMs);
    call.tools.beginAnswer();
    this.#kind = kind;
    if (call.seat === undefined) call.asides.await(nowMs - endpointingMs);
    call.crisis.owe(nowMs - endpointingMs);
    call.tell({ type: "turn.committed", provider: call.lastProvider, endpointingMs });
  }

  /** The caller has the word again, or wanted nothing. */
  drop(): void {
    this.tellTimes();
    this.timer.drop();
    this.#call.asides.rest();
    this.#call.crisis.owesNothing();
  }

  /** Whatever is owed just now is kept away by a fault. */
  keptAway(): void {
    const { asides, conversation, house } = this.#call;
    const sinceMs = this.timer.owedSinceMs;
    if (sinceMs !== undefined) asides.await(sinceMs);
    else if (conversation.owed() !== "nothing") asides.await(house.clock.now());
  }

  toolUsed(): void {
    if (this.timer.isOwed) this.#kind = "tool";
  }

  /** The first audio of a turn goes out. */
  paid(turnId: string): void {
    const call = this.#call;
    const sent = this.timer.sent(call.house.clock.now());
    if (sent === undefined) return;
    const { responseStartMs, latencyMs, oursMs } = sent;
    call.tell({ type: "turn.answered", provider: call.lastProvider, kind: this.#kind, responseStartMs, latencyMs });
    call.tell({ type: "audio.hopped", direction: "downlink", ms: oursMs });
    call.notify({ type: "latency", turnId, firstAudioMs: Math.round(latencyMs) });
    // Where nobody reports what was heard, nothing more will be known.
    if (call.leg.playback === "clock") this.tellTimes();
  }

  /** Once an answer went out and it is known when the caller began to hear it; undefined: it never will be. */
  tellTimes(heardFromMs?: number): void {
    const times = this.timer.times(heardFromMs);
    if (times !== undefined) this.#call.tell({ type: "turn.timed", provider: this.#call.lastProvider, kind: this.#kind, times });
  }

  /** From now until an answer that is owed has to come. Who still hears a replay does not know the question yet. */
  get limitMs(): number {
    const { house, lastProvider, uplink } = this.#call;
    return uplink.abreastInMs + house.pace.answerLimitMs(lastProvider);
  }
}
