import { CallFailure, failureOfClose } from "./failure.js";

/** Uplink audio that may wait in the socket: two seconds of PCM at 48 kHz. */
const waitingLimitBytes = 192_000;
const pingEveryMs = 1_000;
/** After so many pings without a word from the server the connection is taken for dead. */
const pingsMissedLimit = 3;
/** Ours, for a connection that we give up: with 1000 the caller would have hung up. */
const givenUpCode = 4_000;

/**
 * @typedef {{ turnId: string, ms: number }} Arrived so much of that agent turn is here
 * @typedef {{ type: "start", version: 1, audio: { up: string, down: string }, agent?: string, language?: string, token?: string, resume?: string, arrived?: Arrived }} Start
 * @typedef {{ type: string } & Record<string, unknown>} WireMessage a text message of the server, as it came
 * @typedef {{ fate: "over", failure: CallFailure | undefined } | { fate: "lost", failure: CallFailure }} WireEnd
 * `over`: the call is, in order when there is no failure; `lost`: only the connection.
 * @typedef {object} WireEvents
 * @property {(bytes: ArrayBuffer) => void} audio
 * @property {(message: WireMessage) => void} message
 * @property {(end: WireEnd) => void} closed told once, last
 */

/** One WebSocket of a call in the browser's wire, version 1. A call that comes back gets another. */
export class Wire {
  #socket;
  #events;
  #openTimer;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #pingTimer;
  #pingId = 0;
  #pingSentAt = 0;
  #pingsMissed = 0;
  #started = false;
  /** What the server's last words mean. @type {WireEnd | undefined} */
  #ending;
  #done = false;
  sentFrames = 0;
  receivedFrames = 0;
  /** @type {number | undefined} */
  roundTripMs;

  /**
   * @param {string} url
   * @param {Start} start
   * @param {number} openLimitMs from dialling to `started`
   * @param {WireEvents} events
   */
  constructor(url, start, openLimitMs, events) {
    this.#events = events;
    this.#socket = new WebSocket(url);
    this.#socket.binaryType = "arraybuffer";
    this.#openTimer = setTimeout(() => this.#giveUp(`The server did not answer in ${openLimitMs / 1000} seconds.`), openLimitMs);
    this.#socket.onopen = () => this.#tell(start);
    this.#socket.onmessage = ({ data }) => this.#take(data);
    this.#socket.onclose = ({ code }) => this.#end(this.#ending ?? endOf(code, this.#started));
  }

  get waitingBytes() {
    return this.#socket.bufferedAmount;
  }

  get takesAudio() {
    return this.#started && this.#socket.readyState === WebSocket.OPEN && this.waitingBytes <= waitingLimitBytes;
  }

  /** @param {ArrayBuffer} frame */
  sendAudio(frame) {
    this.#socket.send(frame);
    this.sentFrames += 1;
  }

  /** @param {{ type: string } & Record<string, unknown>} message */
  send(message) {
    if (this.#started) this.#tell(message);
  }

  hangUp() {
    this.#tell({ type: "bye" });
    this.#end({ fate: "over", failure: undefined });
  }

  /** Leaves without a word for the server, which holds the call, and without one for who listens here. */
  abandon() {
    this.#rest(givenUpCode);
  }

  /** Asks for a sign of life; without one this connection is soon given up. */
  probe() {
    if (!this.#started || this.#done) return;
    this.#pingsMissed = Math.max(this.#pingsMissed, pingsMissedLimit - 1);
    this.#ping();
  }

  /** @param {object} message */
  #tell(message) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** @param {ArrayBuffer | string} data */
  #take(data) {
    if (this.#done) return;
    this.#pingsMissed = 0;
    if (typeof data !== "string") {
      this.receivedFrames += 1;
      this.#events.audio(data);
      return;
    }
    const message = readMessage(data);
    if (message === undefined) return;
    if (message.type === "started") this.#begin();
    if (message.type === "pong")
      this.roundTripMs = message["id"] === this.#pingId ? performance.now() - this.#pingSentAt : this.roundTripMs;
    if (message.type === "error")
      this.#ending = { fate: "over", failure: new CallFailure(String(message["code"]), String(message["message"])) };
    if (message.type === "ended")
      this.#ending =
        message["reason"] === "drained" ? { fate: "lost", failure: failureOfClose(1012, true) } : { fate: "over", failure: undefined };
    this.#events.message(message);
  }

  #begin() {
    this.#started = true;
    clearTimeout(this.#openTimer);
    this.#ping();
    this.#pingTimer = setInterval(() => this.#ping(), pingEveryMs);
  }

  #ping() {
    if (this.#pingsMissed >= pingsMissedLimit) return this.#giveUp("Nothing came from the server any more.");
    this.#pingsMissed += 1;
    this.#pingId += 1;
    this.#pingSentAt = performance.now();
    this.#tell({ type: "ping", id: this.#pingId });
  }

  /** @param {string} why */
  #giveUp(why) {
    this.#end({ fate: "lost", failure: new CallFailure(this.#started ? "server-gone" : "server-unreachable", why) }, givenUpCode);
  }

  /**
   * @param {WireEnd} end
   * @param {number} [code]
   */
  #end(end, code = 1000) {
    if (this.#done) return;
    this.#rest(code);
    this.#events.closed(end);
  }

  /** @param {number} code */
  #rest(code) {
    this.#done = true;
    clearTimeout(this.#openTimer);
    clearInterval(this.#pingTimer);
    this.#socket.close(code);
  }
}

/** Close codes of a server that goes, or of a network that does; with the others the server has said its last word. */
const lossCodes = new Set([1001, 1006, 1012, 4001]);

/**
 * @param {number} code
 * @param {boolean} started
 * @returns {WireEnd}
 */
function endOf(code, started) {
  if (lossCodes.has(code)) return { fate: "lost", failure: failureOfClose(code, started) };
  return { fate: "over", failure: code === 1000 ? undefined : failureOfClose(code, started) };
}

/**
 * @param {string} text
 * @returns {WireMessage | undefined} undefined for what is no message: ignored, as unknown types are
 */
function readMessage(text) {
  try {
    const message = JSON.parse(text);
    return typeof message?.type === "string" ? message : undefined;
  } catch {
    return undefined;
  }
}
