import type { LinkNotice } from "../contract.ts";

interface Turn {
  readonly id: string;
  text: string;
  /** Final words, or that there are none to come. */
  settled: boolean;
}

/** Turns that wait for their words; a recogniser further behind than this has lost them. */
const waitingLimit = 8;

/**
 * The caller's turns and their words. Words come from a recogniser of their own: before, during or long after the answer, and out of
 * order. They are told in the order of the turns.
 */
export class CallerTurns {
  readonly #tell: (notice: LinkNotice) => void;
  /** Oldest first; a turn leaves when its final words were told. */
  readonly #waiting: Turn[] = [];
  #speaking: string | undefined;

  constructor(tell: (notice: LinkNotice) => void) {
    this.#tell = tell;
  }

  /** Whether the caller is in the middle of a turn. */
  get open(): boolean {
    return this.#speaking !== undefined;
  }

  spoke(itemId: string, atMs: number): void {
    this.#speaking = itemId;
    this.#enter(itemId);
    this.#tell({ type: "caller.spoke", turnId: itemId, uplinkMs: atMs });
  }

  finished(itemId: string, atMs: number): void {
    if (this.#speaking === itemId) this.#speaking = undefined;
    this.#tell({ type: "caller.finished", turnId: itemId, uplinkMs: atMs });
  }

  /** The turn stands in the conversation: words for it may come from now on. */
  committed(itemId: string): void {
    this.#enter(itemId);
  }

  heardWords(itemId: string, delta: string): void {
    const turn = this.#waiting.find((one) => one.id === itemId);
    if (turn === undefined || turn.settled || delta === "") return;
    turn.text += delta;
    this.#tell({ type: "caller.transcribed", turnId: itemId, text: turn.text, final: false });
  }

  /** `text` is undefined when recognition failed: then the words so far have to do. */
  settled(itemId: string, text: string | undefined): void {
    const turn = this.#waiting.find((one) => one.id === itemId);
    if (turn === undefined) return;
    turn.text = text ?? turn.text;
    turn.settled = true;
    this.#tellSettled();
  }

  #enter(itemId: string): void {
    if (this.#waiting.some((turn) => turn.id === itemId)) return;
    this.#waiting.push({ id: itemId, text: "", settled: false });
    const oldest = this.#waiting[0];
    if (oldest === undefined || this.#waiting.length <= waitingLimit) return;
    oldest.settled = true;
    this.#tellSettled();
  }

  #tellSettled(): void {
    for (let oldest = this.#waiting[0]; oldest?.settled === true; oldest = this.#waiting[0]) {
      this.#waiting.shift();
      this.#tell({ type: "caller.transcribed", turnId: oldest.id, text: oldest.text, final: true });
    }
  }
}
