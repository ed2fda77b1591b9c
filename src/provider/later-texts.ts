/** So long is taken in one go, ms; what has come in meanwhile is looked after first. */
const inOneGoMs = 0.2;

const waiting = new Set<LaterTexts>();
let due: NodeJS.Immediate | undefined;

function goOn(): void {
  const untilMs = performance.now() + inOneGoMs;
  do {
    const [next] = waiting;
    next?.takeNext();
  } while (waiting.size > 0 && performance.now() < untilMs);
  due = waiting.size > 0 ? setImmediate(goOn) : undefined;
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
    waiting.add(this);
    due ??= setImmediate(goOn);
  }

  takeNext(): void {
    const text = this.#texts.shift();
    if (this.#texts.length === 0) waiting.delete(this);
    if (text !== undefined) this.#take(text);
  }

  /** Takes all that waits: something has come after it that cannot wait. */
  catchUp(): void {
    while (this.#texts.length > 0) this.takeNext();
  }

  /** Nobody wants to know any more. */
  close(): void {
    this.#texts.length = 0;
    waiting.delete(this);
  }
}
