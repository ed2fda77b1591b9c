import type { ConversationItem, ToolResult } from "../contract.ts";

/** The calls that were made together; they are answered together. */
type Group = Map<string, ToolResult | undefined>;

const groupLimit = 16;

/** Gathers results until all calls of one thought are answered. The oldest unanswered thought is forgotten past a limit. */
export class ToolResults {
  readonly #groups: Group[] = [];
  #open: Group | undefined;

  /** Calls whose results will come to this link although an earlier one made them. */
  expect(conversation: readonly ConversationItem[]): void {
    for (const item of conversation) if (item.type === "tool" && item.output === undefined) this.#add(new Map([[item.id, undefined]]));
  }

  /** A call of the thought that is being had. */
  called(toolCallId: string): void {
    if (this.#open === undefined) this.#add((this.#open = new Map()));
    this.#open.set(toolCallId, undefined);
  }

  /** No more calls come from this thought. */
  thoughtEnded(): void {
    this.#open = undefined;
  }

  /** False when nobody waits for it. */
  answered(result: ToolResult): boolean {
    const group = this.#groups.find((calls) => calls.has(result.toolCallId));
    group?.set(result.toolCallId, result);
    return group !== undefined;
  }

  /** The results of a thought that has all of them; each only once. */
  take(): readonly ToolResult[] | undefined {
    for (const [index, group] of this.#groups.entries()) {
      const results = [...group.values()].filter((result) => result !== undefined);
      if (group === this.#open || results.length < group.size) continue;
      this.#groups.splice(index, 1);
      return results;
    }
    return undefined;
  }

  get isWaiting(): boolean {
    return this.#groups.length > 0;
  }

  #add(group: Group): void {
    this.#groups.push(group);
    if (this.#groups.length > groupLimit) this.#groups.shift();
  }
}
