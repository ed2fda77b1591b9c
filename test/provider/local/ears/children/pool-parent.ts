// A process with a pool, which prints what its child answers and then does nothing.
import { systemClock } from "../../../../../src/kernel/clock.ts";
import { silentLog } from "../../../../../src/kernel/log.ts";
import { RecogniserPool } from "../../../../../src/provider/local/ears/pool.ts";

const pool = await RecogniserPool.start({
  children: 1,
  settings: {
    weights: "tiny",
    runtime: "wasm",
    files: { encoder: "", decoder: "" },
    padding: { beforeMs: 0, afterMs: 0 },
  },
  clock: systemClock,
  log: silentLog,
  script: new URL("./scripted-child.ts", import.meta.url),
});
console.log(await pool.recognise("final", { samples: new Int16Array(160), voicedMs: 0 }).text);
