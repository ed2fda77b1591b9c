import type { Caller } from "./caller.ts";

/** What `--json` prints. Times since the call was placed, ms. */
export interface CallReport {
  readonly callId: string;
  readonly provider: string;
  readonly turns: readonly {
    readonly role: "caller" | "agent";
    readonly text: string;
    readonly startMs: number;
    readonly endMs: number;
    /** Agent: what left the loudspeaker. Caller: how long was spoken. */
    readonly heardMs: number;
  }[];
  readonly firstAudioMs: readonly number[];
  /**
   * Pieces of 100 ms. Uplink: what could not be sent. Downlink: what arrived torn; what a server drops because we read too slowly
   * is in its own metrics, a WebSocket does not show it.
   */
  readonly lost: { readonly uplinkChunks: number; readonly downlinkChunks: number };
}

export function reportOf(caller: Caller): CallReport {
  const played = new Map(caller.playback.turns.map((turn) => [turn.turnId, turn]));
  return {
    callId: caller.callId,
    provider: caller.provider,
    turns: caller.turns
      .map((turn) => ({ turn, ...(turn.role === "agent" ? (played.get(turn.turnId) ?? turn) : turn) }))
      .toSorted((a, b) => a.startMs - b.startMs)
      .map(({ turn, startMs, endMs, heardMs }) => ({
        role: turn.role,
        text: turn.text,
        startMs: Math.round(startMs),
        endMs: Math.round(endMs),
        heardMs: Math.round(heardMs),
      })),
    firstAudioMs: caller.firstAudioMs,
    lost: { ...caller.lost },
  };
}

/** The value below which the given part of all values lies. */
export function percentile(values: readonly number[], part: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)];
}

/** How many calls at once went, in a few lines. */
export function summary(reports: readonly CallReport[], refusals: readonly string[]): string {
  const times = reports.flatMap(({ firstAudioMs }) => firstAudioMs);
  const sum = (read: (report: CallReport) => number): number => reports.reduce((total, report) => total + read(report), 0);
  const ms = (value: number | undefined): string => (value === undefined ? "-" : `${value} ms`);
  const rows: [string, string][] = [
    ["calls", `${reports.length + refusals.length}`],
    ["answered", `${reports.filter(({ firstAudioMs }) => firstAudioMs.length > 0).length}`],
    ["first audio p50", ms(percentile(times, 0.5))],
    ["first audio p95", ms(percentile(times, 0.95))],
    ["lost uplink chunks", `${sum(({ lost }) => lost.uplinkChunks)}`],
    ["lost downlink chunks", `${sum(({ lost }) => lost.downlinkChunks)}`],
    ...[...Map.groupBy(refusals, (words) => words)].map(([words, all]): [string, string] => [words, `${all.length}`]),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n");
}
