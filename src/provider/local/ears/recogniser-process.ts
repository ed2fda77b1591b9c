import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Clock, Timer } from "../../../kernel/clock.ts";
import { Fault } from "../../../kernel/fault.ts";
import type { Hearing } from "./moonshine.ts";
import type { FromRecogniser, RecogniserSettings, ToRecogniser } from "./recogniser-messages.ts";

export interface RecogniserProcessOptions {
  readonly script: URL;
  readonly settings: RecogniserSettings;
  readonly clock: Clock;
  readonly startLimitMs: number;
}

export interface Recognised {
  /** Undefined when the job was cancelled on the way. */
  readonly text: string | undefined;
  readonly cpuMs: number;
}

export type Ready = Extract<FromRecogniser, { type: "ready" }>;

interface Run extends PromiseWithResolvers<Recognised> {
  readonly job: number;
  readonly deadline: Timer;
}

const closeLimitMs = 1_000;
const keptErrorChars = 500;

/** One recogniser child, as its parent sees it. Does one job at a time; once `gone` settles it does none any more. */
export class RecogniserProcess {
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  readonly #ready = Promise.withResolvers<Ready>();
  readonly #gone = Promise.withResolvers<Fault>();
  #startLimit: Timer;
  #run: Run | undefined;
  #jobs = 0;
  #lastWords = "";

  constructor({ script, settings, clock, startLimitMs }: RecogniserProcessOptions) {
    this.#clock = clock;
    // Without our environment: a child needs none of our secrets.
    this.#child = fork(script, [JSON.stringify(settings)], {
      serialization: "advanced",
      execArgv: [],
      env: {},
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    // Who does not ask for one of the two must not be told of a rejection nobody handles.
    this.#ready.promise.catch(() => {});
    this.#child.stderr?.on("data", (bytes: Buffer) => (this.#lastWords = (this.#lastWords + bytes.toString()).slice(-keptErrorChars)));
    this.#child.on("message", (message: FromRecogniser) => this.#told(message));
    this.#child.on("error", (error) => this.#end(new Fault("internal", `recogniser process: ${error.message}`, { cause: error })));
    this.#child.on("exit", (code, signal) =>
      this.#end(new Fault("internal", `recogniser process ended with ${signal ?? code}: ${this.#lastWords.trim() || "no message"}`)),
    );
    this.#startLimit = clock.setTimeout(
      () => this.kill(new Fault("internal", `recogniser process: not ready in ${startLimitMs} ms`)),
      startLimitMs,
    );
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** @throws {Fault} internal when it ended before, or was not ready in time. */
  get ready(): Promise<Ready> {
    return this.#ready.promise;
  }

  /** Settles once, with the reason, when the process is of no use any more. */
  get gone(): Promise<Fault> {
    return this.#gone.promise;
  }

  /** @throws {Fault} internal when the model failed, the process ended, or no answer came within `limitMs`; in the last case it is killed. */
  run(hearing: Hearing, limitMs: number): Promise<Recognised> {
    this.#jobs += 1;
    const job = this.#jobs;
    const deadline = this.#clock.setTimeout(
      () => this.kill(new Fault("internal", `recogniser process: no answer in ${limitMs} ms`)),
      limitMs,
    );
    this.#run = { ...Promise.withResolvers<Recognised>(), job, deadline };
    this.#post({ type: "recognise", job, hearing });
    return this.#run.promise;
  }

  /** Asks that the present job be left unfinished. */
  cancel(): void {
    if (this.#run !== undefined) this.#post({ type: "cancel", job: this.#run.job });
  }

  kill(fault: Fault): void {
    this.#end(fault);
    this.#child.kill("SIGKILL");
  }

  /** Lets it end by itself, for a second. */
  async close(): Promise<void> {
    this.#end(new Fault("internal", "recogniser process: closed"));
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    if (this.#child.connected) this.#child.disconnect();
    const limit = this.#clock.setTimeout(() => this.#child.kill("SIGKILL"), closeLimitMs);
    await exited;
    this.#clock.clearTimeout(limit);
  }

  #told(message: FromRecogniser): void {
    if (message.type === "ready") {
      this.#clock.clearTimeout(this.#startLimit);
      this.#ready.resolve(message);
      return;
    }
    const run = this.#takeRun(message.job);
    if (message.type === "recognised") run?.resolve(message);
    else run?.reject(new Fault("internal", `recogniser process: ${message.reason}`));
  }

  #end(fault: Fault): void {
    this.#clock.clearTimeout(this.#startLimit);
    this.#ready.reject(fault);
    this.#gone.resolve(fault);
    this.#takeRun(this.#jobs)?.reject(fault);
  }

  #takeRun(job: number): Run | undefined {
    const run = this.#run;
    if (run?.job !== job) return undefined;
    this.#clock.clearTimeout(run.deadline);
    this.#run = undefined;
    return run;
  }

  #post(message: ToRecogniser): void {
    // The callback keeps a broken channel from being thrown; the process's end is told by `exit`.
    this.#child.send(message, () => {});
  }
}
