import type { ServerResponse } from "node:http";
import { z } from "zod";
import { Fault } from "../../kernel/fault.ts";
import type { Clock, Timer } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import type { CallControl } from "../../session/control.ts";
import type { CallEvent } from "../../session/words.ts";
import type { Asked } from "../answer.ts";
import type { Operation } from "./operation.ts";
import type { ProviderDesk } from "./providers.ts";

const readersLimit = 32;
/** Events kept for readers who come back. */
const ringEvents = 500;
/** A reader that leaves more than this unread is cut off; it comes back and is told what it missed. */
const unreadLimitBytes = 256 * 1024;
const beatMs = 1_000;
const heartbeatBeats = 15;
/** Calls in one picture of those in progress; the rest is only counted. */
export const picturedCalls = 100;

/** Told so often that they would drown the others; they are in the metrics. */
const fine: ReadonlySet<CallEvent["type"]> = new Set(["audio.flowed", "audio.hopped", "audio.buffered"]);
export const isTold = ({ type }: CallEvent): boolean => !fine.has(type);

/** One event; as text only where somebody reads it. */
interface Told {
  readonly number: number;
  readonly type: string;
  readonly atMs: number;
  readonly data: object;
}

interface Reader {
  readonly response: ServerResponse;
  /** It wants a picture of the calls each second. */
  readonly wantsCalls: boolean;
}

export interface EventParts {
  readonly control: Pick<CallControl, "size" | "calls" | "follow">;
  /** Somebody begins to read, or nobody does any more. */
  readonly isRead: (on: boolean) => void;
  readonly providers: ProviderDesk;
  readonly clock: Clock;
  readonly log: Log;
  /** Tells this process's events from those of the one before it. */
  readonly epoch: string;
}

/**
 * What happens, to whoever reads along, as server-sent events (WHATWG HTML, section 9.2): numbered ones that can be asked for again
 * by Last-Event-ID, and every second, for those who want it, a picture of the calls.
 */
export class EventFeed implements Disposable {
  readonly #parts: EventParts;
  readonly #readers = new Set<Reader>();
  readonly #ring: Told[] = [];
  readonly #source: Disposable;
  /** Health, breaker and order of each provider when they were last looked at. */
  #providersWere = new Map<string, string>();
  #count = 0;
  #beats = 0;
  #timer: Timer | undefined;
  /** Readers that were cut off because they did not read. */
  droppedReaders = 0;

  constructor(parts: EventParts) {
    this.#parts = parts;
    this.#source = parts.control.follow((event) => {
      if (isTold(event)) this.#tell(event.type, event);
    });
  }

  /** @throws {Fault} busy */
  serve({ request, query }: Asked, response: ServerResponse): void {
    if (this.#readers.size >= readersLimit) {
      throw new Fault("busy", `${readersLimit} are reading the events already`, { retryAfterMs: 10_000 });
    }
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store", "x-accel-buffering": "no" });
    if (request.method === "HEAD") return void response.end();
    const reader: Reader = { response, wantsCalls: query.get("calls") !== null };
    response.once("close", () => this.#forget(reader));
    this.#readers.add(reader);
    if (this.#readers.size === 1) this.#parts.isRead(true);
    response.write(`retry: 2000\n: ${this.#parts.epoch}\n\n`);
    const lastId = request.headers["last-event-id"]?.toString();
    if (lastId === undefined) this.#recall(reader, Number(query.get("last") ?? 0));
    else this.#catchUp(reader, lastId);
    if (reader.wantsCalls) this.#write(reader, this.#picture());
    if (this.#timer !== undefined) return;
    this.#providersWere = this.#providersNow();
    this.#timer = this.#parts.clock.setTimeout(() => this.#beat(), beatMs);
  }

  get readers(): number {
    return this.#readers.size;
  }

  [Symbol.dispose](): void {
    this.#source[Symbol.dispose]();
    for (const { response } of this.#readers) response.end();
    if (this.#timer !== undefined) this.#parts.clock.clearTimeout(this.#timer);
  }

  #tell(type: string, data: object): void {
    this.#count += 1;
    const told: Told = { number: this.#count, type, atMs: this.#parts.clock.wallNow(), data };
    this.#ring.push(told);
    if (this.#ring.length > ringEvents) this.#ring.shift();
    if (this.#readers.size === 0) return;
    const text = this.#textOf(told);
    for (const reader of this.#readers) this.#write(reader, text);
  }

  #textOf({ number, type, atMs, data }: Told): string {
    const at = new Date(atMs).toISOString();
    return `id: ${this.#parts.epoch}-${number}\nevent: ${type}\ndata: ${JSON.stringify({ at, ...data })}\n\n`;
  }

  /** The newest of what is kept, so that who comes sees what led here. */
  #recall(reader: Reader, count: number): void {
    if (!(count >= 1)) return;
    for (const told of this.#ring.slice(-count)) this.#write(reader, this.#textOf(told));
  }

  /** What a reader missed while it was away; `missed` when that is more than is kept, or from another process. */
  #catchUp(reader: Reader, lastId: string): void {
    const [, epoch, digits] = /^(.+)-(\d{1,15})$/.exec(lastId) ?? [];
    const last = epoch === this.#parts.epoch ? Number(digits) : Number.NaN;
    const oldest = this.#ring[0]?.number ?? this.#count + 1;
    if (!(last >= oldest - 1 && last <= this.#count)) this.#write(reader, 'event: missed\ndata: {"type":"missed"}\n\n');
    for (const told of this.#ring) if (!(told.number <= last)) this.#write(reader, this.#textOf(told));
  }

  #picture(): string {
    const { control } = this.#parts;
    return `event: calls\ndata: ${JSON.stringify({ total: control.size, calls: control.calls(picturedCalls) })}\n\n`;
  }

  #beat(): void {
    this.#timer = this.#readers.size === 0 ? undefined : this.#parts.clock.setTimeout(() => this.#beat(), beatMs);
    this.#beats += 1;
    this.#tellProviders();
    // Whoever has not read the last picture needs no newer one yet.
    const ready = [...this.#readers].filter(({ response, wantsCalls }) => wantsCalls && response.writableLength === 0);
    const picture = ready.length === 0 ? "" : this.#picture();
    for (const reader of ready) this.#write(reader, picture);
    if (this.#beats % heartbeatBeats === 0) for (const reader of this.#readers) this.#write(reader, ": still here\n\n");
  }

  /** A breaker opens by a call's doing, health falls with time: looking is simpler than being told, and a second late is early enough. */
  #tellProviders(): void {
    const now = this.#providersNow();
    for (const view of this.#parts.providers.views()) {
      if (now.get(view.provider) === this.#providersWere.get(view.provider)) continue;
      this.#tell("provider.changed", { type: "provider.changed", ...view });
    }
    this.#providersWere = now;
  }

  #providersNow(): Map<string, string> {
    const views = this.#parts.providers.views();
    return new Map(views.map(({ provider, health, breaker }) => [provider, `${health} ${breaker.state} ${breaker.order}`]));
  }

  #write(reader: Reader, text: string): void {
    if (!this.#readers.has(reader)) return;
    reader.response.write(text);
    if (reader.response.writableLength <= unreadLimitBytes) return;
    this.droppedReaders += 1;
    this.#parts.log.warning("event_reader_dropped", { unreadBytes: reader.response.writableLength, droppedReaders: this.droppedReaders });
    this.#forget(reader);
    reader.response.destroy();
  }

  #forget(reader: Reader): void {
    if (this.#readers.delete(reader) && this.#readers.size === 0) this.#parts.isRead(false);
  }
}

const line = z.string().meta({ description: "lines of server-sent events" });

export const eventOperation = (feed: EventFeed): Operation => ({
  id: "followEvents",
  method: "GET",
  path: "/v1/events",
  for: "known",
  summary: "What happens to calls and providers from now on, as server-sent events; after Last-Event-ID also what was missed",
  body: undefined,
  query: {
    last: "without Last-Event-ID: so many of the newest events are told first, at most the 500 that are kept",
    calls: "set to 1: every second also an event `calls` with a picture of those in progress",
  },
  answer: { status: 200, meaning: "events until either side closes; a comment every 15 s", type: "text/event-stream", schema: line },
  faults: ["busy"],
  answers: (asked, response) => feed.serve(asked, response),
});
