import { lastSentence, type Guide } from "./guide.ts";
import { speakDigits } from "./speech.ts";
import type { Asked, State } from "./state.ts";

/**
 * What an agent turn asked, read from its words: our own questions are known by heart, those of another provider by what they speak of.
 * Words that were cut off before the question asked nothing; a question of which only the end is missing was understood.
 */
export function whatAsked(guide: Guide, state: State, text: string): Asked | undefined {
  const known = guide.questions.find(({ pattern }) => pattern.test(text.trim()))?.asked ?? nearlyAsked(guide, state, text);
  if (known?.type === "partial") return state.partial === undefined ? undefined : { type: "slot", slot: state.partial.slot };
  if (known !== undefined) return known;
  const question = lastSentence(text).toLowerCase();
  if (!question.endsWith("?") && !/\b(?:please (?:tell|give|say)|may i have|i need)\b/.test(question)) return undefined;
  if (/\b(?:shall|should|may) i (?:book|go|make|confirm|do|move|cancel|reserve|place)|go ahead\?$/.test(question)) return { type: "agree" };
  if (/\b(?:anything|something) else\b/.test(question)) return { type: "more" };
  if (/\b(?:right|correct)\?$/.test(question)) return hasUnchecked(guide, state) ? { type: "check" } : { type: "agree" };
  const slot = slotNamed(guide, state, question);
  return slot === undefined ? undefined : { type: "slot", slot };
}

/** Callers answer before a question is quite over: two thirds of it are enough, or the whole of a number that is read back. */
function nearlyAsked(guide: Guide, state: State, text: string): Asked | undefined {
  const unchecked = uncheckedSlot(guide, state);
  if (unchecked !== undefined && text.includes(speakDigits(String(state.values[unchecked]?.value)))) return { type: "check" };
  const begun = lastSentence(text);
  const asked = guide.questions.find(({ words }) => words.startsWith(begun) && begun.length * 3 >= words.length * 2)?.asked;
  return asked?.type === "partial" ? undefined : asked;
}

/** The slot whose words a text names, the longest first; the open form's own slots before others. */
export function slotNamed(guide: Guide, state: State, text: string): string | undefined {
  const form = state.form && guide.flow.intents[state.form.intent];
  const own = form?.kind === "form" ? form.slots : [];
  let best: { slot: string; length: number } | undefined;
  for (const [slot, { words }] of Object.entries(guide.flow.slots)) {
    if (own.length > 0 && !own.includes(slot)) continue;
    for (const word of words) {
      const isNamed = new RegExp(`\\b${word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}\\b`, "i").test(text);
      if (isNamed && word.length > (best?.length ?? 0)) best = { slot, length: word.length };
    }
  }
  return best?.slot;
}

/** The first value that must be read back before it counts. */
export function uncheckedSlot(guide: Guide, state: State): string | undefined {
  const form = state.form && guide.flow.intents[state.form.intent];
  const own = form?.kind === "form" ? form.slots : Object.keys(guide.flow.slots);
  return own.find((slot) => state.values[slot]?.checked === false);
}

const hasUnchecked = (guide: Guide, state: State): boolean => uncheckedSlot(guide, state) !== undefined;
