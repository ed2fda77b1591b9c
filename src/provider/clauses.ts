/** What a voice speaks well as one piece, in letters. */
export interface ClauseLengths {
  /** A first clause may end at a comma once it is so long: what is short is heard soon. */
  readonly firstAtComma: number;
  readonly laterAtComma: number;
  /** A clause without any mark is cut at a blank. */
  readonly longest: number;
}

const abbreviation = /(?:^|[\s(])(?:mr|mrs|ms|dr|st|no|nr|vs|etc|e\.g|i\.e|a\.m|p\.m|z\.b|approx|inc|ltd|ave|jr|sr|[a-z])\.$/i;

/**
 * Cuts a stream of text into what can be spoken on its own: at the ends of sentences, and at commas where it would get long.
 * Numbers ("3.5", "5 5 5, 0 1 2") and abbreviations stay whole; marks of written text, which would be read out, are left out.
 */
export class Clauses {
  readonly #lengths: ClauseLengths;
  #rest = "";
  #isFirst = true;

  constructor(lengths: ClauseLengths) {
    this.#lengths = lengths;
  }

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
    const { firstAtComma, laterAtComma, longest } = this.#lengths;
    // A comma counts once a little more is known to follow it: a word or two are no clause.
    for (const match of this.#rest.matchAll(/[.?!…。？！]+["')\]]*(?=\s)|[,;:](?=\s+\S[^.?!]{9})|\n/g)) {
      const end = match.index + match[0].length;
      const before = this.#rest.slice(0, end);
      if (/^[,;:]/.test(match[0])) {
        if (end >= (this.#isFirst ? firstAtComma : laterAtComma) && !isWithinPhrase(before, this.#rest.slice(end))) return end;
      } else if (!match[0].startsWith(".") || !(abbreviation.test(before) || isListNumber(before))) return end;
    }
    if (this.#rest.length <= longest) return 0;
    const blank = this.#rest.lastIndexOf(" ", longest);
    return blank > 0 ? blank : longest;
  }
}

/** "1." at the beginning of a line of a list. */
const isListNumber = (before: string): boolean => /(?:^|\n)\s*\d+\.$/.test(before);

/** A comma between digits, or within a date or an address, is no place to draw breath. */
function isWithinPhrase(before: string, after: string): boolean {
  return (
    /\d\s*[,;:]$/.test(before) ||
    /^\s*\d/.test(after) ||
    /(?:^|\W)\p{L}[,;:]$/u.test(before) ||
    /day,$/.test(before) ||
    /^\s*(?:right|please)\b/i.test(after)
  );
}

const bare = (clause: string): string =>
  clause
    .replace(/[*_`#]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}/g, "")
    .replace(/\s+/g, " ")
    .trim();

/** The clauses of a text that is complete. */
export function clausesOf(text: string, lengths: ClauseLengths): string[] {
  const clauses = new Clauses(lengths);
  return [...clauses.push(text), ...clauses.flush()];
}
