import { Sound } from "./client/sound.js";
import { Wire } from "./client/wire.js";

export { listDevices } from "./client/sound.js";
export { CallFailure } from "./client/failure.js";

/**
 * @typedef {import("./client/wire.js").WireMessage} WireMessage
 * @typedef {import("./client/failure.js").CallFailure} CallFailureType
 *
 * @typedef {object} CallOptions
 * @property {string | URL} url of the server's `/browser` socket, `ws:` or `wss:`
 * @property {"microphone" | "none"} [source] who speaks; with `none` the call hears only typed text and `say`
 * @property {string} [microphoneId] the browser's default without
 * @property {boolean} [raw] no echo cancellation, noise suppression and gain control
 * @property {{ up?: string, down?: string }} [audio] `pcm16@RATE`; 16000 up and 24000 down without
 * @property {string} [agent]
 * @property {string} [language] BCP 47
 * @property {string} [token]
 * @property {string} [resume] the `resumeToken` of a call to come back to
 * @property {(notice: CallNotice) => void} [onNotice]
 *
 * @typedef {WireMessage
 *   | { type: "microphone.lost", failure: CallFailureType }
 *   | { type: "quiet", turnId: string }
 *   | { type: "closed", failure: CallFailureType | undefined }} CallNotice
 * What the server says, as it came (see the wire's message table), and what happens on this side:
 * `quiet`: the agent's audio of that turn is played out; `closed`: the call is over, told once, last.
 *
 * @typedef {object} CallStats
 * @property {number} sentFrames of 20 ms
 * @property {number} receivedFrames
 * @property {number} droppedFrames uplink frames that the network did not take
 * @property {number} waitingBytes uplink bytes in the socket
 * @property {number | undefined} roundTripMs
 * @property {number} queuedMs agent audio in the jitter buffer
 * @property {number} targetMs what the jitter buffer aims at
 * @property {number} underruns gaps within a turn that were hidden
 * @property {number} overflowMs agent audio that did not fit
 * @property {number | undefined} flushMs from the last `flush` message to silence
 */

/**
 * Calls the server. Asks for the microphone first, so that nobody answers before the caller can speak.
 * Must be called from a click, else browsers give no sound.
 * @param {CallOptions} options
 * @returns {Promise<Call>} a call whose socket is opening; `started` comes as a notice
 * @throws {import("./client/failure.js").CallFailure} insecure-origin, browser-unsupported, microphone-*
 */
export async function connect(options) {
  const call = new Call(options);
  await call.open();
  return call;
}

const rateOf = (/** @type {string} */ encoding) => {
  const rateHz = /^pcm16@(8000|16000|24000|48000)$/.exec(encoding)?.[1];
  if (rateHz === undefined) throw new TypeError(`audio: ${encoding} is not one of pcm16@8000, 16000, 24000, 48000`);
  return Number(rateHz);
};

/** One conversation: the sound stays while the wire beneath may be replaced. Made by `connect`. */
class Call {
  #options;
  #audio;
  /** @type {Sound | undefined} */
  #sound;
  /** @type {Wire | undefined} */
  #wire;
  /** @type {string | undefined} the agent turn that arriving audio belongs to */
  #turnId;
  /** Ms that were reported as played, of the turn reported last. */
  #reported = { turnId: "", ms: 0 };
  /** @type {number | undefined} */
  #flushedAt;
  /** @type {number | undefined} */
  #flushMs;
  /** @type {string | undefined} what brings a caller back into this call */
  resumeToken;
  /** @type {string | undefined} */
  callId;

  /** @param {CallOptions} options */
  constructor(options) {
    this.#options = options;
    this.#audio = { up: options.audio?.up ?? "pcm16@16000", down: options.audio?.down ?? "pcm16@24000" };
    this.resumeToken = options.resume;
  }

  async open() {
    const sound = await Sound.open({
      upHz: rateOf(this.#audio.up),
      downHz: rateOf(this.#audio.down),
      raw: this.#options.raw ?? false,
      events: {
        frame: (bytes) => this.#wire?.sendAudio(bytes),
        playback: (playback) => this.#report(playback),
        microphoneLost: (failure) => this.#tell({ type: "microphone.lost", failure }),
      },
    });
    this.#sound = sound;
    try {
      if (this.#options.source !== "none") await sound.useMicrophone(this.#options.microphoneId);
    } catch (failure) {
      await sound.close();
      throw failure;
    }
    this.#openWire();
  }

  /** The audio side: levels, devices, `agentVoice` for who wants to listen in. */
  get sound() {
    if (this.#sound === undefined) throw new Error("the call is not open yet");
    return this.#sound;
  }

  /** How loud each side is just now, 0 to 1 (root mean square). */
  get levels() {
    return { caller: this.#sound?.upLevel ?? 0, agent: this.#sound?.player.level ?? 0 };
  }

  /** @returns {CallStats} */
  get stats() {
    const { sentFrames = 0, receivedFrames = 0, droppedFrames = 0, waitingBytes = 0, roundTripMs } = this.#wire ?? {};
    const { queuedMs, targetMs, underruns, droppedMs } = this.sound.player;
    const buffer = { queuedMs, targetMs, underruns, overflowMs: droppedMs, flushMs: this.#flushMs };
    return { sentFrames, receivedFrames, droppedFrames, waitingBytes, roundTripMs, ...buffer };
  }

  /** @param {string} text at most 4,000 characters */
  type(text) {
    this.#wire?.send({ type: "text", text });
  }

  /** @param {string} digit one of 0-9 * # A-D */
  press(digit) {
    this.#wire?.send({ type: "dtmf", digit });
  }

  hangUp() {
    this.#wire?.hangUp();
  }

  #openWire() {
    const { url, agent, language, token } = this.#options;
    const said = { agent, language, token, resume: this.resumeToken };
    const known = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
    this.#wire = new Wire(
      String(url),
      { type: "start", version: 1, audio: this.#audio, ...known },
      {
        audio: (bytes) => this.sound.play(bytes, this.#turnId ?? ""),
        message: (message) => this.#take(message),
        closed: (failure) => this.#close(failure),
      },
    );
  }

  /** @param {WireMessage} message */
  #take(message) {
    if (message.type === "started") {
      this.callId = String(message["callId"]);
      this.resumeToken = String(message["resumeToken"]);
    } else if (message.type === "turn") this.#turnId = String(message["turnId"]);
    else if (message.type === "flush") {
      this.#flushedAt = performance.now();
      this.sound.flush();
    }
    this.#tell(message);
  }

  /**
   * What is rendered is not heard yet: reports leave out what is still on its way to the loudspeaker, and the end is told when it is there.
   * @param {import("./client/playout-buffer.js").Playback} playback
   */
  #report({ type, turnId, ms }) {
    const lagMs = this.sound.outputLatencyMs;
    if (type === "flushed" && this.#flushedAt !== undefined) this.#flushMs = performance.now() - this.#flushedAt;
    if (type !== "dry") {
      this.#played(turnId, ms - lagMs, type === "flushed");
      return;
    }
    setTimeout(() => {
      this.#played(turnId, ms, true);
      this.#tell({ type: "quiet", turnId });
    }, lagMs);
  }

  /**
   * @param {string} turnId
   * @param {number} ms
   * @param {boolean} last whether it is told even when nothing was played since the last report
   */
  #played(turnId, ms, last) {
    if (turnId === "") return;
    const before = this.#reported.turnId === turnId ? this.#reported.ms : 0;
    const heardMs = Math.max(before, Math.round(ms));
    if (heardMs === before && !last) return;
    this.#reported = { turnId, ms: heardMs };
    this.#wire?.send({ type: "played", turnId, ms: heardMs });
  }

  /** @param {CallFailureType | undefined} failure */
  #close(failure) {
    void this.#sound?.close();
    this.#tell({ type: "closed", failure });
  }

  /** @param {CallNotice} notice */
  #tell(notice) {
    this.#options.onNotice?.(notice);
  }
}
