import type { HeardNotice } from "./stages.ts";

/** The turn that the caller is in, told as it goes; every turn ends by exactly one of `finish` and `dismiss`. */
export class CallerTurn {
  readonly #tell: (notice: HeardNotice) => void;
  #count = 0;
  #turnId: string | undefined;
  #text = "";

  constructor(tell: (notice: HeardNotice) => void) {
    this.#tell = tell;
  }

  get isOpen(): boolean {
    return this.#turnId !== undefined;
  }

  /** The words so far. */
  get text(): string {
    return this.#text;
  }

  begin(uplinkMs: number): void {
    if (this.#turnId !== undefined) return;
    this.#count += 1;
    this.#turnId = `c${this.#count}`;
    this.#text = "";
    this.#tell({ type: "caller.spoke", turnId: this.#turnId, uplinkMs });
  }

  /** The words so far, from the beginning of the turn. */
  word(text: string): void {
    if (this.#turnId === undefined || text === this.#text || text === "") return;
    this.#text = text;
    this.#tell({ type: "caller.transcribed", turnId: this.#turnId, text, final: false });
  }

  pause(text: string): void {
    if (this.#turnId !== undefined) this.#tell({ type: "caller.paused", turnId: this.#turnId, text });
  }

  goOn(): void {
    if (this.#turnId !== undefined) this.#tell({ type: "caller.continued", turnId: this.#turnId });
  }

  finish(text: string, uplinkMs: number): void {
    if (text === "") return this.dismiss();
    this.begin(uplinkMs);
    const turnId = this.#turnId;
    if (turnId === undefined) return;
    this.#turnId = undefined;
    this.#tell({ type: "caller.transcribed", turnId, text, final: true });
    this.#tell({ type: "caller.finished", turnId, uplinkMs });
  }

  /** What seemed speech had no words. */
  dismiss(): void {
    const turnId = this.#turnId;
    this.#turnId = undefined;
    if (turnId !== undefined) this.#tell({ type: "caller.dismissed", turnId });
  }

  /** A turn was ended by hand in which nobody had spoken. */
  dismissUnspoken(): void {
    if (this.#turnId !== undefined) return this.dismiss();
    this.#count += 1;
    this.#tell({ type: "caller.dismissed", turnId: `c${this.#count}` });
  }
}
