import type { Clock } from "../../../kernel/clock.ts";
import { phrase, rank, share, stems, type Phrase } from "./match.ts";
import type { Flow, Form, Intent } from "./flow.ts";
import type { Asked } from "./state.ts";

/** A flow made ready: phrases split into words, questions turned into patterns. One for all calls. */
export interface Guide {
  readonly flow: Flow;
  readonly intents: readonly { readonly name: string; readonly phrases: readonly Phrase[] }[];
  readonly crisis: readonly (readonly Phrase[])[];
  /** The last sentence of everything that the flow asks. */
  readonly questions: readonly {
    readonly asked: Asked | { readonly type: "partial" };
    readonly pattern: RegExp;
    readonly words: string;
  }[];
}

export function guideFrom(flow: Flow): Guide {
  const questions: { asked: Guide["questions"][number]["asked"]; pattern: RegExp; words: string }[] = [];
  const add = (asked: Guide["questions"][number]["asked"], sentences: readonly string[] | undefined): void => {
    for (const sentence of sentences ?? []) questions.push({ asked, pattern: endPattern(sentence), words: lastSentence(sentence) });
  };
  for (const [slot, { ask, again, otherWay, check }] of Object.entries(flow.slots)) {
    add({ type: "slot", slot }, [...ask, ...again, ...otherWay]);
    add({ type: "check" }, check);
  }
  for (const intent of Object.values(flow.intents)) if (intent.kind === "form") add({ type: "agree" }, intent.confirm);
  add({ type: "change" }, flow.sentences.change);
  add({ type: "more" }, flow.sentences.more);
  add({ type: "partial" }, flow.sentences.partial);
  return {
    flow,
    intents: Object.entries(flow.intents).map(([name, intent]) => ({
      name,
      phrases: intent.phrases.map(phrase),
    })),
    crisis: flow.crisis.map(({ phrases }) => phrases.map(phrase)),
    questions,
  };
}

function endPattern(sentence: string): RegExp {
  const escaped = lastSentence(sentence).replace(/[.*+?^$()|[\]\\]/g, "\\$&");
  return new RegExp(`(?:^|\\s)${escaped.replace(/\{[^{}]*\}/g, ".+")}$`, "i");
}

/** The last sentence of a text, with its mark. */
export function lastSentence(text: string): string {
  return (
    text
      .trim()
      .split(/(?<=[.?!])\s+(?=\S)/)
      .at(-1) ?? ""
  );
}

/** The intent that a text means best, if any phrase of it is held well enough. */
export function bestIntent(guide: Guide, text: string): { name: string; intent: Intent; weight: number; words: number } | undefined {
  const heard = stems(text);
  let best: { name: string; rank: number; weight: number; words: number } | undefined;
  for (const { name, phrases } of guide.intents) {
    const intent = guide.flow.intents[name];
    const closes = intent?.kind === "action" && intent.does === "goodbye";
    for (const sought of phrases) {
      const found = share(heard, sought);
      // One word says what is meant only when little else is said ("operator!"), or at the end ("... goodbye").
      const isAside =
        found * sought.weight <= 1.1 && heard.length > sought.words.length + 1 && share(heard.slice(-sought.words.length), sought) < 1;
      const held = isAside ? 0 : found;
      // "Thank you very much, goodbye" is a goodbye.
      const isLast = closes && share(heard.slice(-sought.words.length), sought) === 1;
      const ranked = rank(held, sought) + (isLast ? 2 : 0);
      if (held >= guide.flow.threshold && ranked > (best?.rank ?? 0))
        best = { name, rank: ranked, weight: sought.weight, words: sought.words.length };
    }
  }
  const intent = best && guide.flow.intents[best.name];
  return best === undefined || intent === undefined ? undefined : { name: best.name, intent, weight: best.weight, words: best.words };
}

/** Which crisis entry's phrase a text holds, or undefined. */
export function crisisIn(guide: Guide, text: string): number | undefined {
  const heard = stems(text);
  const index = guide.crisis.findIndex((phrases) => phrases.some((sought) => share(heard, sought) >= 0.92));
  return index < 0 ? undefined : index;
}

/** The form of an intent, or undefined when it is none. */
export function formOf(guide: Guide, intent: string | undefined): Form | undefined {
  const found = intent === undefined ? undefined : guide.flow.intents[intent];
  return found?.kind === "form" ? found : undefined;
}

/** The business's wall clock, as a date of this process's own zone. */
export function wallDate(guide: Guide, clock: Clock): Date {
  const { timeZone } = guide.flow.business;
  const now = new Date(clock.wallNow());
  if (timeZone === undefined) return now;
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
  }).formatToParts(now);
  const part = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.find((one) => one.type === type)?.value ?? 0);
  return new Date(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"));
}
