import { Bridge } from "../audio/bridge.ts";
import { clipIn } from "../audio/clip.ts";
import type { Downlink } from "../audio/downlink.ts";
import { holdMusic } from "../audio/hold-music.ts";
import type { Ticked, Ticker } from "../audio/ticker.ts";

/**
 * What a caller hears beside the conversation: a line that says that the call is alive while a fault keeps the answer away, and music
 * while the call is on hold.
 */
export class Asides implements Ticked, Disposable {
  readonly #downlink: Downlink;
  readonly #ticker: Ticker;
  readonly #bridge: Bridge;
  #hold: "off" | "on" = "off";

  /** @param bridgeLine the line in the caller's language, pcm16@16000 */
  constructor(downlink: Downlink, ticker: Ticker, bridgeLine: () => Uint8Array) {
    this.#downlink = downlink;
    this.#ticker = ticker;
    this.#bridge = new Bridge(downlink, ticker, { audio: () => clipIn(downlink.encoding, bridgeLine()), played: () => {} });
  }

  /** An answer is owed since `sinceMs`, and a fault keeps it away. */
  await(sinceMs: number): void {
    if (this.#hold === "off") this.#bridge.need(sinceMs);
  }

  /** Nothing is owed any more, or it is here. */
  rest(): void {
    this.#bridge.rest();
  }

  hold(on: boolean): void {
    this.#bridge.rest();
    this.#hold = on ? "on" : "off";
    if (on) this.#ticker.wake(this);
    else this.#downlink.dropAside();
  }

  tick(): boolean {
    if (this.#hold === "on") this.#downlink.aside(clipIn(this.#downlink.encoding, holdMusic()));
    return this.#hold === "on";
  }

  [Symbol.dispose](): void {
    this.#hold = "off";
    this.#bridge.rest();
    this.#ticker.forget(this.#bridge);
    this.#ticker.forget(this);
  }
}
