import { spreadOf, worseWay, type Bounds, type Figures, type Name } from "./figures.ts";
import { at } from "./plans.ts";

export interface Goal {
  readonly what: string;
  /** At most this. */
  readonly limit: number;
  readonly unit: "x" | "ms" | "frames" | "at least x";
  readonly found: Bounds;
}

const exactly = (value: number): Bounds => ({ least: value, most: value });

/** What Linekeeper is to reach, everything on. */
export function goalsOf(figures: Figures): readonly Goal[] {
  const own = "linekeeper";
  const ringKb = 80;
  const bargeIns = figures.of(own).flatMap(({ bargeIn }) => bargeIn ?? []);
  const bargeIn = (figure: (round: (typeof bargeIns)[number]) => number): number => spreadOf(bargeIns.map(figure)).median;
  const memory = (name: Name): number => figures.memory(name, at.cpu, ({ residentKb }) => residentKb).median;
  return [
    {
      what: `processor time a call at ${at.cpu} calls, to the relay's`,
      limit: 1,
      unit: "x",
      found: exactly(figures.cpuRatio(own, at.cpu).median),
    },
    {
      what: `added latency p99 at ${at.latency} calls, to the relay's`,
      limit: 1.5,
      unit: "x",
      found: exactly(figures.ratio(own, "relay", at.latency, worseWay).median),
    },
    { what: "most calls on one core, to the relay's", limit: 0.95, unit: "at least x", found: figures.mostCallsRatio(own, "relay") },
    {
      what: "most calls on one core, to the Agents SDK's",
      limit: 2.4,
      unit: "at least x",
      found: figures.mostCallsRatio(own, "agents-sdk"),
    },
    {
      what: `memory a call without its ring (${ringKb} kB), to the relay's`,
      limit: 1.5,
      unit: "x",
      found: exactly((memory(own) - ringKb) / memory("relay")),
    },
    {
      what: `processor time a call with transcoding (8 to 16 and 24 to 8 kHz) at ${at.cpu} calls, to the pass-through`,
      limit: 1.8,
      unit: "x",
      found: exactly(figures.ratio("linekeeper-pcm", own, at.cpu, (step) => step.cpuMs).median),
    },
    {
      what: `two processes with ${at.cpu} calls each, by processor time, to one`,
      limit: 1.9,
      unit: "at least x",
      found: exactly(figures.twoToOne(at.cpu).median),
    },
    {
      what: "barge-in: speech-started in to clear out, p95",
      limit: 0.5,
      unit: "ms",
      found: exactly(bargeIn(({ clearP95Ms }) => clearP95Ms)),
    },
    { what: "barge-in: error of the cut, worst", limit: 20, unit: "ms", found: exactly(bargeIn(({ cutErrorMs }) => cutErrorMs)) },
    { what: "barge-in: stale frames after clear", limit: 0, unit: "frames", found: exactly(bargeIn(({ staleFrames }) => staleFrames)) },
    {
      what: "first frames lost while the provider accepts",
      limit: 0,
      unit: "frames",
      found: exactly(figures.step(own, at.cpu, ({ lostFirstFrames }) => lostFirstFrames).most),
    },
    {
      what: `event loop delay p99 at ${at.loop} calls`,
      limit: 10,
      unit: "ms",
      found: exactly(figures.step(own, at.loop, ({ loopP99Ms }) => loopP99Ms).median),
    },
  ];
}

export type Verdict = "met" | "missed" | "not known" | "not measured";

export function verdict({ limit, unit, found: { least, most } }: Goal): Verdict {
  if (Number.isNaN(least)) return "not measured";
  const [surely, maybe] = unit === "at least x" ? [least >= limit, most >= limit] : [most <= limit, least <= limit];
  return surely ? "met" : maybe ? "not known" : "missed";
}
