// A process of its own that recognises speech for the pool; it ends when its parent does.
import { Moonshine } from "./moonshine.ts";
import type { FromRecogniser, RecogniserSettings, ToRecogniser } from "./recogniser-messages.ts";
import { loadRuntime } from "./runtime.ts";

process.title = "linekeeper recogniser";
process.on("disconnect", () => process.exit(0));
// A terminal or a service manager signals the whole group, but the server still has calls to drain, and callers to hear.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});

// What `RecogniserProcess` passes.
const settings = JSON.parse(process.argv[2] ?? "") as RecogniserSettings;
const runtime = await loadRuntime(settings.runtime);
const moonshine = await Moonshine.load(runtime, settings.weights, settings.files, settings.padding);
// The first run also sets up memory; the second tells what a run costs.
await moonshine.warmUp(1);
const warmUpMs = await moonshine.warmUp(3);

let cancelled = 0;

process.on("message", (message: ToRecogniser) => {
  if (message.type === "cancel") cancelled = message.job;
  else void recognise(message);
});
tell({ type: "ready", runtime: runtime.name, warmUpMs });

async function recognise({ job, hearing }: Extract<ToRecogniser, { type: "recognise" }>): Promise<void> {
  const began = process.cpuUsage();
  try {
    const text = await moonshine.transcribe(hearing, () => cancelled === job);
    const used = process.cpuUsage(began);
    tell({ type: "recognised", job, text, cpuMs: (used.user + used.system) / 1000 });
  } catch (error) {
    tell({ type: "failed", job, reason: error instanceof Error ? error.message : String(error) });
  }
}

function tell(message: FromRecogniser): void {
  // The parent may be gone between two lines.
  if (process.connected) process.send?.(message);
}
