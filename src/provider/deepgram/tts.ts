import type { Log } from "../../kernel/log.ts";
import type { Timer } from "../../kernel/clock.ts";
import { toFault, type Fault, type FaultCode } from "../../kernel/fault.ts";
import type { LinkNotice } from "../contract.ts";
import { speakByHttp } from "./aura-http.ts";
import { AuraSocket, type VoicePlan } from "./aura-socket.ts";
import { FlushBudget } from "./flush-budget.ts";
import { socketLimitMs } from "./speak-wire.ts";
import { nextText, Speech, type Text } from "./speech.ts";
import type { Speaker, SpeechSink, StageGuards, Utterance } from "./stages.ts";

export interface SpeakerPlan extends VoicePlan {
  readonly openLimitMs: number;
  readonly guards: StageGuards;
  readonly log: Log;
  readonly report: (notice: Extract<LinkNotice, { readonly type: "link.used" | "link.puzzled" }>) => void;
}

type SocketState =
  | { readonly name: "none" }
  | { readonly name: "opening"; readonly socket: AuraSocket }
  | { readonly name: "open"; readonly socket: AuraSocket; readonly sinceMs: number };

/** A socket that is opened again in mid-call, while requests over HTTP can stand in, is not waited for long. */
const reopenLimitMs = 1_000;
/** An old socket is replaced in a pause, before the service ends it. */
const renewAfterMs = socketLimitMs - 5 * 60_000;
/** Texts at the service at once: one that is spoken and one that follows without a gap. More would be paid for in vain at a barge-in. */
const flightLimit = 2;
/** A socket that ends sooner was never good. */
const livedMs = 5_000;

/** Trouble that HTTP would have as well. */
const ofTheAccount: ReadonlySet<FaultCode> = new Set([
  "provider-key",
  "provider-quota",
  "provider-model",
  "provider-refused",
  "provider-unreachable",
  "provider-silent",
]);

/** Speaks with Aura: by a socket that is opened ahead of need, by single requests where there is none. */
export class AuraSpeaker implements Speaker {
  readonly ready: Promise<void>;
  readonly #plan: SpeakerPlan;
  readonly #budget: FlushBudget;
  readonly #closing = new AbortController();
  /** Oldest first; the first one is being spoken. */
  readonly #speeches: Speech[] = [];
  /** At the service, in order. */
  #flying: Text[] = [];
  #request: { readonly text: Text; readonly abort: AbortController } | undefined;
  #state: SocketState = { name: "none" };
  #renew: Timer | undefined;

  constructor(plan: SpeakerPlan) {
    this.#plan = plan;
    this.#budget = new FlushBudget(plan.clock);
    this.ready = this.#openFirst();
    this.ready.catch(() => {});
  }

  begin(sink: SpeechSink): Utterance {
    const speech = new Speech(sink, {
      changed: () => this.#pump(),
      cancelled: () => this.#cancel(speech),
      over: () => this.#over(speech),
    });
    this.#speeches.push(speech);
    return speech;
  }

  /** A socket counts against the account's limit even when nobody speaks. */
  rest(): void {
    this.#plan.clock.clearTimeout(this.#renew);
    if (this.#isIdle) this.#drop();
  }

  expect(): void {
    if (this.#state.name === "open" && this.#isIdle && this.#plan.clock.now() - this.#state.sinceMs > renewAfterMs) this.#drop();
    if (this.#state.name === "none" && !this.#closing.signal.aborted && this.#plan.guards("aura").open) this.#reopen();
  }

  close(): void {
    this.#closing.abort();
    this.#plan.clock.clearTimeout(this.#renew);
    this.#request?.abort.abort();
    for (const speech of this.#speeches.splice(0)) {
      this.#tellUsed(speech);
      speech.silence();
    }
    this.#drop();
  }

  get #isIdle(): boolean {
    return this.#speeches.length === 0 && this.#flying.length === 0;
  }

  // The socket

  async #openFirst(): Promise<void> {
    try {
      await this.#open(this.#plan.openLimitMs);
    } catch (error) {
      const fault = toFault(error, "internal", "opening deepgram aura");
      if (ofTheAccount.has(fault.code) || this.#closing.signal.aborted) throw fault;
      this.#fellBack(fault);
    }
  }

  #reopen(): void {
    this.#open(reopenLimitMs).catch((error: unknown) => {
      if (!this.#closing.signal.aborted) this.#fellBack(toFault(error, "internal", "opening deepgram aura"));
      this.#pump();
    });
  }

  #fellBack(fault: Fault): void {
    this.#plan.log.warning("stage_fell_back", { stage: "tts", from: "socket", to: "http", code: fault.code, message: fault.message });
  }

  #open(openLimitMs: number): Promise<void> {
    const { guards, clock } = this.#plan;
    return guards("aura").run(async () => {
      const socket = new AuraSocket(this.#plan, this.#closing.signal, openLimitMs, {
        audio: (bytes) => this.#flying[0]?.take(bytes),
        flushed: () => this.#flushed(),
        puzzled: (what) => this.#plan.report({ type: "link.puzzled", what }),
        lost: (fault) => this.#lost(fault),
      });
      this.#state = { name: "opening", socket };
      try {
        await socket.ready;
      } catch (error) {
        this.#state = { name: "none" };
        throw error;
      }
      this.#state = { name: "open", socket, sinceMs: clock.now() };
      clock.clearTimeout(this.#renew);
      this.#renew = clock.setTimeout(() => this.expect(), renewAfterMs + 1);
      this.#pump();
    }, this.#closing.signal);
  }

  #drop(): void {
    if (this.#state.name !== "none") this.#state.socket.close();
    this.#state = { name: "none" };
  }

  /** Between two answers that is no trouble: it is opened again when the caller speaks. */
  #lost(fault: Fault): void {
    const livedMsSoFar = this.#state.name === "open" ? this.#plan.clock.now() - this.#state.sinceMs : 0;
    this.#state = { name: "none" };
    if (this.#flying.length > 0 || livedMsSoFar < livedMs) {
      this.#plan.guards("aura").failed();
      this.#fellBack(fault);
    }
    for (const text of this.#flying.splice(0).toReversed()) text.speech.takeBack(text);
    this.#pump();
  }

  // What is to be spoken

  #pump(): void {
    if (this.#closing.signal.aborted) return;
    const state = this.#state;
    if (this.#request !== undefined || state.name === "opening") return;
    while (this.#flying.length < flightLimit) {
      const isWaiting = this.#flying.length === 0;
      const text = nextText(this.#speeches, state.name === "open" ? this.#budget.left : 1, isWaiting);
      if (text === undefined) return;
      if (state.name === "open" && this.#budget.left > 0 && state.socket.speak(text.words)) {
        this.#budget.spend();
        text.speech.characters += text.words.length;
        this.#flying.push(text);
      } else if (isWaiting) return void this.#speakByHttp(text);
      // What is at the socket is spoken to its end before a request takes over.
      else return text.speech.takeBack(text);
    }
  }

  #flushed(): void {
    const text = this.#flying.shift();
    text?.speech.spoken(text);
    this.#pump();
  }

  async #speakByHttp(text: Text): Promise<void> {
    const abort = new AbortController();
    this.#request = { text, abort };
    text.speech.characters += text.words.length;
    // The next answer is better spoken by a socket.
    if (this.#state.name === "none" && this.#plan.guards("aura").open) this.#reopen();
    let fault: Fault | undefined;
    try {
      for await (const bytes of speakByHttp(this.#plan, text.words, abort.signal)) if (!abort.signal.aborted) text.take(bytes);
    } catch (error) {
      fault = toFault(error, "internal", "speaking over HTTP");
    }
    this.#request = undefined;
    if (!abort.signal.aborted) text.speech.spoken(text, fault);
    this.#pump();
  }

  #cancel(speech: Speech): void {
    if (this.#request?.text.speech === speech) this.#request.abort.abort();
    if (this.#flying.some((text) => text.speech === speech)) {
      if (this.#state.name === "open") this.#state.socket.clear();
      // All texts were taken back; those of other speeches are sent again.
      for (const text of this.#flying.splice(0).toReversed()) text.speech.takeBack(text);
    }
    this.#over(speech);
  }

  #over(speech: Speech): void {
    const at = this.#speeches.indexOf(speech);
    if (at < 0) return;
    this.#speeches.splice(at, 1);
    this.#tellUsed(speech);
    this.#pump();
  }

  #tellUsed({ characters }: Speech): void {
    if (characters > 0)
      this.#plan.report({ type: "link.used", usage: { model: this.#plan.settings.voice, quantities: { spoken_characters: characters } } });
  }
}
