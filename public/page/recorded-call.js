import { RecordedCaller } from "./example-call.js";

/** A pause as people make it before they answer. */
const breathMs = 500;
/** When no answer comes, the caller goes on after this long. */
const patienceMs = 12_000;
/** After the goodbye: time for the last answer. */
const farewellMs = 8_000;

/**
 * @typedef {import("./call-page.js").CallPage} CallPage
 * @typedef {import("./call-page.js").CallNotice} CallNotice
 * @typedef {import("./example-call.js").Script} Script
 */

/**
 * Lets a recorded caller hold a call on the page, from start to hang-up.
 * @param {CallPage} page
 * @param {Script} script
 */
export async function holdRecordedCall(page, script) {
  const over = new AbortController();
  const agent = new AgentEar();
  page.onNotice = (notice) => {
    agent.take(notice);
    if (notice.type === "closed") over.abort();
  };
  const call = await page.start("none");
  if (call === undefined) return;
  page.captions.note(`Example call: ${script.title} (${script.about}).`);
  const caller = new RecordedCaller(script);
  try {
    await agent.quiet(patienceMs, over.signal);
    for (let line = caller.next(""); line !== undefined; line = caller.next(page.captions.lastAgentText)) {
      agent.expect();
      await call.sound.say(new URL(line.file, document.baseURI), { signal: over.signal });
      const cutsInAfterMs = caller.interruptsAfterMs;
      if (cutsInAfterMs === undefined) await agent.quiet(line === script.goodbye ? farewellMs : patienceMs, over.signal);
      else await agent.speaksFor(cutsInAfterMs, patienceMs, over.signal);
    }
  } catch (failure) {
    if (!over.signal.aborted) page.tellFailure(/** @type {{ code: string, message: string }} `say` throws only call failures */ (failure));
  }
  page.hangUp();
}

/** Knows from the call's notices whether the agent speaks, has finished, or still owes an answer. */
class AgentEar {
  /** @type {"owing" | "speaking" | "quiet"} */
  #state = "owing";
  #phase = "connecting";
  /** @type {Set<() => void>} */
  #waiting = new Set();

  /** The caller speaks: an answer is owed from now on. */
  expect() {
    this.#state = "owing";
  }

  /** @param {CallNotice} notice */
  take(notice) {
    if (notice.type === "turn") this.#state = "speaking";
    else if (notice.type === "quiet" && this.#state === "speaking") this.#state = "quiet";
    else if (notice.type === "phase" && "phase" in notice) this.#phase = String(notice.phase);
    else return;
    for (const look of this.#waiting) look();
  }

  /** A gap within an answer is quiet too, but then the call does not listen yet. */
  get #finished() {
    return this.#state === "quiet" && this.#phase === "listening";
  }

  /**
   * Resolves when the agent has had its say, or after `limitMs`.
   * @param {number} limitMs
   * @param {AbortSignal} signal
   */
  async quiet(limitMs, signal) {
    await this.#until(() => this.#finished, limitMs, signal);
    await pause(breathMs, signal);
    // An answer may come in two breaths ("One moment." and then the rest).
    if (this.#state === "speaking") await this.#until(() => this.#finished, limitMs, signal);
  }

  /**
   * Resolves when the agent has been speaking for `ms`, or has fallen quiet, or after `limitMs`.
   * @param {number} ms
   * @param {number} limitMs
   * @param {AbortSignal} signal
   */
  async speaksFor(ms, limitMs, signal) {
    await this.#until(() => this.#state !== "owing", limitMs, signal);
    await pause(ms, signal);
  }

  /**
   * @param {() => boolean} holds
   * @param {number} limitMs
   * @param {AbortSignal} signal
   * @returns {Promise<void>}
   */
  async #until(holds, limitMs, signal) {
    if (holds() || signal.aborted) return;
    await new Promise((resolve) => {
      const look = () => {
        if (holds()) done();
      };
      const timer = setTimeout(() => done(), limitMs);
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        signal.removeEventListener("abort", done);
        resolve(undefined);
      };
      this.#waiting.add(look);
      signal.addEventListener("abort", done, { once: true });
    });
  }
}

/**
 * @param {number} ms
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
const pause = (ms, signal) =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
