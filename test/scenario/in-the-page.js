/**
 * @typedef {{ rateHz: number, startsAt: number, blocks: Float32Array[][], flushes: number[], context: AudioContext | undefined, pack: (track: number) => string }} RunningTape
 * @typedef {{ rateHz: number, tracks: string[], flushes: number[], outputLatencyMs: number }} PackedTape
 * @typedef {{ role: "agent" | "caller", text: string, final: boolean, interrupted: boolean }} Turn
 */

// These functions run in the page: nothing of this file's surroundings is there.

/**
 * To be run before the page's own code: tapes what goes to the loudspeaker and what comes from the microphone, and notes each flush.
 * @param {string} worklet the source of tape-worklet.js
 */
export function startTape(worklet) {
  /** @type {RunningTape} */
  const tape = { rateHz: 0, startsAt: 0, blocks: [], flushes: [], context: undefined, pack };
  Object.assign(window, { tape });
  addEventListener("pagehide", () => sessionStorage.setItem("tape", pack(0)));

  /** As 16-bit samples in base64: a minute of numbers in JSON would be tens of megabytes. */
  function pack(/** @type {number} */ track) {
    let bytes = "";
    for (const block of tape.blocks) {
      const samples = Int16Array.from(block[track] ?? [], (sample) => Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_767))));
      bytes += String.fromCharCode(...new Uint8Array(samples.buffer));
    }
    return btoa(bytes);
  }

  const { addModule } = AudioWorklet.prototype;
  const workletUrl = URL.createObjectURL(new Blob([worklet], { type: "text/javascript" }));
  AudioWorklet.prototype.addModule = async function (url) {
    await addModule.call(this, workletUrl);
    await addModule.call(this, url);
  };
  /** @type {(to: AudioNode, output?: number, input?: number) => AudioNode} of its two forms the one that the page uses */
  const connect = AudioNode.prototype.connect;
  /** @type {AudioWorkletNode | undefined} */
  let recorder;
  const record = (/** @type {AudioNode} */ node, /** @type {number} */ track) => {
    const { context } = node;
    if (recorder === undefined && context instanceof AudioContext) {
      tape.context = context;
      tape.rateHz = context.sampleRate;
      recorder = new AudioWorkletNode(context, "tape", { numberOfInputs: 2, numberOfOutputs: 0 });
      recorder.port.onmessage = ({ data }) => {
        if (tape.blocks.length === 0) tape.startsAt = data.endsAt - data.tracks[0].length;
        tape.blocks.push(data.tracks);
      };
    }
    if (recorder !== undefined) connect.call(node, recorder, 0, track);
  };
  Object.assign(AudioNode.prototype, {
    /** @type {(this: AudioNode, to: AudioNode) => AudioNode} */
    connect(to) {
      if (this instanceof AudioWorkletNode && to instanceof AudioDestinationNode) record(this, 0);
      if (this instanceof MediaStreamAudioSourceNode) record(this, 1);
      return connect.call(this, to);
    },
  });
  globalThis.WebSocket = class extends WebSocket {
    /** @param {string | URL} url */
    constructor(url) {
      super(url);
      this.addEventListener("message", ({ data }) => {
        if (data === '{"type":"flush"}') tape.flushes.push(Math.round((tape.context?.currentTime ?? 0) * tape.rateHz));
      });
    }
  };
}

/** @returns {PackedTape} */
export function takeTape() {
  const { rateHz, startsAt, flushes, context, pack } = window.tape;
  const outputLatencyMs = 1_000 * (context?.outputLatency ?? 0);
  return { rateHz, tracks: [pack(0), pack(1)], flushes: flushes.map((frame) => frame - startsAt), outputLatencyMs };
}

/** @returns {string} what left for the loudspeaker before the page was loaded again, as in `tracks`; empty if it was not */
export function tapeBeforeReload() {
  return sessionStorage.getItem("tape") ?? "";
}

/** @returns {Turn[]} the turns that the page shows, in order */
export function shownTurns() {
  return window.linekeeper.captions.entries.flatMap((entry) => {
    if (entry.kind !== "turn") return [];
    const { role, text, final, interrupted } = entry;
    return [{ role, text, final, interrupted }];
  });
}

/** @returns {string} */
export function callIdNow() {
  return window.linekeeper.call?.callId ?? "";
}

/** @returns {number} */
export function callerLevelNow() {
  return window.linekeeper.call?.levels.caller ?? 0;
}

/**
 * Calls without our client: a recorder's stream goes up as it is.
 * @param {string} awaited words of the caller
 * @returns {Promise<string>} the words, or what the server said instead
 */
export async function recordedCall(awaited) {
  const recorder = new MediaRecorder(await navigator.mediaDevices.getUserMedia({ audio: true }), { mimeType: "audio/webm;codecs=opus" });
  const socket = new WebSocket(`ws://${location.host}/browser`);
  recorder.ondataavailable = async ({ data }) => socket.send(await data.arrayBuffer());
  socket.onopen = () => socket.send('{"type":"start","version":1,"audio":{"up":"webm/opus","down":"pcm16@24000"}}');
  return new Promise((resolve) => {
    socket.onclose = ({ code }) => resolve(`closed with ${code}`);
    socket.onmessage = ({ data }) => {
      const message = typeof data === "string" ? JSON.parse(data) : {};
      if (message.type === "started") recorder.start(100);
      if (message.type === "error" || (message.type === "caption" && message.text === awaited)) resolve(message.text ?? message.message);
    };
  });
}
