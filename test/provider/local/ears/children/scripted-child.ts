// A recogniser child without a recogniser: the first sample of a job says what it does with it.
import { existsSync, writeFileSync } from "node:fs";
import type { FromRecogniser, RecogniserSettings, ToRecogniser } from "../../../../../src/provider/local/ears/recogniser-messages.ts";
import { act } from "./acts.ts";

process.on("disconnect", () => process.exit(0));

// Passed by RecogniserProcess. `encoder` names a file that marks the first attempt.
const settings = JSON.parse(process.argv[2] ?? "") as RecogniserSettings;
const tell = (message: FromRecogniser): void => void process.send?.(message);

process.on("message", (message: ToRecogniser) => {
  if (message.type === "cancel") return tell({ type: "recognised", job: message.job, text: undefined, cpuMs: 0 });
  const { job, hearing } = message;
  const wanted = hearing.samples[0];
  const isFirst = !existsSync(settings.files.encoder);
  if (wanted !== act.answer && isFirst) writeFileSync(settings.files.encoder, "");
  if (wanted === act.hang || wanted === act.holdUntilCancelled || (wanted === act.hangOnce && isFirst)) return;
  if (wanted === act.dieOnce && isFirst) process.exit(7);
  if (wanted === act.failOnce && isFirst) return tell({ type: "failed", job, reason: "the model said no" });
  tell({
    type: "recognised",
    job,
    text: `${process.pid} heard ${hearing.samples.length} samples`,
    cpuMs: 1,
  });
});
tell({ type: "ready", runtime: "wasm", warmUpMs: 40 });
