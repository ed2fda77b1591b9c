// A process and all that it started, as Linux counts them.
import { readdirSync, readFileSync } from "node:fs";

const threadsOf = (pid: number): readonly string[] => readdirSync(`/proc/${pid}/task`);

/** The process first. */
export function treeOf(pid: number): readonly number[] {
  const children = threadsOf(pid).flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" "));
  return [pid, ...children.filter((child) => child !== "").flatMap((child) => treeOf(Number(child)))];
}

/** Processor time of all threads of one process since it began, ms. */
export function cpuMsOf(pid: number): number {
  const nanoseconds = threadsOf(pid).map((thread) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]));
  return nanoseconds.reduce((total, each) => total + each, 0) / 1e6;
}

export const residentKbOf = (pid: number): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
