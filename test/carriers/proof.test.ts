import { createHmac, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { expect, test } from "vitest";
import type { Knock } from "../../src/caller/dialect.ts";
import { genesysCarrier, signatureBase } from "../../src/carriers/genesys.ts";
import { isEd25519, isHmac, isOneOf, shownSecret } from "../../src/carriers/proof.ts";
import { tokenCarrier } from "../../src/carriers/token-carrier.ts";
import { SimulatedClock } from "../simulated-clock.ts";

const basic = (pair: string): { authorization: string } => ({ authorization: `Basic ${Buffer.from(pair).toString("base64")}` });

test.each([
  { headers: { authorization: "Bearer abc" }, query: "", shown: "abc" },
  { headers: basic("user:a:b"), query: "", shown: "a:b" },
  { headers: basic(":abc"), query: "", shown: "abc" },
  { headers: {}, query: "token=abc", shown: "abc" },
  { headers: { authorization: "Bearer abc" }, query: "token=other", shown: "abc" },
  { headers: { authorization: "Digest abc" }, query: "", shown: undefined },
  { headers: {}, query: "", shown: undefined },
])("$headers and ?$query show $shown", ({ headers, query, shown }) => {
  expect(shownSecret(headers, new URLSearchParams(query))).toBe(shown);
});

test("a secret is one of those that are good, and nothing else is", () => {
  expect(isOneOf(["new", "old"], "old")).toBe(true);
  for (const shown of ["", "ol", "old ", "OLD", undefined]) expect(isOneOf(["new", "old"], shown)).toBe(false);
  expect(isOneOf([], undefined)).toBe(false);
  expect(isOneOf([""], undefined)).toBe(false);
});

test("an Ed25519 signature is good for its text and key alone", () => {
  const keys = generateKeyPairSync("ed25519");
  const raw = keys.publicKey.export({ format: "der", type: "spki" }).subarray(-32).toString("base64");
  const text = Buffer.from("1|body");
  const signature = sign(null, text, keys.privateKey).toString("base64");
  expect(isEd25519(raw, text, signature)).toBe(true);
  expect(isEd25519(raw, Buffer.from("1|Body"), signature)).toBe(false);
  expect(isEd25519(raw, text, "")).toBe(false);
  expect(isEd25519("", text, signature)).toBe(false);
});

// RFC 9421, appendix B.2.5.
test("the HMAC of RFC 9421's own example is found right", () => {
  const key = Buffer.from("uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==", "base64");
  const input = '("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"';
  const values = { date: "Tue, 20 Apr 2021 02:07:55 GMT", "@authority": "example.com", "content-type": "application/json" };
  const base = signatureBase(["date", "@authority", "content-type"], values, input);
  expect(isHmac(key, base, "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=", "base64")).toBe(true);
});

test("an engine with the token comes in from anywhere, one without only where no token is set, and then from this machine", () => {
  const knock = (query: string): Knock => ({ target: "/", query: new URLSearchParams(query), headers: {} });
  const guarded = tokenCarrier("asterisk", () => ["secret", "previous"]);
  const open = tokenCarrier("asterisk", () => []);
  expect(() => guarded.mayConnect(knock("token=secret"), false)).not.toThrow();
  expect(() => guarded.mayConnect(knock("token=previous"), false)).not.toThrow();
  expect(() => guarded.mayConnect(knock("token=wrong"), true)).toThrow("LINEKEEPER_CARRIER_TOKEN");
  expect(() => guarded.mayConnect(knock(""), true)).toThrow("LINEKEEPER_CARRIER_TOKEN");
  expect(() => open.mayConnect(knock(""), true)).not.toThrow();
  expect(() => open.mayConnect(knock("token=secret"), false)).toThrow("LINEKEEPER_CARRIER_TOKEN");
});

const apiKey = "SGVsbG8sIEkgYW0gdGhlIEFQSSBrZXkh";
const clientSecret = randomBytes(32).toString("base64");
const names = [
  "@request-target",
  "@authority",
  "audiohook-organization-id",
  "audiohook-session-id",
  "audiohook-correlation-id",
  "x-api-key",
];

interface Signing {
  readonly nowS: number;
  readonly nonce?: string;
  readonly components?: readonly string[];
  readonly secret?: string;
  readonly keyid?: string;
  readonly key?: string;
  readonly session?: string;
}

/** An upgrade as Genesys signs it, or as somebody would who cannot. */
function knocks({
  nowS,
  nonce = "VGhpc0lzQVVuaXF1ZU5vbmNl",
  components = names,
  secret = clientSecret,
  keyid = apiKey,
  key = apiKey,
  session = "s",
}: Signing): Knock {
  const headers = {
    host: "voice.example.org:443",
    "audiohook-organization-id": "o",
    "audiohook-session-id": "s",
    "audiohook-correlation-id": "c",
    "x-api-key": key,
  };
  const list = components.map((name) => `"${name}"`).join(" ");
  const input = `(${list});keyid="${keyid}";nonce="${nonce}";alg="hmac-sha256";created=${nowS};expires=${nowS + 10}`;
  const base = signatureBase(components, { ...headers, "@request-target": "/genesys", "@authority": "voice.example.org" }, input);
  const mac = createHmac("sha256", Buffer.from(secret, "base64")).update(base).digest("base64");
  return {
    target: "/genesys",
    query: new URLSearchParams(),
    headers: { ...headers, "audiohook-session-id": session, "signature-input": `sig1=${input}`, signature: `sig1=:${mac}:` },
  };
}

test("genesys comes in with its key and its signature, once, and with nothing less", () => {
  const clock = new SimulatedClock();
  const nowS = Math.floor(clock.wallNow() / 1000);
  const carrier = genesysCarrier({
    keys: () => [
      { apiKey: "newer-key", clientSecret: "bmV3ZXI=" },
      { apiKey, clientSecret },
    ],
    clock,
  });
  const good = knocks({ nowS });
  carrier.mayConnect(good, false);
  expect(() => carrier.mayConnect(good, false)).toThrow("used");
  carrier.mayConnect(knocks({ nowS, nonce: "another-nonce-0123456789" }), false);
  const refused: readonly [Knock, string][] = [
    [knocks({ nowS, nonce: "n".repeat(24), key: "wrong" }), "X-API-KEY"],
    [knocks({ nowS: nowS - 60, nonce: "a".repeat(24) }), "expired"],
    [knocks({ nowS: nowS + 60, nonce: "b".repeat(24) }), "expired"],
    [knocks({ nowS, nonce: "short" }), "nonce"],
    [knocks({ nowS, nonce: "c".repeat(24), keyid: "another" }), "another key"],
    [knocks({ nowS, nonce: "d".repeat(24), components: names.slice(1) }), "does not cover"],
    [knocks({ nowS, nonce: "e".repeat(24), secret: randomBytes(32).toString("base64") }), "GENESYS_CLIENT_SECRET"],
    [knocks({ nowS, nonce: "f".repeat(24), session: "changed" }), "GENESYS_CLIENT_SECRET"],
    [{ ...good, headers: { "x-api-key": apiKey } }, "no Signature"],
    [{ ...good, headers: { ...good.headers, signature: "sig2=:AAAA:" } }, "no Signature"],
  ];
  for (const [knock, why] of refused) expect(() => carrier.mayConnect(knock, true)).toThrow(why);
});

test("genesys without a key configured is served on this machine alone, and the key alone does where there is no secret", () => {
  const clock = new SimulatedClock();
  const knock: Knock = { target: "/genesys", query: new URLSearchParams(), headers: { "x-api-key": apiKey } };
  const open = genesysCarrier({ keys: () => [], clock });
  expect(() => open.mayConnect(knock, false)).toThrow("GENESYS_API_KEY");
  expect(() => open.mayConnect(knock, true)).not.toThrow();
  const keyed = genesysCarrier({ keys: () => [{ apiKey, clientSecret: undefined }], clock });
  expect(() => keyed.mayConnect(knock, false)).not.toThrow();
  expect(() => keyed.mayConnect({ ...knock, headers: {} }, true)).toThrow("X-API-KEY");
});
