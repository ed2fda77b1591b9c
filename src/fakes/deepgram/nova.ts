// The server's side of listen v1 (Nova). Sources: deepgram-api-specs asyncapi.yml, developers.deepgram.com "Endpointing", "Utterance
// end", "Finalize", "Keep alive" and "Errors", read 2026-11. Not documented, and so assumed: how a spent balance is told in mid-call.
import { Hearing } from "../hearing.ts";
import type { GarbleCount, Panel } from "../panel.ts";
import type { FakePeer, FakeSession } from "../websocket-server.ts";
import { parsed, sendGarbled, type ListenTraits } from "./flux.ts";
import { PacedIntake } from "./intake.ts";
import { encodingOf } from "./query.ts";
import { novaSamples } from "./samples.ts";

export interface NovaManners {
  /** How `Finalize` is answered: with the words, empty because they went out before, or not at all. */
  finalize: "words" | "empty" | "never";
  /** Steady noise: silence is never found, turns end by their word gaps alone. */
  noisy: boolean;
  /** `SpeechStarted`: as it should be, twice, or not at all. */
  started: "once" | "twice" | "never";
  /** Speech in which there are no words. */
  wordless: boolean;
}

const interimMs = 300;
const emptyFinalMs = 3_000;
const utteranceEndMs = 1_000;

export class NovaSession implements FakeSession {
  readonly #peer: FakePeer;
  readonly #query: URLSearchParams;
  readonly #panel: Panel;
  readonly #manners: NovaManners;
  readonly #traits: ListenTraits;
  readonly #intake: PacedIntake;
  readonly #silenceMs: number;
  #silence: Hearing;
  #gaps: Hearing;
  readonly #endpoints: boolean;
  /** Words of the open turn, and how many of them are final. */
  #turn: { readonly words: readonly string[]; readonly startMs: number; told: number } | undefined;
  #lastWordMs = -1;
  #finalMs = 0;
  #interimMs = 0;
  #idle: NodeJS.Timeout | undefined;
  #hadAudio = false;
  #closing = false;

  constructor(peer: FakePeer, panel: Panel, query: URLSearchParams, traits: ListenTraits, manners: NovaManners) {
    [this.#peer, this.#panel, this.#query, this.#traits, this.#manners] = [peer, panel, query, traits, manners];
    const encoding = encodingOf(query);
    const endpointing = query.get("endpointing") ?? "10";
    this.#endpoints = endpointing !== "false";
    this.#intake = new PacedIntake(encoding, traits.pace, (bytes) => this.#hear(bytes));
    this.#silenceMs = Math.max(50, Number(endpointing) || 300);
    [this.#silence, this.#gaps] = this.#freshEars(encoding);
    peer.record.settings = {
      model: query.get("model") ?? undefined,
      uplink: encoding,
      downlink: undefined,
      instructions: "",
      voice: undefined,
      language: query.get("language") ?? "en",
      toolNames: [],
    };
    if (panel.opening.type === "never-ready" || peer.strikes("before-ready")) return;
    this.#watchIdle();
  }

  #freshEars(encoding: ReturnType<typeof encodingOf>): [Hearing, Hearing] {
    return [
      new Hearing(encoding, { startMs: 60, silenceMs: this.#silenceMs }, this.#intake.processedMs),
      new Hearing(encoding, { startMs: 60, silenceMs: utteranceEndMs }, this.#intake.processedMs),
    ];
  }

  // What the client sends

  receive(data: Buffer, isBinary: boolean): void {
    if (this.#closing) return this.#panel.violation("a message after CloseStream");
    if (isBinary) return this.#take(data);
    const message = parsed(data);
    switch (message?.type) {
      case "KeepAlive":
        // It does not stand for the first audio.
        if (this.#hadAudio) this.#watchIdle();
        return;
      case "Finalize":
        this.#intake.drain();
        return this.#finalize();
      case "CloseStream":
        return this.#closeStream();
      default:
        this.#panel.violation(`${String(message?.type ?? "text")} on listen v1`);
        return this.#peer.close(1008, "DATA-0000: the message cannot be read");
    }
  }

  #take(bytes: Buffer): void {
    if (bytes.length === 0) {
      this.#panel.violation("an empty binary message ends the stream");
      return this.#closeStream();
    }
    if (bytes[0] === 0x7b && parsed(bytes) !== undefined) this.#panel.violation("a message in a binary frame");
    if (!this.#intake.isWhole(bytes)) this.#panel.violation(`${bytes.length} bytes of linear16 hold half a sample`);
    this.#hadAudio = true;
    this.#watchIdle();
    this.#peer.record.heard.keep(bytes);
    this.#intake.take(bytes);
  }

  #watchIdle(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      const text = "NET-0001: Deepgram did not receive audio data or a text message within the timeout window.";
      this.#peer.close(1011, text);
    }, this.#traits.idleLimitMs);
  }

  #hear(bytes: Uint8Array): void {
    for (const { type, atMs } of this.#silence.hear(bytes)) {
      if (type === "started") this.#started(atMs);
      else this.#stopped(atMs);
      if (this.#peer.gone) return;
    }
    for (const { type } of this.#gaps.hear(bytes)) {
      if (type !== "stopped" || !this.#endpoints) continue;
      if (this.#manners.noisy) this.#final(false, false);
      // Comes after a turn that has ended as well, and where the last word ended is not always known.
      this.#emit({
        type: "UtteranceEnd",
        channel: [0, 1],
        last_word_end: this.#traits.random.next() < 0.5 ? -1 : this.#lastWordMs / 1_000,
      });
      this.#turn = undefined;
    }
    const { processedMs } = this.#intake;
    if (this.#turn !== undefined && processedMs - this.#interimMs >= interimMs) {
      this.#interimMs = processedMs;
      this.#results(this.#turn.words.slice(this.#turn.told), { final: false, speechFinal: false, fromFinalize: false });
    } else if (this.#turn === undefined && processedMs - this.#finalMs >= emptyFinalMs) this.#final(false, false);
  }

  #started(atMs: number): void {
    const times = { once: 1, twice: 2, never: 0 }[this.#manners.started];
    for (let at = 0; at < times; at += 1) this.#emit({ type: "SpeechStarted", channel: [0], timestamp: atMs / 1_000 });
    const words = this.#manners.wordless ? [] : (this.#panel.scriptedWords() ?? "some words were heard").split(" ");
    this.#turn ??= { words, startMs: atMs, told: 0 };
    this.#interimMs = this.#intake.processedMs;
    this.#peer.strikes("caller-speaking");
  }

  #stopped(atMs: number): void {
    const turn = this.#turn;
    this.#lastWordMs = atMs;
    if (turn === undefined || !this.#endpoints || this.#manners.noisy) return;
    // One turn, two finals: only the second ends it.
    if (turn.words.length > 2) this.#final(false, false, Math.floor(turn.words.length / 2));
    this.#final(true, false);
    this.#turn = undefined;
  }

  #finalize(): void {
    const { finalize } = this.#manners;
    if (finalize !== "words") this.#final(false, false);
    if (finalize !== "never") this.#final(false, true);
    this.#turn = undefined;
    // Speech that goes on without a pause is a turn of its own.
    [this.#silence, this.#gaps] = this.#freshEars(encodingOf(this.#query));
  }

  #closeStream(): void {
    this.#closing = true;
    clearTimeout(this.#idle);
    this.#intake.drain();
    this.#final(false, true);
    this.#emit({
      type: "Metadata",
      transaction_key: "deprecated",
      request_id: "r",
      duration: this.#intake.processedMs / 1_000,
      channels: 1,
    });
    this.#peer.close(1005, "");
  }

  #final(speechFinal: boolean, fromFinalize: boolean, count = Number.POSITIVE_INFINITY): void {
    const turn = this.#turn;
    const words = turn === undefined ? [] : turn.words.slice(turn.told, turn.told + count);
    if (turn !== undefined) turn.told += words.length;
    this.#results(words, { final: true, speechFinal, fromFinalize });
    this.#finalMs = this.#intake.processedMs;
  }

  #results(
    words: readonly string[],
    { final, speechFinal, fromFinalize }: { final: boolean; speechFinal: boolean; fromFinalize: boolean },
  ): void {
    const start = this.#finalMs / 1_000;
    const wordStart = (this.#turn?.startMs ?? this.#finalMs) / 1_000;
    const alternative = {
      transcript: words.join(" "),
      confidence: 0.97,
      words: words.map((word) => ({ word, punctuated_word: word, start: wordStart, end: wordStart, confidence: 0.97 })),
    };
    this.#emit({
      type: "Results",
      channel_index: [0, 1],
      start,
      duration: this.#intake.processedMs / 1_000 - start,
      is_final: final,
      speech_final: speechFinal,
      from_finalize: fromFinalize,
      channel: { alternatives: [alternative] },
      metadata: { request_id: "r", model_info: { name: "general-nova-3" } },
    });
  }

  #emit(message: Readonly<Record<string, unknown>>): void {
    if (this.#panel.unknownEvents) this.#peer.send(JSON.stringify({ ...message, type: `${String(message["type"])}Later` }));
    this.#peer.send(JSON.stringify(message));
  }

  // What the panel and the connection ask

  expire(): void {
    this.#peer.close(1011, "NET-0000: no response in time");
  }

  exhaust(): void {
    this.#peer.close(1008, "ASR_PAYMENT_REQUIRED: Project does not have enough credits for an ASR request using this model.");
  }

  announceEnd(): void {}

  release(): void {}

  async garble(count: number, seed: number): Promise<GarbleCount> {
    return sendGarbled(this.#peer, novaSamples, count, seed);
  }

  ended(): void {
    clearTimeout(this.#idle);
    this.#intake.end();
  }
}
