import type { Downlink } from "./downlink.ts";
import type { Beat, Ticked } from "./ticker.ts";

/** Silence that a caller who is owed a reply bears before the line says that it is alive, ms. */
const silenceLimitMs = 1_500;
/** From the end of one such line to the next, ms. */
const againMs = 8_000;
const linesLimit = 4;

/** The line that bridges a wait. */
export interface BridgeLine {
  /** In the encoding of the downlink. */
  audio(): Uint8Array;
  /** It begins to be heard. */
  played(): void;
}

/**
 * Keeps a caller who waits because of a fault from thinking that the line is dead: after 1.5 s without a sound a short line is
 * played beside the conversation. The first audio of an agent's turn, or a barge-in, ends it (see `Downlink.aside`).
 */
export class Bridge implements Ticked {
  readonly #downlink: Downlink;
  readonly #beat: Beat;
  readonly #line: BridgeLine;
  /** Since when a reply is owed that a fault keeps away. */
  #state: { readonly name: "resting" } | { readonly name: "waiting"; readonly sinceMs: number; lines: number } = { name: "resting" };

  constructor(downlink: Downlink, beat: Beat, line: BridgeLine) {
    this.#downlink = downlink;
    this.#beat = beat;
    this.#line = line;
  }

  /** A reply is owed since `sinceMs` (clock time) and a fault keeps it away. Told again, it changes nothing. */
  need(sinceMs: number): void {
    if (this.#state.name === "waiting") return;
    this.#state = { name: "waiting", sinceMs, lines: 0 };
    this.#beat.wake(this);
  }

  /** Nothing is owed any more: the agent speaks, the caller does, or the call is held or over. A line that plays is ended. */
  rest(): void {
    if (this.#state.name === "resting") return;
    this.#state = { name: "resting" };
    this.#downlink.dropAside();
  }

  tick(nowMs: number): boolean {
    const state = this.#state;
    if (state.name === "resting") return false;
    const quietMs = nowMs - Math.max(state.sinceMs, this.#downlink.silentSinceMs ?? nowMs);
    const isTime = quietMs >= (state.lines === 0 ? silenceLimitMs : againMs);
    if (isTime && this.#downlink.aside(this.#line.audio())) {
      state.lines += 1;
      this.#line.played();
    }
    return state.lines < linesLimit;
  }
}
