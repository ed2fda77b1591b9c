import type { CutTurn } from "../audio/downlink.ts";

/** Why a call leaves a link that works: somebody asked, a better tier is back, or the provider ends the session. */
export type MoveCause = "asked" | "recovered" | "expiring";

/** The place where the present link sits, as far as the call needs it. */
export interface Seat {
  readonly provider: string;
  /** What the provider owes did not come while the link was `when`. */
  giveUp(when: "opening" | "open", why: string): void;
  /** The caller hears an answer. */
  answered(): void;
  /** The answer was heard to its end. */
  heardOut(): void;
  /** What the call would keep of its caller's turns if this link were over now: which, and up to where, bytes. */
  wouldSettle(): { readonly turnIds: readonly string[]; readonly end: number };
}

/** All links of a call, as far as the call needs them. */
export interface Board extends Disposable {
  readonly tiers: readonly string[];
  /** The present link; undefined between links. */
  readonly seat: Seat | undefined;
  dial(): void;
  prepare(provider: string): void;
  openNext(): void;
  takeOver(cause: MoveCause, isDue: boolean): void;
  dropMove(): void;
  /** The caller has the word: `cuts` are the agent turns that were playing, with what was heard of them. */
  interrupt(cuts: readonly CutTurn[]): void;
  takeText(text: string): void;
  answerTool(id: string, name: string, output: string, failed: boolean): void;
}
