import type { Encoding } from "../audio/encodings.ts";
import type { Ticker } from "../audio/ticker.ts";
import type { CrisisWatch } from "../crisis/watch.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Fault } from "../kernel/fault.ts";
import type { Log } from "../kernel/log.ts";
import type { Random } from "../kernel/random.ts";
import type { AgentSpec, Provider } from "../provider/contract.ts";
import type { CallSnapshot, SnapshotStore } from "./snapshot.ts";
import type { SessionWatch } from "./words.ts";

/** How providers do lately: how long each may take, ms, by what it usually takes, and whether it is worth asking. */
interface Pace {
  openLimitMs(provider: string): number;
  /** From a committed turn to the first audio of its answer. */
  answerLimitMs(provider: string): number;
  /** How well it does lately; a sick one is tried last, never not at all. */
  levelOf(provider: string): "healthy" | "degraded" | "unhealthy";
  /**
   * Tells calls that wait, until disposed. `recovered`: who turned away from a provider may come back, it lets calls in or was seen to work
   * again; `stalled`: it let an opening wait in vain, and whoever waits for it alone should not.
   */
  follow(listener: (provider: string, news: "recovered" | "stalled") => void): Disposable;
}

/** What calls on one node share. */
export interface SessionHouse {
  readonly clock: Clock;
  readonly random: Random;
  readonly ticker: Ticker;
  readonly log: Log;
  readonly watch: SessionWatch;
  readonly providers: ReadonlyMap<string, Provider>;
  readonly pace: Pace;
  /** Retries of the whole node; false: too many already, who has another way takes that. */
  readonly credit: { take(): boolean; giveBack(): void };
  /** What may be spent: the tiers of a new call, best first, or why there is none to be had. Calls in progress are not asked about. */
  readonly budget: { admit(tiers: readonly string[]): readonly string[] | Fault };
  /** Telephone number or SIP URI of those who take over callers in need, and who ask for a person; undefined: they are only told. */
  readonly personAt: string | undefined;
  /** A voice for what is not the provider's to say, pcm16@16000; undefined: there is none. */
  readonly voice: { say(text: string, language: string): Promise<Uint8Array> } | undefined;
  /** Fixed lines in the caller's language, pcm16@16000. */
  readonly prompts: {
    line(
      id: "bridge" | "crisis" | "still-there" | "goodbye",
      language: string,
      callId: string,
    ): { readonly text: string; readonly audio: Uint8Array };
  };
  /** Hears when a caller is in need. */
  readonly crisis: Pick<CrisisWatch, "heard" | "reported" | "isCrisis" | "forget">;
  readonly snapshots: SnapshotStore;
  readonly limits: SessionLimits;
}

interface SessionLimits {
  readonly ringChunks: number;
  readonly chunkMs: number;
  readonly holdMs: number;
  /** Dials of a provider in a row before a call that has no other is given up. */
  readonly attempts: number;
  readonly drainMs: number;
}

/** What a call is about. */
export interface CallOrder {
  readonly agent: AgentSpec;
  readonly dialect: string;
  readonly uplink: Encoding;
  readonly downlink: Encoding;
  readonly from: string | undefined;
  /** Who pays for it; undefined: nobody in particular. */
  readonly user: string | undefined;
  readonly carrierCallId: string | undefined;
  /** We called them. */
  readonly isPlaced: boolean;
  /** Where another node left it; undefined: it begins. */
  readonly past: CallSnapshot | undefined;
}
