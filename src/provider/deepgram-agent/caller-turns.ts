import type { LinkNotice } from "../contract.ts";

interface Turn {
  readonly id: string;
  readonly spokeMs: number;
  state: "speaking" | "finished";
  /** The words so far; undefined as long as none have come. */
  text: string | undefined;
  /** The agent has answered it. */
  answered: boolean;
}

/**
 * This wire says neither when speech began nor when it ended, only that it noticed, so positions are estimates on the safe side: what
 * was sent before is given up only when the turn is surely past it. Speech is noticed well within the first figure, and ends are
 * noticed later than the second.
 */
const noticedWithinMs = 1_000;
const endedBeforeMs = 300;

/** The caller's turns, from messages without ids and times: their order is all there is. */
export class CallerTurns {
  readonly #tell: (notice: LinkNotice) => void;
  #turn: Turn | undefined;
  #count = 0;
  /** Where the last turn ended. */
  #endMs = 0;

  constructor(tell: (notice: LinkNotice) => void) {
    this.#tell = tell;
  }

  /** Whether the caller is in the middle of a turn. */
  get open(): boolean {
    return this.#turn?.state === "speaking";
  }

  /** `sentMs`: audio given to the service so far. */
  spoke(sentMs: number): void {
    if (this.open) return;
    // A turn that was answered without ever being worded gets no words any more.
    if (this.#turn !== undefined && this.#turn.text === undefined)
      this.#tell({ type: "caller.transcribed", turnId: this.#turn.id, text: "", final: true });
    this.#count += 1;
    const spokeMs = Math.max(this.#endMs, sentMs - noticedWithinMs);
    this.#turn = { id: `c${this.#count}`, spokeMs, state: "speaking", text: undefined, answered: false };
    this.#tell({ type: "caller.spoke", turnId: this.#turn.id, uplinkMs: spokeMs });
  }

  /** Words of the caller, and with them the end of their turn. */
  worded(text: string, sentMs: number): void {
    let turn = this.#turn;
    if (turn === undefined || (turn.state === "finished" && turn.text !== undefined && turn.answered)) {
      this.spoke(sentMs);
      turn = this.#turn;
    } else if (turn.state === "finished" && turn.text !== undefined) {
      // A second sentence before any answer belongs to the same turn.
      turn.state = "speaking";
      this.#tell({ type: "caller.resumed", turnId: turn.id });
    }
    if (turn === undefined) return;
    if (text === "" && turn.text === undefined && turn.state === "speaking") return this.dismissed();
    turn.text = turn.text === undefined ? text : `${turn.text} ${text}`;
    this.#tell({ type: "caller.transcribed", turnId: turn.id, text: turn.text, final: true });
    this.finished(sentMs);
  }

  /** The turn is over, with or without its words. */
  finished(sentMs: number): void {
    const turn = this.#turn;
    if (turn?.state !== "speaking") return;
    turn.state = "finished";
    this.#endMs = Math.max(turn.spokeMs, sentMs - endedBeforeMs);
    this.#tell({ type: "caller.finished", turnId: turn.id, uplinkMs: this.#endMs });
  }

  answered(): void {
    if (this.#turn !== undefined) this.#turn.answered = true;
  }

  dismissed(): void {
    const turn = this.#turn;
    if (turn?.state !== "speaking") return;
    this.#turn = undefined;
    this.#tell({ type: "caller.dismissed", turnId: turn.id });
  }
}
