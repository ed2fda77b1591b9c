// The server's side of listen v2 (Flux). Sources: types of @deepgram/sdk 5.13.0, developers.deepgram.com "Flux: state machine", "close
// stream", "force end turn", read 2026-11. Not documented, and so assumed: how a spent balance is told in mid-call (an `Error`).
import type { Encoding } from "../../audio/encodings.ts";
import type { Random } from "../../kernel/random.ts";
import { garble } from "../garble.ts";
import { Hearing } from "../hearing.ts";
import { unscriptedWords, type GarbleCount, type Panel } from "../panel.ts";
import type { FakePeer, FakeSession } from "../websocket-server.ts";
import { encodingOf } from "./query.ts";
import { PacedIntake } from "./intake.ts";
import { fluxSamples } from "./samples.ts";

export interface ListenTraits {
  readonly random: Random;
  readonly pace: number;
  /** How long the client may send neither audio nor what stands for it, ms. */
  readonly idleLimitMs: number;
}

interface Turn {
  readonly startMs: number;
  /** Undefined: nothing is scripted, so it is what can be measured. */
  words: string | undefined;
  /** Taken to be over, and so announced. */
  eager: boolean;
}

const updateMs = 250;
const eagerSilenceMs = 200;
const endSilenceMs = 600;

export class FluxSession implements FakeSession {
  readonly #peer: FakePeer;
  readonly #panel: Panel;
  readonly #intake: PacedIntake;
  readonly #encoding: Encoding;
  #pauses: Hearing;
  #ends: Hearing;
  readonly #random: Random;
  readonly #isEager: boolean;
  readonly #timeoutMs: number;
  #sequence = 0;
  #turnIndex = 0;
  #turn: Turn | undefined;
  #windowMs = 0;
  #updatedMs = 0;
  #voicedMs = 0;
  #configures = 0;
  #closing = false;

  constructor(peer: FakePeer, panel: Panel, query: URLSearchParams, { random, pace }: ListenTraits) {
    [this.#peer, this.#panel, this.#random] = [peer, panel, random];
    const encoding = encodingOf(query);
    this.#intake = new PacedIntake(encoding, pace, (bytes) => this.#hear(bytes));
    this.#encoding = encoding;
    [this.#pauses, this.#ends] = this.#freshEars();
    this.#isEager = query.has("eager_eot_threshold");
    this.#timeoutMs = Number(query.get("eot_timeout_ms") ?? 5_000);
    peer.record.settings = {
      model: query.get("model") ?? undefined,
      uplink: encoding,
      downlink: undefined,
      instructions: "",
      voice: undefined,
      language: query.get("language_hint") ?? "en",
      toolNames: [],
    };
    if (panel.opening.type === "never-ready") return;
    setTimeout(() => {
      if (!peer.strikes("before-ready")) this.#emit({ type: "Connected", request_id: random.id("") });
    }, 1);
  }

  #freshEars(): [Hearing, Hearing] {
    const { processedMs } = this.#intake;
    return [
      new Hearing(this.#encoding, { startMs: 60, silenceMs: eagerSilenceMs }, processedMs),
      new Hearing(this.#encoding, { startMs: 60, silenceMs: endSilenceMs }, processedMs),
    ];
  }

  // What the client sends

  receive(data: Buffer, isBinary: boolean): void {
    if (this.#closing) return this.#panel.violation("a message after CloseStream");
    if (isBinary) return this.#take(data);
    const message = parsed(data);
    switch (message?.type) {
      case "CloseStream":
        this.#closing = true;
        this.#intake.drain();
        this.#tell("Update");
        // In order, and without a code: a client that dials again by itself gives itself away.
        return this.#peer.close(1005, "");
      case "ForceEndTurn":
        this.#intake.drain();
        if (this.#turn === undefined)
          return this.#emit({ type: "Warning", code: "FORCE_END_TURN_NO_ACTIVE_TURN", description: "No turn is open." });
        this.#end("manual");
        // Speech that goes on without a pause is a turn of its own.
        [this.#pauses, this.#ends] = this.#freshEars();
        return;
      case "Configure":
        this.#configures += 1;
        if (this.#configures > 1) return this.#error("UNPARSABLE_CLIENT_MESSAGE", "Too many pending Configure messages.");
        setTimeout(() => {
          this.#configures -= 1;
          this.#emit({ type: "ConfigureSuccess", request_id: "r", thresholds: {}, keyterms: [] });
        }, 1);
        return;
      default:
        this.#panel.violation(`${String(message?.type ?? "text")} on listen v2`);
        return this.#error("UNPARSABLE_CLIENT_MESSAGE", "The message could not be read.");
    }
  }

  #take(bytes: Buffer): void {
    if (bytes.length === 0) this.#panel.violation("an empty binary message ends the stream");
    if (bytes.length === 0) return this.#peer.close(1000, "");
    if (bytes[0] === 0x7b && parsed(bytes) !== undefined) this.#panel.violation("a message in a binary frame");
    if (!this.#intake.isWhole(bytes)) this.#panel.violation(`${bytes.length} bytes of linear16 hold half a sample`);
    this.#peer.record.heard.keep(bytes);
    this.#intake.take(bytes);
  }

  #hear(bytes: Uint8Array): void {
    for (const { type, atMs } of this.#pauses.hear(bytes)) {
      if (type === "stopped") this.#voicedMs = atMs - eagerSilenceMs;
      if (type === "started") this.#started(atMs);
      else if (this.#turn !== undefined && this.#isEager) {
        this.#turn.eager = true;
        this.#tell("EagerEndOfTurn");
      }
      if (this.#peer.gone) return;
    }
    for (const { type } of this.#ends.hear(bytes)) if (type === "stopped") this.#end("model");
    const { processedMs } = this.#intake;
    if (this.#turn !== undefined && processedMs - Math.max(this.#voicedMs, this.#turn.startMs) > this.#timeoutMs) this.#end("timeout");
    if (processedMs - this.#updatedMs < updateMs) return;
    this.#updatedMs = processedMs;
    this.#tell("Update");
  }

  #started(atMs: number): void {
    const turn = this.#turn;
    if (turn === undefined) {
      this.#turn = { startMs: atMs, words: this.#panel.scriptedWords(), eager: false };
      this.#tell("StartOfTurn");
      this.#peer.strikes("caller-speaking");
    } else if (turn.eager) {
      turn.eager = false;
      if (turn.words !== undefined) turn.words += " and more";
      this.#tell("TurnResumed");
    }
  }

  #end(trigger: "model" | "manual" | "timeout"): void {
    if (this.#turn === undefined) return;
    this.#tell("EndOfTurn", trigger);
    this.#turn = undefined;
    this.#turnIndex += 1;
    this.#windowMs = this.#intake.processedMs;
  }

  #tell(event: "Update" | "StartOfTurn" | "EagerEndOfTurn" | "TurnResumed" | "EndOfTurn", trigger?: string): void {
    const turn = this.#turn;
    // Words come one by one; those of a turn that may be over are all there.
    const whole = turn === undefined ? [] : (turn.words ?? unscriptedWords(Math.max(0, this.#voicedMs - turn.startMs))).split(" ");
    const words = event === "StartOfTurn" ? whole.slice(0, 1) : whole;
    const start = (turn?.startMs ?? 0) / 1_000;
    this.#emit({
      type: "TurnInfo",
      request_id: "r",
      event,
      turn_index: this.#turnIndex,
      audio_window_start: this.#windowMs / 1_000,
      audio_window_end: this.#intake.processedMs / 1_000,
      transcript: words.join(" "),
      words: words.map((word) => ({ word, confidence: 0.9, start, end: start })),
      end_of_turn_confidence: event === "EndOfTurn" ? 0.9 : this.#random.next() / 2,
      ...(trigger === undefined ? {} : { trigger }),
    });
  }

  #emit(message: Readonly<Record<string, unknown>>): void {
    if (this.#panel.unknownEvents) this.#send({ ...message, type: `${String(message["type"])}Later` });
    this.#send(message);
  }

  #send(message: Readonly<Record<string, unknown>>): void {
    this.#peer.send(JSON.stringify({ ...message, sequence_id: this.#sequence }));
    this.#sequence += 1;
  }

  #error(code: string, description: string): void {
    this.#emit({ type: "Error", code, description });
    this.#peer.close(1011, "");
  }

  // What the panel and the connection ask

  expire(): void {
    this.#error("INTERNAL_SERVER_ERROR", "The session has come to its end.");
  }

  exhaust(): void {
    this.#error("ASR_PAYMENT_REQUIRED", "Project does not have enough credits for an ASR request using this model.");
  }

  announceEnd(): void {}

  release(): void {}

  async garble(count: number, seed: number): Promise<GarbleCount> {
    return sendGarbled(this.#peer, fluxSamples, count, seed);
  }

  ended(): void {
    this.#intake.end();
  }
}

export function sendGarbled(peer: FakePeer, samples: Parameters<typeof garble>[0], count: number, seed: number): GarbleCount {
  let [sent, unreadable] = [0, 0];
  for (const broken of garble(samples, "type", count, seed)) {
    peer.send(broken.message);
    sent += 1;
    if (broken.unreadable) unreadable += 1;
  }
  return { sent, unreadable };
}

export function parsed(data: Buffer): { readonly type?: unknown; readonly text?: unknown } | undefined {
  try {
    const json: unknown = JSON.parse(data.toString());
    return typeof json === "object" && json !== null ? json : undefined;
  } catch {
    return undefined;
  }
}
