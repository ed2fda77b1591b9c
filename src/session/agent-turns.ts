import type { CutTurn } from "../audio/downlink.ts";

/** An agent turn as a link told of it; what comes of it is for the caller only while it is open. */
export interface SaidTurn extends BegunTurn {
  readonly linkTurnId: string;
  state: "open" | "ended" | "cut";
  /** When audio of it came last, in whole ms; less than 0: none came. */
  cameAtMs: number;
  /** The longest wait for the next, ms; less than 0: there was none. */
  gapMs: number;
}

interface BegunTurn {
  readonly id: string;
  /** Where the conversation keeps how much audio there is of it. */
  readonly account: { audioMs: number };
}

/** So many are remembered, to know late audio from new. */
const remembered = 32;

/** The agent turns of one link, by its own ids. */
export class AgentTurns {
  readonly #turns = new Map<string, SaidTurn>();
  readonly #begin: () => BegunTurn;
  /** Asked for last: with every frame it is the same. */
  #last: SaidTurn | undefined;
  #answers = 0;

  /** @param begin opens a turn in the conversation */
  constructor(begin: () => BegunTurn) {
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
    if (this.#last?.linkTurnId === linkTurnId) return this.#last;
    return (this.#last = this.#turns.get(linkTurnId) ?? this.#begun(linkTurnId));
  }

  #begun(linkTurnId: string): SaidTurn {
    const turn: SaidTurn = { linkTurnId, ...this.#begin(), state: "open", cameAtMs: -1, gapMs: -1 };
    this.#turns.set(linkTurnId, turn);
    for (const [id, { state }] of this.#turns) {
      if (this.#turns.size <= remembered) break;
      if (state === "ended") this.#turns.delete(id);
    }
    return turn;
  }

  audioCame(turn: SaidTurn, nowMs: number, audioMs: number): void {
    const wholeMs = Math.trunc(nowMs);
    if (turn.cameAtMs < 0) this.#answers += 1;
    else turn.gapMs = Math.max(turn.gapMs, wholeMs - turn.cameAtMs);
    turn.cameAtMs = wholeMs;
    turn.account.audioMs += audioMs;
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
