// Loaded into a subject with `?to=FILE&core=N`: profiles it while it is measured, and leaves in that file what V8 tells of it, and how long
// the threads that write files were at work.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { Session } from "node:inspector";

const parameters = new URL(import.meta.url).searchParams;
const session = new Session();
session.connect();
session.post("Profiler.enable");
let writtenFromMs = 0;

process.on("message", (question) => {
  if (question === "begin") {
    session.post("Profiler.start");
    // On the subject's own core it would run, and look, mostly while the subject does nothing.
    for (const thread of threadsNamed("v8:Prof")) execFileSync("taskset", ["-cp", parameters.get("core") ?? "", thread]);
    writtenFromMs = writersMs();
  }
  if (question === "read") {
    const writtenMs = writersMs() - writtenFromMs;
    session.post("Profiler.stop", (error, result) => {
      writeFileSync(parameters.get("to") ?? "", JSON.stringify(error ?? { ...result.profile, writtenMs }));
    });
  }
});

function threadsNamed(name: string): readonly string[] {
  return readdirSync("/proc/self/task").filter((thread) => readFileSync(`/proc/self/task/${thread}/comm`, "utf8").startsWith(name));
}

function writersMs(): number {
  const nanoseconds = threadsNamed("libuv-wor").map((thread) =>
    Number(readFileSync(`/proc/self/task/${thread}/schedstat`, "utf8").split(" ")[0]),
  );
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e6;
}
