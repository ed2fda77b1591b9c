import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const source = (path: string): string => JSON.stringify(fileURLToPath(new URL(`../../src/${path}`, import.meta.url)));
const program = `
  import { Worker } from "node:worker_threads";
  import { yieldHelpers } from ${source("kernel/priority.ts")};
  yieldHelpers();
  const disk = new Worker(${source("store/disk-worker.ts")}, { execArgv: [] });
  disk.once("message", () => console.log("ready"));
  disk.postMessage({ memory: new SharedArrayBuffer(0), tasks: [] });
`;

/** Name and nice value of each thread: the second field of /proc/PID/task/TID/stat and the 19th, proc(5). */
function threadsOf(pid: number): readonly { readonly id: number; readonly name: string; readonly nice: number }[] {
  return readdirSync(`/proc/${pid}/task`).map((task) => {
    const stat = readFileSync(`/proc/${pid}/task/${task}/stat`, "utf8");
    const end = stat.lastIndexOf(")");
    return { id: Number(task), name: stat.slice(stat.indexOf("(") + 1, end), nice: Number(stat.slice(end + 2).split(" ")[16]) };
  });
}

test.runIf(process.platform === "linux")(
  "the engine's helpers and the disk's thread give way, the main thread and all others do not",
  async () => {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      await once(child.stdout, "data");
      const threads = threadsOf(child.pid ?? 0);
      const usual = threads.find(({ id }) => id === child.pid)?.nice ?? Number.NaN;
      const helpers = threads.filter(({ name }) => name === "V8Worker");
      expect(helpers.length).toBeGreaterThan(0);
      for (const { nice } of helpers) expect(nice).toBe(Math.min(19, usual + 10));
      const yielding = threads.filter(({ nice, name }) => nice !== usual && name !== "V8Worker");
      expect(yielding).toHaveLength(1);
    } finally {
      child.kill("SIGKILL");
    }
  },
);
