import { expect, test } from "vitest";
import { redactor } from "../../src/watch/redact.ts";

const known = "hunter2+canary/0";
const { value, text } = redactor(() => [known, "second-canary", "abc"]);
const error = (message: string, cause?: unknown): Error => new Error(message, { cause });

/** Each holds a secret with the word "canary" somewhere; none may come out. */
const planted: readonly { where: string; given: unknown }[] = [
  { where: "a message", given: `login with ${known} failed` },
  { where: "a known secret in a URL's form", given: `wss://h/?q=${encodeURIComponent(known)}` },
  { where: "a known secret in a JSON text", given: JSON.stringify({ body: `x${known}y` }) },
  { where: "an error's message and stack", given: error(`no entry for ${known}`) },
  { where: "an error's cause", given: error("outer", error(`inner ${known}`)) },
  { where: "an error's own field", given: Object.assign(error("x"), { config: { headers: { "api-key": "canary" } } }) },
  { where: "an AggregateError", given: new AggregateError([error(known)], "all") },
  { where: "a nested key", given: { a: { b: { c: { apiKey: "canary" } } } } },
  {
    where: "a header's name in any writing",
    given: { "X-Api-Key": "canary", "xi-api-key": "canary", Authorization: "canary", "Set-Cookie": "canary" },
  },
  { where: "a key's name in snake case", given: { openai_api_key: "canary", client_secret: "canary", password: "canary" } },
  { where: "a resume token", given: { resumeToken: "canary" } },
  { where: "an object under a secret key", given: { credentials: { user: "canary", parts: ["canary"] } } },
  { where: "a list", given: ["ok", [`deep ${known}`]] },
  { where: "a map", given: new Map([["token", "canary"]]) },
  { where: "a set", given: new Set([known]) },
  { where: "the name of a key", given: { [`x ${known}`]: 1 } },
  { where: "a URL's password", given: "https://user:canary@host/path" },
  { where: "a URL object's query", given: new URL("https://host/?key=canary1234&x=1") },
  { where: "a bearer header in a text", given: "sent Authorization: Bearer canary.canary" },
  { where: "a basic header in a text", given: "Authorization: Basic Y2FuYXJ5OmNhbmFyeQ==canary" },
  { where: "a Deepgram header in a text", given: "Token canary0123456789abcdef" },
  { where: "a key that looks like OpenAI's", given: "Incorrect API key provided: sk-proj-canary_0123." },
  { where: "a key that looks like Google's", given: "denied AIzaSyCanary0123456789canary012345" },
  { where: "a web token", given: "jwt eyJcanaryHeader.canaryBody.canarySignature" },
  { where: "a private key", given: "-----BEGIN RSA PRIVATE KEY-----\ncanary\n-----END RSA PRIVATE KEY-----" },
  { where: "a long word after the word key", given: "the key that was used is canary0123456789abcdef0123" },
  { where: "a query in a text", given: "GET /v1?api_key=canary&signature=canary" },
  { where: "a setting in a text", given: "started with OPENAI_API_KEY=canary DEEPGRAM_API_KEY: canary" },
  { where: "JSON in a text", given: '{"password":"canary","access_token": "canary"}' },
  { where: "a replaced secret", given: "it was second-canary before" },
];

test.each(planted)("nothing of a secret is left of $where", ({ given }) => {
  expect(JSON.stringify(value({ field: given }))).not.toMatch(/canary/i);
  if (typeof given === "string") expect(text(given)).not.toMatch(/canary/i);
});

test("a known secret in the form of Basic authentication is found too", () => {
  expect(text(`x ${Buffer.from(known).toString("base64")} y`)).toBe(
    "x [hidden]== y".replace("==", Buffer.from(known).toString("base64").match(/=*$/)?.[0] ?? ""),
  );
});

test.each([
  "opening gemini: no answer in 5000 ms (attempt 2 of 3)",
  "a basic receptionist with keys and tokens",
  "https://example.org/path?voice=rms",
  "press the key 5 to go on",
])("what is no secret stays as it was: %s", (given) => {
  expect(text(given)).toBe(given);
});

test("figures and names of secrets stay, for they tell what happened", () => {
  const given = {
    output_text_tokens: 12,
    secret: "OPENAI_API_KEY",
    result: "rotated",
    provider: "openai",
    session_id: "c_0123456789abcdef",
  };
  expect(value(given)).toEqual(given);
});

test("a secret shorter than four characters tears no words apart", () => {
  expect(text("abcdef")).toBe("abcdef");
});

test("a long hostile text is cleaned in a moment", () => {
  for (const unit of ["key ", "key: ", "Bearer ", "//a:", "eyJaaaaaa.", "-----BEGIN ", "token= "]) {
    const cleaned = text(unit.repeat(100_000));
    expect(cleaned.length).toBeLessThan(9_000);
  }
});
