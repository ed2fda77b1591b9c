import { objectIn, type Json } from "./reading.ts";
import type { ThinkItem, ThinkRequest } from "../stages.ts";

export type ToolItem = Extract<ThinkItem, { readonly type: "tool" }>;

export type Turn =
  | { readonly by: "caller"; readonly text: string }
  | { readonly by: "agent"; readonly text: string }
  /** Calls made together, with what came of them. */
  | { readonly by: "tools"; readonly calls: readonly ToolItem[] };

/**
 * The conversation as every wire can take it: it begins and ends with something to answer, nothing is empty, and neighbours of one
 * speaker are one turn.
 */
export function turnsOf({ conversation, directive }: ThinkRequest): Turn[] {
  const turns: Turn[] = [];
  const say = (by: "caller" | "agent", text: string): void => {
    const last = turns.at(-1);
    if (last?.by === by) turns[turns.length - 1] = { by, text: `${last.text}\n${text}` };
    else turns.push({ by, text });
  };
  if (conversation[0]?.type !== "caller") say("caller", "(The call is connected.)");
  for (const item of conversation) {
    if (item.type === "caller") say("caller", item.text.trim() === "" ? "(unintelligible)" : item.text);
    else if (item.type === "agent") {
      // Cut at what was heard; the dash says that there was more.
      if (item.text.trim() !== "") say("agent", item.interrupted ? `${item.text.trimEnd()} —` : item.text);
    } else {
      const last = turns.at(-1);
      if (last?.by === "tools") turns[turns.length - 1] = { by: "tools", calls: [...last.calls, item] };
      else turns.push({ by: "tools", calls: [item] });
    }
  }
  if (directive !== undefined && directive.trim() !== "") say("caller", `(${directive})`);
  else if (turns.at(-1)?.by === "agent") say("caller", "(Go on.)");
  return turns;
}

/** What a call came to, as text. */
export const outputOf = (item: ToolItem): string => item.output ?? JSON.stringify({ status: "still at work, no result yet" });

/** What a call was asked, as an object; what the model wrote as anything else is shown to it. */
export const argumentsOf = (item: ToolItem): Json => objectIn(item.arguments) ?? { unreadable: item.arguments };

/** Messages of two speakers in turn, as wires want them that refuse two of one in a row. */
export class Alternating<Role extends string, Part> {
  readonly messages: { readonly role: Role; readonly parts: Part[] }[] = [];

  add(role: Role, ...parts: readonly Part[]): void {
    const last = this.messages.at(-1);
    if (last?.role === role) last.parts.push(...parts);
    else this.messages.push({ role, parts: [...parts] });
  }
}
