import type { CallSnapshot } from "../session/snapshot.ts";

/** So many turns stand in a file of their own. */
const chapterTurns = 32;

/**
 * Of one call, the turns that nothing changes any more: they are written once, in files of their own, so that a call of hours costs with
 * each turn no more than one that has just begun.
 */
export class Chapters {
  /** How many there are. */
  count = 0;
  /** How many files there may be of them. */
  #files = 0;
  /** So many of the call's turns stand in them, or were forgotten before they could. */
  #turns = 0;

  /** Those that stand on the disk already: so many turns in so many. */
  take(turns: number, count: number): void {
    [this.#turns, this.count, this.#files] = [turns, count, count];
  }

  /** One of them could not be written: all are to be written again. */
  forget(): void {
    [this.#turns, this.count] = [0, 0];
  }

  /** Begins those that are full by now, and tells each to `write`; returns the turns that stand in none. */
  add(
    { turns, sealedTurns, turnsBefore }: CallSnapshot,
    write: (chapter: number, turns: CallSnapshot["turns"]) => void,
  ): CallSnapshot["turns"] {
    this.#turns = Math.max(this.#turns, turnsBefore);
    for (; turnsBefore + sealedTurns - this.#turns >= chapterTurns; this.#turns += chapterTurns) {
      const at = this.#turns - turnsBefore;
      write(this.count, turns.slice(at, at + chapterTurns));
      this.count += 1;
    }
    this.#files = Math.max(this.#files, this.count);
    return turns.slice(this.#turns - turnsBefore);
  }

  /** The numbers of all that may have a file. */
  files(): Iterable<number> {
    return Array(this.#files).keys();
  }
}
