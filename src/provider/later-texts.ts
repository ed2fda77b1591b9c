/** More than this of one link never wait: a provider that says very much at once is taken at once. */
const mostWaiting = 32;
/** One is taken in a turn of the event loop, and one more for so many links that wait: the busier the loop, the longer are its turns. */
const linksForAnother = 8;

const waiting = new Set<LaterTexts>();
let due: NodeJS.Immediate | undefined;

function goOn(): void {
  due = undefined;
  try {
    for (let left = 1 + Math.floor(waiting.size / linksForAnother); left > 0; left -= 1) {
      const [next] = waiting;
      next?.takeNext();
    }
  } finally {
    // Also after one that could not be taken.
    if (waiting.size > 0) due ??= setImmediate(goOn);
  }
}

/**
 * What one link's provider says beside its audio, taken in its order when the turn of the event loop in which it came is over: the end of
 * a sentence in one call takes as long as twenty frames of others, and keeps none of them waiting.
 */
export class LaterTexts {
  readonly #take: (text: string) => void;
  readonly #texts: string[] = [];

  constructor(take: (text: string) => void) {
    this.#take = take;
  }

  add(text: string): void {
    this.#texts.push(text);
    if (this.#texts.length > mostWaiting) return this.catchUp();
    waiting.add(this);
    due ??= setImmediate(goOn);
  }

  /** Takes all that waits: something has come after it that cannot wait. */
  catchUp(): void {
    while (this.#texts.length > 0) this.takeNext();
  }

  takeNext(): void {
    const text = this.#texts.shift();
    // Behind the others.
    waiting.delete(this);
    if (this.#texts.length > 0) waiting.add(this);
    if (text !== undefined) this.#take(text);
  }

  /** Nobody wants to know any more. */
  close(): void {
    this.#texts.length = 0;
    waiting.delete(this);
  }
}
