import { bytesOf, msOf, type Encoding } from "../../audio/encodings.ts";
import type { Random } from "../../kernel/random.ts";
import type { ConnectionRecord, ScriptedReply } from "../panel.ts";
import { babble } from "../voice.ts";

/** What an answer needs of its session. */
export interface AnswerHost {
  readonly record: ConnectionRecord;
  readonly random: Random;
  readonly staleAudio: () => boolean;
  readonly rateLimits: boolean;
  readonly downlink: Encoding;
  emit(type: string, fields: Readonly<Record<string, unknown>>): void;
  id(prefix: string): string;
  /** An item joins the conversation; its audio may grow and be cut later. */
  addItem(item: GeneratedItem): void;
  /** The audio of half a second, or of all, is out: faults may strike. */
  halfway(): boolean;
  answered(answer: Answer): void;
}

export interface GeneratedItem {
  readonly id: string;
  readonly kind: "message" | "function_call";
  readonly callId: string | undefined;
  readonly name: string;
  readonly text: string;
  sentMs: number;
}

type State = "waiting" | "speaking" | "over";
const pieceMs = 200;
const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** One response, from `response.created` to `response.done`, in the order of the wire, with what it leaves open shuffled by the seed. */
export class Answer {
  readonly id: string;
  readonly automatic: boolean;
  readonly #host: AnswerHost;
  readonly #reply: ScriptedReply;
  readonly #metadata: unknown;
  readonly #items: Record<string, unknown>[] = [];
  #state: State = "waiting";
  #message: { readonly item: GeneratedItem; readonly index: number } | undefined;
  #audio: Uint8Array = new Uint8Array(0);
  #sentBytes = 0;
  #release: (() => void) | undefined;
  #held = true;

  constructor(host: AnswerHost, reply: ScriptedReply, options: { readonly automatic: boolean; readonly metadata: unknown }) {
    [this.#host, this.#reply, this.#metadata] = [host, reply, options.metadata];
    this.automatic = options.automatic;
    this.id = host.id("resp_");
  }

  /** Says everything; returns when the response is done, by itself or by `cancel`. */
  async run(): Promise<void> {
    this.#state = "speaking";
    this.#host.record.answers += 1;
    this.#host.emit("response.created", { response: this.#response("in_progress", null) });
    if (this.#host.rateLimits) this.#host.emit("rate_limits.updated", { rate_limits: rateLimits });
    await soon();
    if (this.#over()) return;
    if (this.#reply.fails === true) {
      const error = { type: "server_error", code: "server_error", message: "The server had an error while processing your request." };
      return this.#finish("failed", { type: "failed", error });
    }
    for (const text of [this.#reply.text, ...(this.#reply.more ?? [])]) {
      if (text !== "") await this.#speak(text);
      if (this.#over()) return;
    }
    for (const call of this.#reply.toolCalls ?? []) {
      if (this.#over()) return;
      this.#call(call.name, call.arguments);
      await soon();
    }
    if (!this.#over()) this.#finish("completed", null);
  }

  /** Ends at once, as the server does when the caller speaks or the client asks. */
  cancel(reason: "turn_detected" | "client_cancelled"): void {
    if (this.#over()) return;
    if (this.#host.staleAudio()) this.#piece();
    this.#closeMessage("incomplete");
    this.#finish("cancelled", { type: "cancelled", reason });
    if (this.#host.staleAudio()) this.#piece();
    this.release();
  }

  release(): void {
    this.#held = false;
    this.#release?.();
  }

  /** Ends without a word: the connection is gone. */
  abandon(): void {
    this.#state = "over";
    this.release();
  }

  #over(): boolean {
    return this.#state === "over";
  }

  async #speak(text: string): Promise<void> {
    const { random, downlink } = this.#host;
    const item: GeneratedItem = { id: this.#host.id("item_"), kind: "message", callId: undefined, name: "", text, sentMs: 0 };
    const index = this.#items.length;
    this.#message = { item, index };
    this.#audio = babble(text, downlink, this.#reply.ms);
    this.#sentBytes = 0;
    this.#open(item, index, {
      id: item.id,
      object: "realtime.item",
      type: "message",
      status: "in_progress",
      role: "assistant",
      content: [],
    });
    this.#host.emit("response.content_part.added", { ...this.#place(item, index), part: { type: "audio", transcript: "" } });
    const words = text.match(/\S+\s*/g) ?? [];
    // Transcripts run ahead of the audio, beside it, or behind it.
    const wordsAPiece = [words.length, 2, 1][Math.floor(random.next() * 3)] ?? 1;
    while (this.#sentBytes < this.#audio.length) {
      const delta = words.splice(0, wordsAPiece).join("");
      if (delta !== "") this.#host.emit("response.output_audio_transcript.delta", { ...this.#place(item, index), delta });
      this.#piece();
      await soon();
      if (this.#over() || (this.#sentMs >= 500 && this.#host.halfway())) return this.abandon();
      if (this.#reply.holdAtMs !== undefined && this.#sentMs >= this.#reply.holdAtMs && this.#held) {
        await new Promise<void>((resolve) => (this.#release = resolve));
        if (this.#over()) return;
      }
    }
    if (words.length > 0) this.#host.emit("response.output_audio_transcript.delta", { ...this.#place(item, index), delta: words.join("") });
    this.#closeMessage("completed");
  }

  get #sentMs(): number {
    return msOf(this.#sentBytes, this.#host.downlink);
  }

  #piece(): void {
    const message = this.#message;
    if (message === undefined) return;
    const bytes = this.#audio.subarray(this.#sentBytes, this.#sentBytes + bytesOf(pieceMs, this.#host.downlink));
    if (bytes.length === 0) return;
    this.#sentBytes += bytes.length;
    message.item.sentMs = this.#sentMs;
    this.#host.record.spoken.keep(bytes);
    const delta = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
    this.#host.emit("response.output_audio.delta", { ...this.#place(message.item, message.index), delta });
  }

  #closeMessage(status: "completed" | "incomplete"): void {
    const message = this.#message;
    if (message === undefined) return;
    const { item, index } = message;
    const place = this.#place(item, index);
    this.#shuffled(
      () => this.#host.emit("response.output_audio.done", place),
      () => this.#host.emit("response.output_audio_transcript.done", { ...place, transcript: item.text }),
    );
    this.#host.emit("response.content_part.done", { ...place, part: { type: "audio", transcript: item.text } });
    const content = [{ type: "output_audio", transcript: item.text }];
    this.#close(item, index, { id: item.id, object: "realtime.item", type: "message", status, role: "assistant", content });
    if (status === "completed") this.#message = undefined;
  }

  #call(name: string, args: string): void {
    const item: GeneratedItem = {
      id: this.#host.id("item_"),
      kind: "function_call",
      callId: this.#host.id("call_"),
      name,
      text: args,
      sentMs: 0,
    };
    const index = this.#items.length;
    const wire = { id: item.id, object: "realtime.item", type: "function_call", call_id: item.callId, name };
    this.#open(item, index, { ...wire, status: "in_progress", arguments: "" });
    const place = { response_id: this.id, item_id: item.id, output_index: index, call_id: item.callId };
    const half = Math.ceil(args.length / 2);
    for (const delta of [args.slice(0, half), args.slice(half)])
      this.#host.emit("response.function_call_arguments.delta", { ...place, delta });
    this.#host.emit("response.function_call_arguments.done", { ...place, name, arguments: args });
    this.#close(item, index, { ...wire, status: "completed", arguments: args });
  }

  #open(item: GeneratedItem, index: number, wire: Record<string, unknown>): void {
    this.#items[index] = wire;
    this.#host.addItem(item);
    this.#shuffled(
      () => this.#host.emit("response.output_item.added", { response_id: this.id, output_index: index, item: wire }),
      () => this.#host.emit("conversation.item.added", { previous_item_id: null, item: wire }),
    );
  }

  #close(item: GeneratedItem, index: number, wire: Record<string, unknown>): void {
    this.#items[index] = wire;
    this.#shuffled(
      () => this.#host.emit("conversation.item.done", { previous_item_id: null, item: wire }),
      () => this.#host.emit("response.output_item.done", { response_id: this.id, output_index: index, item: wire }),
    );
  }

  #finish(status: string, details: unknown): void {
    this.#state = "over";
    this.#host.emit("response.done", { response: this.#response(status, details) });
    this.#host.answered(this);
  }

  #shuffled(first: () => void, second: () => void): void {
    if (this.#host.random.next() < 0.5) [first, second] = [second, first];
    first();
    second();
  }

  #place(item: GeneratedItem, index: number): Record<string, unknown> {
    return { response_id: this.id, item_id: item.id, output_index: index, content_index: 0 };
  }

  #response(status: string, details: unknown): Record<string, unknown> {
    const outAudio = Math.ceil(this.#sentMs / 50);
    const outText = Math.ceil(this.#reply.text.length / 4);
    const inAudio = Math.ceil(this.#host.record.heard.bytes / 480);
    const inText = 40 + Math.ceil(this.#host.record.texts.join(" ").length / 4);
    const cached = this.#host.record.answers > 1 ? Math.floor(inText / 2) : 0;
    const usage = {
      total_tokens: inAudio + inText + outAudio + outText,
      input_tokens: inAudio + inText,
      output_tokens: outAudio + outText,
      input_token_details: {
        text_tokens: inText,
        audio_tokens: inAudio,
        image_tokens: 0,
        cached_tokens: cached,
        cached_tokens_details: { text_tokens: cached, audio_tokens: 0, image_tokens: 0 },
      },
      output_token_details: { text_tokens: outText, audio_tokens: outAudio },
    };
    return {
      object: "realtime.response",
      id: this.id,
      status,
      status_details: details,
      output: status === "in_progress" ? [] : this.#items,
      metadata: this.#metadata ?? null,
      usage: status === "in_progress" || status === "failed" ? null : usage,
    };
  }
}

const rateLimits = [
  { name: "requests", limit: 1_000, remaining: 999, reset_seconds: 0.06 },
  { name: "tokens", limit: 50_000, remaining: 49_500, reset_seconds: 0.6 },
];
