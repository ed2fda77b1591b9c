import { expect, test } from "vitest";
import { closedFault, fatalFault, refusedUpgrade } from "../../../src/provider/openai/faults.ts";

const error = (code: string, message = "") => ({ code, message, param: undefined, eventId: undefined });

test.for([
  ["session_expired", "provider-expired"],
  ["insufficient_quota", "provider-quota"],
  ["billing_hard_limit_reached", "provider-quota"],
  ["credit_balance_exhausted", "provider-quota"],
  ["invalid_api_key", "provider-key"],
  ["account_deactivated", "provider-key"],
  ["rate_limit_exceeded", "provider-limited"],
  ["inference_rate_limit_exceeded", "provider-limited"],
] as const)("the error %s ends a link as %s", ([code, fault]) => {
  expect(fatalFault(error(code), "talking", "key")?.code).toBe(fault);
});

test.for(["server_error", "invalid_value", "unknown_parameter", "response_cancel_not_active", "cannot_update_voice", "constructor", ""])(
  "the error %j ends no link",
  (code) => {
    expect(fatalFault(error(code), "talking", "key")).toBeUndefined();
  },
);

test.for([
  [1000, "", "provider-dropped"],
  [1001, "", "provider-dropped"],
  [1001, "Your session hit the maximum duration of 60 minutes.", "provider-expired"],
  [1006, "", "provider-dropped"],
  [1011, "", "provider-dropped"],
  [3000, "invalid_request_error.invalid_api_key", "provider-key"],
  [3000, "", "provider-key"],
  [4000, "invalid_request_error.insufficient_quota", "provider-quota"],
  [4000, "invalid_request_error.beta_api_shape_disabled", "provider-refused"],
] as const)("a close with %s %j is %s", ([code, reason, fault]) => {
  expect(closedFault(code, reason, "talking", "key").code).toBe(fault);
});

test.for([
  [400, '{"error":{"code":"OpperationNotSupported"}}', "provider-model"],
  [400, "", "provider-refused"],
  [408, "", "provider-overloaded"],
  [429, '{"error":{"code":"insufficient_quota"}}', "provider-quota"],
  [429, "", "provider-limited"],
  [502, "<html>", "provider-overloaded"],
] as const)("an upgrade answered by %s %s is %s", ([status, body, fault]) => {
  expect(refusedUpgrade(status, body, undefined, "opening", "key").code).toBe(fault);
});

test("the wait that the service asks for is kept, from a header or from its words", () => {
  expect(refusedUpgrade(429, "", "12", "opening", "key").retryAfterMs).toBe(12_000);
  expect(refusedUpgrade(429, "", "Wed, 21 Oct", "opening", "key").retryAfterMs).toBeUndefined();
  expect(fatalFault(error("rate_limit_exceeded", "Please try again in 1.2s."), "talking", "key")?.retryAfterMs).toBe(1_200);
  expect(fatalFault(error("rate_limit_exceeded", "Please try again in 80ms."), "talking", "key")?.retryAfterMs).toBe(80);
});

test("no fault quotes the key", () => {
  const secret = "sk-very-secret";
  const faults = [
    fatalFault(error("invalid_api_key", `Incorrect API key provided: sk-ver***cret.`), "opening", secret),
    fatalFault(error("insufficient_quota", `${secret} is out of money`), "opening", secret),
    closedFault(4000, secret, "talking", secret),
  ];
  for (const fault of faults) expect(fault?.message).not.toMatch(/sk-ver/);
});
