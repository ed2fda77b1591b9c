import { bytesOf, msOf, type Encoding } from "../../audio/encodings.ts";
import type { Random } from "../../kernel/random.ts";
import type { ConnectionRecord, ScriptedReply } from "../panel.ts";
import { babble } from "../voice.ts";
import type { Json } from "./settings.ts";

/** What an answer needs of its session. */
export interface AnswerHost {
  readonly record: ConnectionRecord;
  readonly random: Random;
  readonly downlink: Encoding;
  readonly staleAudio: () => boolean;
  /** Whether the end of audio is told; it may be missing. */
  readonly tellsAudioDone: boolean;
  emit(type: string, fields: Json): void;
  sendAudio(bytes: Uint8Array): void;
  /** The audio of half a second, or of all, is out: faults may strike. */
  halfway(): boolean;
  /** Asks the client; the answer to what it says comes later. */
  call(calls: NonNullable<ScriptedReply["toolCalls"]>): void;
  /** Thinking failed with every model. */
  fail(): void;
  answered(answer: Answer): void;
}

const pieceMs = 200;
const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** One reply of the agent, in the order of the wire, with what it leaves open shuffled by the seed. */
export class Answer {
  readonly #host: AnswerHost;
  readonly #reply: ScriptedReply;
  #over = false;
  #audio: Uint8Array = new Uint8Array(0);
  #sentBytes = 0;
  #release: (() => void) | undefined;
  #held = true;

  constructor(host: AnswerHost, reply: ScriptedReply) {
    [this.#host, this.#reply] = [host, reply];
  }

  async run(): Promise<void> {
    this.#host.record.answers += 1;
    await soon();
    if (this.#over) return;
    if (this.#reply.fails === true) return this.#host.fail();
    // Often absent.
    if (this.#host.random.next() < 0.3) this.#host.emit("AgentThinking", { content: "" });
    const calls = this.#reply.toolCalls ?? [];
    if (calls.length > 0) this.#host.call(calls);
    for (const text of [this.#reply.text, ...(this.#reply.more ?? [])]) {
      if (text !== "") await this.#speak(text);
      if (this.#over) return;
    }
    if (this.#sentBytes > 0 && this.#host.tellsAudioDone) this.#host.emit("AgentAudioDone", {});
    this.#over = true;
    this.#host.answered(this);
  }

  /** The caller speaks, by voice or by text: the reply stops where it is. */
  cut(): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#host.staleAudio()) this.#piece();
    this.release();
    this.#host.answered(this);
  }

  /** What was on its way when the caller began to speak. */
  straggle(): void {
    if (this.#host.staleAudio()) this.#piece();
    // Of a reply that was cut the end is told sometimes.
    if (this.#sentBytes > 0 && this.#host.random.next() < 0.5) this.#host.emit("AgentAudioDone", {});
  }

  release(): void {
    this.#held = false;
    this.#release?.();
  }

  /** Ends without a word: the connection is gone. */
  abandon(): void {
    this.#over = true;
    this.release();
  }

  async #speak(text: string): Promise<void> {
    const { downlink, random } = this.#host;
    this.#audio = babble(text, downlink, this.#reply.ms);
    let at = 0;
    // A sentence a message; all of them ahead of the audio, or each when it is its turn.
    const sentences = (text.match(/[^.!?]+[.!?]*\s*/g) ?? [text]).map((sentence) => sentence.trim()).filter((sentence) => sentence !== "");
    const ahead = random.next() < 0.5 ? sentences.length : 1;
    const tell = (): void => {
      for (const content of sentences.splice(0, ahead)) {
        this.#host.emit("ConversationText", { role: "assistant", content });
        this.#host.emit("History", { role: "assistant", content });
      }
    };
    tell();
    while (at < this.#audio.length) {
      at += this.#piece(at);
      if (random.next() < 0.2) this.#host.emit("LatencyReport", { ttt_text_latency: 0.3, tts_latency: 0.2, total_latency: 0.6 });
      // What follows the last piece comes with it, in one go.
      if (at < this.#audio.length) await soon();
      if (this.#over || (this.#sentMs >= 500 && this.#host.halfway())) return this.abandon();
      if (this.#reply.holdAtMs !== undefined && this.#sentMs >= this.#reply.holdAtMs && this.#held) {
        await new Promise<void>((resolve) => (this.#release = resolve));
        if (this.#over) return;
      }
      tell();
    }
    while (sentences.length > 0) tell();
  }

  get #sentMs(): number {
    return msOf(this.#sentBytes, this.#host.downlink);
  }

  /** Frames end anywhere, also within a sample. */
  #piece(from = this.#sentBytes): number {
    const bytes = this.#audio.subarray(from, from + bytesOf(pieceMs, this.#host.downlink) + 1);
    if (bytes.length === 0) return 0;
    this.#sentBytes += bytes.length;
    this.#host.record.spoken.keep(bytes);
    this.#host.sendAudio(bytes);
    return bytes.length;
  }
}
