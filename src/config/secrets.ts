import { createHash } from "node:crypto";
import { readFileSync, statSync, watch, type FSWatcher } from "node:fs";
import { dirname } from "node:path";
import type { Log } from "../kernel/log.ts";
import { secret } from "./fields.ts";

/** What came of a change to a secret's file. */
export type Rotation = { readonly secret: string; readonly result: "rotated" | "rejected" };

const pollMs = 5_000;
/** A file that is written in place is empty for a moment; one look comes after that. */
const settleMs = 100;
/** How many former values are remembered, so that a log line that still holds one is cleaned of it. */
const remembered = 4;

/** A secret that lives in a file: its present value, and the last ones that it replaced. */
export class SecretFile {
  readonly name: string;
  readonly path: string;
  #values: readonly string[];
  #stamp: string;
  #sinceMs: number;

  /** @throws {Error} with a line that says what is wrong and what to do; never with the file's content. */
  constructor(name: string, path: string) {
    this.name = name;
    this.path = path;
    this.#stamp = stampOf(path);
    this.#values = [read(path)];
    this.#sinceMs = statSync(path).mtimeMs;
  }

  /** How long the present value has been in use, ms: since the file was written. */
  get ageMs(): number {
    return Math.max(0, Date.now() - this.#sinceMs);
  }

  get value(): string {
    return this.#values[0] ?? "";
  }

  /** The present value and those before it, newest first. */
  get values(): readonly string[] {
    return this.#values;
  }

  /** What an operator should know about the file's permissions, or undefined. */
  get warning(): string | undefined {
    const mode = statSync(this.path, { throwIfNoEntry: false })?.mode ?? 0;
    return (mode & 0o007) === 0 ? undefined : `${this.name}_FILE: every user of this machine may open ${this.path}: chmod o-rwx it`;
  }

  /**
   * Reads the file again if it changed. Undefined: nothing new.
   * @throws {Error} as the constructor, once a change; the old value stays.
   */
  refresh(): string | undefined {
    const stamp = stampOf(this.path);
    if (stamp === this.#stamp) return undefined;
    this.#stamp = stamp;
    const found = read(this.path);
    if (found === this.value) return undefined;
    this.#values = [found, ...this.#values].slice(0, 1 + remembered);
    this.#sinceMs = statSync(this.path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    return found;
  }
}

/** Tells two values of a secret apart, on whatever node; too short to be of use to somebody who guesses. */
const keyIdOf = (value: string): string => createHash("sha256").update(`key id ${value}`).digest("hex").slice(0, 4);

/**
 * Keeps secrets in step with their files until disposed. The folder is watched, because a file is mostly replaced, not written to;
 * and its stamp is asked for every few seconds, because not every file system tells.
 */
export function watchSecrets(files: readonly SecretFile[], log: Log, told: (rotation: Rotation) => void): Disposable {
  const check = (): void => {
    for (const file of files) {
      try {
        if (file.refresh() === undefined) continue;
        log.info("secret_rotated", { secret: file.name, key_id: keyIdOf(file.value), result: "rotated" });
        told({ secret: file.name, result: "rotated" });
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        log.error("secret_rejected", { secret: file.name, result: "rejected", message: `${message}; the old value stays in use` });
        told({ secret: file.name, result: "rejected" });
      }
    }
  };
  let soon: NodeJS.Timeout | undefined;
  const checkSoon = (): void => {
    soon ??= setTimeout(() => {
      soon = undefined;
      check();
    }, settleMs).unref();
  };
  const watchers: FSWatcher[] = [];
  for (const folder of new Set(files.map((file) => dirname(file.path)))) {
    try {
      watchers.push(watch(folder, { persistent: false }, checkSoon).on("error", () => undefined));
    } catch {
      // No watch on this file system, or none left: the poll below finds the change a little later.
    }
  }
  const poll = setInterval(check, pollMs).unref();
  return {
    [Symbol.dispose]: () => {
      clearInterval(poll);
      clearTimeout(soon);
      for (const watcher of watchers) watcher.close();
    },
  };
}

function read(path: string): string {
  const content = contentOf(path).trim();
  if (content === "") throw new Error(`${path} is empty: write the secret to it`);
  const value = secret.read(content);
  if (value === undefined) throw new Error(`${path} must hold ${secret.expects} (content hidden)`);
  return value;
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new Error(`${path} cannot be read (${codeOf(error)}): make it readable for this user, or unset the variable`, { cause: error });
  }
}

/** Changes whenever the file does, also when another took its place behind a symbolic link. */
function stampOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true });
  return stat === undefined ? "gone" : `${stat.ino}-${stat.size}-${stat.mtimeNs}-${stat.ctimeNs}`;
}

export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
