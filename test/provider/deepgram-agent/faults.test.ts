import { expect, test } from "vitest";
import { endFault, errorFault } from "../../../src/provider/deepgram-agent/faults.ts";
import type { SocketEnd } from "../../../src/provider/deepgram-sdk/transport.ts";

test.for([
  ["INTERNAL_SERVER_ERROR", "", "provider-overloaded"],
  ["CLIENT_MESSAGE_TIMEOUT", "", "provider-dropped"],
  ["UNPARSABLE_CLIENT_MESSAGE", "", "provider-refused"],
  ["NON_SETTINGS_MESSAGE_BEFORE_SETTINGS", "", "provider-refused"],
  ["SETTINGS_ALREADY_APPLIED", "", "provider-refused"],
  ["INVALID_SETTINGS", "audio.input: unknown field", "provider-refused"],
  ["INVALID_SETTINGS", "think.provider.model: gpt-nine is not supported", "provider-model"],
  ["FAILED_TO_START_LISTENING", "", "provider-overloaded"],
  ["ASR_CONNECTION_CLOSED", "", "provider-overloaded"],
  ["ASR_CONNECTION_CLOSED", "ASR_PAYMENT_REQUIRED", "provider-quota"],
  ["ASR_DRIVER_TIMEOUT", "", "provider-overloaded"],
  ["USER_AUDIO_FORMAT", "", "provider-refused"],
  ["FAILED_TO_SPEAK", "", "provider-overloaded"],
  ["FAILED_TO_THINK", "every provider failed", "provider-overloaded"],
  ["FAILED_TO_THINK", "The model has been retired", "provider-model"],
  ["SERVER_GOING_AWAY", "", "provider-dropped"],
  ["SERVER_GOING_AWAY", "The session has reached its maximum duration of 2 hours.", "provider-expired"],
  ["NON_EXISTENT_FUNCTION_CALLED", "", "provider-malformed"],
  ["AGENT_ID_NOT_SUPPORTED", "", "provider-refused"],
  ["INVALID_AGENT_ID", "", "provider-refused"],
  ["constructor", "", "provider-dropped"],
  ["", "", "provider-dropped"],
] as const)("the error %s %j ends a link as %s", ([code, description, fault]) => {
  expect(errorFault(code, description, "talking", "key").code).toBe(fault);
});

const refused = (status: number, code: string, message = "", retryAfter?: string): Extract<SocketEnd, { type: "refused" }> => ({
  type: "refused",
  status,
  error: message,
  requestId: "r-1",
  retryAfter,
  body: JSON.stringify({ err_code: code, err_msg: message }),
});

test.for([
  [400, "INVALID_QUERY_PARAMETER", "", "provider-refused"],
  [400, "Bad Request", "No such model combination found", "provider-model"],
  [401, "INVALID_AUTH", "Invalid credentials.", "provider-key"],
  [401, "INSUFFICIENT_PERMISSIONS", "", "provider-key"],
  [402, "ASR_PAYMENT_REQUIRED", "", "provider-quota"],
  [403, "INSUFFICIENT_PERMISSIONS", "", "provider-key"],
  [404, "", "", "provider-refused"],
  [408, "", "", "provider-overloaded"],
  [429, "TOO_MANY_REQUESTS", "", "provider-limited"],
  [503, "", "", "provider-overloaded"],
] as const)("an upgrade answered by %s %s is %s %s", ([status, code, message, fault]) => {
  expect(endFault(refused(status, code, message), false, "opening", "key").code).toBe(fault);
});

test("a refusal tells what Deepgram said, and the id by which its support finds it", () => {
  const fault = endFault(refused(401, "INVALID_AUTH", "Invalid credentials."), false, "opening deepgram-agent", "key");
  expect(fault.message).toBe("opening deepgram-agent: HTTP 401, INVALID_AUTH: Invalid credentials. (request r-1)");
  const page = endFault({ ...refused(502, ""), body: "<html>", error: "bad gateway" }, false, "opening", "key");
  expect(page.message).toBe("opening: HTTP 502, bad gateway (request r-1)");
});

test("the wait that a refusal asks for is kept, if it is one", () => {
  expect(endFault(refused(429, "", "", "12"), false, "opening", "key").retryAfterMs).toBe(12_000);
  expect(endFault(refused(429, "", "", "soon"), false, "opening", "key").retryAfterMs).toBeUndefined();
});

test.for([
  [1000, "", false, "provider-dropped"],
  [1006, "", false, "provider-dropped"],
  [1011, "", false, "provider-dropped"],
  [1000, "", true, "provider-expired"],
  [1000, "maximum session duration reached", false, "provider-expired"],
] as const)("a close with %s %j, overdue %s, is %s", ([code, reason, overdue, fault]) => {
  expect(endFault({ type: "closed", code, reason }, overdue, "talking", "key").code).toBe(fault);
});

test("no fault quotes the key", () => {
  const secret = "very-secret";
  const faults = [
    errorFault("INVALID_SETTINGS", `no ${secret}`, "opening", secret),
    endFault(refused(401, "INVALID_AUTH", `no ${secret}`), false, "opening", secret),
    endFault({ type: "closed", code: 1008, reason: secret }, false, "talking", secret),
    endFault({ type: "unreachable", reason: secret }, false, "talking", secret),
  ];
  for (const fault of faults) expect(fault.message).not.toContain(secret);
});
