import type { AgentSpec } from "../contract.ts";
import type { ThinkItem } from "./stages.ts";

/** What every language model is told beside the agent's own instructions: that it is heard, not read. */
export function instructionsOf({ instructions, language }: AgentSpec): string {
  const spoken = `What you write is spoken aloud on a call, in the language ${language}. Use plain sentences, few at a time; no lists, no markup, no emoji.`;
  return `${instructions}\n\n${spoken}`;
}

export const directives = {
  greet: "The call has just begun. Greet the caller in one short sentence.",
  carryOn:
    "The line was cut in the middle of your last turn. The caller heard it as far as it stands. Go on from there in mid-sentence: do not begin anew, do not repeat.",
  lateResult: "The result of a tool that you called earlier has come. Tell the caller what follows from it.",
  goOn: "Go on with the conversation.",
} as const;

/** What follows from the conversation's end by itself needs no directive. */
export function directiveFor(conversation: readonly ThinkItem[]): string | undefined {
  const last = conversation.at(-1);
  if (last === undefined) return directives.greet;
  if (last.type === "caller" || last.type === "tool") return undefined;
  return conversation.some((item) => item.type === "tool") ? directives.lateResult : directives.goOn;
}
