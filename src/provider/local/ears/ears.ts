import { availableParallelism } from "node:os";
import type { Clock } from "../../../kernel/clock.ts";
import { toFault } from "../../../kernel/fault.ts";
import type { Log } from "../../../kernel/log.ts";
import type { EarRequest, Ears } from "../parts.ts";
import { capacityOf, childrenFor } from "./capacity.ts";
import { CallEar, type EarCounts } from "./ear.ts";
import { usualEndpointing, type EndpointerOptions } from "./endpointer.ts";
import type { Padding, Weights } from "./moonshine.ts";
import { RecogniserPool, type PoolOptions } from "./pool.ts";
import type { RuntimeName } from "./runtime.ts";
import { Vad } from "./vad.ts";

type EarModel = "moonshine-tiny-encoder" | "moonshine-tiny-decoder" | "moonshine-base-encoder" | "moonshine-base-decoder" | "silero-vad";

export interface EarsOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** The path of a model file that is there and was checked. */
  readonly modelFile: (id: EarModel) => Promise<string>;
  /** `tiny` unless given; `base` hears better in noise at twice the processor time. */
  readonly weights?: Weights;
  /** `auto` unless given: native where it loads. */
  readonly runtime?: RuntimeName | "auto";
  /** Calls at once, in place of what was measured. */
  readonly calls?: number | undefined;
  /** Recogniser processes, in place of what the number of cores suggests. */
  readonly children?: number;
  readonly endpointing?: Partial<EndpointerOptions>;
  readonly padding?: Padding;
}

const usualPadding: Padding = { beforeMs: 200, afterMs: 300 };
const partialEveryMs = 1_500;
/** With this many calls or fewer, captions may follow closely. */
const fewCalls = 2;
const partialEveryWithFewCallsMs = 700;

/**
 * Hearing for all calls: one thread for voice activity, some processes for recognition. Takes about a second.
 * @throws {Fault} internal when the models cannot be run; what `modelFile` throws.
 */
export async function createEars(options: EarsOptions): Promise<Ears> {
  const { clock, log, modelFile, weights = "tiny", runtime = "auto", padding = usualPadding } = options;
  const endpointing = { ...usualEndpointing, ...options.endpointing };
  const children = options.children ?? childrenFor(availableParallelism());
  const began = clock.now();
  const [encoder, decoder, vadPath] = await Promise.all([
    modelFile(`moonshine-${weights}-encoder`),
    modelFile(`moonshine-${weights}-decoder`),
    modelFile("silero-vad"),
  ]);
  const settings = { weights, runtime, files: { encoder, decoder }, padding };
  const [pool, vad] = await bothOrNeither(startPool({ children, settings, clock, log }), Vad.start({ modelPath: vadPath, clock, log }));
  const { quickest } = pool;
  const capacity = options.calls ?? capacityOf(quickest.warmUpMs, children);
  const counts: EarCounts = { framesRefused: 0, turnsFinished: 0, turnsDismissed: 0 };
  const open = new Set<CallEar>();
  const sharePartials = (): void => {
    for (const ear of open) ear.partialEveryMs = open.size <= fewCalls ? partialEveryWithFewCallsMs : partialEveryMs;
  };
  log.info("provider_request", {
    provider: "local",
    kind: "start_ears",
    status: "ready",
    duration: Math.round(clock.now() - began),
    weights,
    runtime: quickest.runtime,
    children,
    capacity,
  });
  return {
    capacity,
    open(request: EarRequest) {
      const ear = new CallEar(request, {
        vad,
        pool,
        endpointing,
        counts,
        onClose: (closed) => {
          open.delete(closed);
          sharePartials();
        },
      });
      open.add(ear);
      sharePartials();
      return ear;
    },
    status: () => ({
      runtime: quickest.runtime,
      weights,
      capacity,
      calls: open.size,
      children,
      childrenAlive: pool.alive.length,
      childPids: pool.alive,
      jobsWaiting: pool.waiting,
      medianDecodeMs: pool.medianDecodeMs,
      warmUpMs: quickest.warmUpMs,
      broken: pool.broken?.message,
      ...counts,
      ...pool.counts,
      voiceActivity: { ...vad.counts },
    }),
    async close() {
      for (const ear of open) ear.close();
      await Promise.all([pool.close(), vad.close()]);
    },
  };
}

/** A native runtime that loads may still die of its first run, on processors that it was not built for. */
async function startPool(options: PoolOptions): Promise<RecogniserPool> {
  if (options.settings.runtime !== "auto") return RecogniserPool.start(options);
  try {
    return await RecogniserPool.start(options);
  } catch (error) {
    const trigger = toFault(error, "internal", "starting").message;
    const tell = (result: "done" | "failed"): void =>
      options.log.warning("remediation_action", { action: "run_in_webassembly", target: "recogniser", trigger, dry_run: false, result });
    try {
      const pool = await RecogniserPool.start({ ...options, settings: { ...options.settings, runtime: "wasm" } });
      tell("done");
      return pool;
    } catch (otherError) {
      tell("failed");
      throw otherError;
    }
  }
}

interface Closable {
  close(): Promise<void>;
}

async function bothOrNeither<A extends Closable, B extends Closable>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  try {
    return await Promise.all([first, second]);
  } catch (error) {
    for (const started of await Promise.allSettled([first, second])) if (started.status === "fulfilled") await started.value.close();
    throw error;
  }
}
