import { slotNamed, uncheckedSlot } from "./asked.ts";
import type { Intent } from "./flow.ts";
import { bestIntent, crisisIn, formOf, type Guide } from "./guide.ts";
import { isoDay, readDay } from "./readers/dates.ts";
import { readDigits } from "./readers/digits.ts";
import { readEcho } from "./readers/echo.ts";
import { readSum } from "./readers/sums.ts";
import { tokens } from "./readers/tokens.ts";
import { readYesNo } from "./readers/yes-no.ts";
import { corrected, openSlots, readSlots, slotToChange } from "./read-slots.ts";
import { checkValues, put } from "./values.ts";
import { without, type Act, type State } from "./state.ts";

/** What is known after a caller turn, and what it calls for. */
export function understand(guide: Guide, before: State, text: string, now: Date): State {
  const fresh: State = { ...before, acts: [], again: undefined };
  if (!/[\p{L}\p{N}]/u.test(text)) return { ...fresh, acts: [{ type: "unheard" }], misses: before.misses + 1 };
  const state: State = { ...fresh, heard: text };
  const crisis = crisisIn(guide, text);
  if (crisis !== undefined) return { ...state, acts: [{ type: "crisis", index: crisis }] };
  const echo = readEcho(text);
  const echoIntent = Object.entries(guide.flow.intents).find(([, intent]) => intent.kind === "action" && intent.does === "echo")?.[0];
  if (echo !== undefined && echoIntent !== undefined) return got(state, { type: "echo", intent: echoIntent, text: echo });
  if (isOtherLanguage(guide, text)) return { ...state, acts: [{ type: "other-language" }] };
  const found = bestIntent(guide, text);
  const answered = answerToQuestion(guide, state, text, now, found?.intent);
  if (answered !== undefined) return answered;
  return freely({ guide, state, text, now, before }, found);
}

interface Turn {
  readonly guide: Guide;
  readonly state: State;
  readonly text: string;
  readonly now: Date;
  /** The state before this turn. */
  readonly before: State;
}

const got = (state: State, ...acts: readonly Act[]): State => ({
  ...state,
  misses: 0,
  acts: [...state.acts, ...acts],
});

/** Yes, no and corrections, where the agent's last words asked for one; undefined when the caller spoke of something else. */
function answerToQuestion(guide: Guide, state: State, text: string, now: Date, intent: Intent | undefined): State | undefined {
  const reply = readYesNo(text);
  const unchecked = uncheckedSlot(guide, state);
  const isAside = intent?.kind === "action" && (intent.does !== "goodbye" || reply !== "yes");
  if (state.asked?.type === "check" && unchecked !== undefined) {
    return isAside || (readSum(text) !== undefined && reply === undefined)
      ? undefined
      : answerToCheck(guide, state, unchecked, text, reply);
  }
  if (state.asked?.type === "agree" && state.form !== undefined) {
    if (isAside) return undefined;
    if (reply === "yes" && !hasNews(guide, state, text, now)) return got({ ...state, form: { ...state.form, agreed: true } });
    const wrong = slotToChange(guide, state, text);
    if (reply !== "no" || wrong !== undefined || hasNews(guide, state, text, now)) return undefined;
    return got(state, { type: "declined" });
  }
  if (
    state.asked?.type === "more" &&
    reply !== undefined &&
    tokens(text).length <= 5 &&
    (intent === undefined || intent.kind === "answer")
  ) {
    return got(state, reply === "no" ? { type: "goodbye", intent: undefined } : { type: "invite" });
  }
  return undefined;
}

function answerToCheck(guide: Guide, state: State, slot: string, text: string, reply: "yes" | "no" | undefined): State | undefined {
  const known = String(state.values[slot]?.value ?? "");
  const said = readDigits(text).at(-1)?.digits;
  // One digit alone is a correction only beside a no.
  if (said === undefined || (reply !== "no" && said.length < 2)) {
    if (reply === "yes")
      return got({ ...state, values: { ...state.values, [slot]: { value: known, checked: true } } }, { type: "noted", slots: [slot] });
    if (reply === "no" && tokens(text).length <= 6) return got({ ...state, values: without(state.values, [slot]) }, { type: "corrected" });
    return undefined;
  }
  const value = corrected(known, text, guide.flow.slots[slot]?.max ?? known.length) ?? known;
  const isSame = value === known;
  const filled = put(guide, { ...state, values: without(state.values, [slot]) }, { [slot]: value });
  if (isSame)
    return got({ ...state, values: { ...state.values, [slot]: { value: known, checked: true } } }, { type: "noted", slots: [slot] });
  return got(filled, ...(reply === "no" ? [{ type: "corrected" } as const] : []));
}

/** Whether a turn gives a value that is not known yet. */
function hasNews(guide: Guide, state: State, text: string, now: Date): boolean {
  const read = readSlots({ guide, state, now, wanted: slotToChange(guide, state, text) }, text, openSlots(guide, state));
  return Object.entries(read).some(([slot, value]) => state.values[slot]?.value !== value);
}

/** A turn in the caller's own words: a wish, values, a question in between, or all of it at once. */
function freely(turn: Turn, found: ReturnType<typeof bestIntent>): State {
  const { guide, text, now } = turn;
  const sum = readSum(text);
  const begins =
    found?.intent.kind === "form" && (turn.state.form?.intent !== found.name || formOf(guide, turn.state.form.intent) === undefined);
  const isMessage = wantedReader(turn) === "message";
  const mayBegin = begins && !(turn.state.form !== undefined && isMessage);
  const state = mayBegin && found !== undefined ? open(turn.state, guide, found.name) : turn.state;
  const wanted = mayBegin ? undefined : wantedSlot(guide, state, text);
  const isAside = found !== undefined && found.intent.kind !== "form" && !yields(guide, state, found, wanted, text);
  const isQuestion = /\?\s*$|^\W*(?:what|when|where|who|how|do|does|are|is|can|could|which)\b/i.test(text) && isAside;
  const read =
    isQuestion || (isAside && isMessage)
      ? {}
      : readSlots({ guide, state, now, wanted: isAside ? undefined : wanted }, text, openSlots(guide, state));
  const withValues =
    Object.keys(read).length === 0 ? state : checkValues(guide, put(guide, { ...state, misses: 0 }, joined(guide, state, text, read)), now);
  if (isAside && found !== undefined) return aside({ ...turn, state: withValues }, found.name, found.intent);
  if (Object.keys(read).length > 0 || mayBegin) return { ...withValues, misses: 0 };
  if (sum !== undefined) return got(state, { type: "sum", intent: nameOf(guide, "sum"), ...sum });
  return nothingNew({ ...turn, state });
}

/** The slot that a bare value would be meant for. */
function wantedSlot(guide: Guide, state: State, text: string): string | undefined {
  if (state.form === undefined) return state.asked?.type === "slot" ? state.asked.slot : undefined;
  const named = slotToChange(guide, state, text);
  if (state.asked !== undefined && state.asked.type !== "slot") return named;
  const next = formOf(guide, state.form.intent)?.slots.find((slot) => state.values[slot] === undefined);
  if (state.asked?.type === "slot") return named !== undefined && state.values[named] !== undefined ? named : state.asked.slot;
  return named ?? next;
}

const wantedReader = ({ guide, state, text }: Turn): string | undefined => guide.flow.slots[wantedSlot(guide, state, text) ?? ""]?.reader;

/** Whether a short phrase ("one person", "thanks, it's Bob") must stand back behind the value that was asked for. */
function yields(
  guide: Guide,
  state: State,
  found: NonNullable<ReturnType<typeof bestIntent>>,
  wanted: string | undefined,
  text: string,
): boolean {
  const reader = wanted === undefined ? undefined : guide.flow.slots[wanted]?.reader;
  if (reader === undefined || wanted === undefined) return false;
  const length = tokens(text).length;
  if (reader === "message") return length > found.words + 2;
  if (found.weight > 1.25) return false;
  const isPolite = found.intent.kind === "answer" && length > found.words;
  if (reader === "name") return isPolite;
  const value = readSlots({ guide, state, now: new Date(0), wanted }, text, [wanted]);
  return Object.keys(value).length > 0;
}

/** Digits that go on with a number of which only the beginning was said. */
function joined(
  guide: Guide,
  state: State,
  text: string,
  read: Readonly<Record<string, string | number>>,
): Readonly<Record<string, string | number>> {
  const { partial } = state;
  const more = partial === undefined ? undefined : read[partial.slot];
  if (partial === undefined || more === undefined) return read;
  const { min = 1, max = 20 } = guide.flow.slots[partial.slot] ?? {};
  if (readYesNo(text) === "no") return { ...read, [partial.slot]: corrected(partial.digits, text, max) ?? more };
  const whole = partial.digits + String(more);
  return String(more).length >= min || whole.length > max ? read : { ...read, [partial.slot]: whole };
}

function open(state: State, guide: Guide, intent: string): State {
  const kept = Object.keys(state.values).filter((slot) => guide.flow.slots[slot]?.keep !== true);
  return {
    ...state,
    form: { intent, agreed: false },
    values: without(state.values, kept),
    partial: undefined,
    acts: [...state.acts, { type: "begin", intent }],
  };
}

/** What is neither a value nor a task: a question in between, a wish about the talk itself. */
function aside(turn: Turn, name: string, intent: Intent): State {
  const { guide, state, text, now, before } = turn;
  if (intent.kind === "answer")
    return got(state, { type: "answer", intent: name, day: /\bnow\b/i.test(text) ? isoDay(now) : readDay(text, now) });
  if (intent.kind === "form") return state;
  switch (intent.does) {
    case "repeat":
    case "slower":
      return { ...before, heard: text, again: { intent: name } };
    case "sum": {
      const sum = readSum(text);
      return sum === undefined ? nothingNew(turn) : got(state, { type: "sum", intent: name, ...sum });
    }
    case "spell":
      return got(state, { type: "spell", intent: name, what: spellable(guide, state, text) });
    case "heard":
      return got(state, { type: "heard", intent: name, text: before.heard });
    case "echo":
      return got(state, { type: "echo", intent: name, text: undefined });
    case "status":
      return got(state, { type: "status", intent: name });
    case "human":
      return got(state, { type: "human", intent: name, reason: "asked for a person" });
    case "goodbye":
      return got(state, { type: "goodbye", intent: name });
    case "drop":
      return got({ ...state, form: undefined, partial: undefined, values: checkedOnly(state) }, { type: "dropped", intent: name });
  }
}

const checkedOnly = (state: State): State["values"] =>
  Object.fromEntries(Object.entries(state.values).filter(([, filled]) => filled.checked));

function spellable(guide: Guide, state: State, text: string): string {
  const nameSlot = Object.keys(guide.flow.slots).find((slot) => guide.flow.slots[slot]?.reader === "name") ?? "";
  if (/\b(?:address|street|where)\b/i.test(text)) return guide.flow.business.address;
  return String(state.values[nameSlot]?.value ?? guide.flow.business.name);
}

function nothingNew({ guide, state, text }: Turn): State {
  const reply = readYesNo(text);
  const named = state.form === undefined || state.asked?.type === "slot" ? undefined : slotNamed(guide, state, text);
  if (named !== undefined && state.values[named] !== undefined && slotToChange(guide, state, text) === named) {
    return got({ ...state, values: without(state.values, [named]) }, { type: "corrected" });
  }
  if (state.asked?.type === "change" && reply === "no") return got(state);
  if (state.form === undefined && state.asked === undefined && reply === "yes") return got(state, { type: "invite" });
  if (Object.keys(state.pending).length > 0) return got(state, { type: "working" });
  return { ...state, acts: [...state.acts, { type: "missed" }], misses: state.misses + 1 };
}

/** Small words of another language, or letters that English does not use. */
function isOtherLanguage(guide: Guide, text: string): boolean {
  const words = tokens(text).map((word) => word.text);
  if (words.length < 2 && /^[\p{Script=Latin}\P{L}]*$/u.test(text)) return false;
  const letters = Array.from(text.matchAll(/\p{L}/gu)).length;
  const foreign = Array.from(text.matchAll(/(?!\p{Script=Latin})\p{L}/gu)).length;
  if (letters > 0 && foreign / letters > 0.5) return true;
  return guide.flow.otherLanguages.some(({ words: known }) => {
    const hits = words.filter((word) => known.includes(word)).length;
    return hits >= 2 && hits / words.length >= 0.4;
  });
}

function nameOf(guide: Guide, does: string): string {
  return Object.entries(guide.flow.intents).find(([, intent]) => intent.kind === "action" && intent.does === does)?.[0] ?? does;
}
