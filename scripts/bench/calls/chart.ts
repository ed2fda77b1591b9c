import type { Spread } from "./figures.ts";

export interface Bar {
  readonly name: string;
  readonly spread: Spread;
}

const [width, left, right, rowHeight, top] = [720, 150, 90, 34, 44];

/** Bars with medians, least and most as a line across their ends; shorter is better unless the title says otherwise. */
export function barChart(title: string, bars: readonly Bar[]): string {
  const shown = bars.filter(({ spread }) => !Number.isNaN(spread.median));
  const most = Math.max(...shown.map(({ spread }) => spread.most), Number.MIN_VALUE);
  const x = (value: number): number => Math.round((left + (value / most) * (width - left - right)) * 10) / 10;
  const rows = shown.map(({ name, spread: { median, least, most: end } }, at) => {
    const y = top + at * rowHeight;
    const middle = y + rowHeight / 2 - 4;
    return [
      `<text x="${left - 10}" y="${middle + 5}" text-anchor="end">${name}</text>`,
      `<rect x="${left}" y="${y}" width="${Math.max(1, x(median) - left)}" height="${rowHeight - 8}" rx="3" fill="${name === "linekeeper" ? "#2563eb" : "#94a3b8"}"/>`,
      `<path d="M${x(least)} ${middle}H${x(end)}M${x(least)} ${middle - 5}v10M${x(end)} ${middle - 5}v10" stroke="#0f172a" stroke-width="1.5"/>`,
      `<text x="${x(end) + 8}" y="${middle + 5}">${figure(median)}</text>`,
    ].join("");
  });
  const height = top + shown.length * rowHeight + 8;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="14" role="img" aria-label="${title}">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="12" y="26" font-weight="600">${title}</text>`,
    ...rows,
    "</svg>\n",
  ].join("\n");
}

const figure = (value: number): string => value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);
