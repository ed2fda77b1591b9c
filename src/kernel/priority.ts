import { readFileSync, readdirSync } from "node:fs";
import { getPriority, setPriority } from "node:os";

/** So much nicer than the thread that carries the calls: where both want one processor it gets ten times as much of it. */
const nicerBy = 10;
const tasks = "/proc/self/task";
/** As Node names the threads on which V8 collects garbage and compiles. */
const helpers = /V8Worker/;

/** On Linux each thread has a priority of its own; elsewhere it is the process's, and nothing is done. */
const isPerThread = process.platform === "linux";

/**
 * Lets the engine's helper threads give way to the one that carries the calls. Without, a collection takes the only processor of a small
 * machine or a pinned process away from it, and all calls stand still for a tenth of a second. For the main thread, once.
 */
export function yieldHelpers(): void {
  if (!isPerThread) return;
  for (const task of readdirSync(tasks)) {
    try {
      if (helpers.test(readFileSync(`${tasks}/${task}/comm`, "utf8"))) setPriority(Number(task), nicest(getPriority(process.pid)));
    } catch {
      // Threads come and go, and a system that forbids it is as it was.
    }
  }
}

/** Lets the thread that calls it, a worker, give way in the same way. */
export function yieldThread(): void {
  if (!isPerThread) return;
  try {
    setPriority(nicest(getPriority(process.pid)));
  } catch {
    // As above.
  }
}

const nicest = (priority: number): number => Math.min(19, priority + nicerBy);
