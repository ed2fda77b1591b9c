/** One process as the primary sees it when somebody knocks. */
export interface Candidate {
  readonly isReady: boolean;
  /** As it last told. */
  readonly calls: number;
  readonly refuses: boolean;
  /** Connections that it was given since. */
  readonly given: number;
}

/**
 * Who gets the next connection: of those that take calls the one with the fewest; when none takes any, the one with the fewest all the
 * same, for somebody has to say so. Undefined: nobody is there.
 */
export function nextOf<T extends Candidate>(candidates: readonly T[]): T | undefined {
  const weight = ({ calls, given }: Candidate): number => calls + given;
  return candidates
    .filter(({ isReady }) => isReady)
    .toSorted((a, b) => Number(a.refuses) - Number(b.refuses) || weight(a) - weight(b))
    .at(0);
}
