import { splitList } from "./grammar.ts";

/** RFC 3261 section 7.3.3 and the extensions' own tables. */
const compactForms: Readonly<Record<string, string>> = {
  a: "Accept-Contact",
  b: "Referred-By",
  c: "Content-Type",
  d: "Request-Disposition",
  e: "Content-Encoding",
  f: "From",
  i: "Call-ID",
  j: "Reject-Contact",
  k: "Supported",
  l: "Content-Length",
  m: "Contact",
  n: "Identity-Info",
  o: "Event",
  r: "Refer-To",
  s: "Subject",
  t: "To",
  u: "Allow-Events",
  v: "Via",
  x: "Session-Expires",
  y: "Identity",
};

/** Fields whose values may share a line. */
const lists: ReadonlySet<string> = new Set([
  "via",
  "route",
  "record-route",
  "contact",
  "supported",
  "require",
  "proxy-require",
  "unsupported",
  "allow",
]);

/** Header fields in order. Names are compared without case and in their long form; values that shared a line stand apart. */
export class Headers {
  readonly #lines: { readonly name: string; readonly value: string }[] = [];

  constructor(lines: readonly (readonly [name: string, value: string])[] = []) {
    for (const [name, value] of lines) this.add(name, value);
  }

  get(name: string): string | undefined {
    const key = name.toLowerCase();
    return this.#lines.find((line) => line.name.toLowerCase() === key)?.value;
  }

  all(name: string): string[] {
    const key = name.toLowerCase();
    return this.#lines.filter((line) => line.name.toLowerCase() === key).map((line) => line.value);
  }

  /** The values of a field such as Supported, in lower case. */
  options(name: string): string[] {
    return this.all(name)
      .map((value) => value.toLowerCase())
      .filter((value) => value !== "");
  }

  add(name: string, value: string): this {
    const long = compactForms[name.toLowerCase()] ?? name;
    const values = lists.has(long.toLowerCase()) ? splitList(value) : [value];
    for (const each of values) this.#lines.push({ name: long, value: each });
    return this;
  }

  /** Takes the place of what was there under that name. */
  set(name: string, value: string): this {
    const key = name.toLowerCase();
    const at = this.#lines.findIndex((line) => line.name.toLowerCase() === key);
    if (at < 0) return this.add(name, value);
    this.#lines[at] = { name, value };
    return this;
  }

  /** In front of all others of that name: Via and Route. */
  prepend(name: string, value: string): this {
    this.#lines.unshift({ name, value });
    return this;
  }

  /** All lines, as on the wire. */
  toString(): string {
    return this.#lines.map(({ name, value }) => `${name}: ${value}\r\n`).join("");
  }
}
