/** How the text of one setting becomes a value. */
export interface Field<T> {
  /** What it must be, to follow "must be": "a whole number from 0 to 65535". */
  readonly expects: string;
  /** Never shown, and read from a file when NAME_FILE is set. */
  readonly secret: boolean;
  /** Undefined: the text is not what the field expects. */
  read(text: string): T | undefined;
}

const field = <T>(expects: string, read: (text: string) => T | undefined): Field<T> => ({ expects, secret: false, read });

export function integer(min: number, max: number): Field<number> {
  return field(`a whole number from ${min} to ${max}`, (text) => {
    const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    return value >= min && value <= max ? value : undefined;
  });
}

/** So many processes, or one a core. */
export function processes(most: number, cores: () => number): Field<number> {
  const number = integer(1, most);
  return field(`${number.expects}, or auto`, (text) => (text.toLowerCase() === "auto" ? Math.min(most, cores()) : number.read(text)));
}

/** An amount of money. */
export function amount(): Field<number> {
  return field("an amount in US dollars such as 25 or 12.50", (given) => {
    const value = /^\d{1,9}(\.\d{1,6})?$/.test(given) ? Number(given) : Number.NaN;
    return value > 0 ? value : undefined;
  });
}

export function choice<const T extends string>(...options: readonly T[]): Field<T> {
  return field(`one of ${options.join(", ")}`, (text) => options.find((option) => option === text.toLowerCase()));
}

/** One line of text without control characters. */
export function text(expects = "one line of text"): Field<string> {
  return field(expects, (given) => (controlCharacter.test(given) ? undefined : given));
}

/** A short name, good for a label. */
export const slug: Field<string> = field("1 to 32 lower-case letters, digits and hyphens", (given) =>
  /^[a-z0-9-]{1,32}$/.test(given) ? given : undefined,
);

export function path(expects = "a path"): Field<string> {
  return text(expects);
}

/** An absolute address, without the slash at its end. */
export function url(...schemes: readonly string[]): Field<string> {
  return field(`an address that begins with ${schemes.map((scheme) => `${scheme}://`).join(" or ")}`, (given) => {
    const parsed = URL.parse(given);
    return parsed !== null && schemes.includes(parsed.protocol.slice(0, -1)) ? given.replace(/\/+$/, "") : undefined;
  });
}

const isHere = (hostname: string | undefined): boolean =>
  hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname ?? "");

/** Somebody on this machine, without a slash at the end. */
export const urlHere: Field<string> = field("an address of this machine that begins with http://", (given) => {
  const { protocol, hostname } = URL.parse(given) ?? {};
  return protocol === "http:" && isHere(hostname) ? given.replace(/\/+$/, "") : undefined;
});

/** Parts between commas, each without the spaces around it; none twice. */
export function list(pattern: RegExp, expects: string): Field<readonly string[]> {
  return field(`${expects}, separated by commas, none twice`, (given) => {
    const parts = given.split(",").map((part) => part.trim());
    return parts.every((part) => pattern.test(part)) && new Set(parts).size === parts.length ? parts : undefined;
  });
}

/** A key or password: one word, so that a stray line break or quotation is found here and not at the provider. */
export const secret: Field<string> = {
  expects: "one word without spaces, quotes or line breaks",
  secret: true,
  read: (given) => (/^[^\s"'\p{Cc}]+$/u.test(given) ? given : undefined),
};

/** An address that notices are posted to; whoever knows it can post too. */
export const webhook: Field<string> = {
  expects: "an address that begins with https://, or http:// for this machine itself",
  secret: true,
  read: (given) => {
    const { protocol, hostname } = URL.parse(given) ?? {};
    return protocol === "https:" || (protocol === "http:" && isHere(hostname)) ? secret.read(given) : undefined;
  },
};

const controlCharacter = /\p{Cc}/u;
