import type { ToolResult } from "../contract.ts";
import type { LinkSettings } from "./settings.ts";
import { toolResponse, type WireCall } from "./wire.ts";

interface Batch {
  /** Calls of it that wait for their results. */
  waiting: number;
}

/** What becomes of a result: a message, nothing (the service has withdrawn the call), or a call that this session never made. */
export type ToolAnswer = { readonly message: string; readonly last: boolean; readonly interrupts: boolean } | "void" | "strange";

const rememberedCancellations = 64;

/** The tool calls of one session. Calls made at once are spoken of at once, after the last result. */
export class ToolCalls {
  readonly #settings: LinkSettings;
  readonly #waiting = new Map<string, Batch>();
  readonly #cancelled = new Set<string>();

  constructor(settings: LinkSettings) {
    this.#settings = settings;
  }

  get pending(): number {
    return this.#waiting.size;
  }

  /** The model stands still until results come. */
  get blocked(): boolean {
    return this.#settings.toolBehavior === "BLOCKING" && this.#waiting.size > 0;
  }

  /** Those of `calls` that are new. */
  made(calls: readonly WireCall[]): readonly WireCall[] {
    const fresh = calls.filter((call) => !this.#waiting.has(call.id) && !this.#cancelled.has(call.id));
    const batch: Batch = { waiting: fresh.length };
    for (const call of fresh) this.#waiting.set(call.id, batch);
    return fresh;
  }

  answer({ toolCallId: id, name, output, failed }: ToolResult): ToolAnswer {
    // A result for a withdrawn call is against the rules of the wire.
    if (this.#cancelled.delete(id)) return "void";
    const batch = this.#waiting.get(id);
    if (batch === undefined) return "strange";
    this.#waiting.delete(id);
    batch.waiting -= 1;
    const last = batch.waiting === 0;
    const scheduling = this.#settings.toolBehavior === "BLOCKING" ? undefined : last ? this.#settings.toolScheduling : "SILENT";
    return { message: toolResponse({ id, name }, { output, failed }, scheduling), last, interrupts: scheduling === "INTERRUPT" };
  }

  /** Those of `ids` that were waiting. */
  cancel(ids: readonly string[]): readonly string[] {
    return ids.filter((id) => {
      const batch = this.#waiting.get(id);
      if (batch === undefined) return false;
      batch.waiting -= 1;
      this.#waiting.delete(id);
      this.#cancelled.add(id);
      const [oldest] = this.#cancelled;
      if (oldest !== undefined && this.#cancelled.size > rememberedCancellations) this.#cancelled.delete(oldest);
      return true;
    });
  }
}
