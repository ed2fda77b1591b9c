import type { ChatCompletionMessageParam } from "openai/resources/chat/completions";
import type { AgentSpec, ConversationItem } from "../../contract.ts";

/** Results of calls that nobody answered: every call in a history must have one. */
const unanswered = JSON.stringify({ cancelled: true });

/**
 * A conversation as the messages of a chat-completions request. Calls of one turn are gathered in one assistant message, each with its
 * answer right behind; agent words that were cut are marked, so that the model knows what the caller did not hear.
 */
export function chatMessages(agent: AgentSpec, items: readonly ConversationItem[]): ChatCompletionMessageParam[] {
  const messages: ChatCompletionMessageParam[] = [{ role: "system", content: systemText(agent) }];
  for (let at = 0; at < items.length;) {
    const item = items[at];
    if (item === undefined) break;
    if (item.type === "caller") messages.push({ role: "user", content: item.text === "" ? "(unintelligible)" : item.text });
    if (item.type === "agent" && item.text !== "")
      messages.push({
        role: "assistant",
        content: item.interrupted ? `${item.text} (interrupted here)` : item.text,
      });
    if (item.type !== "tool") {
      at += 1;
      continue;
    }
    const calls = callsFrom(items, at);
    messages.push({
      role: "assistant",
      content: null,
      tool_calls: calls.map(({ id, name, arguments: args }) => ({
        id,
        type: "function",
        function: { name, arguments: args },
      })),
    });
    messages.push(
      ...calls.map(({ id, output }) => ({
        role: "tool" as const,
        tool_call_id: id,
        content: output ?? unanswered,
      })),
    );
    at += calls.length;
  }
  return messages;
}

type ToolItem = Extract<ConversationItem, { type: "tool" }>;

function callsFrom(items: readonly ConversationItem[], from: number): ToolItem[] {
  const calls: ToolItem[] = [];
  for (let item = items[from]; item?.type === "tool"; item = items[from + calls.length]) calls.push(item);
  return calls;
}

function systemText({ instructions, language }: AgentSpec): string {
  return `${instructions}\n\nYou are on the phone: answer in one to three short spoken sentences, in ${language}, without lists, markdown or emoji.`.trim();
}
