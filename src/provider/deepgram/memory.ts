import type { ConversationItem, ToolResult } from "../contract.ts";
import type { ThinkItem, ThinkPart } from "./stages.ts";

type Call = Extract<ThinkPart, { readonly type: "call" }>;

/** More of a conversation than any model is given to read; the oldest is forgotten first. */
const itemLimit = 1_000;

/** The conversation as the agent knows it: what the caller said, what of its answers was heard, what its tools found. */
export class Memory {
  readonly #items: ThinkItem[];
  /** Calls by the answer that made them; a group leaves when all its results are there. */
  readonly #open: Set<string>[] = [];

  constructor(conversation: readonly ConversationItem[]) {
    this.#items = conversation.map((item) => (item.type === "tool" ? { ...item, keepsake: undefined } : item));
    // Their results come to this link although an earlier one made the calls.
    for (const item of conversation) if (item.type === "tool" && item.output === undefined) this.#open.push(new Set([item.id]));
  }

  get items(): readonly ThinkItem[] {
    return this.#items.filter((item) => item.type !== "agent" || item.text !== "");
  }

  callerSaid(id: string, text: string): void {
    this.#add({ type: "caller", id, text });
  }

  /** Grows with each clause that is told, and shrinks to what was heard. */
  agentSaid(id: string, text: string, interrupted: boolean): void {
    const at = this.#items.findIndex((item) => item.type === "agent" && item.id === id);
    const item = { type: "agent", id, text, interrupted } as const;
    if (text === "") {
      if (at >= 0) this.#items.splice(at, 1);
    } else if (at >= 0) this.#items[at] = item;
    else this.#add(item);
  }

  /** Calls that one answer made; their results are spoken of together. They follow the words of `turnId`, also those that are still to come. */
  called(calls: readonly Call[], turnId: string | undefined): void {
    if (turnId !== undefined && !this.#items.some((item) => item.type === "agent" && item.id === turnId))
      this.#add({ type: "agent", id: turnId, text: "", interrupted: false });
    for (const { toolCallId, name, arguments: given, keepsake } of calls)
      this.#add({ type: "tool", id: toolCallId, name, arguments: given, output: undefined, keepsake });
    this.#open.push(new Set(calls.map(({ toolCallId }) => toolCallId)));
    if (this.#open.length > itemLimit) this.#open.shift();
  }

  /** Whether an answer is owed now: all calls of a group have their results. One that is not known here was made by a lost link. */
  toolAnswered({ toolCallId, name, output, failed }: ToolResult): boolean {
    const told = failed ? JSON.stringify({ error: output }) : output;
    const at = this.#items.findLastIndex((item) => item.type === "tool" && item.id === toolCallId);
    const item = this.#items[at];
    if (item?.type === "tool") {
      // Told twice is told once.
      if (item.output !== undefined) return false;
      this.#items[at] = { ...item, output: told };
    } else this.#add({ type: "tool", id: toolCallId, name, arguments: "{}", output: told, keepsake: undefined });
    const group = this.#open.find((calls) => calls.has(toolCallId));
    if (group === undefined) return true;
    group.delete(toolCallId);
    if (group.size > 0) return false;
    this.#open.splice(this.#open.indexOf(group), 1);
    return true;
  }

  #add(item: ThinkItem): void {
    this.#items.push(item);
    if (this.#items.length > itemLimit) this.#items.shift();
  }
}
