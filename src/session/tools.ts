import type { Clock } from "../kernel/clock.ts";
import type { Log } from "../kernel/log.ts";
import type { Random } from "../kernel/random.ts";
import type { ToolSpec } from "../provider/contract.ts";

/** Something the agent can do, whoever the provider is. */
export interface Tool {
  readonly spec: ToolSpec;
  /** How long it may run; undefined: as long as any. */
  readonly runLimitMs?: number;
  /** @param args as parsed from the model's JSON; @returns anything that JSON can hold */
  run(args: unknown, context: ToolContext): Promise<unknown>;
}

export interface ToolContext {
  readonly callId: string;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly random: Random;
}

export interface ToolOutcome {
  readonly status: "ok" | "failed" | "timeout" | "cancelled";
  /** JSON text, or a sentence for the model when it failed. */
  readonly output: string;
}

const runLimitMs = 10_000;
/** A model that calls more at once has run away. */
const mostAtOnce = 16;
/** A model that calls more for one answer goes round in circles: it is told to stop, and after as many again it has run away too. */
const mostForAnswer = 24;
/** Longer results are cut; a model reads them in full, and pays for them. */
const longestOutput = 16_000;

/** Runs the calls of one call's agent, each exactly once, whichever link is there when it is done. */
export class ToolRunner {
  readonly #tools: ReadonlyMap<string, Tool>;
  readonly #context: Omit<ToolContext, "signal">;
  readonly #log: Log;
  readonly #running = new Map<string, AbortController>();
  #forAnswer = 0;

  constructor(tools: readonly Tool[], context: Omit<ToolContext, "signal">, log: Log) {
    this.#tools = new Map(tools.map((tool) => [tool.spec.name, tool]));
    this.#context = context;
    this.#log = log;
  }

  get specs(): readonly ToolSpec[] {
    return [...this.#tools.values()].map((tool) => tool.spec);
  }

  /** The caller has said something new: what was called before was for another answer. */
  beginAnswer(): void {
    this.#forAnswer = 0;
  }

  /** The agent got no more tools for the present answer. */
  get isExhausted(): boolean {
    return this.#forAnswer > mostForAnswer;
  }

  /** It goes on calling all the same. */
  get isRunaway(): boolean {
    return this.#forAnswer > 2 * mostForAnswer;
  }

  get isBusy(): boolean {
    return this.#running.size > 0;
  }

  /** Never rejects: what went wrong is in the outcome, in words that the model can pass on. */
  async run(id: string, name: string, args: string): Promise<ToolOutcome> {
    const tool = this.#tools.get(name);
    if (this.#running.size >= mostAtOnce) {
      return { status: "failed", output: "Too many tools are running already; wait for their results." };
    }
    this.#forAnswer += 1;
    if (this.isExhausted) return { status: "failed", output: "No more tools for this answer: say what you know by now." };
    if (tool === undefined) return { status: "failed", output: `There is no tool named ${name}.` };
    const abort = new AbortController();
    this.#running.set(id, abort);
    let late = false;
    const limit = this.#context.clock.setTimeout(() => {
      late = true;
      abort.abort();
    }, tool.runLimitMs ?? runLimitMs);
    try {
      const result = await Promise.race([tool.run(parse(args), { ...this.#context, signal: abort.signal }), aborted(abort.signal)]);
      return { status: "ok", output: JSON.stringify(result ?? null).slice(0, longestOutput) };
    } catch (error) {
      if (late) return { status: "timeout", output: `${name} took too long and was stopped.` };
      if (abort.signal.aborted) return { status: "cancelled", output: `${name} was cancelled.` };
      this.#log.warning("tool_failed", { tool: name, error });
      return { status: "failed", output: error instanceof Error ? error.message : String(error) };
    } finally {
      this.#context.clock.clearTimeout(limit);
      this.#running.delete(id);
    }
  }

  cancel(id: string): void {
    this.#running.get(id)?.abort();
  }

  close(): void {
    for (const abort of this.#running.values()) abort.abort();
  }
}

function parse(args: string): unknown {
  try {
    return args === "" ? {} : JSON.parse(args);
  } catch (cause) {
    throw new Error("The arguments were not valid JSON.", { cause });
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
  });
}
