/**
 * @typedef {"insecure-origin" | "browser-unsupported" | "microphone-denied" | "microphone-missing" | "microphone-taken"
 *   | "microphone-failed" | "recording-missing" | "server-unreachable" | "server-gone" | "call-gone" | "click-needed"} ClientFailureCode
 * What can go wrong on this side of the wire; the server's own codes come with its `error` message.
 */

/** Why a call could not begin, or ended. `code` is for machines, `message` for people. */
export class CallFailure extends Error {
  /** @override */
  name = "CallFailure";

  /**
   * @param {ClientFailureCode | (string & {})} code
   * @param {string} message
   * @param {ErrorOptions} [options]
   */
  constructor(code, message, options) {
    super(message, options);
    this.code = code;
  }
}

/** What the server meant by closing without an `error` message. @type {Readonly<Record<number, [code: string, message: string]>>} */
const closings = {
  1003: ["caller-unsupported", "The server does not take this kind of audio."],
  1007: ["caller-malformed", "The server could not read what this page sent."],
  1008: ["caller-refused", "The server refused the call."],
  1009: ["caller-oversized", "The server refused a message that was too large."],
  1011: ["internal", "Something broke in the server."],
  1012: ["draining", "The server is restarting."],
  1013: ["busy", "All lines are taken."],
  4001: ["token-expired", "The time of this page's token is over."],
};

/**
 * @param {number} closeCode
 * @param {boolean} wasOpen whether the call had begun
 */
export function failureOfClose(closeCode, wasOpen) {
  const known = closings[closeCode];
  if (known !== undefined) return new CallFailure(known[0], known[1]);
  if (wasOpen) return new CallFailure("server-gone", `The connection to the server was lost (close code ${closeCode}).`);
  return new CallFailure("server-unreachable", "The server cannot be reached.");
}

/**
 * The reason why the browser gave no microphone, in one of our codes.
 * @param {unknown} error
 */
export function failureOfMicrophone(error) {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError")
    return new CallFailure("microphone-denied", "The browser did not allow the microphone.", { cause: error });
  if (name === "NotFoundError" || name === "OverconstrainedError")
    return new CallFailure("microphone-missing", "No microphone was found.", { cause: error });
  if (name === "NotReadableError" || name === "AbortError")
    return new CallFailure("microphone-taken", "The microphone did not start.", { cause: error });
  return new CallFailure("microphone-failed", `The microphone did not start: ${String(error)}`, { cause: error });
}
