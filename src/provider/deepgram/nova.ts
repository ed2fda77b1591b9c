import type { DeepgramClient } from "@deepgram/sdk";
import type { Timer } from "../../kernel/clock.ts";
import { Fault } from "../../kernel/fault.ts";
import { CallerTurn } from "./caller-turn.ts";
import { errorFault } from "./faults.ts";
import type { EarPlan } from "./flux.ts";
import { Intake } from "./intake.ts";
import { novaQuery, readNova, type NovaMessage } from "./nova-wire.ts";
import { StageSocket } from "./socket.ts";
import type { TranscribeRequest, Transcription } from "./stages.ts";

type Socket = Awaited<ReturnType<DeepgramClient["listen"]["v1"]["connect"]>>;
type Results = Extract<NovaMessage, { readonly type: "results" }>;

const beatMs = 500;
/** Between two turns, heard time is told as used at least this often. */
const meterMs = 10_000;
/** The service hangs up after 10 s without audio or `KeepAlive`; before the first audio, `KeepAlive` alone does not hold it. */
const keepAliveMs = 4_000;
const firstSilenceMs = 100;
const fillAfterMs = 1_000;
/** With a turn open, words or its end are owed within this much audio. */
const stallMs = 6_000;
/** The answer to `Finalize` is not guaranteed. */
const finalizeLimitMs = 1_500;
/** Speech without words for so long was none. */
const wordlessMs = 3_000;

/** @throws {Fault} see `Transcriber.open`. */
export async function openNova(request: TranscribeRequest, plan: EarPlan): Promise<Transcription> {
  const nova = new Nova(request, plan);
  await nova.ready;
  return nova;
}

/** Deepgram Nova (and older models) on one socket: turns are made of its finals, ended by its silence or, in noise, by its word gaps. */
class Nova implements Transcription {
  readonly #request: TranscribeRequest;
  readonly #plan: EarPlan;
  readonly #socket: StageSocket<Socket>;
  readonly #intake: Intake;
  readonly #turn: CallerTurn;
  #beat: Timer | undefined;
  /** Finals of the open turn. */
  #finals: string[] = [];
  #interim = "";
  /** Up to where finals reach: these words do not change any more. */
  #confirmedMs = 0;
  /** Where the open turn was noticed. */
  #onsetMs = 0;
  #heard = { atMs: 0, sentMs: 0 };
  #finalizing: { readonly uplinkMs: number; readonly timer: Timer } | undefined;

  constructor(request: TranscribeRequest, plan: EarPlan) {
    [this.#request, this.#plan] = [request, plan];
    const { clock, signal, openLimitMs, uplink, endpointing, report } = request;
    const query = novaQuery(plan.model, plan.settings, uplink, endpointing);
    this.#turn = new CallerTurn(report);
    this.#socket = new StageSocket<Socket>({
      name: "deepgram nova",
      key: plan.key,
      address: plan.address,
      clock,
      signal,
      openLimitMs,
      dial: (client, options) => client.listen.v1.connect({ ...query, ...options }),
      greets: false,
      take: (message) => this.#take(message),
      binary: () => report({ type: "link.puzzled", what: "a binary message of listen" }),
      owed: () => this.#turn.isOpen || this.#finalizing !== undefined,
      lost: (fault) => this.#lost(fault),
    });
    this.#socket.ready.then(
      () => this.#beatIn(),
      () => {},
    );
    this.#intake = new Intake(uplink, clock, this.#socket, (bytes) => this.#socket.send((socket) => socket.sendMedia(bytes)));
  }

  get ready(): Promise<void> {
    return this.#socket.ready;
  }

  hear(frame: Uint8Array): boolean {
    return this.#intake.hear(frame);
  }

  commit(): void {
    if (this.#finalizing !== undefined || !this.#socket.send((socket) => socket.sendFinalize({ type: "Finalize" }))) return;
    const timer = this.#request.clock.setTimeout(() => this.#finalized(), finalizeLimitMs);
    this.#finalizing = { uplinkMs: this.#intake.timeline.heardMs, timer };
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
    clock.clearTimeout(this.#finalizing?.timer);
  }

  #take(raw: unknown): void {
    const message = readNova(raw);
    if (typeof message === "string") return this.#puzzled(message);
    this.#heard = { atMs: this.#request.clock.now(), sentMs: this.#intake.timeline.sentMs };
    switch (message.type) {
      case "results":
        return this.#takeResults(message);
      case "speech.started":
        // It has no id and no pair: a second one in a turn says nothing new.
        if (!this.#intake.canReach(message.atMs)) return this.#puzzled(`SpeechStarted at ${message.atMs} ms, beyond what was said`);
        return this.#begin(message.atMs);
      case "utterance.ended":
        return this.#utteranceEnded(message.lastWordMs);
      case "error":
        return this.#socket.end(errorFault(message.code, message.description, "using deepgram nova", this.#plan.key));
      case "ignored":
    }
  }

  #takeResults(results: Results): void {
    const { startMs, endMs, isFinal, speechFinal, fromFinalize, text, firstWordMs } = results;
    if (!this.#intake.canReach(endMs)) return this.#puzzled(`Results reach to ${endMs} ms, beyond what was said`);
    if (text !== "") this.#begin(firstWordMs ?? startMs);
    if (isFinal) {
      this.#interim = "";
      if (text !== "") this.#finals.push(text);
      this.#confirmedMs = Math.max(this.#confirmedMs, endMs);
    } else this.#interim = text;
    this.#turn.word(this.#text);
    const { endpointing } = this.#request;
    // An answer to `Finalize` may be empty, because the words went out before it.
    if (fromFinalize && this.#finalizing !== undefined) this.#finalized();
    else if (isFinal && speechFinal && endpointing === "provider") this.#finish(this.#confirmedMs);
  }

  /** Comes where steady noise hides the silence; one without new words follows a turn that has ended. */
  #utteranceEnded(lastWordMs: number | undefined): void {
    if (this.#request.endpointing === "manual" || this.#text === "") return;
    const endMs = Math.max(this.#confirmedMs, lastWordMs ?? 0);
    if (!this.#intake.canReach(endMs)) return this.#puzzled(`UtteranceEnd at ${endMs} ms, beyond what was said`);
    this.#finish(endMs);
  }

  get #text(): string {
    return [...this.#finals, this.#interim].filter((part) => part !== "").join(" ");
  }

  #begin(atMs: number): void {
    if (this.#turn.isOpen) return;
    this.#onsetMs = atMs;
    this.#turn.begin(this.#intake.timeline.linkMs(atMs));
  }

  #finish(endMs: number): void {
    const text = this.#text;
    this.#finals = [];
    this.#interim = "";
    this.#tellUsed();
    this.#turn.finish(text, this.#intake.timeline.linkMs(endMs));
  }

  #finalized(): void {
    const finalizing = this.#finalizing;
    if (finalizing === undefined) return;
    this.#request.clock.clearTimeout(finalizing.timer);
    this.#finalizing = undefined;
    const text = this.#text;
    this.#finals = [];
    this.#interim = "";
    this.#tellUsed();
    if (text === "") this.#turn.dismissUnspoken();
    else this.#turn.finish(text, finalizing.uplinkMs);
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
    const { sentMs } = this.#intake.timeline;
    if (this.#intake.idleMs >= keepAliveMs) this.#keepAlive(sentMs === 0);
    if (!this.#turn.isOpen) return;
    // Turns end by audio alone: where the caller's stops in the middle of one, silence goes on.
    if (this.#intake.idleMs >= fillAfterMs && this.#request.endpointing === "provider") this.#intake.fill(beatMs);
    const silentMs = this.#request.clock.now() - this.#heard.atMs;
    if (silentMs > stallMs && sentMs - this.#heard.sentMs > stallMs)
      return this.#socket.end(new Fault("provider-silent", `using deepgram nova: no words for ${Math.round(silentMs)} ms of a turn`));
    if (this.#text === "" && sentMs - this.#onsetMs > wordlessMs && this.#request.endpointing === "provider") this.#turn.dismiss();
  }

  #keepAlive(isFirst: boolean): void {
    this.#intake.kept();
    if (isFirst) return this.#intake.fill(firstSilenceMs);
    // Without its argument the client would send an empty binary message, which ends the stream.
    this.#socket.send((socket) => socket.sendKeepAlive({ type: "KeepAlive" }));
  }

  #tellUsed(): void {
    const usedMs = this.#intake.takeUsedMs();
    if (usedMs > 0) this.#request.report({ type: "link.used", usage: { model: this.#plan.model, quantities: { transcribed_ms: usedMs } } });
  }

  #puzzled(what: string): void {
    this.#request.report({ type: "link.puzzled", what });
  }
}
