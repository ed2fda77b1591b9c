import { normal } from "./normal.ts";
import { defaultPhrases, type CrisisCategory, type LanguagePhrases } from "./phrases.ts";

/** What was found in something that a caller said. */
export interface Crisis {
  readonly category: CrisisCategory;
  /** Of the phrase that was found; the caller may well speak another one. */
  readonly language: string;
}

/** Whether words call for a person at once. Pure: the same words, the same answer. */
export type CrisisDetector = (text: string) => Crisis | undefined;

interface Language {
  readonly name: string;
  readonly apostrophe: "" | " ";
  readonly phrases: readonly { readonly category: CrisisCategory; readonly pattern: RegExp }[];
  /** Where this finds nothing, none of them does: so it is with almost everything that is said. */
  readonly any: RegExp;
  readonly except: RegExp | undefined;
  /** A negation right before the phrase, nothing but fillers between. */
  readonly negatedBefore: RegExp | undefined;
  readonly negation: RegExp | undefined;
  readonly but: RegExp;
}

/** Names of works are quoted, not meant: "a song called I want to die". */
const titled =
  /(?:song|movie|film|book|series|show|episode|album|track|game|band|novel|lied|buch|serie|cancion|pelicula|libro|chanson|livre)(?: \w+){0,2} (?:called|titled|named|heisst|namens|llama|llamada|llamado|titulada|titulado|intitule|intitulee|appelle|appelee|s appelle)(?: [\w.]+){0,2} $/;
/** What takes a negation back: "I do not want to kill myself but". */
const buts: Readonly<Record<string, string>> = { en: "but|though", de: "aber|doch", es: "pero", fr: "mais" };

/**
 * A caller is not asked which language they call for help in, so all are looked through.
 * @param added the operator's own phrases by language, beside ours
 */
export function crisisDetector(added: Readonly<Record<string, readonly string[]>> = {}): CrisisDetector {
  const names = [...new Set([...Object.keys(defaultPhrases), ...Object.keys(added)])];
  const languages = names.map((name) => languageOf(name, defaultPhrases[name], added[name] ?? []));
  return (text) => {
    const writings = { "": normal(text, ""), " ": normal(text, " ") };
    for (const language of languages) {
      const category = find(language, writings[language.apostrophe]);
      if (category !== undefined) return { category, language: language.name };
    }
    return undefined;
  };
}

function find(language: Language, text: string): CrisisCategory | undefined {
  const bare = language.except === undefined ? text : text.replace(language.except, " _ ");
  if (!language.any.test(bare)) return undefined;
  for (const { category, pattern } of language.phrases) {
    pattern.lastIndex = 0;
    for (let match = pattern.exec(bare); match !== null; match = pattern.exec(bare)) {
      if (!isUndone(language, bare, match)) return category;
      // Matches may overlap: the space that ends one begins the next.
      pattern.lastIndex = match.index + 1;
    }
  }
  return undefined;
}

function isUndone({ negatedBefore, negation, but }: Language, text: string, match: RegExpExecArray): boolean {
  const before = text.slice(0, match.index + 1);
  if (titled.test(before)) return true;
  const gap = match.groups?.["gap"] ?? "";
  const isNegated = negatedBefore?.test(before) === true || negation?.test(`${gap} `) === true;
  return isNegated && !but.test(text.slice(match.index));
}

function languageOf(name: string, known: LanguagePhrases | undefined, added: readonly string[]): Language {
  const apostrophe = name === "fr" ? " " : "";
  // Whoever adds a phrase may write it as people do; the mini-language's own signs stay.
  const own = added.map((phrase) =>
    phrase
      .split(/(\.\.\.|\||\*)/)
      .map((part, at) => (at % 2 === 0 ? normal(part, apostrophe) : part))
      .join("")
      .replace(/ *([|*]) */g, "$1")
      .trim(),
  );
  const groups = Object.entries({ ...known?.phrases, configured: own });
  const { negations = [], fillers = [] } = known ?? {};
  const words = (all: readonly string[]): string => all.join("|");
  const phrases = groups.flatMap(([category, of]) =>
    // The keys of such a record are its categories.
    of.map((phrase) => ({ category: category as CrisisCategory, pattern: new RegExp(` ${patternOf(phrase)}(?= )`, "g") })),
  );
  return {
    name,
    apostrophe,
    phrases,
    // One without phrases finds nothing.
    any: new RegExp(phrases.map(({ pattern }) => unnamed(pattern.source)).join("|") || "(?!)"),
    except:
      known === undefined || known.except.length === 0
        ? undefined
        : new RegExp(` (?:${known.except.map(plainPatternOf).join("|")})(?= )`, "g"),
    negatedBefore: negations.length === 0 ? undefined : new RegExp(` (?:${words(negations)})(?: (?:${words(fillers)})){0,6} $`),
    negation: negations.length === 0 ? undefined : new RegExp(` (?:${words(negations)}) `),
    but: new RegExp(` (?:${buts[name] ?? "but"}) `),
  };
}

const unnamed = (source: string): string => source.replace(/\(\?<\w+>/g, "(?:");

/** `(is not|isnt)` is one place of a phrase, with words in it; `!a|b` is any word but these. */
function wordOf(place: string): string {
  if (place === "...") return gapPattern;
  const words = place
    .replace(/^[(!]|\)$/g, "")
    .split("|")
    .map((each) => each.replace(/\*$/, "\\w*"));
  return place.startsWith("!") ? `(?!(?:${words.join("|")}) )\\w+` : `(?:${words.join("|")})`;
}
/** Up to three words, within one sentence. */
const gapPattern = "(?:(?: \\w+){0,3})";

/** The gap of a phrase is a group of its own, because a negation may stand in it. */
function patternOf(phrase: string): string {
  let hasGap = false;
  return joined(phrase, (gap) => {
    if (hasGap) return gap;
    hasGap = true;
    return `(?<gap>${gap})`;
  });
}

const plainPatternOf = (phrase: string): string => joined(phrase, (gap) => gap);

function joined(phrase: string, onGap: (gap: string) => string): string {
  const places = phrase.match(/\([^)]*\)|\S+/g) ?? [];
  return places.map((word, at) => (word === "..." ? onGap(wordOf(word)) : `${at === 0 ? "" : " "}${wordOf(word)}`)).join("");
}
