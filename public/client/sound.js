import { CallFailure, failureOfMicrophone } from "./failure.js";
import { decodedHz, OpusDecoder, OpusEncoder } from "./opus.js";

/**
 * @typedef {import("./playout-buffer.js").Playback} Playback
 * @typedef {{ level: number, queuedMs: number, targetMs: number, underruns: number, droppedMs: number }} PlayerState
 * @typedef {object} SoundEvents
 * @property {(bytes: ArrayBuffer) => void} frame 20 ms of what the caller says as the wire has it, in order
 * @property {(playback: Playback) => void} playback
 * @property {(failure: CallFailure) => void} microphoneLost it was pulled out, or taken back; silence is sent from now on
 */

/**
 * @param {string} coding
 * @throws {TypeError} for what this side does not speak
 */
export function rateOf(coding) {
  if (coding === "opus") return 24_000;
  const rateHz = /^pcm16@(8000|16000|24000|48000)$/.exec(coding)?.[1];
  if (rateHz === undefined) throw new TypeError(`audio: ${coding} is not opus or one of pcm16@8000, 16000, 24000, 48000`);
  return Number(rateHz);
}

/** The audio side of a call: microphone or recording to frames, frames to the loudspeaker. One audio context for both. */
export class Sound {
  /** @type {AudioContext} */
  #context;
  #capture;
  #player;
  #events;
  #raw;
  /** @type {{ stream: MediaStream, node: MediaStreamAudioSourceNode } | undefined} */
  #microphone;
  /** @type {OpusEncoder | undefined} */
  #encoder;
  /** @type {OpusDecoder | undefined} */
  #decoder;
  #muted = false;
  upLevel = 0;
  /** @type {PlayerState} */
  player = { level: 0, queuedMs: 0, targetMs: 0, underruns: 0, droppedMs: 0 };

  /**
   * @param {{ context: AudioContext, up: string, down: string, raw: boolean, events: SoundEvents }} options
   */
  constructor({ context, up, down, raw, events }) {
    this.#context = context;
    this.#events = events;
    this.#raw = raw;
    this.#capture = new AudioWorkletNode(context, "linekeeper-capture", { numberOfOutputs: 0, processorOptions: { rateHz: rateOf(up) } });
    this.#player = new AudioWorkletNode(context, "linekeeper-playback", {
      numberOfInputs: 0,
      outputChannelCount: [1],
      processorOptions: { rateHz: down === "opus" ? decodedHz : rateOf(down) },
    });
    this.#player.connect(context.destination);
    const encoder = up === "opus" ? new OpusEncoder(events.frame) : undefined;
    this.#encoder = encoder;
    if (down === "opus")
      this.#decoder = new OpusDecoder((samples, turnId) => this.#player.port.postMessage({ samples, turnId }, [samples.buffer]));
    this.#capture.port.onmessage = ({ data }) => {
      this.upLevel = data.level;
      if (encoder === undefined) events.frame(data.bytes);
      else encoder.encode(data.bytes);
    };
    this.#player.port.onmessage = ({ data }) => {
      if (data.playback === undefined) this.player = data;
      else events.playback(data.playback);
    };
  }

  /**
   * @param {{ up: string, down: string, raw: boolean, events: SoundEvents }} options
   * `up`, `down`: `opus` or `pcm16@RATE`. `raw` switches the browser's echo cancellation, noise suppression and gain control off.
   * @throws {CallFailure} browser-unsupported, server-unreachable
   */
  static async open(options) {
    if (!("AudioWorkletNode" in globalThis)) throw new CallFailure("browser-unsupported", "This browser has no audio worklets.");
    const context = new AudioContext({ latencyHint: "interactive" });
    // Before anything is waited for: some browsers let sound begin only while the click is being handled.
    void context.resume();
    try {
      await Promise.all([
        context.audioWorklet.addModule(new URL("capture-worklet.js", import.meta.url)),
        context.audioWorklet.addModule(new URL("playback-worklet.js", import.meta.url)),
      ]);
    } catch (error) {
      void context.close();
      throw new CallFailure("server-unreachable", "The audio worklets could not be fetched from the server.", { cause: error });
    }
    // A phone call or another tab may suspend the context; it is taken up again as soon as the browser allows.
    context.onstatechange = () => {
      if (context.state !== "running" && context.state !== "closed") void context.resume();
    };
    return new Sound({ ...options, context });
  }

  /** Where the agent's voice leaves for the loudspeaker; more listeners (a recorder, an analyser) may be connected to it. */
  get agentVoice() {
    return this.#player;
  }

  get context() {
    return this.#context;
  }

  /**
   * Resolves when sound runs. Browsers start it only in a page that was clicked, or that listens to the microphone.
   * @param {number} limitMs
   * @throws {CallFailure} click-needed
   */
  async runs(limitMs) {
    void this.#context.resume();
    const untilMs = performance.now() + limitMs;
    while (this.#context.state !== "running") {
      if (performance.now() > untilMs) throw new CallFailure("click-needed", "The browser starts sound only after a click.");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** From rendered to heard, ms. */
  get outputLatencyMs() {
    return 1000 * (this.#context.outputLatency || this.#context.baseLatency || 0);
  }

  get microphoneId() {
    return this.#microphone?.stream.getAudioTracks()[0]?.getSettings().deviceId;
  }

  get muted() {
    return this.#muted;
  }

  /**
   * Listens to a microphone from now on, in place of the one before.
   * @param {string} [deviceId] the browser's default without
   * @throws {CallFailure} insecure-origin, microphone-denied, microphone-missing, microphone-taken, microphone-failed
   */
  async useMicrophone(deviceId) {
    if (!globalThis.isSecureContext || navigator.mediaDevices === undefined)
      throw new CallFailure("insecure-origin", "Browsers give a microphone only to pages on https or localhost.");
    const clean = !this.#raw;
    const wanted = { echoCancellation: clean, noiseSuppression: clean, autoGainControl: clean, channelCount: 1 };
    const audio = deviceId === undefined ? wanted : { ...wanted, deviceId: { exact: deviceId } };
    const stream = await navigator.mediaDevices.getUserMedia({ audio }).catch((error) => {
      throw failureOfMicrophone(error);
    });
    if (this.#context.state === "closed") {
      for (const track of stream.getTracks()) track.stop();
      return;
    }
    this.#dropMicrophone();
    const node = this.#context.createMediaStreamSource(stream);
    node.connect(this.#capture);
    this.#microphone = { stream, node };
    const [track] = stream.getAudioTracks();
    if (track !== undefined) track.onended = () => this.#loseMicrophone(stream);
  }

  /**
   * Plays a recording as if the caller spoke it, and quietly to the person in front of the page.
   * @param {string | URL} url a sound file that the browser can decode
   * @param {{ gain?: number, signal?: AbortSignal }} [options] how loud it is heard here, 0 to 1
   * @returns {Promise<void>} when it has been said, or was aborted
   * @throws {CallFailure} recording-missing
   */
  async say(url, { gain = 0.4, signal } = {}) {
    const recording = await this.#load(url);
    if (signal?.aborted === true || this.#context.state === "closed") return;
    const source = new AudioBufferSourceNode(this.#context, { buffer: recording });
    const monitor = new GainNode(this.#context, { gain });
    source.connect(this.#capture);
    source.connect(monitor).connect(this.#context.destination);
    const abort = () => source.stop();
    signal?.addEventListener("abort", abort, { once: true });
    source.start();
    await new Promise((resolve) => {
      source.onended = resolve;
    });
    signal?.removeEventListener("abort", abort);
    monitor.disconnect();
  }

  /**
   * @param {ArrayBuffer} bytes agent audio; given away
   * @param {string} turnId
   */
  play(bytes, turnId) {
    if (this.#decoder === undefined) this.#player.port.postMessage({ bytes, turnId }, [bytes]);
    else this.#decoder.decode(bytes, turnId);
  }

  flush() {
    this.#decoder?.flush();
    this.#player.port.postMessage({ flush: true });
  }

  /** @param {boolean} muted */
  mute(muted) {
    this.#muted = muted;
    this.#capture.port.postMessage({ muted });
  }

  /** Whether the loudspeaker can be chosen in this browser. */
  get canChooseSpeaker() {
    return "setSinkId" in this.#context;
  }

  /** @param {string} deviceId */
  async useSpeaker(deviceId) {
    if ("setSinkId" in this.#context && typeof this.#context.setSinkId === "function") await this.#context.setSinkId(deviceId);
  }

  async close() {
    this.#dropMicrophone();
    this.#encoder?.close();
    this.#decoder?.close();
    this.#capture.port.postMessage({ close: true });
    this.#player.port.postMessage({ close: true });
    this.upLevel = 0;
    this.player = { ...this.player, level: 0, queuedMs: 0 };
    if (this.#context.state !== "closed") await this.#context.close();
  }

  /** @param {string | URL} url */
  async #load(url) {
    try {
      const answer = await fetch(url);
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      return await this.#context.decodeAudioData(await answer.arrayBuffer());
    } catch (error) {
      throw new CallFailure("recording-missing", `The recording ${String(url)} could not be loaded.`, { cause: error });
    }
  }

  #dropMicrophone() {
    if (this.#microphone === undefined) return;
    this.#microphone.node.disconnect();
    for (const track of this.#microphone.stream.getTracks()) {
      track.onended = null;
      track.stop();
    }
    this.#microphone = undefined;
  }

  /** @param {MediaStream} stream */
  #loseMicrophone(stream) {
    if (this.#microphone?.stream !== stream) return;
    this.#dropMicrophone();
    this.#events.microphoneLost(new CallFailure("microphone-missing", "The microphone is gone."));
  }
}

/**
 * Microphones and loudspeakers that can be chosen; names are empty until the microphone was allowed once.
 * @returns {Promise<{ microphones: MediaDeviceInfo[], speakers: MediaDeviceInfo[] }>}
 */
export async function listDevices() {
  const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  return {
    microphones: devices.filter((device) => device.kind === "audioinput" && device.deviceId !== ""),
    speakers: devices.filter((device) => device.kind === "audiooutput" && device.deviceId !== ""),
  };
}
