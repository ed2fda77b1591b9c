import { CallFailure } from "./failure.js";
import { Spoken } from "./spoken.js";
import { Wire } from "./wire.js";

const openLimitMs = 8_000;
const reopenLimitMs = 4_000;
/** How long the server holds a call for a caller who vanished. */
const holdMs = 30_000;
/** Before each new dial, ms; the last again and again. Each is a quarter more or less, so that not all callers of a server come at once. */
const waitsMs = [0, 500, 1_000, 2_000, 4_000];
const jitter = 0.25;
/** What was typed or pressed meanwhile; more is not taken. */
const keptMessages = 20;

/**
 * @typedef {import("./wire.js").WireMessage} WireMessage
 * @typedef {import("./wire.js").WireEnd} WireEnd
 * @typedef {object} LastingWireEvents
 * @property {(bytes: ArrayBuffer) => void} audio
 * @property {(message: WireMessage) => void} message
 * @property {() => void} lost the connection broke, another is being dialled
 * @property {(awayMs: number) => void} back
 * @property {() => Promise<boolean>} renewToken the caller's token is no longer good: whether there is another now, for the next `startNow`
 * @property {(failure: CallFailure | undefined) => void} closed the call is over; told once, last
 */

/**
 * The wire of a whole call. A connection that breaks is dialled again until the server no longer holds the call; what the caller said
 * meanwhile, or what did not arrive, is sent then, in order.
 */
export class LastingWire {
  #url;
  #startNow;
  #events;
  #spoken = new Spoken();
  /** @type {{ type: string }[]} */
  #kept = [];
  /**
   * @type {{ name: "dialling", wire: Wire } | { name: "open", wire: Wire } | { name: "waiting", timer: ReturnType<typeof setTimeout> } | { name: "renewing" } | { name: "over" }}
   */
  #state;
  /**
   * Since when the caller is away, the dials since then, and whether another token was asked for; undefined while it is not.
   * @type {{ sinceMs: number, dials: number, renewed: boolean } | undefined}
   */
  #away;
  /** Of connections that are gone. */
  #before = { sentFrames: 0, receivedFrames: 0 };
  #listening = new AbortController();

  /**
   * @param {string} url
   * @param {() => import("./wire.js").Start} startNow the first message of a connection; with `resume` when there is a call to come back to
   * @param {LastingWireEvents} events
   */
  constructor(url, startNow, events) {
    this.#url = url;
    this.#startNow = startNow;
    this.#events = events;
    // A call from before a reload: the server may hold it while the network is away.
    if (startNow().resume !== undefined) this.#away = { sinceMs: performance.now(), dials: 1, renewed: false };
    this.#state = { name: "dialling", wire: this.#dial() };
    const { signal } = this.#listening;
    globalThis.addEventListener("online", () => this.#networkIsBack(), { signal });
    globalThis.addEventListener("offline", () => this.#wire?.probe(), { signal });
  }

  get stats() {
    const { sentFrames = 0, receivedFrames = 0, waitingBytes = 0, roundTripMs } = this.#wire ?? {};
    return {
      sentFrames: this.#before.sentFrames + sentFrames,
      receivedFrames: this.#before.receivedFrames + receivedFrames,
      droppedFrames: this.#spoken.lostFrames,
      waitingBytes,
      roundTripMs,
    };
  }

  /** @param {ArrayBuffer} frame 20 ms of what the caller says */
  sendAudio(frame) {
    if (this.#state.name === "over") return;
    this.#spoken.push(frame);
    this.#handOn();
  }

  /**
   * What is told while the caller is away is kept until it is back; reports of playback are not, they would be old then.
   * @param {{ type: string } & Record<string, unknown>} message
   */
  send(message) {
    if (this.#state.name === "open") this.#state.wire.send(message);
    else if (this.#state.name !== "over" && message.type !== "played" && this.#kept.length < keptMessages) this.#kept.push(message);
  }

  hangUp() {
    const wire = this.#wire;
    if (this.#state.name === "open") wire?.hangUp();
    else {
      wire?.abandon();
      this.#finish(undefined);
    }
  }

  /** The present connection; undefined between two. */
  get #wire() {
    return this.#state.name === "dialling" || this.#state.name === "open" ? this.#state.wire : undefined;
  }

  #dial() {
    const wire = new Wire(this.#url, this.#startNow(), this.#away === undefined ? openLimitMs : reopenLimitMs, {
      audio: (bytes) => this.#events.audio(bytes),
      message: (message) => this.#take(wire, message),
      closed: (end) => this.#closed(wire, end),
    });
    return wire;
  }

  #handOn() {
    if (this.#state.name !== "open") return;
    const { wire } = this.#state;
    while (this.#spoken.waiting > 0 && wire.takesAudio) wire.sendAudio(this.#spoken.take());
  }

  /**
   * @param {Wire} wire
   * @param {WireMessage} message
   */
  #take(wire, message) {
    if (message.type === "started") this.#begin(wire, Number(message["receivedMs"] ?? 0));
    // Why a call cannot be gone on with is not the caller's concern; and while the server restarts, it is asked again.
    if (message.type === "error" && this.#away !== undefined) return;
    this.#events.message(message);
  }

  /**
   * @param {Wire} wire
   * @param {number} receivedMs
   */
  #begin(wire, receivedMs) {
    this.#state = { name: "open", wire };
    this.#spoken.rewind(receivedMs);
    for (const message of this.#kept.splice(0)) wire.send(message);
    this.#handOn();
    const away = this.#away;
    this.#away = undefined;
    if (away !== undefined) this.#events.back(performance.now() - away.sinceMs);
  }

  /**
   * @param {Wire} wire
   * @param {WireEnd} end
   */
  #closed(wire, end) {
    this.#before.sentFrames += wire.sentFrames;
    this.#before.receivedFrames += wire.receivedFrames;
    if (this.#state.name === "open" && end.fate === "lost") {
      this.#away = { sinceMs: performance.now(), dials: 0, renewed: false };
      this.#events.lost();
    }
    if (this.#away === undefined) return this.#finish(end.failure);
    // One that was good when the line broke may be too old to come back with.
    const wantsToken = ["token-expired", "caller-refused"].includes(end.failure?.code ?? "");
    if (wantsToken && !this.#away.renewed) return void this.#renew(this.#away, end);
    const mayComeBack = end.fate === "lost" || ["draining", "busy", "overload"].includes(end.failure?.code ?? "");
    if (!mayComeBack) return this.#finish(new CallFailure("call-gone", "The call ended while the line was away.", { cause: end.failure }));
    if (performance.now() - this.#away.sinceMs >= holdMs) return this.#finish(end.failure);
    this.#wait(this.#away);
  }

  /**
   * @param {{ renewed: boolean }} away
   * @param {WireEnd} end
   */
  async #renew(away, end) {
    away.renewed = true;
    this.#state = { name: "renewing" };
    const isRenewed = await this.#events.renewToken();
    if (this.#state.name !== "renewing") return;
    if (isRenewed) this.#redial();
    else this.#finish(end.failure);
  }

  /** @param {{ dials: number }} away */
  #wait(away) {
    const planned = waitsMs[Math.min(away.dials, waitsMs.length - 1)] ?? 0;
    away.dials += 1;
    const waitMs = planned * (1 + jitter * (2 * Math.random() - 1));
    this.#state = { name: "waiting", timer: setTimeout(() => this.#redial(), waitMs) };
  }

  #redial() {
    this.#state = { name: "dialling", wire: this.#dial() };
  }

  /** A connection from before may be dead though nobody told, a dial may hang: both are tried anew. */
  #networkIsBack() {
    const state = this.#state;
    if (state.name === "open") return state.wire.probe();
    if (state.name === "over" || state.name === "renewing" || this.#away === undefined) return;
    if (state.name === "waiting") clearTimeout(state.timer);
    else state.wire.abandon();
    this.#redial();
  }

  /** @param {CallFailure | undefined} failure */
  #finish(failure) {
    if (this.#state.name === "over") return;
    if (this.#state.name === "waiting") clearTimeout(this.#state.timer);
    this.#state = { name: "over" };
    this.#listening.abort();
    this.#events.closed(failure);
  }
}
