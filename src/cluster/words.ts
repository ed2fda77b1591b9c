import type { PeerNews } from "../guard/peers.ts";
import type { CallView } from "../session/control.ts";
import type { CallEvent } from "../session/words.ts";

/** What was spent in a period ("2026-11-21", "2026-11"), USD. */
interface Spent {
  readonly key: string;
  readonly usd: number;
}

/** What one process finds out and the others of its machine are to know. Plain data: it survives JSON. */
export type News =
  /** It holds this call; whoever names one of these means it. Told again when the token has changed. */
  | { readonly type: "call.here"; readonly callId: string; readonly resumeToken: string; readonly carrierCallId: string | undefined }
  | { readonly type: "call.over"; readonly callId: string }
  /** It holds these calls and no others: it was started again. */
  | { readonly type: "calls"; readonly callIds: readonly string[] }
  | { readonly type: "guard"; readonly news: PeerNews }
  /** So much of the budgets went through it. */
  | { readonly type: "spent"; readonly day: Spent; readonly month: Spent }
  /** A token or ticket that lets in once was used; forgotten at that Unix time, ms. */
  | { readonly type: "used"; readonly id: string; readonly untilMs: number }
  /** An operator wants no new call on this machine. */
  | { readonly type: "drain" }
  /** Somebody reads there what happens to calls, or nobody does any more. */
  | { readonly type: "watching"; readonly on: boolean }
  | { readonly type: "happened"; readonly event: CallEvent }
  | { readonly type: "pictured"; readonly total: number; readonly calls: readonly CallView[] };

export interface Told {
  /** The number of the process that told it. */
  readonly from: number;
  readonly news: News;
}

/** Where a process stands among those of its machine. */
export interface Standing {
  /** 1 and up. */
  readonly number: number;
  readonly of: number;
  /** Where the machine listens, such as "http://127.0.0.1:8080/". */
  readonly url: string;
  /** Of this run of the machine: what one process signs the others accept. */
  readonly secret: string;
  /** Of the processes' own doors. */
  readonly folder: string;
}

/** How the processes of a machine are, as the first sees them. */
export interface MachineState {
  /** Those that take new calls. */
  readonly taking: readonly number[];
  /** So many were started again, all together. */
  readonly restarts: number;
  /** Connections that nobody was there to take in time. */
  readonly dropped: number;
}

export type Order = "drain" | "close" | "reload";

/** What the primary says to a process. With "connection" comes a socket. */
export type ToProcess =
  | { readonly type: "place"; readonly standing: Standing; readonly known: readonly Told[] }
  | { readonly type: "connection" }
  | { readonly type: "news"; readonly told: Told }
  | { readonly type: "machine"; readonly state: MachineState }
  | { readonly type: "order"; readonly order: Order };

/** What a process says to the primary. */
export type FromProcess =
  /** It takes connections. `words`: for whoever starts the server. */
  | { readonly type: "ready"; readonly words: readonly string[] }
  /**
   * It lives; `calls`: with the connections that may yet become some; `connections`: how many it was given in all, so that those that are
   * still on their way to it are known.
   */
  | { readonly type: "beat"; readonly calls: number; readonly refuses: boolean; readonly connections: number }
  | { readonly type: "news"; readonly news: News };
