import type { Call } from "./call.ts";

/** A person listens for so long before they are put through: about half a minute of speech. */
const turnsTold = 4;
const longestTurn = 120;
const longestBriefing = 600;

/** What the person who takes a caller over is told first, in words that can be read aloud: who it is, why, and what was said last. */
export function briefingOf(call: Call, reason: string): string {
  const turns = call.conversation.records(call.ageMs).filter(({ text }) => text !== "");
  const said = turns
    .slice(-turnsTold)
    .map(({ role, text }) => `${role === "caller" ? "Caller" : "Agent"}: ${shortened(text, longestTurn)}`);
  const parts = [
    `A call for you${call.from === undefined ? "" : ` from ${call.from}`}.`,
    reason === "" ? "" : `${shortened(reason, longestTurn)}.`,
  ];
  return shortened([...parts, ...said].filter(Boolean).join(" ").toWellFormed(), longestBriefing);
}

const shortened = (text: string, length: number): string => (text.length <= length ? text : `${text.slice(0, length - 1)}…`);
