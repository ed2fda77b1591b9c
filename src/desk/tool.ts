import type { Clock } from "../kernel/clock.ts";
import type { Random } from "../kernel/random.ts";

/** Something that the front desk can do, as every provider's agent may call it. */
export interface Tool {
  readonly spec: {
    readonly name: string;
    readonly description: string;
    /** JSON Schema of an object. */
    readonly parameters: Readonly<Record<string, unknown>>;
  };
  /**
   * What JSON can hold. What the desk refuses (full, unknown number) is a result with `problem`, a sentence for the caller.
   * @throws {Error} for arguments that are missing or of the wrong kind, in words for the agent
   */
  run(args: unknown, context: ToolContext): Promise<unknown>;
}

export interface ToolContext {
  readonly callId: string;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly random: Random;
}
