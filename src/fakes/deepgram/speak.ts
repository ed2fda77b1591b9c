// The server's side of speak v1 (Aura) on a socket. Sources: deepgram-api-specs asyncapi.yml, developers.deepgram.com "Streaming text to
// speech", "Flush", "Clear", "Errors", read 2026-11.
import { bytesOf, msOf, type Encoding } from "../../audio/encodings.ts";
import type { Random } from "../../kernel/random.ts";
import type { GarbleCount } from "../panel.ts";
import type { FakePeer, FakeSession } from "../websocket-server.ts";
import type { CallPanel } from "./call-panel.ts";
import { parsed, sendGarbled } from "./flux.ts";
import { encodingOf } from "./query.ts";
import { speakSamples } from "./samples.ts";
import type { Script } from "./voice.ts";

export interface SpeakManners {
  /** Texts are taken and never spoken. */
  mute: boolean;
  /** `Clear` is never answered. */
  clears: boolean;
  /** The socket is closed once so much of a text's audio is out, ms. */
  dropAtMs: number | undefined;
  /** The socket is closed so long after its last text was spoken, ms; how long the service waits is not documented. */
  idleCloseMs: number | undefined;
}

const textLimit = 2_000;
const flushLimit = 20;
const pieceMs = 100;

export class SpeakSession implements FakeSession {
  readonly #peer: FakePeer;
  readonly #panel: CallPanel;
  readonly #random: Random;
  readonly #manners: SpeakManners;
  readonly #script: Script;
  readonly #encoding: Encoding;
  readonly #flushWindowMs: number;
  #buffer = "";
  #texts: string[] = [];
  #flushedAt: number[] = [];
  #sequence = 0;
  #isSpeaking = false;
  /** Rises with each `Clear`: what was begun before it is void. */
  #era = 0;
  #rest: Uint8Array = new Uint8Array(0);
  /** The audio is to stop at a place that its script names. */
  #isHeld = false;
  #goOn: (() => void) | undefined;
  #isClosing = false;

  constructor(
    peer: FakePeer,
    panel: CallPanel,
    query: URLSearchParams,
    traits: { readonly random: Random; readonly flushWindowMs: number },
    manners: SpeakManners,
    script: Script,
  ) {
    [this.#peer, this.#panel, this.#random, this.#manners, this.#script] = [peer, panel, traits.random, manners, script];
    this.#encoding = encodingOf(query);
    this.#flushWindowMs = traits.flushWindowMs;
    const model = query.get("model") ?? "";
    peer.record.settings = {
      model,
      uplink: undefined,
      downlink: this.#encoding,
      instructions: "",
      voice: model,
      language: undefined,
      toolNames: [],
    };
    if (panel.opening.type === "never-ready") return;
    this.#emit({ type: "Metadata", request_id: "r", model_name: model, model_version: "1", model_uuid: "u" });
  }

  receive(data: Buffer, isBinary: boolean): void {
    if (this.#isClosing) return this.#panel.violation("a message after Close");
    const message = isBinary ? undefined : parsed(data);
    if (message === undefined) {
      this.#panel.violation("a binary or unreadable message on speak");
      return this.#peer.close(1003, "MESSAGE-0000");
    }
    switch (message.type) {
      case "Speak":
        return this.#speak(message.text);
      case "Flush":
        return this.#flush();
      case "Clear":
        return this.#clear();
      case "Close":
        this.#isClosing = true;
        if (!this.#isSpeaking) this.#peer.close(1000, "");
        return;
      default:
        this.#panel.violation(`${String(message.type)} on speak`);
        return this.#peer.close(1008, "DATA-0000");
    }
  }

  #speak(text: unknown): void {
    if (typeof text !== "string" || text.trim() === "") {
      this.#panel.violation("Speak without text");
      return this.#peer.close(1008, "DATA-0000");
    }
    if (text.length > textLimit) {
      this.#panel.violation(`Speak of ${text.length} characters`);
      return this.#peer.close(1009, "BIG-0001");
    }
    this.#peer.record.texts.push(text.trim());
    this.#buffer += text;
  }

  #flush(): void {
    const now = performance.now();
    this.#flushedAt = this.#flushedAt.filter((at) => now - at < this.#flushWindowMs);
    if (this.#flushedAt.length >= flushLimit) {
      this.#panel.violation("more than 20 Flush in the window");
      return this.#emit({ type: "Warning", code: "EXCESSIVE_FLUSH", description: "The flush was not processed." });
    }
    this.#flushedAt.push(now);
    this.#texts.push(this.#buffer);
    this.#buffer = "";
    void this.#work();
  }

  #clear(): void {
    this.#era += 1;
    this.#buffer = "";
    this.#texts = [];
    // What was on its way still comes.
    for (let at = 0; at < 2 + Math.floor(this.#random.next() * 4) && this.#rest.length > 0; at += 1) this.#piece();
    this.#rest = new Uint8Array(0);
    this.release();
    if (this.#manners.clears) this.#emit({ type: "Cleared", sequence_id: (this.#sequence += 1) });
  }

  async #work(): Promise<void> {
    if (this.#isSpeaking || this.#manners.mute) return;
    this.#isSpeaking = true;
    for (let text = this.#texts.shift(); text !== undefined && !this.#peer.gone; text = this.#texts.shift()) await this.#say(text);
    this.#isSpeaking = false;
    const { idleCloseMs } = this.#manners;
    if (idleCloseMs !== undefined) setTimeout(() => this.#peer.close(1011, "NET-0001"), idleCloseMs);
    if (this.#isClosing) this.#peer.close(1000, "");
  }

  async #say(text: string): Promise<void> {
    const era = this.#era;
    const { audio, fromMs, reply } = this.#script.next(text, this.#panel.speaking, this.#encoding);
    this.#rest = audio;
    this.#isHeld = reply?.holdAtMs !== undefined;
    while (this.#rest.length > 0) {
      this.#piece();
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#peer.gone) return;
      if (era !== this.#era) return;
      const saidMs = fromMs + msOf(audio.length - this.#rest.length, this.#encoding);
      if (saidMs >= 500 && this.#peer.strikes("answering")) return;
      if (this.#manners.dropAtMs !== undefined && saidMs >= this.#manners.dropAtMs) {
        this.#manners.dropAtMs = undefined;
        return this.#peer.close(1011, "NET-0000");
      }
      if (this.#isHeld && saidMs >= (reply?.holdAtMs ?? 0)) {
        await new Promise<void>((resolve) => (this.#goOn = resolve));
        if (era !== this.#era) return;
      }
    }
    this.#emit({ type: "Flushed", sequence_id: (this.#sequence += 1) });
  }

  /** Of odd sizes: nothing promises that frames hold whole samples. */
  #piece(): void {
    const size = bytesOf(pieceMs * (0.2 + this.#random.next()), this.#encoding) | 1;
    const bytes = this.#rest.subarray(0, size);
    this.#rest = this.#rest.subarray(size);
    if (bytes.length === 0) return;
    this.#peer.record.spoken.keep(bytes);
    this.#peer.send(Uint8Array.from(bytes));
  }

  #emit(message: Readonly<Record<string, unknown>>): void {
    if (this.#panel.unknownEvents) this.#peer.send(JSON.stringify({ ...message, type: `${String(message["type"])}Later` }));
    this.#peer.send(JSON.stringify(message));
  }

  expire(): void {
    this.#peer.close(1011, "NET-0003: the session has reached its time limit");
  }

  exhaust(): void {}

  announceEnd(): void {}

  release(): void {
    this.#isHeld = false;
    this.#goOn?.();
  }

  async garble(count: number, seed: number): Promise<GarbleCount> {
    return sendGarbled(this.#peer, speakSamples, count, seed);
  }

  ended(): void {
    this.#texts = [];
    this.release();
  }
}
