import { existsSync, writeFileSync } from "node:fs";

// The mouth's worker on a bad day: it hangs or dies at its first clause, or never starts. Later ones are well, unless it is always like that.
// How it limps comes by the environment, which a thread gets a copy of.

const { LIMP: limp, LIMP_ALWAYS: always, LIMP_MARK: mark = "" } = process.env;
const isWell = existsSync(mark) && always !== "yes";
const { parentPort } = await import("node:worker_threads");

if (isWell) await import("../../../../src/provider/local/mouth/worker.ts");
else if (limp === "stillborn") process.exit(3);
else {
  parentPort?.once("message", () => {
    writeFileSync(mark, "limped");
    if (limp === "die") process.exit(4);
    for (;;);
  });
  parentPort?.postMessage({ type: "ready" });
}
