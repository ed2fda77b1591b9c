import { withNumerals } from "./numbers.ts";

const unitMinutes: Readonly<Record<string, number>> = {
  second: 1 / 60,
  minute: 1,
  hour: 60,
  day: 1440,
};

/** How long, in minutes: "ten minutes", "half an hour", "an hour and a half", "two hours and 15 minutes". */
export function readMinutes(text: string): number | undefined {
  const written = withNumerals(text.toLowerCase());
  if (/\bquarter of an hour\b/.test(written)) return 15;
  if (/\bthree quarters of an hour\b|\b3 quarters of an hour\b/.test(written)) return 45;
  if (/\bhour and a half\b/.test(written)) return 90;
  if (/\bhalf an? hour\b|\bhalf hour\b/.test(written)) return 30;
  let minutes = 0;
  for (const [, count = "", unit = ""] of written.matchAll(/\b(\d+(?:\.\d+)?|an?|couple of|few)[\s-]+(second|minute|hour|day)s?\b/g)) {
    const amount = count.startsWith("a") ? 1 : count === "couple of" ? 2 : count === "few" ? 5 : Number(count);
    minutes += amount * (unitMinutes[unit] ?? 0);
  }
  return minutes > 0 ? Math.max(1, Math.round(minutes)) : undefined;
}
