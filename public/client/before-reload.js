const key = "linekeeper.call";
/** The server holds a call for so long; what is older is no use. */
const usefulMs = 40_000;

/**
 * @typedef {object} CallBeforeReload what a page needs to come back into the call that it had before it was loaded again
 * @property {string} resumeToken
 * @property {{ up: string, down: string }} audio
 * @property {"microphone" | "none"} source
 * @property {{ turnId: string, ms: number } | undefined} arrived so much of the agent's turn was heard
 * @property {number} startedAt Unix time, ms
 */

/**
 * Keeps what `now` tells when the page goes, until it is back. The tab's own storage: no other tab takes the call over.
 * @param {() => CallBeforeReload | undefined} now undefined: there is no call to come back to
 * @param {AbortSignal} signal
 */
export function keepForReload(now, signal) {
  globalThis.addEventListener("pagehide", () => write(now()), { signal });
  // A page that was only put aside has its call still.
  globalThis.addEventListener("pageshow", () => write(undefined), { signal });
}

/** The call that this tab had when its page went, once; undefined: none, or too long ago. @returns {CallBeforeReload | undefined} */
export function callBeforeReload() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(key) ?? "null");
    write(undefined);
    return kept !== null && Date.now() - kept.at < usefulMs ? kept.call : undefined;
  } catch {
    return undefined;
  }
}

/** @param {CallBeforeReload | undefined} call */
function write(call) {
  try {
    if (call === undefined) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, JSON.stringify({ at: Date.now(), call }));
  } catch {
    // A browser that stores nothing for this page: a reload ends the call then, as the server's hold runs out.
  }
}
