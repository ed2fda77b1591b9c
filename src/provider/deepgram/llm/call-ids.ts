import { systemRandom } from "../../../kernel/random.ts";
import type { ThinkItem } from "../stages.ts";

/**
 * Ids for the calls of one answer: the model's own where every service could take it and nothing has it yet, else one made up.
 * Some models give none, some count from zero in every answer.
 */
export function callIds(conversation: readonly ThinkItem[]): (own: string | undefined) => string {
  const taken = new Set(conversation.map(({ id }) => id));
  return (own) => {
    const id = own !== undefined && /^[\w-]{1,64}$/.test(own) && !taken.has(own) ? own : systemRandom.id("call_");
    taken.add(id);
    return id;
  };
}
