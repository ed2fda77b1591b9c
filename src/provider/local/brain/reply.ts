import { uncheckedSlot } from "./asked.ts";
import { blanks } from "./flow.ts";
import { formOf, type Guide } from "./guide.ts";
import { spokenTimes, spokenWeek, timesOn } from "./opening-hours.ts";
import { isoDay } from "./readers/dates.ts";
import { isNumberWord, readDigits } from "./readers/digits.ts";
import { fill, speakDay, speakDigits, speakTime, speakValue, spell } from "./speech.ts";
import { spokenStatus } from "./status.ts";
import type { Act, Call, State, Values } from "./state.ts";

export interface Reply {
  readonly words: string;
  readonly calls: readonly Call[];
}

/** What a reply is made with beside the state. */
export interface Voice {
  readonly guide: Guide;
  readonly now: Date;
  readonly tools: ReadonlySet<string>;
  /** One of several sentences that say the same. */
  readonly pick: (variants: readonly string[]) => string;
}

/** After so many turns in a row that brought nothing, a person is asked for. */
const missLimit = 3;

/** What to say and do in a state: what its acts call for, then the next open question. */
export function replyTo(voice: Voice, state: State): Reply {
  if (state.again !== undefined) return repeated(voice, state, state.again.intent);
  if (state.misses >= missLimit) return person(voice, voice.pick(voice.guide.flow.sentences.human), "the caller could not be understood");
  const said = state.acts.map((act) => answerTo(voice, state, act));
  const calls = said.flatMap((one) => one.calls);
  const words = said.map((one) => one.words);
  const isOver =
    calls.length > 0 ||
    isFirstUnheard(state) ||
    state.acts.some(({ type }) => type === "transferred" || type === "crisis" || type === "over");
  const next = isOver ? nothing : nextStep(voice, state);
  return {
    words: [...words, next.words].filter((part) => part !== "").join(" "),
    calls: [...calls, ...next.calls],
  };
}

/** The question just asked is still in the caller's ear: they need only say it again. */
const isFirstUnheard = (state: State): boolean => state.misses === 1 && state.acts.some(({ type }) => type === "unheard");

const nothing: Reply = { words: "", calls: [] };
const say = (words: string): Reply => ({ words, calls: [] });

function answerTo(voice: Voice, state: State, act: Act): Reply {
  const { guide } = voice;
  const { sentences, slots } = guide.flow;
  const line = (variants: readonly string[], more: Readonly<Record<string, string | number>> = {}): Reply =>
    say(sentence(voice, variants, more));
  const own = (intent: string): readonly string[] => sayOf(guide, intent);
  switch (act.type) {
    case "answer": {
      const intent = guide.flow.intents[act.intent];
      const onDay = intent?.kind === "answer" && act.day !== undefined ? intent.onDay : undefined;
      return onDay === undefined || act.day === undefined ? line(own(act.intent)) : line(onDay, dayBlanks(voice, act.day));
    }
    case "begin":
      return line(formOf(guide, act.intent)?.opening ?? []);
    case "noted":
      return noted(voice, state, act.slots);
    case "changed":
      return state.acts.some(({ type }) => type === "corrected") ? nothing : line(sentences.noted);
    case "corrected":
      return line(sentences.corrected);
    case "outside":
      return line(slots[act.slot]?.outside ?? [], {
        min: slots[act.slot]?.min ?? 0,
        max: slots[act.slot]?.max ?? 0,
      });
    case "closed":
      return line(sentences.closedThen, dayBlanks(voice, act.day));
    case "past":
      return line(sentences.past);
    case "unheard":
      return isFirstUnheard(state) ? line(sentences.unheard) : line(state.form === undefined ? sentences.hint : []);
    case "missed":
      return state.form !== undefined || state.asked?.type === "slot"
        ? nothing
        : line(state.misses > 1 ? sentences.hint : sentences.unclear);
    case "declined":
      return line(sentences.change);
    case "dropped":
      return line(act.intent === undefined ? sentences.dropped : own(act.intent));
    case "invite":
      return line(sentences.invite);
    case "working":
      return line(sentences.working);
    case "sum":
      return act.result === undefined ? say("Nobody can divide by zero.") : line(own(act.intent), { sum: act.spoken, result: act.result });
    case "spell":
      return line(own(act.intent), { spelled: spell(act.what) });
    case "heard":
      return act.text === undefined ? line(sentences.unheard) : line(own(act.intent), { heard: verbatim(act.text) });
    case "echo":
      return act.text === undefined ? line(sentences.invite) : line(own(act.intent), { heard: verbatim(act.text) });
    case "status":
      return voice.tools.has("line_status")
        ? { words: "", calls: [{ name: "line_status", arguments: "{}" }] }
        : line(sentences.unavailable);
    case "human":
      return person(voice, sentence(voice, act.intent === undefined ? sentences.human : own(act.intent)), act.reason);
    case "crisis": {
      const call = voice.tools.has("transfer_to_human")
        ? [{ name: "transfer_to_human", arguments: JSON.stringify({ reason: "crisis" }) }]
        : [];
      return { words: sentence(voice, guide.flow.crisis[act.index]?.say ?? []), calls: call };
    }
    case "goodbye": {
      const words = sentence(voice, sayOf(guide, act.intent ?? intentDoing(guide, "goodbye")));
      return {
        words,
        calls: voice.tools.has("end_call") ? [{ name: "end_call", arguments: "{}" }] : [],
      };
    }
    case "other-language":
      return line(guide.flow.englishOnly);
    case "done":
      return line([
        `${sentence(voice, formOf(guide, act.intent)?.done ?? [], { ...valueBlanks(guide, act.values), ...resultBlanks(act.result) })} ${voice.pick(sentences.more)}`,
      ]);
    case "problem":
      return say(act.text);
    case "failed":
      return line([`${voice.pick(sentences.failed)} ${voice.pick(sentences.more)}`]);
    case "over":
      return nothing;
    case "transferred":
      return line(sentences.transferred);
    case "reported":
      return line(own(act.intent), { status: spokenStatus(act.result) });
  }
}

/** A short word of thanks for values, the name called by name; nothing where a read-back follows. */
function noted(voice: Voice, state: State, slots: readonly string[]): Reply {
  const { sentences } = voice.guide.flow;
  if (state.acts.some(({ type }) => type !== "noted")) return nothing;
  if (slots.some((slot) => state.values[slot]?.checked === false)) return nothing;
  const named = slots.find((slot) => voice.guide.flow.slots[slot]?.reader === "name");
  if (named !== undefined)
    return say(
      sentence(voice, sentences.thanksName, {
        name: String(state.values[named]?.value ?? "").split(" ")[0] ?? "",
      }),
    );
  const isLast = state.form === undefined;
  return say(isLast ? `${voice.pick(sentences.noted)} ${voice.pick(sentences.invite)}` : voice.pick(sentences.noted));
}

/** The next open question of the task, or its tool once everything is agreed. */
export function nextStep(voice: Voice, state: State): Reply {
  const { guide } = voice;
  const form = formOf(guide, state.form?.intent);
  if (form !== undefined && Object.values(state.pending).some(({ name }) => name === form.tool)) {
    return state.acts.some(({ type }) => type === "working") ? nothing : say(sentence(voice, guide.flow.sentences.working));
  }
  if (state.partial !== undefined && state.misses > 1) return say(ask(voice, state, state.partial.slot));
  if (state.partial !== undefined) return say(sentence(voice, guide.flow.sentences.partial, { digits: speakDigits(state.partial.digits) }));
  const unchecked = uncheckedSlot(guide, state);
  // A question that twice brought neither yes nor no says what it wants.
  const plea = state.misses > 1 ? `${sentence(voice, guide.flow.sentences.yesOrNo)} ` : "";
  if (unchecked !== undefined)
    return say(plea + sentence(voice, guide.flow.slots[unchecked]?.check ?? [], valueBlanks(guide, state.values)));
  if (form === undefined || state.acts.some(({ type }) => type === "declined")) return nothing;
  const missing = form.slots.find((slot) => state.values[slot] === undefined);
  if (missing !== undefined) return say(ask(voice, state, missing));
  if (form.confirm !== undefined && state.form?.agreed !== true)
    return say(sentence(voice, form.confirm, valueBlanks(guide, state.values)));
  if (!voice.tools.has(form.tool)) return say(sentence(voice, guide.flow.sentences.unavailable));
  const args = Object.fromEntries(form.slots.map((slot) => [slot, state.values[slot]?.value]));
  return {
    words: form.slow ? sentence(voice, guide.flow.sentences.moment) : "",
    calls: [{ name: form.tool, arguments: JSON.stringify(args) }],
  };
}

function ask(voice: Voice, state: State, slot: string): string {
  const spec = voice.guide.flow.slots[slot];
  const missed = state.acts.some(({ type }) => type === "missed" || type === "unheard") ? state.misses : 0;
  const variants = missed === 0 ? spec?.ask : missed === 1 ? spec?.again : spec?.otherWay;
  return sentence(voice, variants ?? [], { min: spec?.min ?? 0, max: spec?.max ?? 0 });
}

/** The last reply again: the same words, or made anew when the caller did not hear all of it. */
function repeated(voice: Voice, state: State, intent: string): Reply {
  const said = state.said?.cut === false ? state.said.text : replyTo(voice, { ...state, again: undefined }).words;
  const open = said === "" ? nextStep(voice, { ...state, again: undefined }).words : said;
  return say(
    sentence(voice, sayOf(voice.guide, intent), {
      said: open === "" ? voice.pick(voice.guide.flow.sentences.invite) : open,
    }),
  );
}

function person(voice: Voice, words: string, reason: string): Reply {
  if (!voice.tools.has("transfer_to_human")) return say(sentence(voice, voice.guide.flow.sentences.noHuman));
  return { words, calls: [{ name: "transfer_to_human", arguments: JSON.stringify({ reason }) }] };
}

/** The words as heard; numbers digit by digit, so that every one can be checked. */
function verbatim(text: string): string {
  let spoken = "";
  let at = 0;
  for (const { digits, start, end } of readDigits(text)) {
    if (
      digits.length < 2 ||
      !isNumberWord(
        text
          .slice(start, end)
          .toLowerCase()
          .split(/[\s,-]/)[0] ?? "",
      )
    )
      continue;
    spoken += text.slice(at, start) + speakDigits(digits);
    at = end;
  }
  return (spoken + text.slice(at)).trim().replace(/[.!]+$/, "");
}

function sayOf(guide: Guide, intent: string): readonly string[] {
  const found = guide.flow.intents[intent];
  return found === undefined || found.kind === "form" ? [] : found.say;
}

function intentDoing(guide: Guide, does: string): string {
  return Object.entries(guide.flow.intents).find(([, intent]) => intent.kind === "action" && intent.does === does)?.[0] ?? "";
}

/** One of the variants, with the business's own blanks and `more` filled in. */
export function sentence(voice: Voice, variants: readonly string[], more: Readonly<Record<string, string | number>> = {}): string {
  if (variants.length === 0) return "";
  const chosen = voice.pick(variants);
  const named = blanks(chosen);
  return fill(chosen, {
    ...(named.some((name) => !(name in more)) ? businessBlanks(voice) : {}),
    ...more,
  });
}

function businessBlanks({ guide, now }: Voice): Record<string, string> {
  const { name, address, hours } = guide.flow.business;
  const today = isoDay(now);
  const clock = `${String(now.getHours()).padStart(2, "0")}:${String(now.getMinutes()).padStart(2, "0")}`;
  return {
    business: name,
    address,
    hours: spokenWeek(hours),
    today_hours: spokenTimes(timesOn(hours, today)),
    time: speakTime(clock),
    date: speakDay(today),
  };
}

const dayBlanks = ({ guide }: Voice, day: string): Record<string, string> => ({
  day: speakDay(day),
  day_hours: spokenTimes(timesOn(guide.flow.business.hours, day)),
});

function valueBlanks(guide: Guide, values: Values): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([slot, { value }]) => [slot, speakValue(guide.flow.slots[slot]?.reader ?? "message", value)]),
  );
}

/** A result's fields as `{result.…}`; codes made of digits are said digit by digit, lists with "and". */
function resultBlanks(result: Readonly<Record<string, unknown>>): Record<string, string> {
  const spoken = (value: unknown): string => {
    if (Array.isArray(value)) return value.map(spoken).join(" and ");
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return /^\d{4,}$/.test(text) ? speakDigits(text) : text;
  };
  return Object.fromEntries(Object.entries(result).map(([field, value]) => [`result.${field}`, spoken(value)]));
}
