/** How long a sound travels from its end of the line to the middle, ms. */
const travelMs = 1_100;
/** Quieter than this is drawn flat, dBFS; the span above fills the line's height. */
const floorDb = -52;
const spanDb = 40;

/**
 * Loudness as the eye takes it: 0 for silence, 1 for a loud voice.
 * @param {number} rms
 */
export const heightOf = (rms) => (rms <= 0 ? 0 : Math.max(0, Math.min(1, (20 * Math.log10(rms) - floorDb) / spanDb)));

/**
 * @typedef {"idle" | "connecting" | "listening" | "thinking" | "speaking" | "failed"} LineMood
 * @typedef {{ ink: string, accent: string, faint: string }} LineColours
 */

/** The line between caller (left) and agent (right), drawn on a canvas: each voice runs along it from its end to the middle. */
export class TalkingLine {
  #canvas;
  #paint;
  #levelsNow;
  #knotRadius;
  /** @type {{ at: number, caller: number, agent: number }[]} newest first */
  #past = [];
  /** @type {LineMood} */
  #mood = "idle";
  #moodSince = 0;
  #still = matchMedia("(prefers-reduced-motion: reduce)");
  #shown = { caller: 0, agent: 0 };
  #request = 0;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {() => { caller: number, agent: number }} levelsNow loudness of both sides, 0 to 1
   * @param {() => number} knotRadius of what sits in the middle, pixels: the waves come to rest there
   */
  constructor(canvas, levelsNow, knotRadius) {
    this.#canvas = canvas;
    this.#levelsNow = levelsNow;
    this.#knotRadius = knotRadius;
    const paint = canvas.getContext("2d");
    if (paint === null) throw new Error("no 2d canvas");
    this.#paint = paint;
    new ResizeObserver(() => this.#draw(performance.now())).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw(performance.now()));
  }

  /** @param {LineMood} mood */
  show(mood) {
    if (mood === this.#mood) return;
    this.#mood = mood;
    this.#moodSince = performance.now();
    this.#run();
  }

  #run() {
    cancelAnimationFrame(this.#request);
    this.#request = requestAnimationFrame((now) => {
      this.#listen(now);
      this.#draw(now);
      const settling = this.#past.some(({ caller, agent }) => caller + agent > 0.02);
      if ((this.#mood !== "idle" && this.#mood !== "failed") || settling) this.#run();
    });
  }

  /** @param {number} now */
  #listen(now) {
    const { caller, agent } = this.#levelsNow();
    const shown = this.#shown;
    shown.caller += (heightOf(caller) - shown.caller) * (heightOf(caller) > shown.caller ? 0.35 : 0.12);
    shown.agent += (heightOf(agent) - shown.agent) * (heightOf(agent) > shown.agent ? 0.35 : 0.12);
    this.#past.unshift({ at: now, ...shown });
    while (this.#past.length > 1 && now - (this.#past.at(-1)?.at ?? now) > travelMs) this.#past.pop();
  }

  /** @param {number} now */
  #draw(now) {
    const { width, height } = this.#fit();
    const style = getComputedStyle(this.#canvas);
    const colours = {
      ink: style.getPropertyValue("--line-you"),
      accent: style.getPropertyValue("--accent"),
      faint: style.getPropertyValue("--line"),
    };
    const paint = this.#paint;
    paint.clearRect(0, 0, width, height);
    paint.lineCap = "round";
    const knot = this.#knotRadius();
    const gap = this.#mood === "failed" ? 26 : 0;
    for (const [echo, alpha] of /** @type {const} */ ([
      [2, 0.18],
      [1, 0.35],
      [0, 1],
    ])) {
      paint.globalAlpha = alpha;
      this.#side("caller", now, echo, { from: 0, to: width / 2 - knot, height, colour: colours.ink, rest: colours.faint });
      this.#side("agent", now, echo, { from: width, to: width / 2 + knot + gap, height, colour: colours.accent, rest: colours.faint });
    }
    paint.globalAlpha = 1;
    if (this.#mood === "thinking" || this.#mood === "connecting") this.#bead(now, width, height, colours.accent);
  }

  /**
   * @param {"caller" | "agent"} who
   * @param {number} now
   * @param {number} echo 0 for the line itself, more for its fainter company
   * @param {{ from: number, to: number, height: number, colour: string, rest: string }} place
   */
  #side(who, now, echo, { from, to, height, colour, rest }) {
    const paint = this.#paint;
    const length = Math.abs(to - from);
    const sign = Math.sign(to - from);
    const middle = height / 2;
    let loudest = 0;
    paint.beginPath();
    for (let x = 0; x <= length; x += 2) {
      const way = x / length;
      const level = this.#heardAt(who, now, way);
      loudest = Math.max(loudest, level);
      const room = Math.sin(Math.PI * Math.min(1, way * 1.02)) ** 0.9;
      const wave = Math.sin(x / (17 + echo * 5) - (this.#still.matches ? 0 : now / 95) + echo * 1.9);
      const swell = Math.sin(x / 61 - (this.#still.matches ? 0 : now / 420) + echo);
      const y = middle + (wave * 0.72 + swell * 0.28) * level * room * height * (0.44 - echo * 0.08);
      if (x === 0) paint.moveTo(from, y);
      else paint.lineTo(from + sign * x, y);
    }
    if (echo > 0 && loudest < 0.02) return;
    paint.strokeStyle = loudest < 0.02 ? rest : colour;
    paint.lineWidth = echo === 0 ? 2.25 : 1.25;
    paint.stroke();
  }

  /**
   * What was loud at the end of the line when the sound that is now at `way` left it.
   * @param {"caller" | "agent"} who
   * @param {number} now
   * @param {number} way 0 at the end, 1 in the middle
   */
  #heardAt(who, now, way) {
    if (this.#still.matches) return this.#past[0]?.[who] ?? 0;
    const at = now - way * travelMs;
    const later = this.#past.findLastIndex((moment) => moment.at > at);
    const [before, after] = [this.#past[later + 1] ?? this.#past.at(-1), this.#past[Math.max(0, later)]];
    if (before === undefined || after === undefined) return 0;
    const share = after.at === before.at ? 0 : Math.max(0, Math.min(1, (at - before.at) / (after.at - before.at)));
    return before[who] + (after[who] - before[who]) * share;
  }

  /**
   * A light that runs from the caller to the agent while an answer is on its way.
   * @param {number} now
   * @param {number} width
   * @param {number} height
   * @param {string} colour
   */
  #bead(now, width, height, colour) {
    if (this.#still.matches) return;
    const way = ((now - this.#moodSince) % 1_500) / 1_500;
    const x = width * (0.5 - Math.cos(Math.PI * way) / 2);
    const glow = this.#paint.createLinearGradient(x - 70, 0, x + 70, 0);
    glow.addColorStop(0, "transparent");
    glow.addColorStop(0.5, colour);
    glow.addColorStop(1, "transparent");
    this.#paint.strokeStyle = glow;
    this.#paint.lineWidth = 3;
    this.#paint.beginPath();
    this.#paint.moveTo(x - 70, height / 2);
    this.#paint.lineTo(x + 70, height / 2);
    this.#paint.stroke();
  }

  #fit() {
    const ratio = devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const [deviceWidth, deviceHeight] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.#canvas.width !== deviceWidth || this.#canvas.height !== deviceHeight) {
      this.#canvas.width = deviceWidth;
      this.#canvas.height = deviceHeight;
    }
    this.#paint.setTransform(ratio, 0, 0, ratio, 0, 0);
    return { width, height };
  }
}
