import { request as httpRequest, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { CallerSignal } from "../caller/dialect.ts";
import type { CallStart } from "../caller/leg.ts";
import type { Visitor } from "../http/upgrades.ts";
import type { Clock, Timer } from "../kernel/clock.ts";
import type { Log } from "../kernel/log.ts";
import { FrameReader } from "../wire/frame-reader.ts";
import { isAway, patienceMs, peerHeader, retryMs } from "./own-door.ts";

export interface SorterParts {
  /** The door of the process that has the call which a start means; undefined: none other has. */
  readonly doorOf: (start: CallStart) => string | undefined;
  /** A call with that token is here. */
  readonly isHere: (resumeToken: string) => boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/** Who has not said who they are by then is left to the usual limits. */
const startLimitMs = 5_000;
/** The first messages are short; whoever sends more before a start is left to the usual limits, too. */
const firstBytes = 64 * 1024;
/** Callers may be back sooner than the news of their token has gone round; so long nobody says that their call is over. */
const newsLimitMs = 1_000;

/**
 * Brings callers who come back to the process that has their call. Which one a caller means is said by the first message, so it is read
 * here first; who means no call of another process is served here, and that is every caller but those who were cut off.
 */
export class Sorter {
  readonly #parts: SorterParts;

  constructor(parts: SorterParts) {
    this.#parts = parts;
  }

  sort(visitor: Visitor, serve: () => void): void {
    const { clock } = this.#parts;
    const { stream } = visitor;
    const said: Buffer[] = [];
    let bytes = 0;
    let isDecided = false;
    let lookingSinceMs: number | undefined;
    let again: Timer | undefined;
    const decide = (): void => {
      isDecided = true;
      if (again !== undefined) clock.clearTimeout(again);
      reader.stop();
      clock.clearTimeout(limit);
      stream.off("data", read);
      stream.off("close", decide);
      stream.pause();
    };
    const serveHere = (): void => {
      if (isDecided) return;
      decide();
      serveWith(stream, said, serve);
    };
    const heard = (signal: CallerSignal | undefined): void => {
      if (isDecided || lookingSinceMs !== undefined || signal?.type === "ignored") return;
      if (signal?.type !== "start") return serveHere();
      signal.held?.[Symbol.dispose]();
      lookingSinceMs = clock.now();
      look(signal.start, lookingSinceMs);
    };
    const look = (start: CallStart, sinceMs: number): void => {
      const door = this.#parts.doorOf(start);
      if (door !== undefined) {
        decide();
        new Relay(visitor, door, said, this.#parts, serve).dial();
      } else if (this.#isAstray(visitor, start) && clock.now() - sinceMs < newsLimitMs)
        again = clock.setTimeout(() => look(start, sinceMs), retryMs);
      else serveHere();
    };
    const reader = readerOf(visitor, heard);
    const read = (chunk: Buffer): void => {
      // The reader writes into what it is given.
      said.push(Buffer.from(chunk));
      bytes += chunk.length;
      reader.take(chunk);
      if (bytes > firstBytes) serveHere();
    };
    const limit: Timer = clock.setTimeout(serveHere, startLimitMs);
    stream.on("data", read);
    stream.once("close", decide);
  }

  /** Means a call of which nobody knows. */
  #isAstray({ dialect }: Visitor, { resume }: CallStart): boolean {
    return dialect.traits.resume === "token" && resume !== undefined && !this.#parts.isHere(resume);
  }
}

/** Puts back what was read, and lets the caller be served. */
function serveWith(stream: Duplex, said: readonly Buffer[], serve: () => void): void {
  if (stream.destroyed) return;
  const bytes = Buffer.concat(said);
  if (bytes.length > 0) stream.unshift(bytes);
  serve();
  stream.resume();
}

/** Tells each message as the dialect understands it; undefined: it cannot be read, or is none, which whoever serves the caller will say. */
function readerOf({ dialect, knock }: Visitor, heard: (signal: CallerSignal | undefined) => void): FrameReader {
  const codec = dialect.open(knock);
  const decoded = (decode: () => CallerSignal): void => {
    let signal: CallerSignal | undefined;
    try {
      signal = decode();
    } catch {
      signal = undefined;
    }
    heard(signal);
  };
  const other = (): void => heard(undefined);
  return new FrameReader(
    { messageBytes: firstBytes, fragments: 64 },
    {
      text: (text) => decoded(() => codec.decodeText(text)),
      binary: (bytes) => decoded(() => codec.decodeBinary(bytes)),
      ping: other,
      pong: () => {},
      close: other,
      broke: other,
    },
  );
}

/** One caller's bytes, both ways between its connection and the process that has its call. */
class Relay {
  readonly #visitor: Visitor;
  readonly #door: string;
  readonly #said: readonly Buffer[];
  readonly #parts: SorterParts;
  readonly #serve: () => void;
  readonly #sinceMs: number;

  /** @param serve when the process does not come back: better another call than none */
  constructor(visitor: Visitor, door: string, said: readonly Buffer[], parts: SorterParts, serve: () => void) {
    [this.#visitor, this.#door, this.#said, this.#parts, this.#serve] = [visitor, door, said, parts, serve];
    this.#sinceMs = parts.clock.now();
  }

  dial(): void {
    const { knock, address, stream } = this.#visitor;
    if (stream.destroyed) return;
    const headers = { ...knock.headers, [peerHeader]: address };
    const asked = httpRequest({ socketPath: this.#door, path: knock.target, headers });
    asked.once("upgrade", (_answer, far: Duplex, head: Buffer) => this.#joined(far, head));
    asked.once("response", (answer) => this.#refused(answer));
    asked.once("error", (error) => this.#failed(error));
    asked.end();
  }

  #joined(far: Duplex, head: Buffer): void {
    const { stream, dialect } = this.#visitor;
    this.#parts.log.info("caller_handed_on", { dialect: dialect.name });
    far.on("error", () => far.destroy());
    far.once("close", () => follow(far, stream));
    stream.once("close", () => follow(stream, far));
    far.write(Buffer.concat(this.#said));
    if (head.length > 0) stream.write(head);
    stream.pipe(far);
    far.pipe(stream);
  }

  #refused(answer: IncomingMessage): void {
    answer.resume();
    this.#visitor.close(answer.statusCode === 503 ? 1013 : 1008, "");
  }

  #failed(error: Error): void {
    const { clock, log } = this.#parts;
    if (isAway(error) && clock.now() - this.#sinceMs < patienceMs) return void clock.setTimeout(() => this.dial(), retryMs);
    log.warning("caller_not_handed_on", { dialect: this.#visitor.dialect.name, message: error.message });
    serveWith(this.#visitor.stream, this.#said, this.#serve);
  }
}

/** A side that is gone without a word takes the other with it; after one that ended in order the other is first given the last of it. */
function follow(gone: Duplex, other: Duplex): void {
  if (!gone.readableEnded || other.writableFinished) other.destroy();
  else other.once("finish", () => other.destroy());
}
