/** One process as the primary sees it when somebody knocks. */
export interface Candidate {
  readonly isReady: boolean;
  /** As it last told: those that it has, and that may yet begin. */
  readonly calls: number;
  readonly refuses: boolean;
  /** Seconds since it last told anything. */
  readonly silentLooks: number;
  /** Connections that it was given, and of how many of them it has told: the others are on their way to it. */
  readonly given: number;
  readonly told: number;
}

/** Who tells of itself four times a second and says nothing for so many looks hangs, perhaps not for ever. */
export const quietLooks = 2;

export const takesCalls = ({ isReady, refuses, silentLooks }: Candidate): boolean => isReady && !refuses && silentLooks < quietLooks;

/**
 * Who gets the next connection: of those that take calls the one with the fewest; when none takes any, the one with the fewest all the
 * same, for somebody has to say so, and rather one that speaks. Undefined: nobody is there.
 */
export function nextOf<T extends Candidate>(candidates: readonly T[]): T | undefined {
  const isQuiet = ({ silentLooks }: Candidate): boolean => silentLooks >= quietLooks;
  const weight = ({ calls, given, told }: Candidate): number => calls + given - told;
  return candidates
    .filter(({ isReady }) => isReady)
    .toSorted((a, b) => Number(isQuiet(a)) - Number(isQuiet(b)) || Number(a.refuses) - Number(b.refuses) || weight(a) - weight(b))
    .at(0);
}
