const svgSpace = "http://www.w3.org/2000/svg";
const shownBars = 24;
/** The height of the drawing stands for this or for the slowest answer shown. */
const leastTopMs = 1_500;

/**
 * The middle of some numbers; undefined without any.
 * @param {readonly number[]} values
 */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined || sorted.length % 2 === 1) return upper;
  return ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/**
 * One bar an answer, the newest at the right.
 * @param {SVGElement} svg with a view box of 240 by 40
 * @param {readonly number[]} times ms
 */
export function drawAnswerTimes(svg, times) {
  const shown = times.slice(-shownBars);
  const top = Math.max(leastTopMs, ...shown);
  svg.replaceChildren(
    ...shown.map((ms, place) => {
      const height = Math.max(2, (ms / top) * 40);
      const bar = document.createElementNS(svgSpace, "rect");
      const sizes = { x: place * 10, y: 40 - height, width: 6, height, rx: 2 };
      for (const [name, value] of Object.entries(sizes)) bar.setAttribute(name, String(value));
      return bar;
    }),
  );
}
