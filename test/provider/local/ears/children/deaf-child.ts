// A recogniser child that fails on every job.
import type { FromRecogniser, ToRecogniser } from "../../../../../src/provider/local/ears/recogniser-messages.ts";

process.on("disconnect", () => process.exit(0));

const tell = (message: FromRecogniser): void => void process.send?.(message);

process.on("message", (message: ToRecogniser) => {
  tell({ type: "failed", job: message.job, reason: "no model today" });
});
tell({ type: "ready", runtime: "wasm", warmUpMs: 40 });
