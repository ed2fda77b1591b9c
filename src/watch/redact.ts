/** Makes anything fit for a log line: bounded, plain, one line a string, and without secrets wherever they hide. */
export interface Redactor {
  /** One string. */
  readonly text: (given: string) => string;
  /** Any value as plain JSON data; errors, maps, sets, cycles and throwing getters included. */
  readonly value: (given: unknown) => unknown;
}

const hidden = "[hidden]";
const longestText = 8_000;
const mostEntries = 100;
const deepest = 8;
/** Names, ids and words that come again and again: texts of this length are remembered as clean, so many of them. */
const shortText = 64;
const mostClean = 20_000;

/** Keys whose value is hidden whatever it is, but for numbers (`output_text_tokens`) and truth values. */
const secretKey =
  /(^|[^a-z])(authori[sz]ation|cookie|passw(or)?d|passphrase|secret|credentials?|signature|private[-_ ]?key|api[-_ ]?key|key|auth)s?$|token$|^pass$|apikey$|secret$|password$/i;
/** `secret: "OPENAI_API_KEY"` names one and is none. */
const settingName = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$/;

/** What looks like a secret though nobody told us of it. Each keeps its first group. Linear in the text's length. */
const patterns: readonly RegExp[] = [
  /()-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?/g,
  /(\/\/)[^/@\s]+(?=@)/g,
  /\b()(?:sk|pk|rk|gsk|xox[abp]|gh[opsu])[-_][A-Za-z0-9_-]{6,}/g,
  /\b()AIza[A-Za-z0-9_-]{16,}/g,
  /\b()eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?/g,
  /\b(Bearer\s+)[^\s"',;]+/gi,
  /\b((?:Basic|Token)\s+)(?=\S*[\d=])[A-Za-z0-9._~+/=-]{12,}/gi,
  /((?:\bauthori[sz]ation|api[-_ ]?key|[-_]key|\bkey|token|secret|passw(?:or)?d|signature|\bsig)["']?\s*[=:]\s*["']?)(?!\[hidden\]|(?:Bearer|Basic|Token)\s)[^\s"'&,;}\]]+/gi,
  /(\bkey\b[^\n]{0,32}?)\b[A-Za-z0-9+/_-]{20,}={0,2}/gi,
];

/** @param secrets every value that must never appear, asked anew for each line because secrets change */
export function redactor(secrets: () => readonly string[]): Redactor {
  let current: readonly string[] = [];
  /** Texts in which nothing was found; what is a secret is never among them, nor is any that was told of since. */
  const clean = new Set<string>();
  const ask = (): void => {
    const now = secrets();
    if (now === current) return;
    if (now.length === current.length && now.every((secret, at) => secret === current[at])) return;
    current = now;
    clean.clear();
  };
  /** What each key says of its value: there are few keys, and a line has ten. */
  const verdicts = new Map<string, boolean>();
  const isSecretKey = (key: string): boolean => {
    const known = verdicts.get(key);
    if (known !== undefined) return known;
    const verdict = secretKey.test(key);
    if (key.length <= shortText && verdicts.size < mostEntries * deepest) verdicts.set(key, verdict);
    return verdict;
  };
  const forms = new Map<string, ReadonlySet<string>>();
  const formsOf = (secret: string): ReadonlySet<string> => {
    const known = forms.get(secret);
    if (known !== undefined) return known;
    // Rotation brings new ones; old ones are made again should they still be asked for.
    if (forms.size >= mostEntries) forms.clear();
    const made = writingsOf(secret);
    forms.set(secret, made);
    return made;
  };
  const text = (given: string): string => {
    if (clean.has(given)) return given;
    const found = searched(given);
    if (found === given && given.length <= shortText) {
      if (clean.size >= mostClean) clean.clear();
      clean.add(given);
    }
    return found;
  };
  const searched = (given: string): string => {
    // A secret that the end of a long text cuts in two is cut off with it: what is kept is shorter than what is searched.
    let found = given.slice(0, 2 * longestText);
    for (const secret of current) {
      // Shorter ones would tear words apart, and protect nothing.
      if (secret.length >= 4) for (const form of formsOf(secret)) found = found.replaceAll(form, hidden);
    }
    for (const pattern of patterns) found = found.replace(pattern, `$1${hidden}`);
    if (found.length > longestText) found = `${found.slice(0, longestText)}… (${given.length} characters)`;
    return printable(found);
  };
  /** The one text that keeps its lines: those that the engine wrote, none that the message brought. */
  const stack = (given: string): string => text(given).replaceAll(`${printable("\n")}    at `, "\n    at ");

  const value = (given: unknown, key: string, above: readonly object[]): unknown => {
    if (typeof given === "number") return Number.isFinite(given) ? given : String(given);
    if (given !== undefined && given !== null && typeof given !== "boolean" && isSecretKey(key)) {
      return typeof given === "string" && settingName.test(given) ? text(given) : hidden;
    }
    if (typeof given === "string") return key === "stack" ? stack(given) : text(given);
    if (typeof given === "bigint" || typeof given === "symbol") return text(String(given));
    if (typeof given === "function") return "[function]";
    if (typeof given !== "object" || given === null) return given;
    if (above.includes(given)) return "[circular]";
    if (above.length >= deepest) return "[deeper]";
    if (ArrayBuffer.isView(given) || given instanceof ArrayBuffer) return `[${given.byteLength} bytes]`;
    if (given instanceof Date) return Number.isNaN(given.getTime()) ? "[no date]" : given.toISOString();
    if (given instanceof URL) return text(given.href);
    const path = [...above, given];
    if (Array.isArray(given) || given instanceof Set) return [...given].slice(0, mostEntries).map((entry) => value(entry, "", path));
    const entries: (readonly [string, unknown])[] =
      given instanceof Map ? [...given].map(([name, entry]) => [String(name), entry]) : entriesOf(given);
    const told: Record<string, unknown> = {};
    for (const [name, entry] of entries.slice(0, mostEntries)) {
      const [key, shown] = [text(name), value(entry, name, path)];
      // A key of that name would be no entry, but what the object inherits from.
      if (key === "__proto__") Object.defineProperty(told, key, { value: shown, enumerable: true });
      else told[key] = shown;
    }
    return told;
  };

  return {
    text(given) {
      ask();
      return text(given);
    },
    value(given) {
      ask();
      return value(given, "", []);
    },
  };
}

/** As it is, as in a URL, as in JSON, as in Basic authentication. */
function writingsOf(secret: string): Set<string> {
  const base64 = Buffer.from(secret).toString("base64").replace(/=+$/, "");
  return new Set([secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), base64]);
}

function entriesOf(given: object): (readonly [string, unknown])[] {
  const names = given instanceof Error ? new Set(["name", "message", "code", "stack", "cause", ...Object.keys(given)]) : Object.keys(given);
  const entries: (readonly [string, unknown])[] = [];
  for (const name of names) {
    try {
      const entry: unknown = Reflect.get(given, name);
      if (entry !== undefined) entries.push([name, entry]);
    } catch {
      entries.push([name, "[unreadable]"]);
    }
  }
  return entries;
}

const printable = (text: string): string => text.replace(unprintable, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** Control characters of both sets, and the separators and direction marks that a terminal or a viewer acts upon. */
const unprintable = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
