import { CallFailure, failureOfClose } from "./failure.js";

/** Uplink audio that may wait in the socket: ten seconds at 48 kHz. What comes on top is dropped and counted. */
const waitingLimitBytes = 960_000;
/** Frames kept while the socket opens: ten seconds. */
const earlyLimitFrames = 500;
const pingEveryMs = 2_000;
const openLimitMs = 8_000;

/**
 * @typedef {{ type: "start", version: 1, audio: { up: string, down: string }, agent?: string, language?: string, token?: string, resume?: string }} Start
 * @typedef {{ type: string } & Record<string, unknown>} WireMessage a text message of the server, as it came
 * @typedef {object} WireEvents
 * @property {(bytes: ArrayBuffer) => void} audio
 * @property {(message: WireMessage) => void} message
 * @property {(failure: CallFailure | undefined) => void} closed told once, last; undefined when the call ended in order
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
  #started = false;
  /** @type {CallFailure | "in order" | undefined} what the last words of either side were */
  #ending;
  #done = false;
  /** What was said while the socket opened. @type {ArrayBuffer[]} */
  #early = [];
  sentFrames = 0;
  receivedFrames = 0;
  droppedFrames = 0;
  /** @type {number | undefined} */
  roundTripMs;

  /**
   * @param {string} url
   * @param {Start} start
   * @param {WireEvents} events
   */
  constructor(url, start, events) {
    this.#events = events;
    this.#socket = new WebSocket(url);
    this.#socket.binaryType = "arraybuffer";
    this.#openTimer = setTimeout(
      () => this.#end(new CallFailure("server-unreachable", "The server did not answer in 8 seconds.")),
      openLimitMs,
    );
    this.#socket.onopen = () => {
      this.#tell(start);
      for (const frame of this.#early.splice(0)) this.sendAudio(frame);
    };
    this.#socket.onmessage = ({ data }) => this.#take(data);
    this.#socket.onclose = ({ code }) => this.#end(this.#reasonOf(code));
  }

  get waitingBytes() {
    return this.#socket.bufferedAmount;
  }

  /** @param {ArrayBuffer} frame */
  sendAudio(frame) {
    const { readyState } = this.#socket;
    if (readyState === WebSocket.CONNECTING && this.#early.length < earlyLimitFrames) this.#early.push(frame);
    else if (readyState === WebSocket.OPEN && this.waitingBytes <= waitingLimitBytes) {
      this.#socket.send(frame);
      this.sentFrames += 1;
    } else this.droppedFrames += 1;
  }

  /** @param {{ type: string } & Record<string, unknown>} message */
  send(message) {
    if (this.#started) this.#tell(message);
  }

  hangUp() {
    if (this.#done) return;
    this.#ending ??= "in order";
    this.#tell({ type: "bye" });
    this.#end(undefined);
  }

  /** @param {object} message */
  #tell(message) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** @param {ArrayBuffer | string} data */
  #take(data) {
    if (this.#done) return;
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
    if (message.type === "error") this.#ending = new CallFailure(String(message["code"]), String(message["message"]));
    if (message.type === "ended") this.#ending = message["reason"] === "drained" ? failureOfClose(1012, true) : "in order";
    this.#events.message(message);
  }

  #begin() {
    this.#started = true;
    clearTimeout(this.#openTimer);
    this.#ping();
    this.#pingTimer = setInterval(() => this.#ping(), pingEveryMs);
  }

  #ping() {
    this.#pingId += 1;
    this.#pingSentAt = performance.now();
    this.#tell({ type: "ping", id: this.#pingId });
  }

  /** @param {number} closeCode */
  #reasonOf(closeCode) {
    if (this.#ending === "in order") return undefined;
    if (this.#ending !== undefined) return this.#ending;
    return closeCode === 1000 ? undefined : failureOfClose(closeCode, this.#started);
  }

  /** @param {CallFailure | undefined} failure */
  #end(failure) {
    if (this.#done) return;
    this.#done = true;
    clearTimeout(this.#openTimer);
    clearInterval(this.#pingTimer);
    this.#socket.close(1000);
    this.#events.closed(failure);
  }
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
