/** @param {number} ms */
export function clock(ms) {
  const s = Math.floor(ms / 1_000);
  const two = (/** @type {number} */ part) => String(part).padStart(2, "0");
  const hours = Math.floor(s / 3_600);
  return `${hours > 0 ? `${hours}:${two(Math.floor(s / 60) % 60)}` : Math.floor(s / 60)}:${two(s % 60)}`;
}

/** @param {number} ms */
export const seconds = (ms) => (ms < 95 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(ms < 9_950 ? 1 : 0)} s`);

const small = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

/**
 * @param {number} count
 * @param {string} thing
 */
export const counted = (count, thing) => `${small[count] ?? count} ${thing}${count === 1 ? "" : "s"}`;

/** @param {string} text */
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/**
 * `mood`: how it reads at a glance.
 * @typedef {{ mood: "plain" | "good" | "warn" | "bad"; text: string }} Line
 */

/**
 * Events in words; undefined: not worth a line.
 * @type {Readonly<Record<string, (event: any) => Line | undefined>>}
 */
const lines = {
  "call.started": (event) => plain(`Call ${short(event.callId)} began (${event.dialect})`),
  "call.ended": ({ callId, outcome, cause, durationMs }) => ({
    mood: outcome === "failed" ? "bad" : "plain",
    text: `Call ${short(callId)} ${outcome} after ${clock(durationMs)}${cause === undefined ? "" : `: ${cause}`}`,
  }),
  "link.failed": ({ callId, provider, message }) => warn(`${provider} did not open for ${short(callId)}: ${message}`),
  "link.lost": ({ callId, provider, message }) => warn(`${provider} was lost in ${short(callId)}: ${message}`),
  "link.recovered": ({ callId, provider, durationMs }) => good(`${provider} is back in ${short(callId)} after ${seconds(durationMs)}`),
  "link.gave-up": ({ callId, provider, code }) => bad(`${provider} was given up in ${short(callId)}: ${code}`),
  "call.handed-over": ({ callId, from, to, mode, durationMs }) => ({
    mood: mode === "planned" ? "good" : "warn",
    text: `${short(callId)} went from ${from} to ${to} in ${seconds(durationMs)}${mode === "planned" ? ", as ordered" : ""}`,
  }),
  "handover.failed": ({ callId, from, to, cause }) => bad(`${short(callId)} could not go from ${from} to ${to}: ${cause}`),
  "audio.lost": ({ callId, direction, ms }) => warn(`${seconds(ms)} of ${direction} audio was lost in ${short(callId)}`),
  "tool.ended": ({ callId, name, status }) => (status === "ok" ? undefined : warn(`The tool ${name} ${status} in ${short(callId)}`)),
  "crisis.detected": ({ callId, category }) => bad(`Crisis in ${short(callId)}: ${category}`),
  "human.asked": ({ callId, reason }) => bad(`A person is wanted in ${short(callId)} (${reason})`),
  "human.told": ({ callId, channel, result }) =>
    result === "sent"
      ? good(`A person was told of ${short(callId)} by ${channel}`)
      : bad(`Nobody could be told of ${short(callId)} by ${channel}`),
  "provider.changed": ({ provider, health, breaker }) => ({
    mood:
      health === "unhealthy" || breaker.state === "open" ? "bad" : health === "degraded" || breaker.state === "half_open" ? "warn" : "good",
    text: `${capital(provider)} is ${health}, ${breakerWords[breaker.state]}${breaker.order === "auto" ? "" : " by order"}`,
  }),
  missed: () => warn("Some events were missed"),
};

/** @type {Readonly<Record<string, string>>} */
export const breakerWords = { closed: "calls go through", half_open: "being tried again", open: "calls are kept away" };

/**
 * @param {string} event
 * @param {any} data
 */
export const lineOf = (event, data) => (Object.hasOwn(lines, event) ? lines[event]?.(data) : undefined);

/** @param {string} callId */
export const short = (callId) => (callId.length > 10 ? `…${callId.slice(-6)}` : callId);
/** @param {string} text @returns {Line} */
const plain = (text) => ({ mood: "plain", text });
/** @param {string} text @returns {Line} */
const good = (text) => ({ mood: "good", text: capital(text) });
/** @param {string} text @returns {Line} */
const warn = (text) => ({ mood: "warn", text: capital(text) });
/** @param {string} text @returns {Line} */
const bad = (text) => ({ mood: "bad", text: capital(text) });
