import type { Clock } from "../kernel/clock.ts";
import type { CallEvent, SessionWatch } from "../session/words.ts";
import type { CallRecord } from "./call-record.ts";
import { RecordDraft } from "./record-draft.ts";

export interface RecordOptions {
  readonly clock: Clock;
  readonly region: string;
  readonly node: string;
  readonly costOf?: (callId: string) => number | undefined;
  /** Each record when its call is over, and once more when it is rated after that; must not wait for anything. */
  readonly keep: (record: CallRecord) => void;
}

export interface Records extends SessionWatch {
  /** The calls that ended last, newest last. */
  readonly recent: readonly CallRecord[];
  /** How the caller found a call, 1 to 5. False: it is not in progress, nor among the last that ended. */
  rate(callId: string, stars: number): boolean;
}

/** Ended calls that are held in memory. */
const mostRecent = 500;
/** Calls that never told their end would be held for ever. */
const mostDrafts = 10_000;

/** A record of each call, built from its events and given away at its end. */
export function callRecords({ clock, region, node, costOf, keep }: RecordOptions): Records {
  const drafts = new Map<string, RecordDraft>();
  const recent: CallRecord[] = [];
  return {
    recent,
    rate(callId, stars) {
      const draft = drafts.get(callId);
      if (draft !== undefined) {
        draft.rate(stars);
        return true;
      }
      const at = recent.findLastIndex((record) => record.callId === callId);
      const record = recent[at];
      if (record === undefined) return false;
      const rated = { ...record, rating: stars };
      recent[at] = rated;
      keep(rated);
      return true;
    },
    tell(event: CallEvent): void {
      if (event.type === "call.started" || event.type === "call.restored") {
        const oldest = drafts.keys().next().value;
        if (drafts.size >= mostDrafts && oldest !== undefined) drafts.delete(oldest);
        drafts.set(event.callId, new RecordDraft(event, clock));
        return;
      }
      const draft = drafts.get(event.callId);
      if (draft === undefined) return;
      if (event.type !== "call.ended") return draft.note(event);
      drafts.delete(event.callId);
      const record = draft.finish(event, { region, node, costUsd: costOf?.(event.callId) });
      recent.push(record);
      if (recent.length > mostRecent) recent.shift();
      keep(record);
    },
  };
}
