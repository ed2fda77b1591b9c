import { keepForReload } from "./client/before-reload.js";
import { LastingWire } from "./client/lasting-wire.js";
import { canOpus } from "./client/opus.js";
import { rateOf, Sound } from "./client/sound.js";

export { callBeforeReload } from "./client/before-reload.js";
export { listDevices } from "./client/sound.js";
export { CallFailure } from "./client/failure.js";

/**
 * @typedef {import("./client/wire.js").WireMessage} WireMessage
 * @typedef {import("./client/failure.js").CallFailure} CallFailureType
 * @typedef {import("./client/before-reload.js").CallBeforeReload} CallBeforeReload
 *
 * @typedef {object} CallOptions
 * @property {string | URL} url of the server's `/browser` socket, `ws:` or `wss:`
 * @property {"microphone" | "none"} [source] who speaks; with `none` the call hears only typed text and `say`
 * @property {string} [microphoneId] the browser's default without
 * @property {boolean} [raw] no echo cancellation, noise suppression and gain control
 * @property {{ up?: string, down?: string }} [audio] each `opus` or `pcm16@RATE`; without, Opus
 * where the browser has it and the server is not on this machine, else 16000 up and 24000 down
 * @property {string} [agent]
 * @property {string} [language] BCP 47
 * @property {string | Promise<string> | (() => string | Promise<string>)} [token] a caller token, good for one call of an hour; from a
 * function, another is asked for when that is over, and the call goes on
 * @property {CallBeforeReload} [resume] the call to come back to, from `callBeforeReload`
 * @property {(notice: CallNotice) => void} [onNotice]
 *
 * @typedef {WireMessage
 *   | { type: "microphone.lost", failure: CallFailureType }
 *   | { type: "line.lost" }
 *   | { type: "line.back", awayMs: number }
 *   | { type: "quiet", turnId: string }
 *   | { type: "closed", failure: CallFailureType | undefined }} CallNotice
 * What the server says, as it came (see the wire's message table), and what happens on this side:
 * `line.lost`: the network broke; the call goes on by itself when it is back, and what is said meanwhile is kept;
 * `quiet`: the agent's audio of that turn is played out; `closed`: the call is over, told once, last.
 *
 * @typedef {object} CallStats
 * @property {number} sentFrames of 20 ms
 * @property {number} receivedFrames
 * @property {number} droppedFrames uplink frames that the network did not take in ten seconds
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
 * Must be called from a click, else browsers may give no sound; with `resume` it may be tried without one.
 * @param {CallOptions} options
 * @returns {Promise<Call>} a call whose socket is opening; `started` comes as a notice
 * @throws {import("./client/failure.js").CallFailure} insecure-origin, browser-unsupported, microphone-*; click-needed with `resume`
 */
export async function connect(options) {
  const audio = options.resume?.audio ?? { ...bestAudio(options.url), ...options.audio };
  const call = new Call(options, audio);
  await call.open();
  return call;
}

/** What the wire speaks when nobody says otherwise: nothing is gained by coding for a server on this machine. */
const plain = { up: "pcm16@16000", down: "pcm16@24000" };
/** Asked beforehand: a click may start sound only as long as nothing is waited for. */
let hasOpus = false;
void canOpus().then((can) => (hasOpus = can));

/** @param {string | URL} url */
function bestAudio(url) {
  const isNear = /^(localhost|127\.|\[::1\])/.test(new URL(url, location.href).hostname);
  return hasOpus && !isNear ? { up: "opus", down: "opus" } : plain;
}

/** What a page that comes back without a click waits for sound. */
const soundLimitMs = 1_000;
/** The player reports so often while it plays, ms. */
const reportEveryMs = 100;
/** What a page that was loaded again hears once more, so that no syllable is cut, ms. */
const overlapMs = 100;
/** The server sends one frame in each Opus packet. */
const packetMs = 20;
/** Stretches of agent audio that may be on their way to the loudspeaker; older ones are forgotten. */
const keptStretches = 16;

/**
 * A stretch of agent audio without a break: from `fromMs` of the turn on, as far as it has arrived, ms of the turn.
 * @typedef {{ key: string, turnId: string, fromMs: number, arrivedMs: number }} Stretch
 */

/** One conversation: the sound stays while the wire beneath may be replaced. Made by `connect`. */
class Call {
  #options;
  #audio;
  /** @type {Sound | undefined} */
  #sound;
  /** @type {LastingWire | undefined} */
  #wire;
  /** The newest last: arriving audio belongs to it. @type {Stretch[]} */
  #stretches = [];
  #stretchesCounted = 0;
  /** What was reported last, ms of that turn. @type {{ turnId: string, ms: number } | undefined} */
  #heard;
  /** When that was, as long as more is being played. @type {number | undefined} */
  #playingSince;
  /** @type {number | undefined} */
  #flushedAt;
  /** @type {number | undefined} */
  #flushMs;
  #startedAt;
  #over = new AbortController();
  /** @type {string | undefined} */
  #token;
  /** What brings a caller back into this call. @type {string | undefined} */
  #resumeToken;
  /** @type {string | undefined} */
  callId;

  /**
   * @param {CallOptions} options
   * @param {{ up: string, down: string }} audio
   */
  constructor(options, audio) {
    const { resume } = options;
    this.#options = options;
    this.#audio = audio;
    this.#resumeToken = resume?.resumeToken;
    this.#heard = resume?.arrived;
    this.#startedAt = resume?.startedAt ?? Date.now();
  }

  async open() {
    const sound = await Sound.open({
      ...this.#audio,
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
      if (this.#options.resume !== undefined) await sound.runs(soundLimitMs);
      await this.#askToken();
    } catch (failure) {
      await sound.close();
      throw failure;
    }
    this.#openWire();
    keepForReload(() => this.#forReload(), this.#over.signal);
  }

  /** The audio side: levels, devices, `agentVoice` for who wants to listen in. */
  get sound() {
    if (this.#sound === undefined) throw new Error("the call is not open yet");
    return this.#sound;
  }

  /** Unix time, ms. */
  get startedAt() {
    return this.#startedAt;
  }

  /** How loud each side is just now, 0 to 1 (root mean square). */
  get levels() {
    return { caller: this.#sound?.upLevel ?? 0, agent: this.#sound?.player.level ?? 0 };
  }

  /** @returns {CallStats} */
  get stats() {
    const none = { sentFrames: 0, receivedFrames: 0, droppedFrames: 0, waitingBytes: 0, roundTripMs: undefined };
    const wire = this.#wire?.stats ?? none;
    const { queuedMs, targetMs, underruns, droppedMs } = this.sound.player;
    const buffer = { queuedMs, targetMs, underruns, overflowMs: droppedMs, flushMs: this.#flushMs };
    return { ...wire, ...buffer };
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
    this.#wire = new LastingWire(String(this.#options.url), () => this.#start(), {
      audio: (bytes) => this.#play(bytes),
      message: (message) => this.#take(message),
      lost: () => this.#tell({ type: "line.lost" }),
      back: (awayMs) => this.#tell({ type: "line.back", awayMs }),
      renewToken: () => this.#renewToken(),
      closed: (failure) => this.#close(failure),
    });
  }

  async #askToken() {
    const { token } = this.#options;
    this.#token = await (typeof token === "function" ? token() : token);
  }

  /** False: this page has one token and no other, or cannot get one. */
  async #renewToken() {
    if (typeof this.#options.token !== "function") return false;
    try {
      await this.#askToken();
      return true;
    } catch {
      return false;
    }
  }

  /** @returns {import("./client/wire.js").Start} */
  #start() {
    const { agent, language } = this.#options;
    const said = { agent, language, token: this.#token, resume: this.#resumeToken, arrived: this.#arrived };
    const known = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
    return { type: "start", version: 1, audio: this.#audio, ...known };
  }

  /** What of the agent is here, heard or about to be. */
  get #arrived() {
    const newest = this.#stretches.at(-1);
    return newest === undefined ? this.#heard : { turnId: newest.turnId, ms: newest.arrivedMs };
  }

  /** What was about to be heard goes with the page. @returns {CallBeforeReload | undefined} */
  #forReload() {
    if (this.#resumeToken === undefined) return undefined;
    const heard = this.#heard;
    // What was played since the last report was heard too.
    const sinceMs = this.#playingSince === undefined ? 0 : Math.min(performance.now() - this.#playingSince, reportEveryMs);
    const arrived = heard && { turnId: heard.turnId, ms: Math.max(0, Math.round(heard.ms + sinceMs - overlapMs)) };
    const source = this.#options.source ?? "microphone";
    return { resumeToken: this.#resumeToken, audio: this.#audio, source, arrived, startedAt: this.#startedAt };
  }

  /** @param {ArrayBuffer} bytes */
  #play(bytes) {
    const newest = this.#stretches.at(-1);
    const { down } = this.#audio;
    if (newest !== undefined) newest.arrivedMs += down === "opus" ? packetMs : (bytes.byteLength * 500) / rateOf(down);
    this.sound.play(bytes, newest?.key ?? "");
  }

  /** @param {WireMessage} message */
  #take(message) {
    if (message.type === "started") {
      this.callId = String(message["callId"]);
      this.#resumeToken = String(message["resumeToken"]);
    } else if (message.type === "turn") this.#beginStretch(String(message["turnId"]), Number(message["fromMs"] ?? 0));
    else if (message.type === "flush") {
      this.#flushedAt = performance.now();
      this.sound.flush();
    }
    this.#tell(message);
  }

  /**
   * @param {string} turnId
   * @param {number} fromMs
   */
  #beginStretch(turnId, fromMs) {
    this.#stretchesCounted += 1;
    this.#stretches.push({ key: `s${this.#stretchesCounted}`, turnId, fromMs, arrivedMs: fromMs });
    if (this.#stretches.length > keptStretches) this.#stretches.shift();
  }

  /**
   * What is rendered is not heard yet: reports leave out what is still on its way to the loudspeaker, and the end is told when it is there.
   * @param {import("./client/playout-buffer.js").Playback} playback
   */
  #report({ type, turnId: key, ms }) {
    const lagMs = this.sound.outputLatencyMs;
    if (type === "flushed" && this.#flushedAt !== undefined) this.#flushMs = performance.now() - this.#flushedAt;
    const stretch = this.#stretches.find((each) => each.key === key);
    if (stretch === undefined) return;
    if (type !== "dry") return this.#played(stretch, ms - lagMs, type === "flushed");
    setTimeout(() => {
      this.#played(stretch, ms, true);
      this.#tell({ type: "quiet", turnId: stretch.turnId });
    }, lagMs);
  }

  /**
   * The wire counts from where the turn's newest stretch began; what is left of an earlier one is before that.
   * @param {Stretch} stretch
   * @param {number} ms of it
   * @param {boolean} last whether it is told even when nothing was played since the last report
   */
  #played({ turnId, fromMs }, ms, last) {
    const before = this.#heard?.turnId === turnId ? this.#heard.ms : 0;
    const heardMs = Math.max(before, fromMs + Math.round(ms));
    if (heardMs === before && !last) return;
    this.#heard = { turnId, ms: heardMs };
    this.#playingSince = last ? undefined : performance.now();
    const newest = this.#stretches.findLast((each) => each.turnId === turnId);
    const toldMs = heardMs - (newest?.fromMs ?? 0);
    if (toldMs >= 0) this.#wire?.send({ type: "played", turnId, ms: toldMs });
  }

  /** @param {CallFailureType | undefined} failure */
  #close(failure) {
    this.#over.abort();
    void this.#sound?.close();
    this.#tell({ type: "closed", failure });
  }

  /** @param {CallNotice} notice */
  #tell(notice) {
    this.#options.onNotice?.(notice);
  }
}
