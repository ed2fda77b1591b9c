import type { ConversationItem } from "./contract.ts";

/** What a waiting link has yet to be told: an item, or only the output of a call that it was told without one. */
export interface News {
  readonly item: ConversationItem;
  readonly outputOnly: boolean;
}

/** What of `since` a link does not know that was told `conversation` when it was opened: in order, each once. */
export function newsOf(conversation: readonly ConversationItem[], since: readonly ConversationItem[]): News[] {
  const known = new Map(conversation.map((item) => [keyOf(item), item]));
  const news: News[] = [];
  for (const item of since) {
    const before = known.get(keyOf(item));
    const returned = before?.type === "tool" && before.output === undefined && item.type === "tool" && item.output !== undefined;
    if (before === undefined || returned) news.push({ item, outputOnly: returned });
    known.set(keyOf(item), item);
  }
  return news;
}

/** The whole conversation: what has joined it stands at its end, the output of an earlier call with its call. */
export function joined(conversation: readonly ConversationItem[], since: readonly ConversationItem[]): ConversationItem[] {
  const items = [...conversation];
  for (const { item, outputOnly } of newsOf(conversation, since)) {
    const at = outputOnly ? items.findIndex((one) => keyOf(one) === keyOf(item)) : items.length;
    items[at] = item;
  }
  return items;
}

const keyOf = ({ type, id }: ConversationItem): string => `${type} ${id}`;
