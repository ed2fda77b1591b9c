/**
 * What to say and what to do, by the code of a failure. `instead`: what can be offered beside trying again.
 * @typedef {{ title: string, advice: string, instead: "type" | "example" | "none" }} FailureWords
 * @type {Readonly<Record<string, FailureWords>>}
 */
const words = {
  "microphone-denied": {
    title: "The microphone is blocked",
    advice: "Allow it in the address bar (the lock or microphone sign), then try again. Or type: the agent answers aloud.",
    instead: "type",
  },
  "microphone-missing": {
    title: "No microphone found",
    advice: "Plug one in and try again. Or type: the agent answers aloud.",
    instead: "type",
  },
  "microphone-taken": {
    title: "The microphone did not start",
    advice: "Another program may be using it. Close that one and try again, or type.",
    instead: "type",
  },
  "microphone-failed": { title: "The microphone did not start", advice: "Try again, choose another microphone, or type.", instead: "type" },
  "insecure-origin": {
    title: "This address gets no microphone",
    advice: "Browsers give a microphone only to pages on https or on localhost. Open the page there, or type.",
    instead: "type",
  },
  "browser-unsupported": {
    title: "This browser is too old for calls",
    advice: "Live sound needs audio worklets: Chrome 66, Firefox 76, Safari 14.1 or newer.",
    instead: "none",
  },
  "recording-missing": {
    title: "The recording is not there",
    advice: "The server has no such recorded caller. Try another, or speak yourself.",
    instead: "none",
  },
  "server-unreachable": {
    title: "The server does not answer",
    advice: "Is it running, and is your network there? Then try again.",
    instead: "none",
  },
  "server-gone": {
    title: "The connection was lost",
    advice: "The server or your network went away in the middle of the call. Try again.",
    instead: "none",
  },
  "call-gone": {
    title: "That call is over",
    advice: "It ended while you were away. Start a new one.",
    instead: "none",
  },
  busy: {
    title: "All lines are taken",
    advice: "As many calls are going on as this server takes. Try again in a minute.",
    instead: "none",
  },
  overload: {
    title: "All lines are taken",
    advice: "This server carries as much as it can just now. Try again in a minute.",
    instead: "none",
  },
  draining: { title: "The server is restarting", advice: "It takes no new calls just now. Try again in a few seconds.", instead: "none" },
  "caller-refused": {
    title: "The call was refused",
    advice: "The server did not accept this page or its token. Reload the page, then try again.",
    instead: "none",
  },
  "token-expired": {
    title: "The time is over",
    advice: "This page may talk for an hour at a time. Reload it to go on.",
    instead: "none",
  },
  "caller-flooding": {
    title: "The call was refused",
    advice: "Too much came at once from here. Wait a minute, then try again.",
    instead: "none",
  },
  "caller-slow": {
    title: "The line is too slow",
    advice: "The sound did not get through in time. Try again on a better network.",
    instead: "none",
  },
};

/**
 * @param {{ code: string, message: string }} failure
 * @returns {FailureWords}
 */
export const failureWords = ({ code, message }) =>
  words[code] ?? { title: "The call could not go on", advice: `${message} Try again.`, instead: "none" };
