import { createHash } from "node:crypto";
import { appendFileSync, readFileSync } from "node:fs";
import type { Log, LogFields } from "../kernel/log.ts";

/** What stands before the first entry. */
const nothing = "0".repeat(64);
/** As much of it in the log: whoever keeps the log elsewhere can tell that the file was written anew. */
const toldDigits = 16;

export interface AuditOptions {
  readonly log: Log;
  /** Such as "data/audit.jsonl"; a file that is there already is gone on with. */
  readonly path: string;
  /** Takes each entry as it is to be kept, in order; never waits and never fails. */
  readonly keep: (entry: object) => void;
  /** Makes an entry fit to be kept, without secrets. */
  readonly clean: (fields: LogFields) => unknown;
  /** Unix time, ms. */
  readonly wallNow: () => number;
}

/**
 * A log whose `info` lines are also kept, each with the hash of the one before it: an entry that is changed, left out or put between breaks
 * the chain for all to see.
 */
export function openAudit({ log, path, keep, clean, wallNow }: AuditOptions): Log {
  let before = nothing;
  try {
    before = lastHash(path);
  } catch (error) {
    log.error("audit_degraded", { message: "what was ordered before cannot be read; a new chain begins", err: error });
  }
  return {
    ...log,
    info(event, fields = {}) {
      const entry = { at: new Date(wallNow()).toISOString(), event, fields: clean(fields), before };
      const hash = hashOf(entry);
      keep({ ...entry, hash });
      before = hash;
      log.info(event, { ...fields, chain: hash.slice(0, toldDigits) });
    },
  };
}

/** What is wrong with a file of entries, line by line; none: it is as it was written. Older files come first. */
export function brokenEntries(text: string): readonly string[] {
  let before: string | undefined;
  return text.split("\n").flatMap((line, at) => {
    if (line === "") return [];
    const entry = read(line);
    if (entry === undefined) return [`line ${at + 1}: it is no entry, or was changed`];
    // The disk's own trouble may have left a line twice.
    const follows = before === undefined || entry.before === before || entry.hash === before;
    before = entry.hash;
    return follows ? [] : [`line ${at + 1}: what was before it is missing or was changed`];
  });
}

const hashOf = (entry: object): string => createHash("sha256").update(JSON.stringify(entry)).digest("hex");

function read(line: string): { readonly before: unknown; readonly hash: string } | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    if (typeof entry !== "object" || entry === null || !("hash" in entry) || !("before" in entry)) return undefined;
    const { hash, ...rest } = entry;
    return typeof hash === "string" && hash === hashOf(rest) ? { before: rest.before, hash } : undefined;
  } catch {
    return undefined;
  }
}

function lastHash(path: string): string {
  const text = readIfThere(path) ?? "";
  // A crash in the middle of a line: the next one is to stand for itself.
  if (text !== "" && !text.endsWith("\n")) appendFileSync(path, "\n");
  // Right after the files moved up there is none of the first name.
  const lines = (text === "" ? (readIfThere(`${path}.1`) ?? "") : text).split("\n");
  const last = lines.findLast((line) => read(line) !== undefined);
  return last === undefined ? nothing : (read(last)?.hash ?? nothing);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
