import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Encoding } from "../audio/encodings.ts";

/** One answer of a fake's agent. */
export interface ScriptedReply {
  readonly text: string;
  /** How long the spoken text lasts; by default what its words need. */
  readonly ms?: number;
  /** Further messages of the same answer, spoken after the first, each as long; on wires where an answer may have several. */
  readonly more?: readonly string[];
  /** Audio stops here until the answer is cut or `release` is called: the place for a barge-in that no race can miss. */
  readonly holdAtMs?: number;
  /** Called before anything is said; with an empty `text` only called. */
  readonly toolCalls?: readonly ScriptedToolCall[];
  /** The answer fails on the provider's side, as its wire says it. */
  readonly fails?: boolean;
}

interface ScriptedToolCall {
  readonly name: string;
  /** JSON text, also invalid. */
  readonly arguments: string;
}

/** A conversation as the fake was told it, in no wire's terms. */
export type ToldItem =
  | { readonly by: "caller" | "agent" | "system"; readonly text: string }
  | { readonly by: "tool"; readonly name: string; readonly arguments: string; readonly output: string | undefined };

/** What the client asked for at set-up, in no wire's terms. */
export interface ToldSettings {
  readonly model: string | undefined;
  readonly uplink: Encoding | undefined;
  readonly downlink: Encoding | undefined;
  readonly instructions: string;
  readonly voice: string | undefined;
  /** As the wire has it: "en", "en-US". */
  readonly language: string | undefined;
  readonly toolNames: readonly string[];
}

/** Audio kept as evidence, as long as its panel has room. */
class KeptAudio {
  readonly #room: { bytes: number };
  #pieces: Uint8Array[] = [];
  #keptBytes = 0;
  /** All that passed, kept or not. */
  bytes = 0;

  constructor(room: { bytes: number }) {
    this.#room = room;
  }

  keep(piece: Uint8Array): void {
    this.bytes += piece.length;
    if (this.#room.bytes < piece.length) return;
    this.#room.bytes -= piece.length;
    this.#keptBytes += piece.length;
    this.#pieces.push(Uint8Array.from(piece));
  }

  /** @throws when some of it was not kept: half the evidence is none. */
  all(): Uint8Array {
    if (this.#keptBytes < this.bytes) throw new Error(`kept ${this.#keptBytes} of ${this.bytes} bytes`);
    return Buffer.concat(this.#pieces);
  }

  forget(): void {
    this.#room.bytes += this.#keptBytes;
    this.#pieces = [];
    this.#keptBytes = 0;
  }
}

/** What one connection left behind. Its fake writes it. */
export interface ConnectionRecord {
  /** How it was asked for; keys included, so for tests only. */
  readonly asked: { readonly url: string; readonly headers: IncomingHttpHeaders };
  /** Caller audio in the order heard, decoded from the wire's envelope but not from its encoding. */
  readonly heard: KeptAudio;
  /** Agent audio in the order sent. */
  readonly spoken: KeptAudio;
  readonly history: ToldItem[];
  /** Every text told, wherever it stood: instructions, greeting, history, typed turns. */
  readonly texts: string[];
  settings: ToldSettings | undefined;
  /** What each request for an answer carried for the service's records, where its wire has such. */
  readonly metadata: Readonly<Record<string, unknown>>[];
  /** Outputs of tool calls, as they came. */
  readonly toolResults: { readonly name: string; readonly output: string }[];
  /** Where the client cut an answer, ms heard; 0 when it was taken back as a whole. */
  readonly cuts: number[];
  /** Answers begun. */
  answers: number;
  /** The close code that the client sent, 1006 for none; undefined while open. */
  closeCode: number | undefined;
}

/** Where a fault can strike. Every wire passes each of them, if it has such a place at all. */
export type FaultPoint = "upgraded" | "before-ready" | "seeding" | "caller-speaking" | "answering" | "tool-called";

/** A WebSocket close code, or a connection reset. */
export type DropHow = number | "rst";

/** How the next openings end. Each fake does it as its wire does. */
export type Opening =
  | { readonly type: "served" }
  | { readonly type: "refused"; readonly status: number; readonly retryAfterS: number | undefined }
  | { readonly type: "reset" }
  | { readonly type: "bad-key" }
  | { readonly type: "bad-model" }
  | { readonly type: "quota" }
  | { readonly type: "closed"; readonly code: number; readonly afterMs: number }
  | { readonly type: "never-upgraded" }
  | { readonly type: "never-ready" };

/** What a live connection lets the panel do to it. */
export interface PanelConnection {
  readonly record: ConnectionRecord;
  drop(how: DropHow): void;
  /** Ends the session as the wire does when its time is over. */
  expire(): void;
  /** Ends the session as the wire does when the money is spent. */
  exhaust(): void;
  /** Tells that the session ends in so long, if the wire has words for it. */
  announceEnd(inMs: number): void;
  /** Stops (or resumes) taking bytes from the socket. */
  setDeaf(deaf: boolean): void;
  /** Goes on with an answer that `holdAtMs` stopped. */
  release(): void;
  /** Sends broken variants of its wire's server messages; none of them ends the session by the wire's own rules. */
  garble(count: number, seed: number): Promise<GarbleCount>;
}

export interface GarbleCount {
  readonly sent: number;
  /** Those that no reader can take for anything: not JSON, not an object, no type or an unknown one. */
  readonly unreadable: number;
}

/** What a fake says with no script: that it remembers. */
function unscripted(told: readonly ToldItem[]): string {
  for (const item of told.toReversed()) if (item.by === "caller") return `You said: ${item.text}`;
  return "Hello, how can I help you?";
}

export const unscriptedWords = (heardMs: number): string => `heard ${Math.round(heardMs)} ms`;

const recordLimit = 1_000;
const roomBytes = 256 * 2 ** 20;

/**
 * The same levers and the same evidence for every fake: what its agent says, what goes wrong and when, and what the client sent.
 * Tests pull it by hand; so does the page that lets people break a provider under a live call.
 */
export class Panel {
  readonly #replies: ((told: readonly ToldItem[]) => string | ScriptedReply)[] = [];
  readonly #words: string[] = [];
  readonly #drops = new Map<FaultPoint, DropHow>();
  readonly #live = new Set<PanelConnection>();
  readonly #room = { bytes: roomBytes };
  readonly records: ConnectionRecord[] = [];
  /** What a client did that the real service would refuse. Must be empty at the end of a test. */
  readonly violations: string[] = [];
  opening: Opening = { type: "served" };
  /** Connections ever accepted. */
  connections = 0;
  /** Connections ever asked for, also those that were refused. */
  dials = 0;
  /** What is said when no answer is queued; sees the conversation. */
  script: (told: readonly ToldItem[]) => string | ScriptedReply = unscripted;
  /** Delay of every frame to the client, ms. */
  slowMs = 0;
  /** Nothing more is sent. */
  silent = false;
  /** Messages go out in several WebSocket fragments. */
  splitFrames = false;
  /** A message of an unknown type goes out before each known one. */
  unknownEvents = false;
  /** After an answer was cut, one more piece of its audio still comes. */
  staleAudio = false;
  /** Whether the wire has words for the coming end of a session; without, a client can only know its limit. */
  announcesEnd = true;
  /** How long sessions last from their opening; undefined: the wire's own limit. */
  sessionMs: number | undefined;

  // What the agent says

  /** Queues answers; a function sees the conversation first. */
  reply(...replies: readonly (string | ScriptedReply | ((told: readonly ToldItem[]) => string | ScriptedReply))[]): void {
    for (const reply of replies) this.#replies.push(typeof reply === "function" ? reply : () => reply);
  }

  /** Queues what the next caller turns are recognised as; without it "heard 1200 ms". */
  callerSays(...texts: readonly string[]): void {
    this.#words.push(...texts);
  }

  release(): void {
    for (const connection of this.#live) connection.release();
  }

  // What goes wrong

  /** Refuses the next openings with an HTTP status. */
  refuse(status: number, options: { readonly retryAfterS?: number } = {}): void {
    this.opening = { type: "refused", status, retryAfterS: options.retryAfterS };
  }

  /** Takes the next connections and closes them soon after. */
  acceptThenClose(afterMs: number, code = 1011): void {
    this.opening = { type: "closed", code, afterMs };
  }

  /** Refuses nothing any more; lifts every fault that was set. */
  serve(): void {
    this.opening = { type: "served" };
    this.slowMs = 0;
    this.sessionMs = undefined;
    this.silent = this.splitFrames = this.unknownEvents = this.staleAudio = false;
    this.#drops.clear();
    for (const connection of this.#live) connection.setDeaf(false);
  }

  /** Drops every connection now, or the next one that comes to `at`. */
  drop(how: DropHow, at?: FaultPoint): void {
    if (at !== undefined) this.#drops.set(at, how);
    else for (const connection of [...this.#live]) connection.drop(how);
  }

  goSilent(): void {
    this.silent = true;
  }

  goDeaf(): void {
    for (const connection of this.#live) connection.setDeaf(true);
  }

  slow(ms: number): void {
    this.slowMs = ms;
  }

  expire(): void {
    for (const connection of [...this.#live]) connection.expire();
  }

  /** Spends the quota: of the live sessions, or with none alive of the next opening. */
  quota(): void {
    if (this.#live.size === 0) this.opening = { type: "quota" };
    for (const connection of [...this.#live]) connection.exhaust();
  }

  /** Sessions end in so long, and the client is told by the wire's own means: at set-up, or now. */
  endsIn(ms: number): void {
    this.sessionMs = ms;
    for (const connection of this.#live) connection.announceEnd(ms);
  }

  async garbage(count: number, seed: number): Promise<GarbleCount> {
    const counts = await Promise.all([...this.#live].map((connection) => connection.garble(count, seed)));
    return { sent: counts.reduce((sum, one) => sum + one.sent, 0), unreadable: counts.reduce((sum, one) => sum + one.unreadable, 0) };
  }

  // What the client did

  /** Connections alive just now. */
  get open(): number {
    return this.#live.size;
  }

  get last(): ConnectionRecord {
    const record = this.records.at(-1);
    if (record === undefined) throw new Error("no connection was made to this fake");
    return record;
  }

  /** Caller audio of each connection, oldest first. */
  audioHeard(): readonly Uint8Array[] {
    return this.records.map((record) => record.heard.all());
  }

  /** The conversation that the newest connection was given. */
  historyTold(): readonly ToldItem[] {
    return this.last.history;
  }

  sessionSettings(): ToldSettings | undefined {
    return this.last.settings;
  }

  // For the fakes

  /** A new connection's record; old ones are let go, for a fake may run for weeks. */
  newRecord(request: IncomingMessage): ConnectionRecord {
    const record: ConnectionRecord = {
      asked: { url: request.url ?? "", headers: request.headers },
      heard: new KeptAudio(this.#room),
      spoken: new KeptAudio(this.#room),
      history: [],
      texts: [],
      metadata: [],
      settings: undefined,
      toolResults: [],
      cuts: [],
      answers: 0,
      closeCode: undefined,
    };
    this.records.push(record);
    if (this.records.length > recordLimit) {
      const oldest = this.records.shift();
      oldest?.heard.forget();
      oldest?.spoken.forget();
    }
    return record;
  }

  enter(connection: PanelConnection): void {
    this.connections += 1;
    this.#live.add(connection);
  }

  leave(connection: PanelConnection): void {
    this.#live.delete(connection);
  }

  /** Whether the connection was dropped here. A drop strikes once. */
  strikes(at: FaultPoint, connection: Pick<PanelConnection, "drop">): boolean {
    const how = this.#drops.get(at);
    if (how === undefined) return false;
    this.#drops.delete(at);
    connection.drop(how);
    return true;
  }

  nextReply(told: readonly ToldItem[]): ScriptedReply {
    const reply = (this.#replies.shift() ?? this.script)(told);
    return typeof reply === "string" ? { text: reply } : reply;
  }

  nextWords(heardMs: number): string {
    return this.scriptedWords() ?? unscriptedWords(heardMs);
  }

  /** What the next caller turn is recognised as, on wires that tell words before they know how long it lasts. */
  scriptedWords(): string | undefined {
    return this.#words.shift();
  }

  violation(what: string): void {
    if (this.violations.length < 1_000) this.violations.push(what);
  }
}
