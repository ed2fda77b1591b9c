import { readFile } from "node:fs/promises";
import { z } from "zod";
import { Fault } from "../../../kernel/fault.ts";

const words = z.string().trim().min(1).max(600);
/** One sentence, or several of which one is chosen at random. */
const variants = z.union([words.transform((one) => [one]), z.array(words).min(1).max(20)]);
const phrases = z.array(words).min(1).max(200);
const clockTime = z.string().regex(/^([01]\d|2[0-4]):[0-5]\d$/, "must be a time such as 17:30");
const openDay = z.array(z.tuple([clockTime, clockTime])).max(4);
const name = z.string().regex(/^[a-z][a-z0-9_]{0,39}$/, "must be lower case letters, digits and _");

export const weekdays = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"] as const;

const business = z.strictObject({
  name: words,
  address: words,
  /** IANA name; without it the machine's own zone. */
  timeZone: z.string().refine(isTimeZone, "must be a time zone such as Europe/London").optional(),
  /** Opening times of each day; none: closed. */
  hours: z.strictObject(Object.fromEntries(weekdays.map((day) => [day, openDay])) as Record<(typeof weekdays)[number], typeof openDay>), // the keys are exactly the weekdays
});

const sentences = z.strictObject({
  greeting: variants,
  /** Said once, after the first greeting. */
  notice: variants,
  /** Taking over in the middle of a call. */
  bridge: variants,
  more: variants,
  noted: variants,
  corrected: variants,
  unclear: variants,
  /** An open question to a caller who said nothing of what they want. */
  invite: variants,
  /** After the second turn in a row that was not understood. */
  hint: variants,
  unheard: variants,
  change: variants,
  yesOrNo: variants,
  dropped: variants,
  moment: variants,
  working: variants,
  partial: variants,
  closedThen: variants,
  past: variants,
  failed: variants,
  unavailable: variants,
  human: variants,
  noHuman: variants,
  transferred: variants,
  thanksName: variants,
});

const slot = z.strictObject({
  reader: z.enum(["party", "day", "time", "name", "phone", "code", "minutes", "message"]),
  ask: variants,
  /** After the first miss. */
  again: variants,
  /** After the second miss: keys, spelling. */
  otherWay: variants,
  /** Read-back of the value alone; the value counts once the caller agreed. */
  check: variants.optional(),
  /** How the caller and other agents call it: "phone number". */
  words: phrases,
  /** Known for the whole call, not only for one task. */
  keep: z.boolean().default(false),
  min: z.number().int().optional(),
  max: z.number().int().optional(),
  /** Said when the value is below `min` or above `max`. */
  outside: variants.optional(),
});

const answer = z.strictObject({
  kind: z.literal("answer"),
  phrases,
  say: variants,
  /** Said instead when the caller named a day. */ onDay: variants.optional(),
});
const form = z.strictObject({
  kind: z.literal("form"),
  phrases,
  slots: z.array(name).min(1).max(12),
  /** Said when the task begins. */
  opening: variants.optional(),
  confirm: variants.optional(),
  tool: name,
  /** Said first, because the tool is slow. */
  slow: z.boolean().default(false),
  /** Day and time must lie in the opening hours. */
  withinHours: z.boolean().default(false),
  done: variants,
  /** Asked anew when the tool has a problem with the values. */
  retry: name.optional(),
});
const action = z.strictObject({
  kind: z.literal("action"),
  does: z.enum(["sum", "repeat", "slower", "spell", "heard", "echo", "status", "human", "goodbye", "drop"]),
  phrases,
  say: variants,
});

const schema = z.strictObject({
  version: z.literal(1),
  business,
  /** Share of a phrase's words that must be heard, 0 to 1. */
  threshold: z.number().min(0.3).max(1).default(0.75),
  sentences,
  crisis: z.array(z.strictObject({ language: words, phrases, say: variants })).min(1),
  otherLanguages: z.array(z.strictObject({ language: words, words: phrases })),
  englishOnly: variants,
  slots: z.record(name, slot),
  intents: z.record(name, z.discriminatedUnion("kind", [answer, form, action])),
});

export type Flow = z.output<typeof schema>;
export type Slot = z.output<typeof slot>;
export type Intent = Flow["intents"][string];
export type Form = z.output<typeof form>;
type Action = z.output<typeof action>["does"];

/**
 * The receptionist's flow from a JSON file that an operator edits.
 * @param path undefined: the front desk that comes with the product
 * @throws {Fault} setting-invalid, with every problem: where, what was found, what is allowed
 */
export async function loadFlow(path?: string): Promise<Flow> {
  const file = path ?? new URL("front-desk.json", import.meta.url);
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new Fault(
      "setting-invalid",
      `reading the receptionist's flow ${String(file)}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  });
  return readFlow(text, path ?? "front-desk.json");
}

/** @throws {Fault} setting-invalid */
export function readFlow(text: string, source: string): Flow {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new Fault(
      "setting-invalid",
      `the receptionist's flow ${source} is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
  const read = schema.safeParse(json);
  if (!read.success) {
    throw new Fault(
      "setting-invalid",
      told(
        source,
        read.error.issues.map((issue) => `${place(issue.path)}: ${issue.message}${found(json, issue.path)}`),
      ),
    );
  }
  const problems = inconsistencies(read.data);
  if (problems.length > 0) throw new Fault("setting-invalid", told(source, problems));
  return read.data;
}

const told = (source: string, problems: readonly string[]): string =>
  [`the receptionist's flow ${source} has ${problems.length} problem(s):`, ...problems.map((problem) => `  ${problem}`)].join("\n");

const place = (path: readonly PropertyKey[]): string => (path.length === 0 ? "top level" : path.map(String).join("."));

function found(json: unknown, path: readonly PropertyKey[]): string {
  let value = json;
  for (const key of path) value = typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
  return `, found ${value === undefined ? "nothing" : JSON.stringify(value).slice(0, 80)}`;
}

/** What any sentence may name in braces. */
const commonBlanks = ["business", "address", "hours", "today_hours", "time", "date"];

const actionBlanks: Readonly<Partial<Record<Action, readonly string[]>>> = {
  sum: ["sum", "result"],
  repeat: ["said"],
  slower: ["said"],
  spell: ["spelled"],
  heard: ["heard"],
  echo: ["heard"],
  status: ["status"],
};
const sentenceBlanks: Readonly<Record<string, readonly string[]>> = {
  partial: ["digits"],
  thanksName: ["name"],
  closedThen: ["day", "day_hours"],
};

function inconsistencies(flow: Flow): string[] {
  const slots = Object.keys(flow.slots);
  const problems: string[] = [];
  const check = (where: string, sentences: readonly string[] | undefined, allowed: readonly string[], open = false): void => {
    for (const blank of (sentences ?? []).flatMap(blanks)) {
      if (allowed.includes(blank) || commonBlanks.includes(blank) || (open && blank.startsWith("result."))) continue;
      problems.push(
        `${where}: unknown blank {${blank}}, allowed are ${[...allowed, ...commonBlanks].map((one) => `{${one}}`).join(" ")}${open ? " {result.…}" : ""}`,
      );
    }
  };
  for (const [key, value] of Object.entries(flow.sentences)) check(`sentences.${key}`, value, sentenceBlanks[key] ?? []);
  for (const [key, value] of Object.entries(flow.slots)) {
    for (const part of ["ask", "again", "otherWay", "check", "outside"] as const)
      check(`slots.${key}.${part}`, value[part], [key, "min", "max"]);
    if ((value.min !== undefined || value.max !== undefined) && value.outside === undefined)
      problems.push(`slots.${key}.outside: missing, needed beside min and max`);
  }
  for (const [key, intent] of Object.entries(flow.intents)) {
    if (intent.kind === "answer") {
      check(`intents.${key}.say`, intent.say, []);
      check(`intents.${key}.onDay`, intent.onDay, ["day", "day_hours"]);
    }
    if (intent.kind === "action") check(`intents.${key}.say`, intent.say, actionBlanks[intent.does] ?? []);
    if (intent.kind !== "form") continue;
    for (const part of [...intent.slots, ...(intent.retry === undefined ? [] : [intent.retry])]) {
      if (!slots.includes(part)) problems.push(`intents.${key}: unknown slot "${part}", there are ${slots.join(", ")}`);
    }
    check(`intents.${key}.opening`, intent.opening, []);
    check(`intents.${key}.confirm`, intent.confirm, slots);
    check(`intents.${key}.done`, intent.done, slots, true);
  }
  return problems;
}

/** The names in braces of a sentence. */
export function blanks(sentence: string): string[] {
  return Array.from(sentence.matchAll(/\{([^{}]*)\}/g), ([, blank = ""]) => blank);
}

function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions();
    return true;
  } catch {
    return false;
  }
}
