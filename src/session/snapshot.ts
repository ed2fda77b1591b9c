import type { Encoding } from "../audio/encodings.ts";
import type { UnheardTurn } from "../audio/downlink.ts";
import type { Turn } from "./conversation.ts";

/** Everything that another node, or the same one started again, needs to go on with a call. Plain data but for the audio. */
export interface CallSnapshot {
  readonly version: 1;
  readonly callId: string;
  /** Unix time, ms. */
  readonly savedAtMs: number;
  readonly ageMs: number;
  readonly agent: string;
  readonly dialect: string;
  readonly language: string;
  readonly from: string | undefined;
  readonly user: string | undefined;
  readonly carrierCallId: string | undefined;
  /** With this the caller comes back. */
  readonly resumeToken: string;
  readonly uplink: Encoding;
  readonly downlink: Encoding;
  readonly provider: string;
  /** How many turn ids were given out. */
  readonly turnsCounted: number;
  readonly turns: readonly Turn[];
  /** So many of them, from the first, are the same in every later snapshot of the call. */
  readonly sealedTurns: number;
  /** So many were before them, and are forgotten. */
  readonly turnsBefore: number;
  /** How much the caller had sent since the call began; who comes back sends what it said after that. */
  readonly receivedMs: number;
  /** Caller audio that belongs to no settled turn, in `uplink`, in pieces. */
  readonly unsettled: readonly Uint8Array[];
  /** So many bytes at the end of it no link has heard yet. */
  readonly waitingBytes: number;
  /** Agent audio that the caller has not heard, in `downlink`. */
  readonly unheard: readonly UnheardTurn[];
}

/** Where snapshots are kept. Nothing here waits or throws: a call goes on whether or not it could be kept. */
export interface SnapshotStore {
  /** Replaces the call's earlier one. Its audio is valid until this returns: whoever needs it longer copies it. */
  save(snapshot: CallSnapshot): void;
  /** The call is over. */
  remove(callId: string): void;
}
