import { appendFileSync, chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** As many as can be used while they live. */
const usedLimit = 10_000;
/** With so many lines the file is written anew, without those that are past. */
const linesLimit = 2 * usedLimit;

/**
 * Which tokens were used, by id, as long as they would be good otherwise: in memory, and in a file for whoever runs here next. Written
 * before the caller is let in; a disk that fails costs nobody their call, only this memory its restart.
 */
export class UsedTokens {
  readonly #path: string | undefined;
  readonly #troubled: (error: unknown) => void;
  readonly #told: (id: string, untilMs: number) => void;
  /** With the time (Unix, ms) from which they would be refused as expired anyway; oldest first. */
  readonly #used: Map<string, number>;
  #lines = 0;

  /**
   * @param path undefined: only in memory
   * @param told of each use here, for those who accept the same tokens
   */
  constructor(path?: string, troubled: (error: unknown) => void = () => {}, told: (id: string, untilMs: number) => void = () => {}) {
    this.#told = told;
    this.#path = path;
    this.#troubled = troubled;
    this.#used = new Map(path === undefined ? [] : read(path, troubled));
    this.#lines = this.#used.size;
  }

  has(id: string): boolean {
    return this.#used.has(id);
  }

  /** False: there are too many to remember one more. */
  add(id: string, untilMs: number, nowMs: number): boolean {
    for (const [each, until] of this.#used) {
      if (until >= nowMs) break;
      this.#used.delete(each);
    }
    if (this.#used.size >= usedLimit) return false;
    this.#used.set(id, untilMs);
    this.#write(id, untilMs);
    this.#told(id, untilMs);
    return true;
  }

  /** It was used elsewhere. */
  learn(id: string, untilMs: number): void {
    const [oldest] = this.#used.keys();
    if (this.#used.size >= usedLimit && oldest !== undefined) this.#used.delete(oldest);
    this.#used.set(id, untilMs);
  }

  #write(id: string, untilMs: number): void {
    if (this.#path === undefined) return;
    try {
      if (this.#lines === 0 || this.#lines >= linesLimit) this.#writeAll(this.#path);
      else appendFileSync(this.#path, line(id, untilMs));
      this.#lines += 1;
    } catch (error) {
      this.#troubled(error);
    }
  }

  #writeAll(path: string): void {
    mkdirSync(dirname(path), { recursive: true });
    const beside = `${path}.new`;
    writeFileSync(beside, [...this.#used].map(([id, untilMs]) => line(id, untilMs)).join(""), { mode: 0o600 });
    chmodSync(beside, 0o600);
    renameSync(beside, path);
    this.#lines = this.#used.size;
  }
}

const line = (id: string, untilMs: number): string => `${JSON.stringify([id, untilMs])}\n`;

function read(path: string, troubled: (error: unknown) => void): [string, number][] {
  try {
    return readFileSync(path, "utf8").split("\n").filter(Boolean).flatMap(parsed);
  } catch (error) {
    // There is none before the first token.
    if ((error as { code?: unknown }).code !== "ENOENT") troubled(error); // Node's errors have one.
    return [];
  }
}

/** A line that was cut off by a crash tells nothing. */
function parsed(text: string): [string, number][] {
  try {
    const row: unknown = JSON.parse(text);
    return Array.isArray(row) && typeof row[0] === "string" && typeof row[1] === "number" ? [[row[0], row[1]]] : [];
  } catch {
    return [];
  }
}
