import type { CutTurn } from "../audio/downlink.ts";

/** An agent turn as a link told of it; what comes of it is for the caller only while it is open. */
export interface SaidTurn {
  readonly id: string;
  state: "open" | "ended" | "cut";
  /** When audio of it came last; before any came: not a number. */
  audioMs: number;
  /** The longest wait for the next; not a number: there was none. */
  gapMs: number;
}

/** So many are remembered, to know late audio from new. */
const remembered = 32;

/** The agent turns of one link, by its own ids. */
export class AgentTurns {
  readonly #turns = new Map<string, SaidTurn>();
  readonly #begin: () => string;
  #answers = 0;

  /** @param begin opens a turn in the conversation and says by which id */
  constructor(begin: () => string) {
    this.#begin = begin;
  }

  /** Of how many of them audio came. */
  get answers(): number {
    return this.#answers;
  }

  /** Those of which more may come for the caller. */
  get open(): readonly SaidTurn[] {
    return [...this.#turns.values()].filter(({ state }) => state === "open");
  }

  /** Begun with the first word on it. */
  of(linkTurnId: string): SaidTurn {
    const known = this.#turns.get(linkTurnId);
    if (known !== undefined) return known;
    const turn: SaidTurn = { id: this.#begin(), state: "open", audioMs: Number.NaN, gapMs: Number.NaN };
    this.#turns.set(linkTurnId, turn);
    for (const [id, { state }] of this.#turns) {
      if (this.#turns.size <= remembered) break;
      if (state === "ended") this.#turns.delete(id);
    }
    return turn;
  }

  audioCame(turn: SaidTurn, nowMs: number): void {
    const gapMs = nowMs - turn.audioMs;
    if (Number.isNaN(gapMs)) this.#answers += 1;
    else if (!(gapMs <= turn.gapMs)) turn.gapMs = gapMs;
    turn.audioMs = nowMs;
  }

  /** The caller has the word: those that the link is to be told of, with what was heard of each; undefined: it had not begun to play. */
  interrupt(
    cuts: readonly CutTurn[],
  ): readonly { readonly linkTurnId: string; readonly id: string; readonly heardMs: number | undefined }[] {
    const interrupted = [];
    for (const [linkTurnId, turn] of this.#turns) {
      const cut = cuts.find((each) => each.turnId === turn.id);
      if (turn.state === "cut" || (turn.state === "ended" && cut === undefined)) continue;
      if (turn.state === "open") turn.state = "cut";
      interrupted.push({ linkTurnId, id: turn.id, heardMs: cut?.heardMs });
    }
    return interrupted;
  }
}
