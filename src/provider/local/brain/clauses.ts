const abbreviation = /(?:^|[\s(])(?:mr|mrs|ms|dr|st|no|nr|vs|etc|e\.g|i\.e|a\.m|p\.m|approx|inc|ltd|ave|jr|sr|[a-z])\.$/i;
const firstClauseMin = 12;
const laterClauseMin = 60;
const clauseMax = 240;

/**
 * Cuts a stream of text into what can be spoken on its own: sentences, and at commas where a sentence is long.
 * The first piece is short, so that speech begins early. Numbers ("3.5", "5 5 5, 0 1 2") and abbreviations stay whole.
 */
export class Clauses {
  #rest = "";
  #isFirst = true;

  /** The clauses that are complete with this piece of text. */
  push(text: string): string[] {
    this.#rest += text;
    const found: string[] = [];
    for (let end = this.#end(); end > 0; end = this.#end()) {
      const clause = this.#rest.slice(0, end).trim();
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
    const rest = this.#rest.trim();
    this.#rest = "";
    return rest === "" ? complete : [...complete, rest];
  }

  /** Where the next clause ends, or 0 while that cannot be told. */
  #end(): number {
    const mark = /[.?!…]+["')\]]*(?=\s)|[,;:](?=\s+\S[^.?!]{9})|\n/g;
    for (const match of this.#rest.matchAll(mark)) {
      const end = match.index + match[0].length;
      const before = this.#rest.slice(0, end);
      if (/^[\n?!…]/.test(match[0]) || (match[0].startsWith(".") && !abbreviation.test(before) && !isListNumber(before))) return end;
      if (
        /^[,;:]/.test(match[0]) &&
        end >= (this.#isFirst ? firstClauseMin : laterClauseMin) &&
        !isWithinPhrase(before, this.#rest.slice(end))
      )
        return end;
    }
    if (this.#rest.length <= clauseMax) return 0;
    const blank = this.#rest.lastIndexOf(" ", clauseMax);
    return blank > 0 ? blank : clauseMax;
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

/** The clauses of a text that is complete. */
export function clausesOf(text: string): string[] {
  const clauses = new Clauses();
  return [...clauses.push(text), ...clauses.flush()];
}
