/** The target moves between these, ms: what must be queued (or waited) before a turn starts to play. */
const leastTargetMs = 60;
const mostTargetMs = 120;
const targetStepUpMs = 20;
const targetStepDownMs = 5;
/** Audio that must play without running dry before the target is lowered a step. */
const calmMs = 4_000;
/** How long a cut takes to fade, so that it does not click. */
const fadeMs = 8;
/** A queue that ran dry and is fed again within this time was an underrun; later, it is a new breath of the agent. */
const underrunWindowMs = 400;

/**
 * @typedef {{ readonly type: "progress" | "dry" | "flushed", readonly turnId: string, readonly ms: number }} Playback
 * How much of a turn has been played, ms. `progress` while it plays and when the next turn takes over,
 * `dry` when nothing is queued any more, `flushed` when a cut has faded out.
 */

/**
 * Jitter buffer of agent audio at the wire's rate, in turns. It starts a turn when the target is queued, or has been waited for,
 * hides a gap behind a short fading echo of what came before, fades back in, and counts for each turn what was played.
 */
export class PlayoutBuffer {
  #rateHz;
  #tell;
  #ring;
  #readAt = 0;
  #queued = 0;
  /** Turns in the queue, in order, with what is left of each. @type {{ turnId: string, samples: number }[]} */
  #turns = [];
  /** @type {{ turnId: string, samples: number } | undefined} the turn that plays or played last, with what was played of it */
  #played;
  #reportEvery;
  #sinceReport = 0;
  /** @type {"waiting" | "playing" | "cutting" | "dry"} `dry`: nothing queued; `waiting`: filling up to the target */
  #state = "dry";
  #stateAge = 0;
  #fade;
  /** Samples of the present fade-in that are done; `fade` when there is none. */
  #fadedIn;
  /** Samples that a cut has still to fade. */
  #cutLeft = 0;
  /** The last samples played, a ring, for the echo that hides a gap. */
  #tail;
  #tailAt = 0;
  /** Samples of that echo already given; its length when there is none. */
  #echoed;
  #calm = 0;
  #targetMs = leastTargetMs;
  underruns = 0;
  droppedSamples = 0;

  /**
   * @param {{ rateHz: number, capacityMs: number, reportEveryMs: number, tell: (playback: Playback) => void }} options
   */
  constructor({ rateHz, capacityMs, reportEveryMs, tell }) {
    this.#rateHz = rateHz;
    this.#tell = tell;
    this.#ring = new Float32Array(this.#samples(capacityMs));
    this.#reportEvery = this.#samples(reportEveryMs);
    this.#fade = this.#samples(fadeMs);
    this.#fadedIn = this.#fade;
    this.#tail = new Float32Array(this.#fade);
    this.#echoed = this.#fade;
  }

  get queuedMs() {
    return this.#ms(this.#queued);
  }

  get targetMs() {
    return this.#targetMs;
  }

  /**
   * Takes audio of a turn; what does not fit is dropped and counted.
   * @param {Float32Array} samples
   * @param {string} turnId
   */
  write(samples, turnId) {
    const taken = Math.min(samples.length, this.#ring.length - this.#queued);
    this.droppedSamples += samples.length - taken;
    if (taken === 0) return;
    const at = (this.#readAt + this.#queued) % this.#ring.length;
    const first = Math.min(taken, this.#ring.length - at);
    this.#ring.set(samples.subarray(0, first), at);
    this.#ring.set(samples.subarray(first, taken), 0);
    this.#queued += taken;
    const newest = this.#turns.at(-1);
    if (newest?.turnId === turnId) newest.samples += taken;
    else this.#turns.push({ turnId, samples: taken });
    if (this.#state === "dry") this.#startWaiting(turnId);
  }

  /** Barge-in: what plays fades out within 8 ms, what is queued is forgotten. */
  flush() {
    const turn = this.#turns[0];
    const cutting = this.#state === "cutting";
    if (!cutting) this.#cutLeft = this.#state === "playing" ? Math.min(this.#fade, turn?.samples ?? 0) : 0;
    this.#queued = this.#cutLeft;
    this.#turns = turn !== undefined && this.#cutLeft > 0 ? [{ turnId: turn.turnId, samples: this.#cutLeft }] : [];
    if (this.#cutLeft > 0) {
      if (!cutting) this.#enter("cutting");
      return;
    }
    if (turn !== undefined && this.#played?.turnId !== turn.turnId) this.#played = { turnId: turn.turnId, samples: 0 };
    this.#enter("dry");
    this.#report("flushed");
  }

  /**
   * Fills `out` with the next samples to play, or silence.
   * @param {Float32Array} out
   */
  read(out) {
    for (let i = 0; i < out.length; i += 1) out[i] = this.#next();
  }

  #next() {
    this.#stateAge += 1;
    if (this.#state === "waiting" && this.#mayStart()) {
      this.#fadedIn = 0;
      this.#enter("playing");
    }
    if (this.#state === "waiting" || this.#state === "dry") return this.#echo();
    const heard = this.#take() * (this.#state === "cutting" ? this.#gainOut() : this.#gainIn());
    this.#tail[this.#tailAt] = heard;
    this.#tailAt = (this.#tailAt + 1) % this.#fade;
    if (this.#state === "cutting" && this.#cutLeft === 0) this.#endCut();
    else if (this.#queued === 0) this.#runDry();
    return heard;
  }

  #take() {
    const sample = this.#ring[this.#readAt] ?? 0;
    this.#readAt = (this.#readAt + 1) % this.#ring.length;
    this.#queued -= 1;
    this.#count();
    return sample;
  }

  #count() {
    const turn = this.#turns[0];
    if (turn === undefined) return;
    if (this.#played?.turnId !== turn.turnId) {
      this.#report("progress");
      this.#played = { turnId: turn.turnId, samples: 0 };
    }
    this.#played.samples += 1;
    turn.samples -= 1;
    if (turn.samples === 0) this.#turns.shift();
    this.#sinceReport += 1;
    if (this.#sinceReport >= this.#reportEvery) this.#report("progress");
    this.#calm += 1;
    if (this.#calm >= this.#samples(calmMs)) {
      this.#calm = 0;
      this.#targetMs = Math.max(leastTargetMs, this.#targetMs - targetStepDownMs);
    }
  }

  #runDry() {
    this.#echoed = 0;
    this.#enter("dry");
    this.#report("dry");
  }

  /** What was written while the cut faded is a turn of its own that waits for its start. */
  #endCut() {
    this.#echoed = this.#fade;
    this.#enter(this.#queued > 0 ? "waiting" : "dry");
    this.#report("flushed");
  }

  /** @param {string} turnId */
  #startWaiting(turnId) {
    const samePlace = this.#played?.turnId === turnId;
    if (samePlace && this.#stateAge < this.#samples(underrunWindowMs)) {
      this.underruns += 1;
      this.#calm = 0;
      this.#targetMs = Math.min(mostTargetMs, this.#targetMs + targetStepUpMs);
    }
    this.#enter("waiting");
  }

  #mayStart() {
    return this.queuedMs >= this.#targetMs || this.#ms(this.#stateAge) >= this.#targetMs;
  }

  #gainIn() {
    if (this.#fadedIn >= this.#fade) return 1;
    this.#fadedIn += 1;
    return this.#fadedIn / this.#fade;
  }

  #gainOut() {
    this.#cutLeft -= 1;
    return this.#cutLeft / this.#fade;
  }

  /** The last samples once more, backwards and fading: it begins where the sound stopped, so nothing clicks. */
  #echo() {
    if (this.#echoed >= this.#fade) return 0;
    const sample = this.#tail[(this.#tailAt + this.#fade - 1 - this.#echoed) % this.#fade] ?? 0;
    this.#echoed += 1;
    return sample * (1 - this.#echoed / this.#fade);
  }

  /** @param {"waiting" | "playing" | "cutting" | "dry"} state */
  #enter(state) {
    this.#state = state;
    this.#stateAge = 0;
  }

  /** @param {Playback["type"]} type */
  #report(type) {
    this.#sinceReport = 0;
    if (this.#played !== undefined) this.#tell({ type, turnId: this.#played.turnId, ms: this.#ms(this.#played.samples) });
  }

  /** @param {number} samples */
  #ms(samples) {
    return (samples * 1000) / this.#rateHz;
  }

  /** @param {number} ms */
  #samples(ms) {
    return Math.round((ms * this.#rateHz) / 1000);
  }
}
