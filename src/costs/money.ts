/**
 * Money as whole pico-USD (1e-12): a token costs fractions of a micro-dollar, and sums of floating-point numbers drift.
 * One usage is rounded to the nearest pico-USD, so a million of them are off by less than a millionth of a dollar.
 */
export type PicoUsd = bigint;

const places = 12;

/** @param usd an amount as people write it, such as 0.0048, with twelve decimal places at most */
export function picoUsd(usd: number): PicoUsd {
  // The shortest text of a number is what somebody wrote; its binary value is a little beside it.
  const text = String(usd);
  const [whole = "0", fraction = ""] = (text.includes("e") ? usd.toFixed(places) : text).split(".");
  return BigInt(whole + fraction.padEnd(places, "0").slice(0, places));
}

/** For people and metrics; exact enough for any sum that a budget has. */
export const usdOf = (pico: PicoUsd): number => Number(pico) / 10 ** places;

/** `amount` × `pico` / `per`, rounded to the nearest; none of them negative. */
export function share(pico: PicoUsd, amount: number, per: bigint): PicoUsd {
  return (BigInt(Math.round(amount)) * pico * 2n + per) / (per * 2n);
}
