// What was sent and what came of it, call by call.
const remembered = 1_024;
const longest = 16_384;

/** One direction of one call. */
export class Track {
  sent = 0;
  duplicates = 0;
  damaged = 0;
  /** One more than the highest index that came. */
  reached = 0;
  /** When the first one came. */
  firstAtMs: number | undefined;
  readonly #latencies: Latencies;
  readonly #sentAt = new Float64Array(remembered);
  readonly #came = new Uint8Array(longest);

  constructor(latencies: Latencies) {
    this.#latencies = latencies;
  }

  /** The index of the frame that goes out now. */
  next(nowMs: number): number {
    const index = this.sent;
    this.#sentAt[index % remembered] = nowMs;
    this.sent += 1;
    return index;
  }

  arrived(index: number, whole: boolean, nowMs: number): void {
    if (this.#came[index] === 1) this.duplicates += 1;
    this.#came[index] = 1;
    if (!whole) this.damaged += 1;
    if (index === 0) this.firstAtMs ??= nowMs;
    this.reached = Math.max(this.reached, index + 1);
    if (index + remembered > this.sent) this.#latencies.add(nowMs - (this.#sentAt[index % remembered] ?? 0));
  }

  /** Frames from `from` to before `to` that never came. */
  lost(from: number, to: number): number {
    let lost = 0;
    for (let index = from; index < to; index += 1) if (this.#came[index] !== 1) lost += 1;
    return lost;
  }
}

/** Times gathered while somebody measures. */
export class Latencies {
  #times: number[] | undefined;

  add(ms: number): void {
    this.#times?.push(ms);
  }

  begin(): void {
    this.#times = [];
  }

  end(): Float64Array {
    const times = Float64Array.from(this.#times ?? []).sort();
    this.#times = undefined;
    return times;
  }
}

/** Of sorted figures; NaN when there are none. */
export const quantile = (sorted: ArrayLike<number>, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

/** Frames until then are those that came while the provider was still being reached. */
export const firstFrames = 25;

/** One call, from both its ends. */
export class CallBook {
  readonly number: number;
  readonly up: Track;
  readonly down: Track;
  /** Index of the first frame of the answer that is spoken now. */
  answerFrom = 0;
  /** When the caller began to speak over the agent; undefined once the playback was emptied for it. */
  spokeOverAtMs: number | undefined;
  /** The first frame that may be heard after the playback was emptied. */
  freshFrom = 0;
  /** What the caller had heard of the answer when the playback was emptied, ms. */
  heardMs: number | undefined;

  constructor(number: number, books: Books) {
    this.number = number;
    this.up = new Track(books.up);
    this.down = new Track(books.down);
  }
}

/** All calls of one subject. */
export class Books {
  readonly up = new Latencies();
  readonly down = new Latencies();
  readonly clears = new Latencies();
  /** How wrong the subject was about what the caller had heard. */
  readonly cutErrors = new Latencies();
  staleFrames = 0;
  /** Where audio is transcoded on its way and frames cannot say who they are: how much of it there was. */
  readonly plain = { sentUpMs: 0, cameUpMs: 0, sentDownMs: 0, cameDownMs: 0 };
  readonly calls: CallBook[] = [];

  add(): CallBook {
    const book = new CallBook(this.calls.length, this);
    this.calls.push(book);
    return book;
  }
}
