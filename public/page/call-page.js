import { connect, listDevices } from "../linekeeper-client.js";
import { drawAnswerTimes, median } from "./answer-times.js";
import { Captions } from "./captions.js";
import { byId, element, write } from "./element.js";
import { failureWords } from "./failure-words.js";
import { heightOf, TalkingLine } from "./line.js";
import { seconds, Transcript } from "./transcript.js";

/**
 * @typedef {import("../linekeeper-client.js").CallNotice} CallNotice
 * @typedef {Awaited<ReturnType<typeof connect>>} Call
 * @typedef {{ code: string, message: string }} Failure
 * @typedef {import("../linekeeper-client.js").CallBeforeReload} CallBeforeReload
 * @typedef {"idle" | "kept" | "asking" | "connecting" | "listening" | "thinking" | "speaking" | "reconnecting" | "failed" | "ended"} PageState
 */

/** @type {Readonly<Record<PageState, { title: string, hint: string }>>} */
const stateWords = {
  idle: { title: "Start the call", hint: "Your browser will ask for the microphone." },
  kept: { title: "Your call is waiting", hint: "Press to go on with it." },
  asking: { title: "Microphone?", hint: "Allow it, then you are connected." },
  connecting: { title: "Connecting", hint: "One moment." },
  listening: { title: "Listening", hint: "Go ahead." },
  thinking: { title: "Thinking", hint: "Your answer is on its way." },
  speaking: { title: "Speaking", hint: "Speak over it whenever you like." },
  reconnecting: { title: "Reconnecting", hint: "Your network is away. Go on talking: it is kept." },
  failed: { title: "No call", hint: "" },
  ended: { title: "Call ended", hint: "Press to call again." },
};

/** How the line looks; as while connecting where nothing is said. @type {Readonly<Partial<Record<PageState, import("./line.js").LineMood>>>} */
const lineMoods = {
  idle: "idle",
  kept: "idle",
  ended: "idle",
  failed: "failed",
  listening: "listening",
  thinking: "thinking",
  speaking: "speaking",
};

/** The page with one call on it at a time: keeps what is shown true to what the call says. */
export class CallPage {
  #url;
  #settings;
  #line = new TalkingLine(
    byId("line", HTMLCanvasElement),
    () => this.#call?.levels ?? { caller: 0, agent: 0 },
    () => byId("talk", HTMLElement).offsetWidth / 2 + 8,
  );
  #transcript = new Transcript(byId("transcript", HTMLElement), byId("scroller", HTMLElement), byId("spoken", HTMLElement));
  #captions = new Captions();
  /** @type {Call | undefined} */
  #call;
  /** @type {PageState} */
  #state = "idle";
  /** Counts attempts, so that a call that comes to be after its hang-up is recognised. */
  #attempt = 0;
  /** @type {"microphone" | "none"} */
  #source = "microphone";
  /** The call to come back to, until that was tried. @type {CallBeforeReload | undefined} */
  #kept;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #ticking;
  /** @type {((notice: CallNotice) => void) | undefined} */
  onNotice;
  /** Told every notice of every call. @type {Set<(notice: CallNotice) => void>} */
  followers = new Set();

  /**
   * @param {URL} url of the server's socket
   * @param {{ raw: boolean, agent?: string, token?: string, audio?: { up: string, down: string } }} settings
   */
  constructor(url, settings) {
    this.#url = url;
    this.#settings = settings;
  }

  /** The live call, for tests and for who wants to listen in. */
  get call() {
    return this.#call;
  }

  get captions() {
    return this.#captions;
  }

  get busy() {
    return this.#state !== "idle" && this.#state !== "kept" && this.#state !== "failed" && this.#state !== "ended";
  }

  /**
   * @param {"microphone" | "none"} source
   * @returns {Promise<Call | undefined>} undefined when it failed, which the page then says
   */
  async start(source) {
    if (this.busy) return undefined;
    this.#attempt += 1;
    const attempt = this.#attempt;
    const resume = this.#kept;
    this.#kept = undefined;
    this.#source = resume?.source ?? source;
    this.#captions = new Captions();
    this.#transcript.clear();
    byId("failure", HTMLElement).hidden = true;
    document.body.dataset["talked"] = "";
    this.#show(this.#source === "microphone" ? "asking" : "connecting");
    this.#showCaptions();
    try {
      const microphoneId = byId("microphone", HTMLSelectElement).value;
      const call = await connect({
        url: this.#url,
        source: this.#source,
        ...this.#settings,
        ...(resume === undefined ? {} : { resume }),
        ...(microphoneId === "" ? {} : { microphoneId }),
        onNotice: (notice) => {
          if (attempt === this.#attempt) this.#take(notice);
        },
      });
      if (attempt !== this.#attempt) {
        call.hangUp();
        return undefined;
      }
      this.#call = call;
      if (this.#state === "asking") this.#show("connecting");
      this.#ticking = setInterval(() => this.#tick(), 250);
      void this.listDevices();
      return call;
    } catch (error) {
      if (attempt !== this.#attempt) return undefined;
      const failure = failureOf(error);
      if (resume !== undefined && failure.code === "click-needed") this.#offer(resume);
      else this.#fail(failure);
      return undefined;
    }
  }

  /**
   * Goes on with the call that this page had before it was loaded again; where the browser wants a click for that, it is asked for.
   * @param {CallBeforeReload} before
   */
  async comeBack(before) {
    this.#kept = before;
    await this.start(before.source);
  }

  /** The same again, after a failure. */
  async again() {
    await this.start(this.#source);
  }

  hangUp() {
    if (this.#call !== undefined) this.#call.hangUp();
    else if (this.busy) {
      this.#attempt += 1;
      this.#show("ended");
    }
  }

  toggleMute() {
    const sound = this.#call?.sound;
    if (sound === undefined) return;
    sound.mute(!sound.muted);
    this.#showMute(sound.muted);
  }

  /** @param {string} text */
  type(text) {
    this.#call?.type(text);
  }

  /** @param {Failure} failure */
  tellFailure(failure) {
    this.#captions.note(failureWords(failure).title, "alert");
    this.#showCaptions();
  }

  async listDevices() {
    const { microphones, speakers } = await listDevices();
    fill(byId("microphone", HTMLSelectElement), microphones, "Microphone", this.#call?.sound.microphoneId);
    fill(byId("speaker", HTMLSelectElement), speakers, "Loudspeaker", undefined);
    byId("speaker", HTMLSelectElement).disabled = speakers.length === 0 || this.#call?.sound.canChooseSpeaker === false;
  }

  /** @param {string} deviceId */
  async useMicrophone(deviceId) {
    if (this.#source !== "microphone" || deviceId === "") return;
    await this.#call?.sound.useMicrophone(deviceId).catch((error) => this.tellFailure(failureOf(error)));
  }

  /** @param {string} deviceId */
  async useSpeaker(deviceId) {
    await this.#call?.sound.useSpeaker(deviceId).catch(() => this.#captions.note("That loudspeaker could not be used.", "alert"));
  }

  /** @param {CallNotice} notice */
  #take(notice) {
    if (notice.type === "started") this.#begin(notice);
    else if (notice.type === "line.lost") this.#show("reconnecting");
    else if (notice.type === "line.back") this.#showBack(Number(notice["awayMs"]));
    else if (notice.type === "phase") this.#show(phaseOf(notice["phase"]));
    else if (notice.type === "microphone.lost")
      this.#captions.note("The microphone is gone. Choose another under Sound, or type.", "alert");
    else if (notice.type === "closed") this.#end(/** @type {{ failure: Failure | undefined }} by its type */ (notice).failure);
    else this.#captions.take(notice);
    if (notice.type === "handed-over" || notice.type === "connection.reconnected") this.#showProvider(String(notice["provider"]));
    this.#showCaptions();
    this.onNotice?.(notice);
    for (const follow of this.followers) follow(notice);
  }

  /** @param {Extract<CallNotice, { type: string }>} notice */
  #begin(notice) {
    byId("clock", HTMLElement).hidden = false;
    this.#showProvider("provider" in notice ? String(notice.provider) : "");
    if (this.#state === "connecting" || this.#state === "asking") this.#show("listening");
  }

  /** @param {number} awayMs */
  #showBack(awayMs) {
    if (this.#state === "reconnecting") this.#show("listening");
    this.#captions.note(`You are back: your network was away for ${Math.max(1, Math.round(awayMs / 1000))} s.`);
  }

  /** @param {CallBeforeReload} before */
  #offer(before) {
    this.#kept = before;
    this.#show("kept");
  }

  /** @param {Failure | undefined} failure */
  #end(failure) {
    this.#tick();
    clearInterval(this.#ticking);
    this.#call = undefined;
    this.#showMute(false);
    if (failure === undefined) this.#show("ended");
    else this.#fail(failure);
  }

  /** @param {Failure} failure */
  #fail(failure) {
    const { title, advice, instead } = failureWords(failure);
    this.#show("failed");
    write("failure-title", title);
    write("failure-advice", advice);
    byId("without", HTMLElement).hidden = instead !== "type";
    byId("failure", HTMLElement).hidden = false;
    byId("failure", HTMLElement).dataset["code"] = failure.code;
  }

  /** @param {PageState} state */
  #show(state) {
    this.#state = state;
    const { body } = document;
    body.dataset["state"] = state;
    body.dataset["call"] = this.busy ? "on" : "off";
    if (this.#captions.entries.length === 0 && !this.busy) delete body.dataset["talked"];
    write("phase", stateWords[state].title);
    write("hint", this.#source === "none" && state === "listening" ? "Type, or listen to the recorded caller." : stateWords[state].hint);
    write("talk-label", this.busy ? "Hang up" : state === "kept" ? "Go on with the call" : "Start the call");
    this.#line.show(lineMoods[state] ?? "connecting");
  }

  #showCaptions() {
    const { entries, answerTimes } = this.#captions;
    this.#transcript.show(entries);
    byId("nothing-yet", HTMLElement).hidden = entries.length > 0;
    const middle = median(answerTimes);
    write("median", middle === undefined ? "–" : seconds(middle));
    drawAnswerTimes(byId("answer-times", SVGElement), answerTimes);
  }

  /** @param {string} provider */
  #showProvider(provider) {
    byId("provider", HTMLElement).hidden = provider === "";
    write("provider", `on ${provider}`);
  }

  /** @param {boolean} muted */
  #showMute(muted) {
    byId("mute", HTMLElement).setAttribute("aria-pressed", String(muted));
    byId("mute-icon", SVGElement).setAttribute("href", muted ? "#icon-muted" : "#icon-mic");
    write("mute-label", muted ? "Muted, press to speak" : "Mute");
    if (this.#state === "listening") write("hint", muted ? "You are muted." : stateWords.listening.hint);
  }

  #tick() {
    const call = this.#call;
    if (call === undefined) return;
    if (call.callId !== undefined) write("clock", clockOf(Date.now() - call.startedAt));
    byId("meter-caller", HTMLMeterElement).value = heightOf(call.levels.caller);
    byId("meter-agent", HTMLMeterElement).value = heightOf(call.levels.agent);
    if (byId("details", HTMLDetailsElement).open) showFigures(call.stats);
  }
}

/** @param {unknown} phase */
const phaseOf = (phase) => (phase === "thinking" || phase === "speaking" || phase === "connecting" ? phase : "listening");

/** @param {unknown} error */
const failureOf = (error) => {
  const known = /** @type {Partial<Failure>} read with care below */ (error instanceof Error ? error : {});
  return { code: known.code ?? "unknown", message: known.message ?? String(error) };
};

/** @param {number} ms */
const clockOf = (ms) => `${Math.floor(ms / 60_000)}:${String(Math.floor(ms / 1000) % 60).padStart(2, "0")}`;

/** @param {number | undefined} ms */
const wholeMs = (ms) => (ms === undefined ? "–" : `${Math.round(ms)} ms`);

/** @param {import("../linekeeper-client.js").CallStats} stats */
function showFigures(stats) {
  const rows = {
    "Round trip": wholeMs(stats.roundTripMs),
    "Frames sent": String(stats.sentFrames),
    "Frames received": String(stats.receivedFrames),
    "Jitter buffer aims at": wholeMs(stats.targetMs),
    "Buffered now": wholeMs(stats.queuedMs),
    "Gaps hidden": String(stats.underruns),
    "Dropped going up": `${stats.droppedFrames} frames`,
    "Dropped coming down": wholeMs(stats.overflowMs),
    "Last barge-in to silence": wholeMs(stats.flushMs),
  };
  byId("figures", HTMLElement).replaceChildren(
    ...Object.entries(rows).flatMap(([name, value]) => [element("dt", {}, [name]), element("dd", {}, [value])]),
  );
}

/**
 * @param {HTMLSelectElement} select
 * @param {MediaDeviceInfo[]} devices
 * @param {string} kind
 * @param {string | undefined} chosen
 */
function fill(select, devices, kind, chosen) {
  const before = chosen ?? select.value;
  const named = devices.map((device, place) => element("option", { value: device.deviceId }, [device.label || `${kind} ${place + 1}`]));
  select.replaceChildren(...(named.length > 0 ? named : [element("option", { value: "" }, ["The browser's choice"])]));
  if (devices.some((device) => device.deviceId === before)) select.value = before;
}
