import { isEncoding } from "../../audio/encodings.ts";
import { transcoder, type Transcoder } from "../../audio/transcode.ts";
import type { Timer } from "../../kernel/clock.ts";
import { Fault } from "../../kernel/fault.ts";
import type { LinkNotice, OpenRequest, ToolResult } from "../contract.ts";
import { CallerTurns } from "./caller-turns.ts";
import { ManualWindow } from "./manual-window.ts";
import { note, promptMessage } from "./opening.ts";
import type { LinkSettings } from "./settings.ts";
import { SpeechDetector } from "./speech.ts";
import { ToolCalls } from "./tool-calls.ts";
import * as wire from "./wire.ts";

export interface TalkHost {
  readonly request: OpenRequest;
  readonly settings: LinkSettings;
  send(message: string): void;
  sendAudio(frame: Uint8Array): void;
  notice(notice: LinkNotice): void;
  audio(bytes: Uint8Array, turnId: string): void;
  lost(fault: Fault): void;
}

/**
 * The model's turn as the wire has it, from its first word to `turnComplete`. `generating`: `turnId` once it was told of, `cut` when the
 * session has no use for the rest. `drained`: everything was said, the service waits for the playback it assumes. `interrupted`: what
 * still comes is stale.
 */
type ModelTurn =
  | { readonly name: "idle" | "drained" }
  | { readonly name: "generating"; turnId: string | undefined; cut: boolean }
  | { readonly name: "interrupted"; readonly atMs: number };

/** Stale audio follows an interruption closely. Should `turnComplete` never come, what comes after this is a new turn. */
const staleMs = 2_000;
/** Nothing at all from the service for so long while it owes an answer: it is gone. Its pongs are too slow to be asked for one. */
const silenceLimitMs = 10_000;

/** A microphone that has sent nothing for so long is told to the service, which else waits for the rest of the turn. */
const pausedMs = 1_000;

/** The conversation on one socket: reads what the service says, writes what the session wants; knows nothing of the socket. */
export class Talk {
  readonly #host: TalkHost;
  readonly #turns: CallerTurns;
  readonly #detector: SpeechDetector;
  /** With turns ended by hand. */
  readonly #window: ManualWindow | undefined;
  readonly #calls: ToolCalls;
  #turn: ModelTurn = { name: "idle" };
  /** What waits for an answer: the caller's voice, or words and results that we sent. */
  readonly #owed = { voice: false, words: false };
  /** Our own words interrupt the model too; then that is no sign of the caller's voice. */
  #weInterrupt = false;
  #silence: Timer | undefined;
  #heardAtMs = 0;
  /** Runs while caller audio flows. */
  #flow: Timer | undefined;
  #fromRate: { readonly rateHz: number; readonly transcoder: Transcoder } | undefined;
  #ids = 0;

  constructor(host: TalkHost) {
    this.#host = host;
    const { request, settings } = host;
    this.#calls = new ToolCalls(settings);
    this.#turns = new CallerTurns({
      clock: request.clock,
      uplinkMs: () => this.#detector.heardMs,
      id: () => this.#id("caller"),
      notice: (notice) => host.notice(notice),
      owes: (answer) => this.#owe("voice", answer),
    });
    const byHand = request.endpointing === "manual";
    this.#detector = new SpeechDetector(settings.silenceMs, {
      began: (atMs) => {
        this.#window?.spoke(this.#detector.heardMs - atMs);
        this.#turns.speechBegan(atMs);
      },
      ended: (atMs, voicedMs) => {
        if (!byHand) this.#turns.speechEnded(atMs, voicedMs);
      },
    });
    const mark = (edge: "start" | "end"): void => host.send(edge === "start" ? wire.activityStart : wire.activityEnd);
    if (byHand) this.#window = new ManualWindow((frame) => host.sendAudio(frame), mark);
  }

  close(): void {
    this.#host.request.clock.clearTimeout(this.#silence);
    this.#host.request.clock.clearTimeout(this.#flow);
    this.#turns.close();
  }

  // From the session

  begin(prompt: string | undefined): void {
    if (prompt !== undefined) this.#ask(prompt);
  }

  /** Whether the caller's audio must wait: on some models it ends the session while a tool works. */
  get deaf(): boolean {
    return this.#host.settings.profile.holdsAudioWhileBlocked && this.#calls.blocked;
  }

  hear(frame: Uint8Array): void {
    if (this.#window === undefined) {
      this.#host.sendAudio(frame);
      this.#heardAtMs = this.#host.request.clock.now();
      if (this.#flow === undefined) this.#watchFlow(pausedMs);
    } else this.#window.hear(frame);
    this.#detector.hear(frame);
  }

  #watchFlow(inMs: number): void {
    const { clock } = this.#host.request;
    this.#flow = clock.setTimeout(() => {
      const idleMs = clock.now() - this.#heardAtMs;
      if (this.deaf || idleMs < pausedMs) return this.#watchFlow(this.deaf ? pausedMs : pausedMs - idleMs);
      this.#flow = undefined;
      this.#host.send(wire.audioStreamEnd);
      this.#detector.pause();
    }, inMs);
  }

  takeText(text: string): void {
    this.#ask(text);
  }

  commitTurn(): void {
    if (this.#window?.commit() === true) this.#turns.committed(this.#detector.heardMs);
    else this.#host.notice({ type: "caller.dismissed", turnId: this.#id("caller") });
  }

  /** There is no message to cancel an answer: the service stops by itself when it hears the caller. Until then nothing is passed on. */
  interrupt(turnId: string): void {
    if (this.#turn.name !== "generating" || this.#turn.turnId !== turnId) return;
    this.#endTurn("interrupted");
    this.#turn.cut = true;
  }

  answerTool(result: ToolResult): void {
    const answer = this.#calls.answer(result);
    if (answer === "void") return;
    if (answer === "strange") {
      const outcome = result.failed ? `failed: ${result.output}` : `returned ${result.output}`;
      return this.#ask(note(`The tool ${result.name}, called before the line was restored, ${outcome}`));
    }
    this.#host.send(answer.message);
    if (answer.interrupts) this.#weInterrupt = this.#speaks;
    if (answer.last) this.#owe("words", true);
  }

  // From the service

  take(event: wire.ServerEvent): void {
    this.#watch();
    switch (event.type) {
      case "ready":
      case "leaving":
        return;
      case "activity":
        return event.edge === "start" ? this.#turns.activityBegan(event.atMs) : this.#turns.activityEnded(event.atMs);
      case "heard":
        if (!this.#turns.heard(event.text, this.#speaks)) this.#puzzled("words of a caller turn that was not noticed");
        return;
      case "guessed":
        return this.#turns.guessed(event.text);
      case "audio":
        return this.#audio(event.bytes, event.rateHz);
      case "words":
        return this.#words(event.text);
      case "generated":
        return this.#generated();
      case "interrupted":
        return this.#interrupted();
      case "complete":
        return this.#complete(event.reason);
      case "calls":
        return this.#called(event.calls);
      case "calls.cancelled":
        for (const toolCallId of this.#calls.cancel(event.ids)) this.#host.notice({ type: "tool.cancelled", toolCallId });
        return;
      case "used":
        return this.#host.notice({ type: "link.used", usage: { model: this.#host.settings.model, quantities: event.quantities } });
      case "resumable":
        // A handle from before a call's result does not know the call.
        if (this.#calls.pending > 0) return;
        return this.#host.notice({ type: "link.resumable", handle: event.handle, uplinkMs: this.#turns.answeredMs });
    }
  }

  // The model's turn

  #audio(bytes: Uint8Array, rateHz: number): void {
    const turnId = this.#speakingTurn();
    if (turnId === undefined) return;
    const native = rateHz === 24_000 ? bytes : this.#resampled(bytes, rateHz);
    if (native === undefined) this.#puzzled(`audio of ${rateHz} Hz`);
    else this.#host.audio(native, turnId);
  }

  #words(text: string): void {
    if (text === "") return;
    const turnId = this.#speakingTurn();
    if (turnId !== undefined) this.#host.notice({ type: "agent.said", turnId, text, audioMs: undefined });
  }

  /** The agent's turn to which what comes now belongs, told of; undefined when it is stale. */
  #speakingTurn(): string | undefined {
    if (this.#stale) return undefined;
    const turn = this.#generate();
    if (turn.cut) return undefined;
    if (turn.turnId === undefined) {
      turn.turnId = this.#id("agent");
      this.#host.notice({ type: "agent.began", turnId: turn.turnId });
    }
    return turn.turnId;
  }

  /** The model's turn is under way; when it is a new one, it answers what was owed. */
  #generate(): Extract<ModelTurn, { name: "generating" }> {
    if (this.#turn.name === "generating") return this.#turn;
    const isNew = this.#turn.name !== "drained";
    const turn: ModelTurn = { name: "generating", turnId: undefined, cut: false };
    this.#turn = turn;
    // The caller may just have begun to speak while the model answers our words.
    if (isNew && !(this.#owed.words && this.#turns.unproven)) this.#turns.answered();
    this.#owe("words", false);
    return turn;
  }

  #generated(): void {
    if (this.#turn.name !== "generating") return;
    this.#endTurn("complete");
    this.#turn = { name: "drained" };
  }

  #interrupted(): void {
    const byVoice = this.#speaks && !this.#weInterrupt;
    this.#weInterrupt = false;
    this.#endTurn("interrupted");
    this.#turn = { name: "interrupted", atMs: this.#host.request.clock.now() };
    if (byVoice) this.#turns.activityBegan(undefined);
  }

  #complete(reason: string | undefined): void {
    const was = this.#turn.name;
    const failed = reason !== undefined && !harmlessReasons.has(reason);
    this.#weInterrupt = false;
    // The model had the word and had nothing to say.
    const empty = was === "idle" && (this.#owed.voice || this.#owed.words);
    if (reason === "NEED_MORE_INPUT") this.#turns.wantsMore();
    else if (was !== "interrupted" && (failed || empty)) {
      this.#speakingTurn();
      this.#endTurn("failed");
    }
    this.#endTurn("complete");
    this.#turn = { name: "idle" };
    this.#turns.settle();
  }

  #endTurn(outcome: "complete" | "interrupted" | "failed"): void {
    if (this.#turn.name !== "generating" || this.#turn.turnId === undefined) return;
    const { turnId } = this.#turn;
    this.#turn.turnId = undefined;
    const tail = this.#fromRate?.transcoder.flush();
    if (tail !== undefined && tail.length > 0 && outcome === "complete") this.#host.audio(tail.slice(), turnId);
    this.#host.notice({ type: "agent.ended", turnId, outcome });
  }

  get #stale(): boolean {
    return this.#turn.name === "interrupted" && this.#host.request.clock.now() - this.#turn.atMs < staleMs;
  }

  /** Whether the model speaks, or is thought by the service to be heard still. */
  get #speaks(): boolean {
    return this.#turn.name === "generating" || this.#turn.name === "drained";
  }

  #resampled(bytes: Uint8Array, rateHz: number): Uint8Array | undefined {
    const encoding = `pcm16@${rateHz}`;
    if (!isEncoding(encoding)) return undefined;
    if (this.#fromRate?.rateHz !== rateHz) this.#fromRate = { rateHz, transcoder: transcoder(encoding, "pcm16@24000") };
    return this.#fromRate.transcoder.push(bytes).slice();
  }

  #called(calls: readonly wire.WireCall[]): void {
    this.#generate();
    // The caller's words go before what is done about them.
    this.#turns.settleWords();
    const made = this.#calls.made(calls);
    // Nothing more is said until the results are there; what was said is a turn by itself.
    if (this.#calls.blocked) this.#endTurn("complete");
    for (const call of made) this.#host.notice({ type: "tool.called", toolCallId: call.id, name: call.name, arguments: call.arguments });
  }

  // What is owed

  #ask(text: string): void {
    const { settings, request } = this.#host;
    this.#weInterrupt = this.#speaks;
    // With turns ended by hand, realtime text counts within an activity only.
    const marks = settings.profile.prompting === "text" && request.endpointing === "manual" && this.#window?.isOpen === false;
    if (marks) this.#host.send(wire.activityStart);
    this.#host.send(promptMessage(text, settings));
    if (marks) this.#host.send(wire.activityEnd);
    this.#owe("words", true);
  }

  #owe(what: "voice" | "words", owed: boolean): void {
    this.#owed[what] = owed;
    this.#watch();
  }

  #watch(): void {
    const { clock } = this.#host.request;
    clock.clearTimeout(this.#silence);
    if (!this.#owed.voice && !this.#owed.words) return;
    this.#silence = clock.setTimeout(() => {
      this.#host.lost(new Fault("provider-silent", `talking: an answer is owed and nothing came for ${silenceLimitMs} ms`));
    }, silenceLimitMs);
  }

  #puzzled(what: string): void {
    this.#host.notice({ type: "link.puzzled", what });
  }

  #id(speaker: string): string {
    this.#ids += 1;
    return `${speaker}_${this.#ids}`;
  }
}

const harmlessReasons: ReadonlySet<string> = new Set(["NEED_MORE_INPUT", "TURN_COMPLETE_REASON_UNSPECIFIED"]);
