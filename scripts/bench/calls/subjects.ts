// What is measured: each a process of its own, pinned to one core, that bridges Twilio's protocol and OpenAI's.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** What the event loop of a subject was like since it was asked before. */
export interface LoopFigures {
  readonly loopP99Ms: number;
  readonly loopMaxMs: number;
  readonly collections: number;
  readonly longestCollectionMs: number;
}

export interface SubjectRow {
  readonly name: "linekeeper" | "relay" | "agents-sdk";
  readonly title: string;
  start(serviceUrl: string, core: number, nodeFlags: readonly string[]): Promise<Subject>;
}

export class Subject implements AsyncDisposable {
  /** Where a caller connects. */
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #folder: string;

  readonly #webhook: string | undefined;

  constructor(url: string, webhook: string | undefined, child: ChildProcess, folder: string) {
    [this.url, this.#webhook, this.#child, this.#folder] = [url, webhook, child, folder];
  }

  /** What the webhook's answer gives a call's stream to bring along; nothing where there is no webhook. */
  async parametersOf(callSid: string): Promise<Record<string, string>> {
    if (this.#webhook === undefined) return {};
    const form = new URLSearchParams({ CallSid: callSid, From: "+15550100", To: "+15550101", CallStatus: "ringing" });
    const answer = await fetch(this.#webhook, { method: "POST", body: form });
    const parameters = (await answer.text()).matchAll(/<Parameter name="([^"]*)" value="([^"]*)"/g);
    return Object.fromEntries(Array.from(parameters, ([, name, value]) => [name ?? "", value ?? ""]));
  }

  get #proc(): string {
    return `/proc/${this.#child.pid}`;
  }

  /** Processor time of all its threads since it began, ms. */
  cpuMs(): number {
    let nanoseconds = 0;
    for (const thread of readdirSync(`${this.#proc}/task`))
      nanoseconds += Number(readFileSync(`${this.#proc}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
    return nanoseconds / 1e6;
  }

  residentKb(): number {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`${this.#proc}/status`, "utf8"))?.[1]);
  }

  beginLoop(): void {
    this.#child.send("begin");
  }

  async loop(): Promise<LoopFigures> {
    const answered = once(this.#child, "message");
    this.#child.send("read");
    const [figures] = (await answered) as [LoopFigures]; // By probe.ts.
    return figures;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = once(this.#child, "exit");
    this.#child.send("exit");
    await gone;
    rmSync(this.#folder, { recursive: true });
  }
}

interface Program {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Its line on standard error that says where it listens. */
  readonly says: RegExp;
  /** Where callers connect there. */
  readonly path: string;
  /** What is asked before a caller connects. */
  readonly webhook?: string;
}

async function launch(program: (folder: string) => Program, core: number, nodeFlags: readonly string[]): Promise<Subject> {
  const folder = mkdtempSync(join(tmpdir(), "bench-"));
  const { args, env, says, path, webhook } = program(folder);
  const log = openSync(join(folder, "log"), "w");
  const child = spawn("taskset", ["-c", String(core), process.execPath, ...nodeFlags, "--import", pathOf("probe.ts"), ...args], {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdio: ["ignore", log, "pipe", "ipc"],
  });
  closeSync(log);
  const url = await new Promise<string>((resolve, reject) => {
    const lines: string[] = [];
    if (child.stderr === null) throw new Error("its standard error is a pipe");
    createInterface({ input: child.stderr }).on("line", (line) => {
      lines.push(line);
      const found = says.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once("exit", (code) => reject(new Error(`${args.join(" ")} ended with ${code}:\n${lines.slice(-20).join("\n")}`)));
  });
  const at = webhook === undefined ? undefined : new URL(webhook, url).href;
  return new Subject(new URL(path, url.replace(/^http/, "ws")).href, at, child, folder);
}

const asWs = (url: string): string => `${url.replace(/^http/, "ws")}/realtime?model=bench`;
const saysUrl = /^(ws:\S+)$/;

export const subjects: readonly SubjectRow[] = [
  {
    name: "relay",
    title: "bare ws relay, JSON parsed and wrapped (reference)",
    start: (url, core, flags) => launch(() => ({ args: [pathOf("relay.ts"), asWs(url)], env: {}, says: saysUrl, path: "" }), core, flags),
  },
  {
    name: "linekeeper",
    title: "Linekeeper, everything on",
    async start(url, core, flags) {
      const env = (folder: string): Record<string, string> => ({
        PORT: "0",
        LOG_FORMAT: "json",
        LINEKEEPER_DATA: folder,
        LINEKEEPER_TIERS: "openai",
        LINEKEEPER_MAX_CALLS: "5000",
        LINEKEEPER_MAX_LAG_MS: "0",
        LINEKEEPER_MAX_LOAD_PERCENT: "0",
        OPENAI_API_KEY: "bench",
        OPENAI_BASE_URL: url,
      });
      const program = (folder: string): Program => ({
        args: [pathOf("../../../src/main.ts")],
        env: env(folder),
        says: /is up: (http\S+)/,
        path: "/twilio",
        webhook: "/twilio/voice",
      });
      return launch(program, core, flags);
    },
  },
  {
    name: "agents-sdk",
    title: "OpenAI Agents SDK with its Twilio transport",
    start: (url, core, flags) =>
      launch(() => ({ args: [pathOf("agents-sdk.ts"), asWs(url)], env: {}, says: saysUrl, path: "" }), core, flags),
  },
];
