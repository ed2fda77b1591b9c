import type { Plan } from "./round.ts";

/** The core of the subjects; the harness has the other one. */
const core = 0;
export const harnessCore = 1;

const nothing = { core, nodeFlags: [], bargeIn: { calls: 0, seconds: 0 }, steps: [], ramp: false };

/** At how many calls what is compared. */
export const at = { latency: 100, cpu: 200, loop: 250 } as const;

const steady = [
  { calls: at.latency, seconds: 5 },
  { calls: at.cpu, seconds: 5 },
];

/** Every round but the last, which also looks for the most calls. */
export const fullPlan: Plan = { ...nothing, bargeIn: { calls: 20, seconds: 4 }, steps: steady };
export const lastPlan: Plan = { ...fullPlan, steps: [...steady, { calls: at.loop, seconds: 4 }], ramp: true };

/** For a machine that has other things to do: processor time alone, of few calls. */
export const checkPlan: Plan = { ...nothing, steps: [{ calls: 60, seconds: 4 }] };
