import type { DeepgramClient } from "@deepgram/sdk";
import type { Timer } from "../../kernel/clock.ts";
import { Fault } from "../../kernel/fault.ts";
import type { DeepgramAddress } from "../deepgram-sdk/client.ts";
import { CallerTurn } from "./caller-turn.ts";
import { errorFault } from "./faults.ts";
import { fluxQuery, readFlux, type FluxMessage } from "./flux-wire.ts";
import { Intake } from "./intake.ts";
import type { PipelineSettings } from "./settings.ts";
import { StageSocket } from "./socket.ts";
import type { TranscribeRequest, Transcription } from "./stages.ts";

type Socket = Awaited<ReturnType<DeepgramClient["listen"]["v2"]["connect"]>>;
type Turn = Extract<FluxMessage, { readonly type: "turn" }>;

export interface EarPlan {
  readonly model: string;
  readonly settings: PipelineSettings;
  readonly address: DeepgramAddress;
  readonly key: string;
}

const beatMs = 500;
/** Between two turns, heard time is told as used at least this often. */
const meterMs = 10_000;
/** Turns advance with audio alone: where the caller's stops, silence goes on, as long as it can end a turn. */
const fillAfterMs = 1_000;
const fillLimitMs = 3_000;
/** An `Update` comes four times a second of audio; a socket without any is dead, even if it answers pings. */
const stallMs = 3_000;
const forceLimitMs = 2_000;
/** Speech begins a little before its first word is sure to. */
const onsetMs = 300;

/** @throws {Fault} see `Transcriber.open`. */
export async function openFlux(request: TranscribeRequest, plan: EarPlan): Promise<Transcription> {
  const flux = new Flux(request, plan);
  await flux.ready;
  return flux;
}

/** Deepgram Flux on one socket: the model itself decides when turns begin, pause and end. */
class Flux implements Transcription {
  readonly #request: TranscribeRequest;
  readonly #plan: EarPlan;
  readonly #socket: StageSocket<Socket>;
  readonly #intake: Intake;
  readonly #turn: CallerTurn;
  #beat: Timer | undefined;
  /** Which turn of the service is open; undefined between two. */
  #index: number | undefined;
  #endedIndex = -1;
  /** Whether it took the turn to be over, and may still find that it is not. */
  #paused = false;
  #filledMs = 0;
  #heard = { atMs: 0, sentMs: 0 };
  /** Words of the service's turns that belong to ours, with turns ended by hand. */
  #said: string[] = [];
  #forced: { readonly uplinkMs: number; readonly timer: Timer } | undefined;

  constructor(request: TranscribeRequest, plan: EarPlan) {
    [this.#request, this.#plan] = [request, plan];
    const { clock, signal, openLimitMs, uplink, endpointing, report } = request;
    const query = fluxQuery(plan.model, plan.settings, uplink, endpointing);
    this.#turn = new CallerTurn(report);
    this.#socket = new StageSocket<Socket>({
      name: "deepgram flux",
      key: plan.key,
      address: plan.address,
      clock,
      signal,
      openLimitMs,
      dial: (client, options) => client.listen.v2.connect({ ...query, ...options }),
      greets: true,
      take: (message) => this.#take(message),
      binary: () => report({ type: "link.puzzled", what: "a binary message of Flux" }),
      owed: () => this.#turn.isOpen || this.#forced !== undefined,
      lost: (fault) => this.#lost(fault),
    });
    this.#intake = new Intake(uplink, clock, this.#socket, (bytes) => this.#socket.send((socket) => socket.sendMedia(bytes)));
  }

  get ready(): Promise<void> {
    return this.#socket.ready;
  }

  hear(frame: Uint8Array): boolean {
    const taken = this.#intake.hear(frame);
    if (taken) this.#filledMs = 0;
    return taken;
  }

  commit(): void {
    if (this.#forced !== undefined || !this.#socket.send((socket) => socket.sendForceEndTurn({ type: "ForceEndTurn" }))) return;
    const timer = this.#request.clock.setTimeout(() => this.#finishForced(), forceLimitMs);
    this.#forced = { uplinkMs: this.#intake.timeline.heardMs, timer };
  }

  close(): void {
    this.#stop();
    this.#socket.close((socket) => socket.sendCloseStream({ type: "CloseStream" }));
  }

  #lost(fault: Fault): void {
    this.#stop();
    this.#request.report({ type: "stage.lost", fault });
  }

  #stop(): void {
    this.#tellUsed();
    const { clock } = this.#request;
    clock.clearTimeout(this.#beat);
    clock.clearTimeout(this.#forced?.timer);
  }

  #take(raw: unknown): void {
    const message = readFlux(raw);
    if (typeof message === "string") return this.#puzzled(message);
    const { clock } = this.#request;
    this.#heard = { atMs: clock.now(), sentMs: this.#intake.timeline.sentMs };
    switch (message.type) {
      case "connected":
        if (this.#beat === undefined) this.#beatIn();
        return this.#socket.becomeReady();
      case "turn":
        return this.#takeTurn(message);
      case "warning":
        if (message.code === "FORCE_END_TURN_NO_ACTIVE_TURN" && this.#forced !== undefined) return this.#finishForced();
        return this.#puzzled(`warning ${message.code} of Flux`);
      case "error":
        return this.#socket.end(errorFault(message.code, message.description, "using deepgram flux", this.#plan.key));
      case "ignored":
    }
  }

  #takeTurn(turn: Turn): void {
    if (!this.#intake.canReach(turn.endMs)) return this.#puzzled(`${turn.event} reaches to ${turn.endMs} ms, beyond what was said`);
    if (turn.index === this.#endedIndex && turn.event !== "Update")
      return this.#puzzled(`${turn.event} of turn ${turn.index}, which has ended`);
    switch (turn.event) {
      case "StartOfTurn":
        return this.#begin(turn);
      case "Update":
        if (turn.index === this.#index) this.#word(turn.text);
        return;
      case "EagerEndOfTurn":
        this.#begin(turn);
        if (this.#paused || this.#request.endpointing === "manual") return;
        this.#paused = true;
        return this.#turn.pause(turn.text);
      case "TurnResumed":
        this.#word(turn.text);
        return this.#goOn();
      case "EndOfTurn":
        return this.#end(turn);
    }
  }

  #begin(turn: Turn): void {
    if (this.#index !== undefined && this.#index !== turn.index) {
      this.#puzzled(`turn ${turn.index} began before turn ${this.#index} had ended`);
      this.#keep(this.#turn.text, turn.startMs);
    }
    this.#index = turn.index;
    if (turn.text === "") return;
    const onset = turn.firstWordMs === undefined ? turn.startMs : Math.max(turn.startMs, turn.firstWordMs - onsetMs);
    this.#turn.begin(this.#intake.timeline.linkMs(onset));
    this.#word(turn.text);
  }

  #word(text: string): void {
    this.#turn.word([...this.#said, text].filter((part) => part !== "").join(" "));
  }

  #goOn(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#turn.goOn();
  }

  #end(turn: Turn): void {
    this.#begin(turn);
    this.#keep(turn.text, turn.endMs);
    this.#endedIndex = turn.index;
  }

  /** A turn of the service is over: with its own endpointing the caller's is too. */
  #keep(text: string, endMs: number): void {
    this.#index = undefined;
    this.#paused = false;
    if (this.#request.endpointing === "manual") {
      if (text !== "") this.#said.push(text);
      if (this.#forced !== undefined) this.#finishForced();
      return;
    }
    this.#tellUsed();
    this.#turn.finish(text, this.#intake.timeline.linkMs(endMs));
  }

  #finishForced(): void {
    const forced = this.#forced;
    if (forced === undefined) return;
    this.#request.clock.clearTimeout(forced.timer);
    this.#forced = undefined;
    // A turn that the service did not end in time is taken as far as it had come.
    const text = this.#index === undefined ? this.#said.join(" ") : this.#turn.text;
    this.#said = [];
    if (this.#index !== undefined) this.#endedIndex = this.#index;
    this.#index = undefined;
    this.#tellUsed();
    if (text === "") this.#turn.dismissUnspoken();
    else this.#turn.finish(text, forced.uplinkMs);
  }

  #beatIn(): void {
    if (this.#socket.isClosed) return;
    this.#beat = this.#request.clock.setTimeout(() => {
      this.#watch();
      this.#beatIn();
    }, beatMs);
  }

  #watch(): void {
    if (this.#intake.usedMs >= meterMs) this.#tellUsed();
    const silentMs = this.#request.clock.now() - this.#heard.atMs;
    const { heardMs, sentMs } = this.#intake.timeline;
    if (silentMs > stallMs && sentMs - this.#heard.sentMs > stallMs)
      return this.#socket.end(new Fault("provider-silent", `using deepgram flux: no update for ${Math.round(silentMs)} ms of audio`));
    const wanted = this.#index !== undefined || this.#filledMs < fillLimitMs;
    if (this.#request.endpointing === "provider" && heardMs > 0 && this.#intake.idleMs >= fillAfterMs && wanted) {
      this.#filledMs += beatMs;
      this.#intake.fill(beatMs);
    }
  }

  #tellUsed(): void {
    const usedMs = this.#intake.takeUsedMs();
    if (usedMs > 0) this.#request.report({ type: "link.used", usage: { model: this.#plan.model, quantities: { transcribed_ms: usedMs } } });
  }

  #puzzled(what: string): void {
    this.#request.report({ type: "link.puzzled", what });
  }
}
