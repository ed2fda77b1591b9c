// OpenAI's Realtime service, lean: µ-law in frames of 20 ms in real time, answer after answer, with the events around them.
import { seededRandom, type Random } from "../../../src/kernel/random.ts";
import type { Books, CallBook } from "./books.ts";
import { WireServer } from "./ends.ts";
import { frameText, readFrames } from "./frames.ts";
import type { Beats } from "./pulse.ts";
import type { WireSocket } from "./wire.ts";

const frameMs = 20;
const appendType = Buffer.from('"input_audio_buffer.append"');
const audioKey = Buffer.from('"audio":"');
/** Where an event's type stands at the latest. */
const headChars = 80;
/** So long it waits for whoever asks for an answer before it gives one unasked. */
const unaskedMs = 400;
const answerFrames = 300;
const pauseFrames = 15;
const callerFrames = 25;
/** An answer that is spoken over lasts at least so long, and up to so much longer: callers do not all break in at the same moment. */
const [overFrames, moreFrames] = [30, 20];

export interface Manner {
  /** The caller speaks over each answer. */
  bargesIn: boolean;
}

/** A connection is accepted so long after it came. */
export const acceptAfterMs = 150;

/** Listens on a free port of this machine; talks to callers until it is disposed of. */
export const openaiService = (books: Books, beats: Beats, manner: Manner): Promise<WireServer> =>
  WireServer.listen(acceptAfterMs, (socket) => new Session(socket, books, beats, manner).begin());

type State =
  | { readonly name: "silent"; readonly sinceMs: number }
  | { readonly name: "speaking"; readonly id: string; framesLeft: number }
  | { readonly name: "pausing"; framesLeft: number }
  | { readonly name: "hearing"; readonly itemId: string; framesLeft: number };

class Session {
  readonly #socket: WireSocket;
  readonly #books: Books;
  readonly #beats: Beats;
  readonly #manner: Manner;
  #seat: Disposable | undefined;
  #book: CallBook | undefined;
  #state: State = { name: "silent", sinceMs: performance.now() };
  #asked: string | undefined;
  #ids = 0;
  #isFirst = true;
  #random: Random = seededRandom(0);

  constructor(socket: WireSocket, books: Books, beats: Beats, manner: Manner) {
    [this.#socket, this.#books, this.#beats, this.#manner] = [socket, books, beats, manner];
    socket.onText = (message) => this.#take(message);
    socket.onClose = () => this.#seat?.[Symbol.dispose]();
  }

  begin(): void {
    this.#say("session.created", { session: { type: "realtime", object: "realtime.session", id: this.#id("sess"), model: "bench" } });
  }

  #take(message: Buffer): void {
    const type = message.indexOf(appendType);
    if (type >= 0 && type < headChars) return this.#hear(message);
    const event = JSON.parse(message.toString("latin1")) as Record<string, unknown>; // Of the subject we started.
    if (event["type"] === "session.update") this.#say("session.updated", { session: event["session"] });
    else if (event["type"] === "conversation.item.create") this.#keep(event["item"] as Record<string, unknown>); // As the wire has it.
    else if (event["type"] === "response.create") {
      const { metadata } = (event["response"] ?? {}) as { metadata?: unknown }; // As the wire has it.
      this.#asked = JSON.stringify(metadata ?? null);
    } else if (event["type"] === "conversation.item.truncate") this.#truncated(Number(event["audio_end_ms"]));
  }

  #keep(item: Record<string, unknown>): void {
    this.#say("conversation.item.added", { previous_item_id: null, item });
    this.#say("conversation.item.done", { previous_item_id: null, item });
  }

  #hear(message: Buffer): void {
    const nowMs = performance.now();
    readFrames(message, message.indexOf(audioKey) + audioKey.length, ({ call, index, whole }) => {
      if (this.#book === undefined) this.#meet(call, nowMs);
      this.#book?.up.arrived(index, whole && call === this.#book.number, nowMs);
    });
  }

  #meet(call: number, nowMs: number): void {
    this.#book = this.#books.calls[call];
    this.#random = seededRandom(call);
    this.#state = { name: "silent", sinceMs: nowMs };
    this.#seat = this.#beats.join(call + 10, (beatMs) => this.#beat(beatMs));
  }

  #beat(nowMs: number): void {
    const book = this.#book;
    if (book === undefined) return;
    const state = this.#state;
    if (state.name === "silent") {
      if (this.#asked !== undefined || nowMs - state.sinceMs >= unaskedMs) this.#answer(book);
      return;
    }
    if (state.name === "speaking" && state.framesLeft > 0) this.#speak(book, state.id, nowMs);
    state.framesLeft -= 1;
    if (state.framesLeft >= 0) return;
    if (state.name === "speaking") this.#stop(book, state.id, nowMs);
    else if (state.name === "pausing") this.#callerSpeaks();
    else this.#callerSpoke(book, state.itemId);
  }

  #answer(book: CallBook): void {
    const id = this.#id("resp");
    const metadata: unknown = JSON.parse(this.#asked ?? "null");
    this.#asked = undefined;
    this.#say("response.created", { response: { object: "realtime.response", id, status: "in_progress", output: [], metadata } });
    const item = { id: `item_${id}`, object: "realtime.item", type: "message", status: "in_progress", role: "assistant", content: [] };
    this.#say("response.output_item.added", { response_id: id, output_index: 0, item });
    this.#say("conversation.item.added", { previous_item_id: null, item });
    const transcript = "This is an answer of the length that answers have.";
    this.#say("response.output_audio_transcript.delta", { ...placeOf(id), delta: transcript });
    book.answerFrom = book.down.sent;
    this.#state = { name: "speaking", id, framesLeft: this.#lengthOfAnswer() };
  }

  /** In frames. Each call's first is of any length: callers who came one right after the other do not take turns in step for ever. */
  #lengthOfAnswer(): number {
    if (this.#manner.bargesIn) return overFrames + Math.floor(this.#random.next() * (moreFrames + 1));
    if (!this.#isFirst) return answerFrames;
    this.#isFirst = false;
    return 1 + Math.floor(this.#random.next() * answerFrames);
  }

  #speak(book: CallBook, id: string, nowMs: number): void {
    const index = book.down.next(nowMs);
    this.#ids += 1;
    this.#socket.send(
      `{"type":"response.output_audio.delta","event_id":"event_${this.#ids}","response_id":"${id}","item_id":"item_${id}","output_index":0,"content_index":0,"delta":"${frameText(book.number, index)}"}`,
    );
  }

  #stop(book: CallBook, id: string, nowMs: number): void {
    if (this.#manner.bargesIn) {
      book.spokeOverAtMs = nowMs;
      this.#callerSpeaks();
      this.#done(id, "cancelled");
    } else {
      this.#done(id, "completed");
      this.#state = { name: "pausing", framesLeft: pauseFrames };
    }
  }

  #done(id: string, status: "completed" | "cancelled"): void {
    const item = { id: `item_${id}`, object: "realtime.item", type: "message", status: "completed", role: "assistant", content: [] };
    this.#say("response.output_audio.done", placeOf(id));
    this.#say("conversation.item.done", { previous_item_id: null, item });
    this.#say("response.output_item.done", { response_id: id, output_index: 0, item });
    const usage = {
      total_tokens: 900,
      input_tokens: 700,
      output_tokens: 200,
      input_token_details: {
        text_tokens: 100,
        audio_tokens: 600,
        cached_tokens: 0,
        cached_tokens_details: { text_tokens: 0, audio_tokens: 0 },
      },
      output_token_details: { text_tokens: 50, audio_tokens: 150 },
    };
    this.#say("response.done", { response: { object: "realtime.response", id, status, status_details: null, output: [item], usage } });
  }

  #callerSpeaks(): void {
    const itemId = this.#id("item");
    this.#say("input_audio_buffer.speech_started", { item_id: itemId, audio_start_ms: this.#uplinkMs });
    this.#state = { name: "hearing", itemId, framesLeft: callerFrames };
  }

  #callerSpoke(book: CallBook, itemId: string): void {
    const item = { id: itemId, object: "realtime.item", type: "message", status: "completed", role: "user", content: [] };
    this.#say("input_audio_buffer.speech_stopped", { item_id: itemId, audio_end_ms: this.#uplinkMs });
    this.#say("input_audio_buffer.committed", { previous_item_id: null, item_id: itemId });
    this.#say("conversation.item.added", { previous_item_id: null, item });
    this.#say("conversation.item.done", { previous_item_id: null, item });
    this.#answer(book);
    this.#say("conversation.item.input_audio_transcription.completed", {
      item_id: itemId,
      content_index: 0,
      transcript: "Is there a table for four tomorrow at seven?",
    });
  }

  #truncated(audioEndMs: number): void {
    const heardMs = this.#book?.heardMs;
    if (this.#book === undefined || heardMs === undefined) return;
    this.#books.cutErrors.add(Math.abs(audioEndMs - heardMs));
    this.#book.heardMs = undefined;
  }

  get #uplinkMs(): number {
    return (this.#book?.up.reached ?? 0) * frameMs;
  }

  #say(type: string, fields: Record<string, unknown>): void {
    this.#socket.send(JSON.stringify({ type, event_id: this.#id("event"), ...fields }));
  }

  #id(prefix: string): string {
    this.#ids += 1;
    return `${prefix}_${this.#ids}`;
  }
}

const placeOf = (id: string): Record<string, unknown> => ({ response_id: id, item_id: `item_${id}`, output_index: 0, content_index: 0 });
