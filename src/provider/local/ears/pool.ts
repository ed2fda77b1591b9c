import type { Clock, Timer } from "../../../kernel/clock.ts";
import { Fault, toFault } from "../../../kernel/fault.ts";
import type { Log } from "../../../kernel/log.ts";
import type { Hearing } from "./moonshine.ts";
import type { RecogniserSettings } from "./recogniser-messages.ts";
import { RecogniserProcess, type Ready, type Recognised } from "./recogniser-process.ts";

/** Who is served first. An answer waits for a `final`; an `early-final` may turn out needless; nobody waits for a `partial`. */
export type JobClass = "final" | "early-final" | "partial";

export interface PoolOptions {
  readonly children: number;
  readonly settings: RecogniserSettings;
  readonly clock: Clock;
  readonly log: Log;
  /** Another program to run in place of ours. */
  readonly script?: URL;
  /** How long a child may take for a piece of audio, ms: `base` plus `perAudioMs` a ms. Far above the usual: on a busy machine a killed child makes matters worse. */
  readonly runLimit?: { readonly base: number; readonly perAudioMs: number };
}

/** A piece of audio given to the pool. */
export interface PoolJob {
  /** The words; undefined when the job was cancelled or dropped. Rejects with a `Fault` after two children failed on it. */
  readonly text: Promise<string | undefined>;
  /** The answer is waited for now. */
  promote(): void;
  cancel(): void;
}

interface Job extends PromiseWithResolvers<string | undefined> {
  class: JobClass;
  readonly hearing: Hearing;
  attempt: number;
  cancelled: boolean;
}

interface Slot {
  /** Undefined while none can be started. */
  child: RecogniserProcess | undefined;
  state: "starting" | "idle" | Job;
  /** Of a slot that is empty for a while. */
  retry?: Timer;
}

const rank = { final: 0, "early-final": 1, partial: 2 } as const satisfies Record<JobClass, number>;
const startLimitMs = 20_000;
const usualRunLimit = { base: 4_000, perAudioMs: 0.5 };
const queueLimit = 64;
const attemptLimit = 2;
const startAttemptLimit = 3;
const restartDelayMs = 250;
const restartAgainMs = 30_000;
const ownScript = new URL("./recogniser-child.ts", import.meta.url);
const samplesPerMs = 16;
const keptTimes = 64;

/** Recogniser processes and the jobs that wait for them. */
export class RecogniserPool {
  readonly #options: PoolOptions;
  readonly #slots: Slot[];
  /** Finals and early finals; partials never wait. */
  readonly #waiting: Job[] = [];
  #quickest: Ready | undefined;
  readonly #decodeMs: number[] = [];
  #broken: Fault | undefined;
  #closed = false;
  readonly counts = {
    recognised: 0,
    partialsDropped: 0,
    jobsRefused: 0,
    jobsFailed: 0,
    cancelled: 0,
    retried: 0,
    childrenLost: 0,
    cpuMs: 0,
  };

  private constructor(options: PoolOptions) {
    this.#options = options;
    this.#slots = Array.from({ length: options.children }, () => ({
      child: undefined,
      state: "starting",
    }));
  }

  /**
   * Ready when every child is.
   * @throws {Fault} internal when none comes up.
   */
  static async start(options: PoolOptions): Promise<RecogniserPool> {
    const pool = new RecogniserPool(options);
    await Promise.all(pool.#slots.map((slot) => pool.#fill(slot)));
    if (pool.#broken === undefined) return pool;
    const fault = pool.#broken;
    await pool.close();
    throw fault;
  }

  /** What the quickest child told of itself; the others were disturbed more during their warm-up. */
  get quickest(): Ready {
    if (this.#quickest === undefined) throw new Fault("internal", "recogniser pool: no child was ready yet");
    return this.#quickest;
  }

  /** Why no child could be had lately, or undefined. */
  get broken(): Fault | undefined {
    return this.#broken;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Process ids of the children that are up. */
  get alive(): number[] {
    return this.#slots.flatMap(({ child, state }) => (state === "starting" ? [] : (child?.pid ?? [])));
  }

  /** Median of the last decodes that were no partials, waiting included, ms. */
  get medianDecodeMs(): number | undefined {
    return this.#decodeMs.toSorted((a, b) => a - b)[this.#decodeMs.length >> 1];
  }

  recognise(jobClass: JobClass, hearing: Hearing): PoolJob {
    const job: Job = {
      ...Promise.withResolvers<string | undefined>(),
      class: jobClass,
      hearing,
      attempt: 1,
      cancelled: false,
    };
    this.#take(job);
    if (jobClass !== "partial") this.#timeIt(job);
    return {
      text: job.promise,
      promote: () => (job.class = "final"),
      cancel: () => this.#cancel(job),
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const job of this.#waiting.splice(0)) job.resolve(undefined);
    for (const slot of this.#slots) this.#options.clock.clearTimeout(slot.retry);
    await Promise.all(this.#slots.map(async (slot) => slot.child?.close()));
  }

  #take(job: Job): void {
    if (this.#broken !== undefined) job.reject(this.#broken);
    else if (this.#closed) job.resolve(undefined);
    else if (job.class === "partial" && !this.#hasRoom()) {
      this.counts.partialsDropped += 1;
      job.resolve(undefined);
    } else if (this.#waiting.length >= queueLimit) {
      this.counts.jobsRefused += 1;
      job.reject(new Fault("internal", `recogniser pool: ${queueLimit} jobs are waiting`));
    } else {
      this.#waiting.push(job);
      this.#dispatch();
      if (job.class !== "partial" && this.#waiting.includes(job)) this.#makeWay();
    }
  }

  #hasRoom(): boolean {
    return this.#waiting.length === 0 && this.#slots.some((slot) => slot.state === "idle");
  }

  /** A partial that runs while a final waits is left. */
  #makeWay(): void {
    const slot = this.#slots.find(({ state }) => typeof state === "object" && state.class === "partial" && !state.cancelled);
    if (slot === undefined || typeof slot.state !== "object") return;
    this.counts.partialsDropped += 1;
    this.#cancel(slot.state);
  }

  #cancel(job: Job): void {
    if (job.cancelled) return;
    job.cancelled = true;
    this.counts.cancelled += 1;
    job.resolve(undefined);
    const place = this.#waiting.indexOf(job);
    if (place >= 0) this.#waiting.splice(place, 1);
    this.#slots.find((slot) => slot.state === job)?.child?.cancel();
  }

  #dispatch(): void {
    for (const slot of this.#slots) {
      if (slot.state !== "idle" || slot.child === undefined) continue;
      const job = this.#next();
      if (job === undefined) return;
      void this.#run(slot, slot.child, job);
    }
  }

  #next(): Job | undefined {
    const first = this.#waiting.reduce<Job | undefined>(
      (best, job) => (best === undefined || rank[job.class] < rank[best.class] ? job : best),
      undefined,
    );
    if (first !== undefined) this.#waiting.splice(this.#waiting.indexOf(first), 1);
    return first;
  }

  async #run(slot: Slot, child: RecogniserProcess, job: Job): Promise<void> {
    slot.state = job;
    const { base, perAudioMs } = this.#options.runLimit ?? usualRunLimit;
    try {
      const recognised = await child.run(job.hearing, base + (perAudioMs * job.hearing.samples.length) / samplesPerMs);
      this.#recognised(job, recognised);
    } catch (error) {
      this.#failed(job, toFault(error, "internal", "recognising"));
    }
    // A child that is gone was replaced meanwhile.
    if (slot.child === child && slot.state === job) slot.state = "idle";
    this.#dispatch();
  }

  #recognised(job: Job, { text, cpuMs }: Recognised): void {
    this.counts.recognised += 1;
    this.counts.cpuMs += cpuMs;
    job.resolve(text);
  }

  #failed(job: Job, fault: Fault): void {
    if (job.cancelled || this.#closed) return job.resolve(undefined);
    if (job.attempt < attemptLimit && this.#broken === undefined) {
      job.attempt += 1;
      this.counts.retried += 1;
      this.#waiting.unshift(job);
      return;
    }
    this.counts.jobsFailed += 1;
    job.reject(fault);
  }

  /**
   * Starts a child, with some attempts. Settles when it is ready or must be tried again later.
   * @param lost why the one before it is gone, if there was one
   */
  async #fill(slot: Slot, lost?: Fault): Promise<void> {
    const { settings, clock, script = ownScript } = this.#options;
    for (let attempt = 1, trigger = lost; !this.#closed; attempt += 1) {
      const child = new RecogniserProcess({ script, settings, clock, startLimitMs });
      slot.child = child;
      slot.state = "starting";
      void child.gone.then((fault) => this.#lost(slot, child, fault));
      try {
        const ready = await child.ready;
        if (this.#quickest === undefined || ready.warmUpMs < this.#quickest.warmUpMs) this.#quickest = ready;
        this.#broken = undefined;
        slot.state = "idle";
        this.#tellReplaced(trigger, "done");
        this.#dispatch();
        return;
      } catch (error) {
        const fault = toFault(error, "internal", "starting a recogniser");
        this.#tellReplaced(trigger, "failed");
        if (attempt === startAttemptLimit) return this.#giveUp(slot, fault);
        trigger = fault;
        await new Promise<void>((resolve) => clock.setTimeout(resolve, restartDelayMs * attempt));
      }
    }
  }

  #tellReplaced(trigger: Fault | undefined, result: "done" | "failed"): void {
    if (trigger === undefined || this.#closed) return;
    const fields = { action: "replace", target: "recogniser", trigger: trigger.message, dry_run: false, result };
    this.#options.log.warning("remediation_action", fields);
  }

  /** For a while; what made it fail (memory, say) may pass. */
  #giveUp(slot: Slot, fault: Fault): void {
    if (this.#closed) return;
    slot.retry = this.#options.clock.setTimeout(() => void this.#fill(slot, fault), restartAgainMs);
    if (this.alive.length > 0) return;
    this.#broken = fault;
    this.#options.log.error("provider_error", {
      provider: "local",
      error_type: "no_recogniser",
      retryable: true,
      attempt: startAttemptLimit,
      message: fault.message,
    });
    for (const job of this.#waiting.splice(0)) job.reject(fault);
  }

  #lost(slot: Slot, child: RecogniserProcess, fault: Fault): void {
    if (slot.child !== child) return;
    const wasUp = slot.state !== "starting";
    slot.child = undefined;
    slot.state = "starting";
    if (this.#closed) return;
    this.counts.childrenLost += 1;
    // One that never came up is tried again where it was started.
    if (wasUp) void this.#fill(slot, fault);
  }

  #timeIt(job: Job): void {
    const began = this.#options.clock.now();
    job.promise.then(
      (text) => {
        if (text === undefined) return;
        this.#decodeMs.push(this.#options.clock.now() - began);
        if (this.#decodeMs.length > keptTimes) this.#decodeMs.shift();
      },
      () => {},
    );
  }
}
