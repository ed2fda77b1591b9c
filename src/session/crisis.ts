import type { Crisis } from "../crisis/detector.ts";
import type { Timer } from "../kernel/clock.ts";
import type { SessionEvent } from "./events.ts";
import type { SessionHouse } from "./session-house.ts";
import type { Told } from "./words.ts";

/** The caller is to hear something 2 s after they fell silent; what is left covers the way to them, ms. */
const answerLimitMs = 1_500;

/** A turn that calls for help; `owedSinceMs`: when the caller fell silent, undefined while they speak. */
type State = { readonly name: "calm" } | { readonly name: "waiting"; owedSinceMs: number | undefined; timer: Timer | undefined };

/** A call, as far as it matters to a caller in need. */
interface NeedyCall {
  readonly id: string;
  readonly house: Pick<SessionHouse, "clock" | "crisis">;
  readonly agent: { readonly language: string };
  readonly board: { readonly tiers: readonly string[] };
  readonly leg: { askForPerson(): boolean };
  readonly voice: { sayInNeed(): void };
  readonly answer: { readonly timer: { readonly owedSinceMs: number | undefined } };
  /** Of the provider that has the call; undefined: none has. */
  readonly traits: { readonly stopgap: boolean } | undefined;
  readonly lastProvider: string;
  nextTurnId(): string;
  send(event: SessionEvent): void;
  tell(event: Told): void;
}

/** How one call meets a caller in need: it is told to whoever watches, and if no provider answers in time, a fixed line does. */
export class CallCrisis implements Disposable {
  readonly #call: NeedyCall;
  #state: State = { name: "calm" };

  constructor(call: NeedyCall) {
    this.#call = call;
  }

  /** What the caller said in a turn, or said so far. */
  heard(turnId: string, text: string): void {
    this.#begin(this.#call.house.crisis.heard(this.#call.id, turnId, text));
  }

  /** The agent says that its caller is in need. */
  reported(): void {
    const call = this.#call;
    this.#begin(call.house.crisis.reported(call.id, call.nextTurnId(), call.agent.language));
  }

  /** The caller fell silent at `sinceMs` on the clock. */
  owe(sinceMs: number): void {
    const state = this.#state;
    if (state.name === "calm") return;
    this.#disarm();
    state.owedSinceMs = sinceMs;
    const call = this.#call;
    const { clock } = call.house;
    const leftMs = sinceMs + answerLimitMs - clock.now();
    // What can only bridge has no better answer than the line that is made for this.
    if (call.traits?.stopgap === true || leftMs <= 0) return call.voice.sayInNeed();
    state.timer = clock.setTimeout(() => call.voice.sayInNeed(), leftMs);
  }

  /** The caller goes on speaking. */
  owesNothing(): void {
    this.#disarm();
  }

  /** The caller hears an answer. */
  answered(by: string): void {
    const state = this.#state;
    if (state.name === "calm" || state.owedSinceMs === undefined) return;
    this.#end(by, this.#call.house.clock.now() - state.owedSinceMs);
  }

  [Symbol.dispose](): void {
    if (this.#state.name === "waiting" && this.#state.owedSinceMs !== undefined) this.#end(this.#call.lastProvider, undefined);
    this.#disarm();
    this.#state = { name: "calm" };
    this.#call.house.crisis.forget(this.#call.id);
  }

  #begin(crisis: Crisis | undefined): void {
    if (crisis === undefined) return;
    const call = this.#call;
    call.tell({ type: "crisis.detected", provider: call.lastProvider, category: crisis.category });
    call.send({ type: "caller.calledForHelp" });
    call.leg.askForPerson();
    if (this.#state.name === "waiting") return;
    this.#state = { name: "waiting", owedSinceMs: undefined, timer: undefined };
    const since = call.answer.timer.owedSinceMs;
    if (since !== undefined) this.owe(since);
  }

  #end(by: string, responseMs: number | undefined): void {
    const call = this.#call;
    this.#disarm();
    this.#state = { name: "calm" };
    // A fixed line stands behind the last tier.
    const tier = call.board.tiers.includes(by) ? call.board.tiers.indexOf(by) + 1 : call.board.tiers.length + 1;
    call.tell({ type: "crisis.answered", provider: by, tier, responseMs });
  }

  #disarm(): void {
    if (this.#state.name === "calm") return;
    if (this.#state.timer !== undefined) this.#call.house.clock.clearTimeout(this.#state.timer);
    this.#state.timer = undefined;
    this.#state.owedSinceMs = undefined;
  }
}
