// What the rounds of one run say together: medians of ratios within a round, and how far they spread.
import { busiestHarness, latestHarnessMs, type RoundFigures, type StepFigures } from "./round.ts";
import type { SubjectRow } from "./subjects.ts";

/** One figure over the rounds. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
  return { median: median ?? Number.NaN, least: sorted[0] ?? Number.NaN, most: sorted.at(-1) ?? Number.NaN };
}

export type Name = SubjectRow["name"];

/** The rounds of one run. */
export class Figures {
  readonly rounds: readonly RoundFigures[];

  constructor(rounds: readonly RoundFigures[]) {
    this.rounds = rounds;
  }

  of(name: Name): readonly RoundFigures[] {
    return this.rounds.filter(({ subject }) => subject === name);
  }

  steps(name: Name, calls: number): readonly StepFigures[] {
    return this.of(name).flatMap(({ steps }) => steps.filter((step) => step.calls === calls));
  }

  step(name: Name, calls: number, figure: (step: StepFigures) => number): Spread {
    return spreadOf(this.steps(name, calls).map(figure));
  }

  /** Of each round the subject's figure over the other's. */
  ratio(name: Name, other: Name, calls: number, figure: (step: StepFigures) => number): Spread {
    const others = this.steps(other, calls);
    return spreadOf(
      this.steps(name, calls).map((step, round) => figure(step) / (others[round] === undefined ? Number.NaN : figure(others[round]))),
    );
  }

  /** Why these figures say more of the harness or of the machine than of the subjects; nothing: they are good. */
  doubts(): readonly string[] {
    return this.rounds.flatMap(({ subject, steps }) =>
      steps.flatMap(({ calls, harness: { busyShare, lateP99Ms }, lostCalls }) => {
        const place = `${subject} at ${calls} calls`;
        return [
          ...(busyShare > busiestHarness ? [`${place}: the harness itself was busy for ${Math.round(busyShare * 100)} % of the time`] : []),
          ...(lateP99Ms > latestHarnessMs ? [`${place}: the harness sent its frames up to ${lateP99Ms.toFixed(1)} ms late (p99)`] : []),
          ...(lostCalls > 0 ? [`${place}: ${lostCalls} calls were lost`] : []),
        ];
      }),
    );
  }
}

export const worseWay = ({ upMs, downMs }: StepFigures): number => Math.max(upMs.p99, downMs.p99);
