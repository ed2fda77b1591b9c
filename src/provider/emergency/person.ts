import type { ConversationItem, ToolResult } from "../contract.ts";

/** The tool with which an agent asks the session for a person. */
export const humanTool = "transfer_to_human";

/** How far the caller is from a person: nobody was asked yet, one is being asked, comes, was told, or nobody can be reached. */
export type Person =
  | { readonly name: "unasked" | "coming" | "told" | "out-of-reach" }
  | { readonly name: "asked"; readonly toolCallId: string };

/** What came of asking. */
export function personAfter({ output, failed }: Pick<ToolResult, "output" | "failed">): Person {
  if (failed) return { name: "out-of-reach" };
  return { name: /"transferred"\s*:\s*true/.test(output) ? "coming" : "told" };
}

/** Whether an earlier link of this call asked for a person already: nobody is called twice. */
export function personIn(conversation: readonly ConversationItem[]): Person {
  const last = conversation.findLast((item) => item.type === "tool" && item.name === humanTool);
  if (last?.type !== "tool") return { name: "unasked" };
  if (last.output === undefined) return { name: "asked", toolCallId: last.id };
  return personAfter({ output: last.output, failed: false });
}
