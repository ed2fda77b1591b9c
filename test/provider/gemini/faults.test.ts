import { expect, test } from "vitest";
import { closedFault, refusedUpgrade } from "../../../src/provider/gemini/faults.ts";

const opening = { doing: "opening gemini", ready: false, resumed: false, leaving: false };
const talking = { doing: "talking", ready: true, resumed: false, leaving: false };
const expired = "Connection aborted because the client failed to close the connection after receiving a GoAway signal once the session";

test.for([
  [1007, "API key not valid. Please pass a valid API key.", opening, "provider-key"],
  [1007, "API key expired. Please renew the API key.", opening, "provider-key"],
  [1007, "API key expired. Please renew the API key.", talking, "provider-key"],
  [1007, "Request contains an invalid argument.", opening, "provider-refused"],
  [1007, "Request contains an invalid argument.", talking, "provider-refused"],
  [1007, "* BidiGenerateContentRequest.setup.tools[0].function_declarations[0].name: [FIELD_INVALID]", opening, "provider-refused"],
  [1007, "Invalid JSON payload received. Unknown name \"x\" at 'setup': Cannot find field.", opening, "provider-refused"],
  [1007, "Request contains an invalid argument.", { ...opening, resumed: true }, "provider-expired"],
  [1008, "Requested entity was not found.", { ...opening, resumed: true }, "provider-expired"],
  [1008, "Requested entity was not found.", opening, "provider-model"],
  [1008, "models/gemini-9 is not found for API version v1beta, or is not supported for bidiGenerateContent.", opening, "provider-model"],
  [1008, "models/gemini-9 is not found for API version v1beta", { ...opening, resumed: true }, "provider-model"],
  [1008, "Operation is not implemented, or supported, or enabled.", opening, "provider-model"],
  [1008, "Operation is not implemented, or supported, or enabled.", talking, "provider-dropped"],
  [1008, expired, talking, "provider-expired"],
  [1008, "", { ...talking, leaving: true }, "provider-expired"],
  [1011, "Deadline expired before operation could complete.", talking, "provider-expired"],
  [1011, "", { ...talking, leaving: true }, "provider-expired"],
  [1006, "", { ...talking, leaving: true }, "provider-expired"],
  [1011, "Internal error encountered.", talking, "provider-dropped"],
  [1011, "The service is currently unavailable.", talking, "provider-overloaded"],
  [1011, "RESOURCE_EXHAUSTED", talking, "provider-quota"],
  [1011, "You exceeded your current quota, please check your plan and billing details.", opening, "provider-quota"],
  [1000, "", talking, "provider-dropped"],
  [1006, "", talking, "provider-dropped"],
] as const)("closed with %s %j is %o", ([closeCode, reason, state, code]) => {
  expect(closedFault(closeCode, reason, state).code).toBe(code);
});

test("what the service says of a key is not repeated", () => {
  expect(closedFault(1007, "API key not valid: AIza-secret", opening).message).not.toContain("AIza");
});

test.for([
  [400, '{"error":{"message":"API key not valid. Please pass a valid API key."}}', "provider-key"],
  [400, "{}", "provider-refused"],
  [401, "", "provider-key"],
  [402, "", "provider-quota"],
  [403, "", "provider-key"],
  [404, "<html>", "provider-model"],
  [429, '{"error":{"message":"Resource has been exhausted (e.g. check quota)."}}', "provider-limited"],
  [429, '{"error":{"message":"You exceeded your current quota, please check your plan and billing details."}}', "provider-quota"],
  [500, '{"error":{"message":"You exceeded your current quota"}}', "provider-overloaded"],
  [418, "", "provider-refused"],
] as const)("HTTP %s with %j is %s", ([status, body, code]) => {
  expect(refusedUpgrade(status, body, undefined, "opening gemini").code).toBe(code);
});

test.for([
  ["7", 7_000],
  ["soon", undefined],
  ["-1", undefined],
  [undefined, undefined],
] as const)("a retry-after of %j is %s ms", ([retryAfter, ms]) => {
  expect(refusedUpgrade(429, "", retryAfter, "opening gemini").retryAfterMs).toBe(ms);
});
