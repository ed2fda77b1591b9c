/** Secrets that the settings know. */
export const known = "hunter2+canary/0";
export const replaced = "second-canary";

const error = (message: string, cause?: unknown): Error => new Error(message, { cause });

/** Each holds a secret with the word "canary" somewhere; none may come out. */
export const planted: readonly { where: string; given: unknown }[] = [
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
  { where: "a replaced secret", given: `it was ${replaced} before` },
];
