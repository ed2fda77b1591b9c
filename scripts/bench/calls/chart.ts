import type { Spread } from "./figures.ts";

export interface Bar {
  readonly name: string;
  /** The product's own. */
  readonly own: boolean;
  readonly spread: Spread;
}

const [width, left, right, rowHeight, top, bottom] = [740, 215, 105, 38, 66, 30];

/** Legible on a light page and on a dark one: an image in a page is told which of them the reader wants. */
const style = `
text{fill:#1f2937;paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}.quiet{fill:#6b7280;font-size:12px}.title{font-weight:600;font-size:16px}
.own{fill:#2563eb}.other{fill:#94a3b8}.grid{stroke:#e5e7eb}.spread{stroke:#111827;stroke-width:1.5;fill:none}.page{fill:#fff}
@media (prefers-color-scheme:dark){text{fill:#e5e7eb;stroke:#0d1117}.quiet{fill:#9ca3af}.own{fill:#60a5fa}.other{fill:#64748b}.grid{stroke:#30363d}.spread{stroke:#f9fafb}.page{fill:#0d1117}}`;

/** SVG: a bar up to the median, with a line from the least to the most. `unit` stands at the end of the scale. */
export function barChart(title: string, note: string, unit: string, bars: readonly Bar[]): string {
  const end = niceEnd(Math.max(...bars.map(({ spread }) => spread.most), Number.MIN_VALUE));
  const x = (value: number): number => Math.round((left + (value / end) * (width - left - right)) * 10) / 10;
  const base = top + bars.length * rowHeight;
  const grid = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const at = x(share * end);
    return `<path class="grid" d="M${at} ${top - 6}V${base}"/><text class="quiet" x="${at}" y="${base + 18}" text-anchor="middle">${tick(share * end)}${share === 1 ? ` ${unit}` : ""}</text>`;
  });
  const rows = bars.map(({ name, own, spread: { median, least, most } }, at) => {
    const y = top + at * rowHeight;
    const middle = y + (rowHeight - 10) / 2;
    const line =
      least === most
        ? ""
        : `<path class="spread" d="M${x(least)} ${middle}H${x(most)}M${x(least)} ${middle - 5}v10M${x(most)} ${middle - 5}v10"/>`;
    return [
      `<text x="${left - 10}" y="${middle + 5}" text-anchor="end"${own ? ' font-weight="600"' : ""}>${name}</text>`,
      `<rect class="${own ? "own" : "other"}" x="${left}" y="${y}" width="${Math.max(1, Math.round((x(median) - left) * 10) / 10)}" height="${rowHeight - 10}" rx="3"/>`,
      line,
      `<text x="${x(most) + 8}" y="${middle + 5}">${digits(median)}</text>`,
    ].join("");
  });
  const height = base + bottom;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="14" role="img" aria-label="${title}">`,
    `<style>${style}</style>`,
    `<rect class="page" width="${width}" height="${height}" rx="6"/>`,
    `<text class="title" x="14" y="26">${title}</text>`,
    `<text class="quiet" x="14" y="45">${note}</text>`,
    ...grid,
    ...rows,
    "</svg>\n",
  ].join("\n");
}

/** The next round number. */
function niceEnd(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 6, 8, 10].find((step) => step * power >= value) ?? 10) * power;
}

const tick = (value: number): string => String(Number(value.toPrecision(3)));
const digits = (value: number): string => value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);
