// What is measured: each a process of its own, pinned to one core, that bridges Twilio's protocol and OpenAI's.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { cpuMsOf, residentKbOf, treeOf } from "./process-tree.ts";

const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** What the event loop of a subject was like since it was asked before. */
export interface LoopFigures {
  readonly loopP99Ms: number;
  readonly loopMaxMs: number;
  readonly collections: number;
  readonly longestCollectionMs: number;
}

/** What a subject holds of the machine's memory, right after a full collection of its garbage. */
export interface MemoryFigures {
  /** JavaScript's objects, and what they hold beside its heap. */
  readonly heldKb: number;
}

export interface SubjectRow {
  readonly name: "linekeeper" | "linekeeper-two" | "linekeeper-pcm" | "relay" | "agents-sdk";
  readonly title: string;
  /** Its name in charts. */
  readonly short: string;
  /** Which provider it talks to. */
  readonly service: "openai" | "gemini";
  /** That share its calls. */
  readonly processes: number;
  /** `cores`: as taskset takes them, such as "0" or "0,1". */
  start(serviceUrl: string, cores: string, nodeFlags: readonly string[]): Promise<Subject>;
}

export class Subject implements AsyncDisposable {
  /** Where a caller connects. */
  readonly url: string;
  readonly passesThrough: boolean;
  readonly #webhook: string | undefined;
  readonly #child: ChildProcess;
  readonly #folder: string;

  /** `listensAt`: what it said of itself. */
  constructor(listensAt: string, { path, webhook, passesThrough }: Program, child: ChildProcess, folder: string) {
    this.url = new URL(path, listensAt.replace(/^http/, "ws")).href;
    this.#webhook = webhook === undefined ? undefined : new URL(webhook, listensAt).href;
    [this.passesThrough, this.#child, this.#folder] = [passesThrough, child, folder];
  }

  /** What the webhook's answer gives a call's stream to bring along; nothing where there is no webhook. */
  async parametersOf(callSid: string): Promise<Record<string, string>> {
    if (this.#webhook === undefined) return {};
    const form = new URLSearchParams({ CallSid: callSid, From: "+15550100", To: "+15550101", CallStatus: "ringing" });
    const answer = await fetch(this.#webhook, { method: "POST", body: form });
    const parameters = (await answer.text()).matchAll(/<Parameter name="([^"]*)" value="([^"]*)"/g);
    return Object.fromEntries(Array.from(parameters, ([, name, value]) => [name ?? "", value ?? ""]));
  }

  get #pid(): number {
    return this.#child.pid ?? Number.NaN;
  }

  /** Processor time of all threads of all its processes since they began, ms. */
  cpuMs(): number {
    return treeOf(this.#pid).reduce((total, pid) => total + cpuMsOf(pid), 0);
  }

  /** Of the process that was started itself. */
  firstCpuMs(): number {
    return cpuMsOf(this.#pid);
  }

  /** Of all its processes. */
  residentKb(): number {
    return treeOf(this.#pid).reduce((total, pid) => total + residentKbOf(pid), 0);
  }

  /** How many calls each of several processes had, by its log; none where there is one. */
  callsByProcess(): readonly number[] {
    const calls = new Map<number, Set<string>>();
    for (const line of readFileSync(join(this.#folder, "log"), "utf8").split("\n")) {
      if (!line.includes('"connection_established"')) continue;
      const { process: number, session_id: id } = JSON.parse(line) as { process?: number; session_id: string }; // The format of the log.
      if (number !== undefined) calls.set(number, (calls.get(number) ?? new Set()).add(id));
    }
    return [...calls].toSorted(([one], [other]) => one - other).map(([, { size }]) => size);
  }

  beginLoop(): void {
    this.#child.send("begin");
  }

  async loop(): Promise<LoopFigures> {
    return (await this.#ask("read")) as LoopFigures; // By probe.ts.
  }

  async collected(): Promise<MemoryFigures> {
    return (await this.#ask("collect")) as MemoryFigures; // By probe.ts.
  }

  async #ask(question: string): Promise<unknown> {
    const answered = once(this.#child, "message");
    this.#child.send(question);
    const [answer] = (await answered) as [unknown]; // A message is the event's only argument.
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = once(this.#child, "exit");
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.send("exit");
      await gone;
    }
    rmSync(this.#folder, { recursive: true });
  }
}

interface Program {
  /** Node's; those of a benchmark come after them, and win. */
  readonly nodeFlags: readonly string[];
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Its line on standard error that says where it listens. */
  readonly says: RegExp;
  /** Where callers connect there. */
  readonly path: string;
  /** What is asked before a caller connects. */
  readonly webhook: string | undefined;
  readonly passesThrough: boolean;
}

const startLimitMs = 30_000;
/** Node's, as `scripts/up` gives them to the server. */
export const serverFlags = ["--max-semi-space-size=8", "--heap-growing-percent=100"] as const;

async function launch(programIn: (folder: string) => Program, cores: string, nodeFlags: readonly string[]): Promise<Subject> {
  const folder = mkdtempSync(join(tmpdir(), "bench-"));
  const program = programIn(folder);
  const log = openSync(join(folder, "log"), "w");
  const flags = ["--expose-gc", ...program.nodeFlags, ...nodeFlags, "--import", pathOf("probe.ts")];
  const child = spawn("taskset", ["-c", cores, process.execPath, ...flags, ...program.args], {
    env: { PATH: process.env["PATH"] ?? "", ...program.env },
    stdio: ["ignore", log, "pipe", "ipc"],
  });
  closeSync(log);
  const listensAt = await new Promise<string>((resolve, reject) => {
    const lines: string[] = [];
    const told = (why: string): void => reject(new Error(`${program.args.join(" ")} ${why}:\n${lines.slice(-20).join("\n")}`));
    const limit = setTimeout(() => {
      child.kill();
      told(`did not listen within ${startLimitMs / 1_000} s`);
    }, startLimitMs);
    if (child.stderr === null) throw new Error("its standard error is a pipe");
    createInterface({ input: child.stderr }).on("line", (line) => {
      lines.push(line);
      const found = program.says.exec(line)?.[1];
      if (found === undefined) return;
      clearTimeout(limit);
      resolve(found);
    });
    child.once("exit", (code) => told(`ended with ${code}`));
  });
  return new Subject(listensAt, program, child, folder);
}

/** A bridge that is told its provider's address on the command line. */
const script =
  (name: string): SubjectRow["start"] =>
  (url, cores, flags) => {
    const target = `${url.replace(/^http/, "ws")}/v1/realtime?model=bench`;
    const program = {
      nodeFlags: [],
      args: [pathOf(name), target],
      env: {},
      says: /^(ws:\S+)$/,
      path: "",
      webhook: undefined,
      passesThrough: true,
    };
    return launch(() => program, cores, flags);
  };

/** The real server, everything on but the limits that would refuse calls before the core is full. */
const server =
  (passesThrough: boolean, processes: number, providerOf: (url: string) => Readonly<Record<string, string>>): SubjectRow["start"] =>
  (url, cores, flags) =>
    launch(
      (folder) => ({
        nodeFlags: serverFlags,
        args: [pathOf("../../../src/main.ts")],
        env: {
          PORT: "0",
          LOG_FORMAT: "json",
          LINEKEEPER_DATA: folder,
          LINEKEEPER_MAX_CALLS: "5000",
          LINEKEEPER_PROCESSES: String(processes),
          LINEKEEPER_MAX_LAG_MS: "0",
          LINEKEEPER_MAX_LOAD_PERCENT: "0",
          ...providerOf(url),
        },
        says: /is up: (http\S+)/,
        path: "/twilio",
        webhook: "/twilio/voice",
        passesThrough,
      }),
      cores,
      flags,
    );

const openai = (url: string): Readonly<Record<string, string>> => ({
  LINEKEEPER_TIERS: "openai",
  OPENAI_API_KEY: "bench",
  OPENAI_BASE_URL: `${url}/v1`,
});

export const subjects: readonly SubjectRow[] = [
  {
    name: "relay",
    title: "bare ws relay, JSON parsed and wrapped (reference)",
    short: "bare ws relay",
    service: "openai",
    processes: 1,
    start: script("relay.ts"),
  },
  {
    name: "linekeeper",
    title: "Linekeeper, everything on",
    short: "Linekeeper",
    service: "openai",
    processes: 1,
    start: server(true, 1, openai),
  },
  {
    name: "linekeeper-two",
    title: "Linekeeper, two processes behind one port",
    short: "Linekeeper, two processes",
    service: "openai",
    processes: 2,
    start: server(true, 2, openai),
  },
  {
    name: "linekeeper-pcm",
    title: "Linekeeper, everything on, transcoding for Gemini",
    short: "Linekeeper, transcoding",
    service: "gemini",
    processes: 1,
    start: server(false, 1, (url) => ({ LINEKEEPER_TIERS: "gemini", GEMINI_API_KEY: "bench", GOOGLE_GEMINI_BASE_URL: url })),
  },
  {
    name: "agents-sdk",
    title: "OpenAI Agents SDK with its Twilio transport",
    short: "OpenAI Agents SDK",
    service: "openai",
    processes: 1,
    start: script("agents-sdk.ts"),
  },
];
