import type { Plan } from "./round.ts";

/** The core of the subjects; the harness has the other one. */
const core = 0;
export const harnessCore = 1;

const nothing = { core, nodeFlags: [], bargeIn: { calls: 0, seconds: 0 }, steps: [], ramp: false };

/** At how many calls what is compared. */
export const at = { latency: 100, cpu: 200, loop: 250 } as const;

const steady = [
  { calls: at.latency, seconds: 5, memory: false },
  { calls: at.cpu, seconds: 5, memory: true },
];

export const fullPlan: Plan = {
  ...nothing,
  bargeIn: { calls: 20, seconds: 4 },
  steps: [...steady, { calls: at.loop, seconds: 4, memory: false }],
  ramp: true,
};
/** Of what is compared with the pass-through alone. */
export const transcodingPlan: Plan = { ...nothing, steps: steady };

/** For a machine that has other things to do: processor time alone, of few calls, after some that warm the compiler up. */
export const checkPlan: Plan = {
  ...nothing,
  steps: [
    { calls: 40, seconds: 4, memory: false },
    { calls: 60, seconds: 3, memory: false },
  ],
};
