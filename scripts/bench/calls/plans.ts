import { availableParallelism } from "node:os";
import type { Plan } from "./round.ts";
import type { SubjectRow } from "./subjects.ts";
import type { SideBySidePlan } from "./side-by-side.ts";

/** Two processes have a core each where the harness still has its own. */
export const hasCoresForTwo = availableParallelism() > 2;
/** The first core is the subjects', of two processes the second one, too; the harness has the last of them. */
export const harnessCore = hasCoresForTwo ? 2 : 1;

const nothing = { cores: "0", nodeFlags: [], bargeIn: { calls: 0, seconds: 0 }, warmSeconds: 20, steps: [], ramp: false };
/** At 200 calls the compiler is done with what happens once a turn after some 80 s, the reference's with all it has after 10 s. */
const warmSeconds = 60;

/** At how many calls what is compared. */
export const at = { latency: 100, cpu: 200, loop: 250 } as const;

const steady = [
  { calls: at.latency, seconds: 8, memory: false },
  { calls: at.cpu, seconds: 16, memory: true },
];
const spokenOver = { calls: 20, seconds: 4 };

const fullPlan: Plan = {
  ...nothing,
  warmSeconds,
  bargeIn: spokenOver,
  steps: [...steady, { calls: at.loop, seconds: 4, memory: false }],
  ramp: true,
};
/** Of what is compared with the pass-through alone. */
const transcodingPlan: Plan = { ...nothing, warmSeconds, steps: steady };

/** Of several processes and of the one that they are compared with: as many calls a process, after as many to warm the compiler up. */
export const processesPlan = (processes: number): Plan => ({
  ...nothing,
  cores: processes > 1 && hasCoresForTwo ? "0,1" : "0",
  steps: steady.map(({ calls, seconds }) => ({ calls: processes * calls, seconds, memory: false })),
  ramp: hasCoresForTwo,
});

/** Of relay and Linekeeper, beside their rounds: those are minutes apart, in which a machine may become another. */
export const sideBySidePlan: SideBySidePlan = { ...nothing, sittings: 4, windows: 4, seconds: 8, warmSeconds };

/** Of a whole run. */
export function planOf({ service, processes }: SubjectRow): Plan {
  if (processes > 1) return { ...processesPlan(processes), warmSeconds, bargeIn: { ...spokenOver, calls: processes * spokenOver.calls } };
  return service === "gemini" ? transcodingPlan : fullPlan;
}

/** For a machine that has other things to do: processor time alone, of few calls, after some that warm the compiler up. */
export const checkPlan: Plan = {
  ...nothing,
  steps: [
    { calls: 40, seconds: 4, memory: false },
    { calls: 60, seconds: 3, memory: false },
  ],
};
