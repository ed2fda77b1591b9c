const abbreviation = /(?:^|[\s(])(?:mr|mrs|ms|dr|st|no|nr|vs|etc|e\.g|i\.e|a\.m|p\.m|z\.b|approx|inc|ltd|jr|sr|[a-z])\.$/i;
/** A first clause may end at a comma once it has so many letters: what is short is heard soon. */
const firstAtCommaLetters = 20;
const laterAtCommaLetters = 120;
/** A clause without any mark is cut at a blank. */
const longestLetters = 400;

/**
 * Cuts a stream of text into what can be spoken on its own: at the ends of sentences, and at commas where it would get long.
 * The first clause is short, so that speech begins early. Numbers ("3.5") and abbreviations stay whole.
 */
export class Clauses {
  #rest = "";
  #isFirst = true;

  /** The clauses that are complete with this piece of text. */
  push(text: string): string[] {
    this.#rest += text;
    const found: string[] = [];
    for (let end = this.#end(); end > 0; end = this.#end()) {
      const clause = bare(this.#rest.slice(0, end));
      this.#rest = this.#rest.slice(end).trimStart();
      if (clause === "") continue;
      found.push(clause);
      this.#isFirst = false;
    }
    return found;
  }

  /** What is left when the stream is over. */
  flush(): string[] {
    const complete = this.push(" ");
    const rest = bare(this.#rest);
    this.#rest = "";
    return rest === "" ? complete : [...complete, rest];
  }

  /** Where the next clause ends, or 0 while that cannot be told. */
  #end(): number {
    for (const match of this.#rest.matchAll(/[.?!…。？！]+["')\]]*(?=\s)|[,;:](?=\s)|\n/g)) {
      const end = match.index + match[0].length;
      const before = this.#rest.slice(0, end);
      if (/^[,;:]/.test(match[0])) {
        if (end >= (this.#isFirst ? firstAtCommaLetters : laterAtCommaLetters) && !/\d\s*[,;:]$/.test(before)) return end;
      } else if (!match[0].startsWith(".") || !(abbreviation.test(before) || /(?:^|\n)\s*\d+\.$/.test(before))) return end;
    }
    if (this.#rest.length <= longestLetters) return 0;
    const blank = this.#rest.lastIndexOf(" ", longestLetters);
    return blank > 0 ? blank : longestLetters;
  }
}

/** Without blanks around it, and without the marks of written text, which would be read out. */
const bare = (clause: string): string =>
  clause
    .replace(/[*_`#]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}/g, "")
    .replace(/\s+/g, " ")
    .trim();

/** The clauses of a text that is complete. */
export function clausesOf(text: string): string[] {
  const clauses = new Clauses();
  return [...clauses.push(text), ...clauses.flush()];
}
