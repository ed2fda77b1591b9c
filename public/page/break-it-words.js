import { capital, counted, lineOf, seconds } from "../console/words.js";

/** @typedef {import("../console/words.js").Line} Line */

/**
 * What happens to the visitor's own call, in words for who broke it. Undefined: not worth a line.
 * @type {Readonly<Record<string, (event: any) => Line | undefined>>}
 */
const lines = {
  "link.opened": ({ provider, setupMs }) => ({ mood: "plain", text: `${capital(provider)} answers the dial in ${seconds(setupMs)}` }),
  "link.failed": ({ provider, message }) => ({ mood: "warn", text: `${capital(provider)} does not answer the dial: ${message}` }),
  "link.lost": ({ provider, message }) => ({ mood: "bad", text: `${capital(provider)} is lost: ${message}` }),
  "link.recovered": ({ provider, durationMs }) => ({ mood: "good", text: `${capital(provider)} is back after ${seconds(durationMs)}` }),
  "audio.replayed": ({ provider, chunks }) =>
    chunks === 0
      ? undefined
      : { mood: "good", text: `${capital(provider)} hears again what nobody had answered: ${counted(chunks, "chunk")} of 100 ms` },
  "call.handed-over": ({ from, to, durationMs, items, restored }) => ({
    mood: "good",
    text: `From ${from} to ${to} in ${seconds(durationMs)}, with ${counted(items, "item")} of conversation; restored: ${restored}`,
  }),
  "handover.failed": ({ from, to, cause }) => ({ mood: "bad", text: `Could not go from ${from} to ${to}: ${cause}` }),
  "audio.lost": ({ direction, ms }) =>
    direction === "uplink" ? { mood: "bad", text: `${seconds(ms)} of what you said was lost` } : undefined,
};

/**
 * @param {string} type
 * @param {any} data
 */
export const storyOf = (type, data) => {
  if (Object.hasOwn(lines, type)) return lines[type]?.(data);
  return type === "provider.changed" ? lineOf(type, data) : undefined;
};
