import { Worker } from "node:worker_threads";
import type { Clock, Timer } from "../../../kernel/clock.ts";
import { Fault, toFault } from "../../../kernel/fault.ts";
import type { Log } from "../../../kernel/log.ts";
import { batchFrames, vadBatch, type FromVadWorker, type ToVadWorker } from "./vad-batch.ts";

/** One call's audio, as the detector asks for it. */
export interface VadSource {
  /** Copies its next 512 samples into `frame`; false when it has none just now. */
  take(frame: Int16Array): boolean;
  /** How likely the next of the frames taken holds speech; in order, once for each. */
  judged(probability: number): void;
  /** No answer will come any more. */
  failed(fault: Fault): void;
}

export interface VadOptions {
  readonly modelPath: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly workerPath?: URL;
}

const startLimitMs = 10_000;
const batchLimitMs = 3_000;
const attemptLimit = 3;
/** So that a call that catches up leaves room for the others. */
const framesPerCall = 16;

/** Where the one worker is. While it works on a batch, frames gather in their calls and go together in the next. */
type Stage = "starting" | "idle" | "working" | "failed" | "closed";

/** Voice activity of all calls, judged by one network in one worker thread. */
export class Vad {
  readonly #options: VadOptions;
  readonly #batch = vadBatch();
  readonly #sources = new Map<number, VadSource>();
  /** Whose frames are in the batch, in its order; its first `#count` places are in use. */
  readonly #order: number[] = [];
  #count = 0;
  #nextCall = 1;
  #stage: Stage = "starting";
  #worker: Worker | undefined;
  /** Why the worker before this one is gone, until this one is ready. */
  #replaced: Fault | undefined;
  #deadline: Timer;
  #attempts = 0;
  #opened = Promise.withResolvers<void>();
  #pumping = false;
  readonly counts = { frames: 0, batches: 0, workersLost: 0 };

  private constructor(options: VadOptions) {
    this.#options = options;
  }

  /** @throws {Fault} internal when no worker came up. */
  static async start(options: VadOptions): Promise<Vad> {
    const vad = new Vad(options);
    vad.#startWorker();
    await vad.#opened.promise;
    return vad;
  }

  /** Hears `source` until disposed. After a failure the new call is also a new attempt. */
  attach(source: VadSource): Disposable {
    if (this.#stage === "failed") {
      this.#attempts = 0;
      this.#count = 0;
      this.#startWorker();
    }
    const call = this.#nextCall;
    this.#nextCall += 1;
    this.#sources.set(call, source);
    return {
      [Symbol.dispose]: () => {
        this.#sources.delete(call);
        this.#post({ type: "forget", call });
      },
    };
  }

  /** Says that a source has frames. What comes within one turn of the event loop travels together. */
  wake(): void {
    if (this.#pumping || this.#stage !== "idle") return;
    this.#pumping = true;
    setImmediate(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async close(): Promise<void> {
    this.#stage = "closed";
    this.#options.clock.clearTimeout(this.#deadline);
    this.#sources.clear();
    await this.#worker?.terminate();
  }

  #pump(): void {
    if (this.#stage !== "idle") return;
    this.#count = 0;
    for (const [call, source] of this.#sources) {
      for (let taken = 0; taken < framesPerCall && this.#count < batchFrames; taken += 1) {
        // Within the batch, as the line above checks.
        if (!source.take(this.#batch.frames[this.#count]!)) break;
        this.#batch.calls[this.#count] = this.#order[this.#count] = call;
        this.#count += 1;
      }
    }
    if (this.#count > 0) this.#send();
  }

  #send(): void {
    this.#stage = "working";
    this.#post({ type: "hear", count: this.#count });
    this.#deadline = this.#options.clock.setTimeout(
      () => this.#lose(new Fault("internal", `voice activity: no answer in ${batchLimitMs} ms`)),
      batchLimitMs,
    );
  }

  #heard(): void {
    this.#options.clock.clearTimeout(this.#deadline);
    this.#attempts = 0;
    this.counts.frames += this.#count;
    this.counts.batches += 1;
    // Sources may take again only after this loop: the batch still holds answers.
    for (let at = 0; at < this.#count; at += 1) this.#sources.get(this.#order[at]!)?.judged(this.#batch.probabilities[at]!);
    this.#count = 0;
    this.#stage = "idle";
    this.#rotate();
    this.#pump();
  }

  /** The call that was asked first is asked last next time: under load a batch fills before all had their turn. */
  #rotate(): void {
    for (const [call, source] of this.#sources) {
      this.#sources.delete(call);
      this.#sources.set(call, source);
      return;
    }
  }

  #startWorker(): void {
    const { modelPath, workerPath, clock } = this.#options;
    this.#stage = "starting";
    const worker = new Worker(workerPath ?? new URL("./vad-worker.ts", import.meta.url), {
      workerData: { modelPath, memory: this.#batch.memory },
      execArgv: [],
    });
    this.#worker = worker;
    const lost = (error: unknown): void => {
      if (this.#worker === worker) this.#lose(toFault(error, "internal", "voice activity"));
    };
    worker.on("message", (message: FromVadWorker) => {
      if (this.#worker !== worker) return;
      if (message.type === "heard") this.#heard();
      else this.#ready();
    });
    worker.on("error", lost);
    worker.on("exit", (code) => lost(new Error(`the worker ended with ${code}`)));
    this.#deadline = clock.setTimeout(() => lost(new Error(`the worker did not start in ${startLimitMs} ms`)), startLimitMs);
  }

  #ready(): void {
    this.#options.clock.clearTimeout(this.#deadline);
    this.#opened.resolve();
    this.#tellReplaced("done");
    this.#replaced = undefined;
    this.#stage = "idle";
    // A batch that the worker before this one did not answer.
    if (this.#count > 0) this.#send();
    else this.#pump();
  }

  #tellReplaced(result: "done" | "failed"): void {
    if (this.#replaced === undefined) return;
    const fields = { action: "replace", target: "voice_activity", trigger: this.#replaced.message, dry_run: false, result };
    this.#options.log.warning("remediation_action", fields);
  }

  #lose(fault: Fault): void {
    if (this.#stage === "closed" || this.#stage === "failed") return;
    this.#options.clock.clearTimeout(this.#deadline);
    if (this.#stage === "starting") this.#tellReplaced("failed");
    this.#replaced = fault;
    const gone = this.#worker;
    this.#worker = undefined;
    void gone?.terminate();
    this.counts.workersLost += 1;
    this.#attempts += 1;
    if (this.#attempts < attemptLimit) {
      this.#startWorker();
      return;
    }
    this.#stage = "failed";
    this.#options.log.error("provider_error", {
      provider: "local",
      error_type: "no_voice_activity",
      retryable: true,
      attempt: attemptLimit,
      message: fault.message,
    });
    this.#opened.reject(fault);
    for (const source of this.#sources.values()) source.failed(fault);
  }

  #post(message: ToVadWorker): void {
    this.#worker?.postMessage(message);
  }
}
