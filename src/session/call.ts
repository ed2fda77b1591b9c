import { Downlink, type CutTurn } from "../audio/downlink.ts";
import { bytesOf, encodings, msOf, type Encoding } from "../audio/encodings.ts";
import type { Beat, Ticked } from "../audio/ticker.ts";
import { Uplink } from "../audio/uplink.ts";
import type { CallerNotice, LegEnd, Phase } from "../caller/leg.ts";
import { backoffMs } from "../kernel/backoff.ts";
import { Fault, toFault } from "../kernel/fault.ts";
import type { Log } from "../kernel/log.ts";
import type { Random } from "../kernel/random.ts";
import type { AgentSpec, Provider, ProviderTraits } from "../provider/contract.ts";
import { AnswerDue } from "./answer-due.ts";
import { Asides } from "./asides.ts";
import { Answerer } from "./answerer.ts";
import { cleanTyped } from "./clean-input.ts";
import { CallCrisis } from "./crisis.ts";
import type { Board, Seat } from "./board.ts";
import { Conversation } from "./conversation.ts";
import type { SessionEvent } from "./events.ts";
import { LegPlace } from "./leg-place.ts";
import { LinkLedger } from "./link-ledger.ts";
import { OwnVoice } from "./own-voice.ts";
import { ToolRunner, type Tool } from "./tools.ts";
import type { CallOrder, SessionHouse } from "./session-house.ts";
import type { CallSnapshot } from "./snapshot.ts";
import type { AnswererProof, CallOutcome, EndReason, InputRule, Told } from "./words.ts";

/** Of so many frames, one has its way through our code timed: about one in five seconds. */
const framesPerSample = 250;
/** Nobody waits for longer to know that a caller who holds us has said all. */
const endingSilenceMs = 1_000;
/** A turn may keep so much of the caller's audio for a replay. */
const longestTurnMs = 60_000;

/** On hold, muted, or a machine that is only left a message. */
type Deafness = "held" | "muted" | "machine";

/** The parts of one call, and what the chart's actions do to them. It decides nothing. */
export class Call implements Ticked {
  readonly id: string;
  readonly dialect: string;
  /** The caller's number or name as the carrier told it. */
  readonly from: string | undefined;
  /** Who pays for it. */
  readonly user: string | undefined;
  /** The carrier's own id of the call. */
  readonly carrierCallId: string | undefined;
  readonly house: SessionHouse;
  readonly agent: AgentSpec;
  readonly log: Log;
  readonly random: Random;
  readonly uplink: Uplink;
  readonly downlink: Downlink;
  readonly conversation = new Conversation();
  readonly tools: ToolRunner;
  readonly asides: Asides;
  readonly crisis = new CallCrisis(this);
  readonly answer = new AnswerDue(this);
  readonly links = new LinkLedger(this);
  readonly leg: LegPlace;
  readonly voice = new OwnVoice(this);
  /** Undefined: they called us. */
  readonly answerer: Answerer | undefined;
  readonly startedMs: number;
  #board: Board | undefined;
  #send: (event: SessionEvent) => void = () => {};
  #phase: Phase = "connecting";
  #turns = 0;
  #isVoiced = false;
  /** What was told of what was taken out of the caller's words. */
  readonly #cleaned = new Set<string>();
  #isUnderstood = false;
  #frames = 0;
  #lastProvider = "none";
  /** Caller audio that an earlier node had and settled, ms. */
  #receivedBeforeMs = 0;
  #isOver = false;
  /** Agent turns that play no more and are not cut in the conversation yet. */
  readonly #hushed: CutTurn[] = [];
  /** Why the provider does not hear the caller. */
  readonly #deafTo = new Set<Deafness>();
  /** What each frame asks of it. */
  #isDeaf = false;
  #isUnspoken = false;
  #quiet = new Uint8Array(0);
  readonly #onEnd: (call: Call, outcome: CallOutcome) => void;

  constructor(
    house: SessionHouse,
    order: CallOrder,
    tools: (call: Call) => readonly Tool[],
    onEnd: (call: Call, outcome: CallOutcome) => void,
  ) {
    const { clock, limits } = house;
    const { past } = order;
    this.id = past?.callId ?? house.random.id("call_");
    this.dialect = order.dialect;
    this.from = order.from;
    this.user = order.user;
    this.carrierCallId = order.carrierCallId;
    this.house = house;
    this.random = house.random;
    this.leg = new LegPlace(this, past?.resumeToken ?? house.random.id("back_", 32));
    this.log = house.log.with({ session_id: this.id });
    this.startedMs = clock.now() - (past === undefined ? 0 : past.ageMs + Math.max(0, clock.wallNow() - past.savedAtMs));
    this.#onEnd = onEnd;
    const shape = { encoding: order.uplink, chunkMs: limits.chunkMs, chunks: limits.ringChunks, longestMs: longestTurnMs };
    const beat: Beat = { wake: () => house.ticker.wake(this), wakeAfter: (_, ms) => house.ticker.wakeAfter(this, ms) };
    this.uplink = new Uplink(shape, beat, clock);
    this.downlink = new Downlink(order.downlink, beat, clock, {
      began: (turnId) => this.#agentBegan(turnId),
      heard: (_, ms) => this.answer.tellTimes(clock.now() - ms),
      playedOut: (turnId) => this.#playedOut(turnId),
      starved: () => this.#starved(),
      corrected: (turnId, heardMs) => this.#cut(turnId, heardMs),
      lost: (cause, ms) => this.tell({ type: "audio.lost", direction: "downlink", cause, ms, provider: this.seat?.provider ?? "none" }),
    });
    const bridgeLine = (): Uint8Array => house.prompts.line("bridge", this.agent.language, this.id).audio;
    this.asides = new Asides(this.downlink, house.ticker, bridgeLine);
    this.tools = new ToolRunner(tools(this), { callId: this.id, clock, random: this.random }, this.log);
    this.agent = { ...order.agent, tools: this.tools.specs };
    this.answerer = order.isPlaced ? new Answerer(this) : undefined;
    if (past !== undefined) this.#goOn(past);
  }

  /** Binds the chart and the links; called once, before the chart starts. */
  bind(send: (event: SessionEvent) => void, board: Board): void {
    this.#send = send;
    this.#board = board;
  }

  get board(): Board {
    if (this.#board === undefined) throw new Error("bind() comes first");
    return this.#board;
  }

  /** The present link; undefined between links. */
  get seat(): Seat | undefined {
    return this.#board?.seat;
  }

  /** Of the provider that has the call; undefined: none has. */
  get traits(): ProviderTraits | undefined {
    return this.seat && this.provider(this.seat.provider).traits;
  }

  /** The provider of the present link, else of the last. */
  get lastProvider(): string {
    return this.#lastProvider;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** What happens after the end, such as a tool that comes back, changes nothing. */
  send(event: SessionEvent): void {
    if (!this.#isOver) this.#send(event);
  }

  /** What came from outside the chart met a defect of ours: this call ends, and no other. */
  broke(error: unknown): void {
    this.log.error("call_failed", { code: "internal", err: error });
    this.send({ type: "call.broke", fault: toFault(error, "internal", "holding the call") });
  }

  /** The chart itself met a defect and stands still: what it would have ended is ended for it. */
  abort(error: unknown): void {
    const fault = toFault(error, "internal", "holding the call");
    const say = (met: unknown): void => this.log.error("call_failed", { code: "internal", err: met });
    say(error);
    // Each step may meet the same defect again; the next is taken all the same.
    for (const step of [() => this.#board?.[Symbol.dispose](), () => this.end("failed", fault)]) {
      try {
        step();
      } catch (again) {
        say(again);
      }
    }
  }

  tick(nowMs: number): boolean {
    try {
      const uplinkIsBusy = this.uplink.tick(nowMs);
      return this.downlink.tick(nowMs) || uplinkIsBusy;
    } catch (error) {
      this.broke(error);
      return false;
    }
  }

  /** Caller audio, whole samples. Who is not to be heard goes on as silence, so that time goes on. */
  hear(frame: Uint8Array, nowMs?: number): void {
    const heard = this.#isDeaf ? this.#silence(frame.length) : frame;
    this.#frames += 1;
    this.leg.heard(frame, this.#frames);
    this.answerer?.hear(frame);
    if (this.#frames % framesPerSample !== 0) return this.uplink.push(heard, nowMs);
    const fromMs = this.house.clock.now();
    this.uplink.push(heard, nowMs);
    this.tell({ type: "audio.hopped", direction: "uplink", ms: this.house.clock.now() - fromMs });
  }

  tell(event: Told): void {
    this.house.watch.tell({ ...event, callId: this.id });
  }

  notify(notice: CallerNotice): void {
    this.leg.notify(notice);
  }

  /** The caller is in need: nothing keeps the call from any provider. */
  get isUrgent(): boolean {
    return this.house.crisis.isCrisis(this.id);
  }

  get turnsCounted(): number {
    return this.#turns;
  }

  nextTurnId(): string {
    this.#turns += 1;
    return `t${this.#turns}`;
  }

  /** How much the caller has sent since the call began. */
  get receivedMs(): number {
    return this.#receivedBeforeMs + msOf(this.uplink.end, this.uplink.encoding);
  }

  get ageMs(): number {
    return this.house.clock.now() - this.startedMs;
  }

  get phase(): Phase {
    return this.#phase;
  }

  get downlinkEncoding(): Encoding {
    return this.downlink.encoding;
  }

  provider(name: string | undefined): Provider {
    const provider = this.house.providers.get(name ?? "");
    if (provider === undefined) throw new Fault("internal", `no provider named ${name ?? "(none)"}`);
    return provider;
  }

  /** The caller began to speak at `from`, a position in the uplink in bytes. */
  voiced(from: number): void {
    if (this.#isVoiced) return;
    this.#isVoiced = true;
    const agoMs = msOf(Math.max(0, this.uplink.end - from), this.uplink.encoding);
    this.tell({ type: "caller.voiced", provider: this.#lastProvider, agoMs });
  }

  /** Words came of what the caller said from `from` on, a position in the uplink in bytes. */
  understood(from: number): void {
    this.answer.timer.worded(this.house.clock.now());
    if (this.#isUnderstood) return;
    this.#isUnderstood = true;
    const afterMs = msOf(Math.max(0, this.uplink.end - from), this.uplink.encoding);
    this.tell({ type: "caller.understood", provider: this.#lastProvider, afterMs });
  }

  /** Caller audio that no link will ever hear, ms. */
  get lostMs(): number {
    const { overflowedMs, forgottenMs } = this.uplink.account;
    return overflowedMs + forgottenMs;
  }

  caption(turnId: string, role: "caller" | "agent", final: boolean, interrupted = false): void {
    this.notify({ type: "caption", turnId, role, text: this.conversation.textOf(turnId), final, interrupted });
  }

  // What the chart's actions call.

  backoffMs(attempt: number, fault: Fault | undefined): number {
    // A shut breaker says how long it stays so at most; probes may open it long before.
    return backoffMs(attempt, this.random, fault?.code === "provider-shut" ? 0 : fault?.retryAfterMs);
  }

  /** The caller speaks: what plays ends at once, before anybody thinks about it. `stopAgent` does the rest. */
  hush(): void {
    this.#hushed.push(...this.downlink.flush());
  }

  /** The caller has the word: what was not heard will not be, and the provider forgets it. */
  stopAgent(): void {
    this.asides.rest();
    const cuts = [...this.#hushed.splice(0), ...this.downlink.flush()];
    for (const { turnId, heardMs } of cuts) this.#cut(turnId, heardMs);
    this.board.interrupt(cuts);
  }

  /** In writing, as it came. */
  type(given: string): void {
    const { input: text, rules } = cleanTyped(given);
    this.tellCleaned("text", rules);
    if (text.trim() !== "") this.send({ type: "caller.typed", text });
  }

  tellCleaned(source: "text" | "start", rules: readonly InputRule[]): void {
    const kind = `${source} ${rules.join(" ")}`;
    // Who sends many of them shall not fill the log.
    if (rules.length === 0 || this.#cleaned.has(kind)) return;
    this.#cleaned.add(kind);
    this.tell({ type: "input.sanitized", source, rules });
  }

  takeText(text: string): void {
    const turnId = this.nextTurnId();
    this.conversation.openCallerTurn(turnId, this.ageMs);
    this.conversation.hear(turnId, text);
    this.conversation.commit(turnId, this.ageMs);
    this.conversation.settle(turnId);
    this.caption(turnId, "caller", true);
    this.answer.begin(this.uplink.end, "text");
    this.crisis.heard(turnId, text);
    this.board.takeText(text);
  }

  tellPhase(phase: Phase): void {
    if (phase === this.#phase) return;
    this.#phase = phase;
    this.notify({ type: "phase", phase });
  }

  muffle(why: Deafness, on: boolean): void {
    if (on) this.#deafTo.add(why);
    else this.#deafTo.delete(why);
    this.#isDeaf = this.#deafTo.size > 0;
    this.#isUnspoken = this.#deafTo.has("held") || this.#deafTo.has("machine");
  }

  isMuffled(why: Deafness): boolean {
    return this.#deafTo.has(why);
  }

  /** What the agent says now is for nobody. */
  get isUnspoken(): boolean {
    return this.#isUnspoken;
  }

  /** A caller on hold is not heard, and hears music. */
  hold(on: boolean): void {
    this.muffle("held", on);
    this.asides.hold(on);
  }

  /**
   * The caller holds us: what they have not heard of the agent is kept, and a sentence of theirs that they broke off comes to its end, so
   * that it can be answered meanwhile.
   */
  pauseLeg(): void {
    this.asides.rest();
    this.leg.pause();
    this.uplink.push(this.#silence(bytesOf(endingSilenceMs, this.uplink.encoding)));
  }

  end(outcome: CallOutcome, fault: Fault | undefined, reason?: EndReason): void {
    if (this.#isOver) return;
    this.#isOver = true;
    try {
      this.#leave(outcome, fault, reason);
    } finally {
      this.#onEnd(this, outcome);
    }
  }

  sits(seat: Seat): void {
    this.#lastProvider = seat.provider;
  }

  tellAnswerer({ who, by }: { readonly who: "person" | "machine" | "nobody"; readonly by: AnswererProof }): void {
    this.tell({ type: "caller.answered-by", who, by });
  }

  /** A machine talks: the agent neither hears nor answers it. */
  deafen(): void {
    this.muffle("machine", true);
    this.stopAgent();
  }

  #goOn(past: CallSnapshot): void {
    this.#turns = past.turnsCounted;
    this.#lastProvider = past.provider;
    this.conversation.restore(past.turns);
    this.uplink.restore(past.unsettled, past.waitingBytes);
    this.#receivedBeforeMs = past.receivedMs - this.receivedMs;
    for (const turn of past.unheard) this.downlink.restore(turn);
    this.links.wasElsewhere(past.provider);
  }

  #silence(bytes: number): Uint8Array {
    if (this.#quiet.length < bytes) this.#quiet = new Uint8Array(bytes).fill(encodings[this.uplink.encoding].silence);
    return this.#quiet.subarray(0, bytes);
  }

  #leave(outcome: CallOutcome, fault: Fault | undefined, reason: EndReason | undefined): void {
    this.answer.tellTimes();
    this.#board?.[Symbol.dispose]();
    const failed = outcome === "failed" && fault !== undefined;
    const { receivedMs, deliveredMs, overflowedMs, forgottenMs, waitingMs } = this.uplink.account;
    const isCut = outcome === "moved" && !this.leg.mayReturn;
    // What waits for a link goes on with the call that moves.
    const [unheardMs, movedMs] = outcome === "moved" && !isCut ? [0, waitingMs] : [waitingMs, 0];
    const losses = { overflow: overflowedMs, forgotten: forgottenMs, unheard: unheardMs };
    for (const [cause, ms] of Object.entries(losses))
      if (ms > 0) this.tell({ type: "audio.lost", direction: "uplink", cause, ms, provider: this.#lastProvider });
    this.tell({ type: "audio.accounted", receivedMs, deliveredMs, overflowedMs, forgottenMs, unheardMs, movedMs });
    this.leg.tellQuality();
    // Before the end is told: with it goes what was lost last on the way to the caller.
    this.downlink.detach();
    const cause = failed ? fault.code : isCut ? "draining" : undefined;
    this.tell({ type: "call.ended", dialect: this.dialect, outcome, cause, durationMs: this.ageMs, reason });
    this.tools.close();
    this.asides[Symbol.dispose]();
    this.crisis[Symbol.dispose]();
    this.house.ticker.forget(this);
    this.leg.leave(legEnd(outcome, fault));
  }

  #agentBegan(turnId: string): void {
    this.asides.rest();
    this.crisis.answered(this.voice.standsInAs(turnId) ? "prompt" : this.#lastProvider);
    this.conversation.agentBegan(turnId, this.ageMs);
    this.answer.paid(turnId);
    this.seat?.answered();
    this.send({ type: "agent.spoke" });
  }

  /** A tool may keep the agent waiting in the middle of a turn; nothing else may. */
  #starved(): void {
    if (!this.tools.isBusy) this.seat?.giveUp("open", "a turn stopped before its end");
  }

  #playedOut(turnId: string): void {
    this.answer.tellTimes();
    this.conversation.heardWhole(turnId, this.ageMs);
    this.seat?.heardOut();
    this.caption(turnId, "agent", true);
    if (!this.downlink.speaking) this.send({ type: "agent.wasHeard" });
  }

  #cut(turnId: string, heardMs: number): void {
    this.conversation.cut(turnId, heardMs, "caller", this.ageMs);
    this.caption(turnId, "agent", true, true);
  }
}

/** A call that goes on elsewhere: its caller is told to come back. */
function legEnd(outcome: CallOutcome, fault: Fault | undefined): LegEnd {
  if (outcome === "moved") return { reason: "drained" };
  return outcome === "failed" && fault !== undefined ? { reason: "fault", fault } : { reason: "done" };
}
