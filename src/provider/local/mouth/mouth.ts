import { Worker } from "node:worker_threads";
import { Fault, toFault } from "../../../kernel/fault.ts";
import type { Clock, Timer } from "../../../kernel/clock.ts";
import type { Log } from "../../../kernel/log.ts";
import type { Mouth } from "../parts.ts";
import { fliteVoices, isFliteVoice, type FliteVoice } from "./flite.ts";
import { speakable } from "./reading.ts";
import type { SpeakJob, WorkerReply, WorkerStart } from "./worker-messages.ts";

const startLimitMs = 10_000;
const jobLimitMs = 4_000;
const queueLimit = 64;
const triesLimit = 2;
/** A clause of this length takes the voice a minute to say; nobody listens to more in one breath. */
const textLimit = 1_000;

export interface MouthOptions {
  /** Where `flite.wasm` is. */
  readonly modelPath: string;
  readonly voice: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** The file that the thread runs. */
  readonly workerFile?: URL;
}

/** The mouth and what the health page shows of it. */
export interface FliteMouth extends Mouth {
  status(): Readonly<Record<string, unknown>>;
}

interface Job extends SpeakJob {
  readonly signal: AbortSignal;
  readonly settle: (result: Uint8Array | Error) => void;
  tries: number;
}

/** Exactly what exists in each phase of the thread's life. */
type Thread =
  | { readonly name: "starting"; readonly worker: Worker; readonly limit: Timer }
  | { readonly name: "idle"; readonly worker: Worker }
  | { readonly name: "busy"; readonly worker: Worker; readonly limit: Timer; readonly job: Job }
  | { readonly name: "none" };

/**
 * Flite's voices in one worker thread for all calls, one clause after the other. A thread that dies or hangs is replaced.
 * @throws {Fault} model-missing when the voice cannot be loaded, setting-invalid when the voice does not exist.
 */
export async function createMouth(options: MouthOptions): Promise<FliteMouth> {
  const voice = options.voice ?? fliteVoices[0];
  if (!isFliteVoice(voice)) throw new Fault("setting-invalid", `local voice "${voice}": not one of ${fliteVoices.join(", ")}`);
  const mouth = new WorkerMouth(options, voice);
  await mouth.ready();
  return mouth;
}

class WorkerMouth implements FliteMouth {
  readonly voices = fliteVoices;
  readonly #options: MouthOptions;
  readonly #voice: FliteVoice;
  readonly #queue: Job[] = [];
  readonly #firstReady = Promise.withResolvers<void>();
  #thread: Thread = { name: "none" };
  #closed = false;
  #jobId = 0;
  #spokenClauses = 0;
  #replacedWorkers = 0;
  #refusedClauses = 0;

  constructor(options: MouthOptions, voice: FliteVoice) {
    this.#options = options;
    this.#voice = voice;
    this.#start();
  }

  async ready(): Promise<void> {
    try {
      await this.#firstReady.promise;
    } catch (error) {
      await this.close();
      throw toFault(error, "model-missing", `starting the voice from ${this.#options.modelPath}`);
    }
  }

  speak(text: string, voice: string | undefined, signal: AbortSignal): Promise<Uint8Array> {
    if (signal.aborted) return Promise.reject(aborted());
    if (this.#closed) return Promise.reject(new Fault("internal", "speaking: the voice is closed"));
    const words = speakable(text.slice(0, textLimit));
    if (words === "") return Promise.resolve(new Uint8Array(0));
    if (this.#queue.length >= queueLimit) {
      this.#refusedClauses += 1;
      return Promise.reject(new Fault("internal", `speaking: ${this.#queue.length} clauses wait already (limit ${queueLimit})`));
    }
    return new Promise((resolve, reject) => {
      const drop = (): void => {
        const index = this.#queue.indexOf(job);
        if (index >= 0) this.#queue.splice(index, 1);
        job.settle(aborted());
      };
      const job: Job = {
        jobId: (this.#jobId += 1),
        text: words,
        voice: voice !== undefined && isFliteVoice(voice) ? voice : this.#voice,
        gapMs: gapAfterMs(text),
        signal,
        tries: 0,
        settle: (result) => {
          signal.removeEventListener("abort", drop);
          if (result instanceof Error) reject(result);
          else resolve(result);
        },
      };
      signal.addEventListener("abort", drop, { once: true });
      this.#queue.push(job);
      this.#next();
    });
  }

  status(): Readonly<Record<string, unknown>> {
    return {
      engine: "flite",
      voice: this.#voice,
      thread: this.#thread.name,
      waitingClauses: this.#queue.length,
      spokenClauses: this.#spokenClauses,
      replacedWorkers: this.#replacedWorkers,
      refusedClauses: this.#refusedClauses,
    };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const thread = this.#release();
    const waiting = this.#queue.splice(0);
    if (thread.name === "busy") waiting.unshift(thread.job);
    for (const job of waiting) job.settle(new Fault("internal", "speaking: the voice was closed"));
    if (thread.name !== "none") await thread.worker.terminate();
  }

  #start(): void {
    const start: WorkerStart = { modelPath: this.#options.modelPath };
    const worker = new Worker(this.#options.workerFile ?? new URL("./worker.ts", import.meta.url), { workerData: start });
    worker.on("message", (reply: WorkerReply) => this.#take(worker, reply));
    worker.on("error", (error: Error) => this.#lose(worker, error));
    worker.on("exit", (code) => this.#lose(worker, new Error(`the thread ended with ${code}`)));
    this.#thread = { name: "starting", worker, limit: this.#limit(worker, startLimitMs, "start") };
  }

  #limit(worker: Worker, limitMs: number, doing: string): Timer {
    return this.#options.clock.setTimeout(() => this.#lose(worker, new Error(`no answer to ${doing} in ${limitMs} ms`)), limitMs);
  }

  #next(): void {
    if (this.#thread.name === "none" && !this.#closed && this.#queue.length > 0) this.#start();
    if (this.#thread.name !== "idle") return;
    const job = this.#queue.shift();
    if (job === undefined) return;
    const { worker } = this.#thread;
    job.tries += 1;
    this.#thread = { name: "busy", worker, job, limit: this.#limit(worker, jobLimitMs, "a clause") };
    worker.postMessage({ jobId: job.jobId, text: job.text, voice: job.voice, gapMs: job.gapMs } satisfies SpeakJob);
  }

  #take(worker: Worker, reply: WorkerReply): void {
    const thread = this.#thread;
    if (thread.name === "none" || thread.worker !== worker) return;
    if (thread.name !== "idle") this.#options.clock.clearTimeout(thread.limit);
    this.#thread = { name: "idle", worker };
    if (reply.type === "ready") this.#firstReady.resolve();
    else if (thread.name === "busy" && reply.type === "spoken") {
      this.#spokenClauses += 1;
      thread.job.settle(reply.audio);
    } else if (thread.name === "busy" && reply.type === "failed") this.#again(thread.job, new Error(reply.message));
    this.#next();
  }

  /** The thread is gone or as good as gone: another takes its place when there is work. */
  #lose(worker: Worker, error: Error): void {
    if (this.#thread.name === "none" || this.#thread.worker !== worker) return;
    const thread = this.#release();
    this.#replacedWorkers += 1;
    this.#options.log.warning("local_voice_lost", { error: error.message, while: thread.name });
    void worker.terminate();
    this.#firstReady.reject(error);
    if (thread.name === "busy") this.#again(thread.job, error);
    // A thread that cannot even start fails what waits for it, so that nothing waits for ever.
    else if (thread.name === "starting") for (const job of this.#queue.splice(0)) this.#again(job, error, triesLimit);
    this.#next();
  }

  #again(job: Job, error: Error, tries = job.tries): void {
    if (job.signal.aborted) return;
    if (tries < triesLimit) this.#queue.unshift(job);
    else job.settle(toFault(error, "internal", `speaking ${job.text.length} characters (try ${tries} of ${triesLimit})`));
  }

  #release(): Thread {
    const thread = this.#thread;
    if (thread.name === "starting" || thread.name === "busy") this.#options.clock.clearTimeout(thread.limit);
    this.#thread = { name: "none" };
    return thread;
  }
}

const aborted = (): DOMException => new DOMException("no longer wanted", "AbortError");

/** A breath after a sentence, less after a clause. */
const gapAfterMs = (text: string): number => (/[.!?…]["')\]]*\s*$/u.test(text) ? 200 : 120);
