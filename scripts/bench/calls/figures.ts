// What the rounds of one run say together: medians of ratios within a round, and how far they spread.
import { busiestHarness, latestHarnessMs, type HarnessFigures } from "./harness.ts";
import type { MostCalls } from "./ramp.ts";
import type { RoundFigures, StepFigures } from "./round.ts";
import type { Pair } from "./side-by-side.ts";
import type { SubjectRow } from "./subjects.ts";

/** One figure over the rounds. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export interface MostCallsSpread extends Spread {
  /** What the median is at most, were all known; the median itself where that is known. */
  readonly upTo: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
  return { median: median ?? Number.NaN, least: sorted[0] ?? Number.NaN, most: sorted.at(-1) ?? Number.NaN };
}

/** What is known of a figure; both the same where it was measured, NaN where it was not. */
export interface Bounds {
  readonly least: number;
  readonly most: number;
}

/** Where frames cannot be told apart: less than this of the audio is a call that does not work. */
const leastCarried = 0.97;

export type Name = SubjectRow["name"];

/** What one run measured. */
export class Figures {
  readonly rounds: readonly RoundFigures[];
  readonly pairs: readonly Pair[];

  constructor(rounds: readonly RoundFigures[], pairs: readonly Pair[] = []) {
    [this.rounds, this.pairs] = [rounds, pairs];
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

  /** Processor time of a call with Linekeeper to that of one with the relay, while both carry theirs. */
  sideBySide(): Spread {
    return spreadOf(this.pairs.map(({ linekeeperMs, relayMs }) => linekeeperMs / relayMs));
  }

  /** Processor time of a call to that of one with the relay: side by side where that was measured, else of the rounds. */
  cpuRatio(name: Name, calls: number): Spread {
    return name === "linekeeper" && this.pairs.length > 0 ? this.sideBySide() : this.ratio(name, "relay", calls, ({ cpuMs }) => cpuMs);
  }

  /** How many times the calls of one process two of them carry on two cores, of each round by the processor time that a call takes. */
  twoToOne(calls: number): Spread {
    const two = this.steps("linekeeper-two", 2 * calls);
    return spreadOf(this.steps("linekeeper", calls).map(({ cpuMs }, round) => (2 * cpuMs) / (two[round]?.cpuMs ?? Number.NaN)));
  }

  /** So many of each round at least: where the harness was full first, or the time over, there would have been more. Undefined: nobody looked. */
  mostCalls(name: Name): MostCallsSpread | undefined {
    const found = this.of(name).flatMap(({ mostCalls }) => mostCalls ?? []);
    if (found.length === 0) return undefined;
    const upTo = spreadOf(found.map((each) => (isLimit(each) ? each.calls : Infinity))).median;
    return { ...spreadOf(found.map(({ calls }) => calls)), upTo };
  }

  /**
   * Of each round the subject's most calls over the other's. Of a round in which the harness was full first it is only known that there
   * would have been more, so the median lies between two bounds.
   */
  mostCallsRatio(name: Name, other: Name): Bounds {
    const found = (subject: Name): readonly (MostCalls | undefined)[] => this.of(subject).map(({ mostCalls }) => mostCalls);
    const others = found(other);
    const bounds = found(name).flatMap((own, round): readonly Bounds[] => {
      const to = others[round];
      if (own === undefined || to === undefined) return [];
      const ratio = own.calls / to.calls;
      return [{ least: isLimit(to) ? ratio : 0, most: isLimit(own) ? ratio : Infinity }];
    });
    return { least: spreadOf(bounds.map(({ least }) => least)).median, most: spreadOf(bounds.map(({ most }) => most)).median };
  }

  memory(name: Name, calls: number, figure: (memory: NonNullable<StepFigures["memory"]>) => number): Spread {
    return spreadOf(this.steps(name, calls).flatMap(({ memory }) => (memory === undefined ? [] : [figure(memory)])));
  }

  /** Why these figures say more of the harness or of the machine than of the subjects; nothing: they are good. */
  doubts(): readonly string[] {
    return [...this.rounds.flatMap((each) => this.#doubtsOf(each)), ...this.pairs.flatMap(pairDoubts)];
  }

  #doubtsOf(each: RoundFigures): readonly string[] {
    return [
      ...harnessDoubts(each),
      ...each.steps.flatMap(({ calls, lostCalls, carriedShare }) => {
        const place = `${each.subject} at ${calls} calls`;
        return [
          ...(carriedShare >= leastCarried ? [] : [`${place}: only ${Math.round(carriedShare * 100)} % of the audio came through`]),
          ...(lostCalls > 0 ? [`${place}: ${lostCalls} calls were lost`] : []),
        ];
      }),
    ];
  }
}

/** Those of one round that are not the subject's doing. */
export const harnessDoubts = ({ subject, steps }: RoundFigures): readonly string[] =>
  steps.flatMap(({ calls, harness }) => doubtsOfHarness(`${subject} at ${calls} calls`, harness));

const pairDoubts = ({ sitting, harness, lostCalls }: Pair): readonly string[] => [
  ...doubtsOfHarness(`sitting ${sitting}`, harness),
  ...(lostCalls > 0 ? [`sitting ${sitting}: ${lostCalls} calls were lost`] : []),
];

const doubtsOfHarness = (place: string, { busyShare, lateP99Ms }: HarnessFigures): readonly string[] => [
  ...(busyShare > busiestHarness ? [`${place}: the harness itself was busy for ${Math.round(busyShare * 100)} % of the time`] : []),
  ...(lateP99Ms > latestHarnessMs ? [`${place}: the harness sent its frames up to ${lateP99Ms.toFixed(1)} ms late (p99)`] : []),
];

/** The subject's own, not the harness's. */
const isLimit = ({ limit }: MostCalls): boolean => limit !== "harness" && limit !== "time";

export const worseWay = ({ upMs, downMs }: StepFigures): number => Math.max(upMs.p99, downMs.p99);
