import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { loadIsNoMatter } from "./server.ts";

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

/** The server as a process of its own, with nothing of our environment but where programs are. */
export interface ServerProcess extends AsyncDisposable {
  readonly url: string;
  readonly child: ChildProcess;
  /** Every line of its log so far. */
  readonly log: readonly string[];
  /** Resolves with its exit code, or the signal that ended it. */
  readonly exited: Promise<number | string>;
}

/** Starts it and waits until it says where it is. */
export async function startProcess(environment: Readonly<Record<string, string>>): Promise<ServerProcess> {
  const env = { PATH: process.env["PATH"] ?? "", PORT: "0", LOG_FORMAT: "json", ...loadIsNoMatter, ...environment };
  const child = spawn(process.execPath, [main], { env, stdio: ["ignore", "pipe", "pipe"] });
  const log: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => void log.push(line));
  const words: string[] = [];
  const up = Promise.withResolvers<string>();
  createInterface({ input: child.stderr }).on("line", (line) => {
    words.push(line);
    const url = /Linekeeper is up: (\S+)/.exec(line)?.[1];
    if (url !== undefined) up.resolve(url);
  });
  const exited = once(child, "exit").then(([code, signal]: (number | string | null)[]) => code ?? signal ?? "gone");
  // Its further processes write into the same pipes: those close when the last of them has ended.
  const closed = once(child, "close");
  const url = await Promise.race([
    up.promise,
    exited.then((code) => {
      throw new Error(`the server ended with ${code}:\n${words.join("\n")}\n${log.join("\n")}`);
    }),
  ]);
  return {
    url,
    child,
    log,
    exited,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await closed;
    },
  };
}
