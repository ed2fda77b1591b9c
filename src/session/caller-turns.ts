import { msOf } from "../audio/encodings.ts";
import { speechEnd } from "../audio/speech-end.ts";
import type { Call } from "./call.ts";

/** A caller turn as a link told of it. */
interface HeardTurn {
  readonly id: string;
  readonly from: number;
  /** Where its audio ends, bytes; undefined while it is open. */
  end: number | undefined;
  /** How many answers the link had begun when it was over; a later one is to it. */
  answersBefore: number;
  worded: boolean;
  /** What of it needs no replay, and how it read then; the turn may go on after that. */
  settled: { readonly text: string } | undefined;
}

/** What one link hears of the caller, turn by turn: written into the conversation and the uplink's cursors, and told to the chart. */
export class CallerTurns {
  readonly #call: Call;
  readonly #position: (uplinkMs: number) => number;
  readonly #answers: () => number;
  /** By the link's ids; those that are settled until the next begins, for late words and a caller who goes on. */
  readonly #turns = new Map<string, HeardTurn>();

  /**
   * @param position where in the caller's audio a position on the link's own time line lies, bytes
   * @param answers of how many agent turns audio has come so far
   */
  constructor(call: Call, position: (uplinkMs: number) => number, answers: () => number) {
    this.#call = call;
    this.#position = position;
    this.#answers = answers;
  }

  spoke(linkTurnId: string, uplinkMs: number): void {
    const { conversation, uplink } = this.#call;
    this.#call.hush();
    this.settle();
    for (const [id, turn] of this.#turns) if (turn.settled !== undefined && turn.worded) this.#turns.delete(id);
    const from = this.#position(uplinkMs);
    const id = this.#call.nextTurnId();
    this.#turns.set(linkTurnId, { id, from, end: undefined, answersBefore: 0, worded: false, settled: undefined });
    uplink.openTurn(from);
    this.#call.voiced(from);
    conversation.openCallerTurn(id, this.#callMs(from));
    this.#call.answer.drop();
    this.#call.send({ type: "caller.spoke" });
  }

  transcribed(linkTurnId: string, text: string, final: boolean): void {
    const turn = this.#turns.get(linkTurnId);
    if (turn === undefined) return;
    this.#call.conversation.hear(turn.id, text);
    if (text !== "") this.#call.understood(turn.from);
    if (final) turn.worded = true;
    if (turn.settled !== undefined && turn.end !== undefined) turn.settled = { text };
    this.#call.caption(turn.id, "caller", final);
    this.#call.crisis.heard(turn.id, text);
    this.#call.answerer?.said(turn.id, text);
  }

  finished(linkTurnId: string, uplinkMs: number): void {
    const turn = this.#turns.get(linkTurnId);
    if (turn === undefined) return;
    turn.end = this.#position(uplinkMs);
    turn.answersBefore = this.#answers();
    this.#call.conversation.commit(turn.id, this.#callMs(turn.end));
    this.#call.answer.begin(speechEnd(this.#call.uplink, turn.from, turn.end), "plain");
    this.#call.send({ type: "caller.finished" });
  }

  resumed(linkTurnId: string): void {
    const turn = this.#turns.get(linkTurnId);
    if (turn === undefined) return;
    this.#call.hush();
    if (turn.settled !== undefined && turn.end !== undefined) this.#call.uplink.openTurn(turn.end);
    turn.end = undefined;
    turn.worded = false;
    this.#call.conversation.reopen(turn.id);
    this.#call.answer.drop();
    this.#call.send({ type: "caller.resumed" });
  }

  dismissed(linkTurnId: string): void {
    const turn = this.#turns.get(linkTurnId);
    if (turn === undefined) return;
    this.#turns.delete(linkTurnId);
    this.#takeBack(turn);
    const isLast = [...this.#turns.values()].every((each) => each.settled !== undefined);
    // What followed may be the beginning of a turn that the link has not told of yet, all the more after a replay.
    if (isLast) this.#call.uplink.forgetTurns();
    else this.#call.uplink.settle(turn.from);
    this.#call.answer.drop();
    this.#call.send({ type: "caller.dismissed" });
  }

  /**
   * Turns that are over and whose words stand in the conversation, or that were answered in full, need no replay.
   * @param allIsHeard nothing that the agent said is left to be heard
   */
  settle(allIsHeard = false): void {
    const { conversation, uplink } = this.#call;
    for (const turn of this.#turns.values()) {
      if (turn.end === undefined || !(turn.worded || (allIsHeard && this.#isAnswered(turn)))) continue;
      conversation.settle(turn.id);
      uplink.settle(turn.end);
      turn.settled = { text: conversation.textOf(turn.id) };
    }
  }

  /** What would be settled if the link were over now: which turns, and up to where, bytes. */
  wouldSettle(answerIsHeard: boolean): { readonly turnIds: readonly string[]; readonly end: number } {
    const { uplink } = this.#call;
    const isKnown = (turn: HeardTurn): boolean => turn.worded || (answerIsHeard && this.#isAnsweredInWords(turn));
    const turns = [...this.#turns.values()].filter((turn) => turn.end !== undefined && isKnown(turn));
    return { turnIds: turns.map(({ id }) => id), end: Math.max(uplink.settled, ...turns.map(({ end }) => end ?? 0)) };
  }

  /** The link is over. True: the next one hears some of this again and answers it anew. */
  leave(answerIsHeard: boolean): boolean {
    // A turn whose answer is being heard is not asked again for want of its last words: those that came stand.
    if (answerIsHeard) for (const turn of this.#turns.values()) turn.worded ||= this.#isAnsweredInWords(turn);
    this.settle();
    const replayed = [...this.#turns.values()].filter((turn) => turn.settled === undefined || turn.end === undefined);
    for (const turn of replayed) this.#takeBack(turn);
    return replayed.length > 0;
  }

  /** What the agent said last may be the answer to what came before. */
  #isAnswered(turn: HeardTurn): boolean {
    return turn.end !== undefined && this.#answers() > turn.answersBefore;
  }

  #isAnsweredInWords(turn: HeardTurn): boolean {
    return this.#isAnswered(turn) && this.#call.conversation.textOf(turn.id) !== "";
  }

  #callMs(position: number): number {
    // The caller's audio runs in real time, so its positions are times in the call, up to how late the first frame was.
    const { uplink } = this.#call;
    return this.#call.ageMs - msOf(Math.max(0, uplink.end - position), uplink.encoding);
  }

  /** What is not settled of a turn was no speech after all, or will be heard again by the next link. */
  #takeBack(turn: HeardTurn): void {
    const call = this.#call;
    if (turn.settled === undefined) {
      call.conversation.withdraw(turn.id);
      return call.notify({ type: "caption.withdrawn", turnId: turn.id });
    }
    call.conversation.hear(turn.id, turn.settled.text);
    call.conversation.settle(turn.id);
    call.caption(turn.id, "caller", true);
  }
}
