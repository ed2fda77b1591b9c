import { describe, expect, test } from "vitest";
import { breakage, refusal, retryAfterMs, type Trouble } from "../../../../src/provider/deepgram/llm/faults.ts";
import { geminiTrouble } from "../../../../src/provider/deepgram/llm/gemini-wire.ts";

const trouble = (more: Partial<Trouble>): Trouble => ({ status: 400, names: [], message: "no", retryAfterMs: undefined, ...more });
const google = (status: string, message: string, ...details: readonly object[]): string =>
  JSON.stringify({ error: { code: 0, status, message, details } });

describe("a refusal", () => {
  test.each([
    [400, ["tool_use_failed"], "provider-malformed"],
    [401, [], "provider-key"],
    [402, [], "provider-quota"],
    [403, ["somehow_new"], "provider-key"],
    [404, ["DeploymentNotFound"], "provider-model"],
    [404, ["invalid_request_error"], "provider-model"],
    [408, ["timeout_error"], "provider-overloaded"],
    [413, ["request_too_large"], "provider-refused"],
    [422, [], "provider-refused"],
    [429, ["insufficient_quota"], "provider-quota"],
    [429, ["tokens"], "provider-limited"],
    [500, [], "provider-overloaded"],
    [529, ["overloaded_error"], "provider-overloaded"],
    [undefined, ["authentication_error"], "provider-key"],
    [undefined, ["never_heard_of"], "provider-overloaded"],
    [undefined, [{}, null, "", "rate_limit_error"], "provider-limited"],
    [400, ["constructor"], "provider-refused"],
  ])("with status %s and names %j is a %s", (status, names, code) => {
    expect(refusal(trouble({ status, names }), "asking", "key").code).toBe(code);
  });

  test("does not tell the key, nor anything of what is said about it", () => {
    expect(refusal(trouble({ message: "the header 'Bearer sk-1' is odd" }), "asking", "sk-1").message).toBe(
      "asking: HTTP 400: the header 'Bearer [key]' is odd",
    );
    expect(refusal(trouble({ status: 401, message: "Incorrect key sk-****9" }), "asking", "sk-1").message).toBe("asking: HTTP 401");
  });

  test("is one line, however long the service was about it", () => {
    const { message } = refusal(trouble({ message: `no\n\n${"x".repeat(9_000)}`, names: ["y".repeat(900)] }), "asking", "");
    expect(message).not.toContain("\n");
    expect(message.length).toBeLessThan(500);
  });
});

describe("gemini's errors", () => {
  test.each([
    [
      "a wrong key, which it calls an invalid argument",
      400,
      google("INVALID_ARGUMENT", "API key not valid.", { reason: "API_KEY_INVALID" }),
      "provider-key",
      undefined,
    ],
    ["a rate", 429, google("RESOURCE_EXHAUSTED", "You exceeded your current quota", { retryDelay: "7.5s" }), "provider-limited", 7_500],
    ["a quota", 429, google("RESOURCE_EXHAUSTED", "You exceeded your current quota, check billing"), "provider-quota", undefined],
    ["an exhausted resource of no other kind", 429, google("RESOURCE_EXHAUSTED", "Try again"), "provider-limited", undefined],
    [
      "one within the stream, with words before the body",
      undefined,
      `got status: UNAVAILABLE. ${google("UNAVAILABLE", "Busy")}`,
      "provider-overloaded",
      undefined,
    ],
    ["a page of a proxy", 502, "<html>Bad gateway</html>", "provider-overloaded", undefined],
  ])("%s", (_, status, message, code, waitMs) => {
    const fault = refusal(geminiTrouble(status, message), "asking", "key");
    expect([fault.code, fault.retryAfterMs]).toEqual([code, waitMs]);
  });
});

describe("what is no refusal", () => {
  const caused = (code: string): Error => new TypeError("fetch failed", { cause: Object.assign(new Error(`connect ${code}`), { code }) });

  test.each([
    [caused("ECONNREFUSED"), "provider-unreachable"],
    [new Error("Connection error.", { cause: caused("ENOTFOUND") }), "provider-unreachable"],
    [caused("ECONNRESET"), "provider-dropped"],
    [new TypeError("terminated"), "provider-dropped"],
    [new SyntaxError("Unexpected token"), "provider-malformed"],
    [new TypeError("Cannot read properties of null"), "provider-malformed"],
    ["a string", "provider-dropped"],
    [null, "provider-dropped"],
  ])("%s is a %s", (error, code) => {
    expect(breakage(error, "asking", "").code).toBe(code);
  });

  test("says what lies beneath, without the key", () => {
    expect(breakage(caused("ECONNREFUSED https://sk-1@x"), "asking", "sk-1").message).toBe(
      "asking: fetch failed: connect ECONNREFUSED https://[key]@x",
    );
  });
});

test.each([
  [{ "retry-after-ms": "1200", "retry-after": "9" }, 1_200],
  [{ "retry-after": "30" }, 30_000],
  [{ "retry-after": "Thu, 01 Jan 1970 00:01:00 GMT" }, 55_000],
  [{ "retry-after": "Thu, 01 Jan 1970 00:00:01 GMT" }, 0],
  [{ "retry-after": "soon" }, undefined],
  [{ "retry-after": "-3" }, undefined],
  [{}, undefined],
])("%j asks for a wait of %s ms", (headers: Readonly<Record<string, string>>, waitMs) => {
  expect(retryAfterMs((name) => headers[name] ?? null, 5_000)).toBe(waitMs);
});
