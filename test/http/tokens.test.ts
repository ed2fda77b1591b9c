import { createHash, createHmac, generateKeyPairSync, hkdfSync, sign } from "node:crypto";
import { EventEmitter } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jwtVerify, SignJWT } from "jose";
import { describe, expect, test, vi } from "vitest";
import { endWhenDue } from "../../src/http/stay.ts";
import { CallerTokens, type Grant } from "../../src/http/tokens.ts";
import { silentLog } from "../../src/kernel/log.ts";
import { UsedTokens } from "../../src/http/used-tokens.ts";
import { openHouse, startMessage, type House } from "../caller/open-house.ts";
import { SimulatedClock } from "../simulated-clock.ts";
import { Switchboard } from "./switchboard.ts";

const secret = "an-old-oak-by-the-river";
const anything: Grant = { origin: undefined, agent: undefined, language: undefined, user: undefined, from: undefined };
const bearer = { address: "192.0.2.7", origin: "https://shop.example" };
const audience = "linekeeper:call";

/** How the key is made of a secret, written down a second time. */
const keyOf = (of: string): Uint8Array => new Uint8Array(hkdfSync("sha256", of, "", "linekeeper caller token 1", 32));
const kidOf = (of: string): string => createHash("sha256").update(keyOf(of)).digest("hex").slice(0, 8);

interface Desk {
  readonly clock: SimulatedClock;
  readonly tokens: CallerTokens;
}
function desk(secrets: () => readonly string[] = () => [secret]): Desk {
  const clock = new SimulatedClock();
  return { clock, tokens: new CallerTokens(secrets, clock) };
}

const base64 = (part: object | string): string => Buffer.from(typeof part === "string" ? part : JSON.stringify(part)).toString("base64url");

/** A token put together by hand, signed as it should be unless told otherwise. */
function forged(
  { head = {}, body = {}, key = keyOf(secret), hash = "sha256" }: { head?: object; body?: object; key?: Uint8Array; hash?: string },
  clock: SimulatedClock,
): string {
  const nowS = Math.floor(clock.wallNow() / 1_000);
  const claims = { iss: "linekeeper", aud: audience, jti: "0123456789abcdefghij", iat: nowS, nbf: nowS, exp: nowS + 60, ...body };
  const signed = `${base64({ alg: "HS256", typ: "JWT", kid: kidOf(secret), ...head })}.${base64(claims)}`;
  return `${signed}.${createHmac(hash, key).update(signed).digest("base64url")}`;
}

test("a token says what it was made for, and a library that is not ours finds it in order", async () => {
  const { clock, tokens } = desk();
  const grant: Grant = { origin: bearer.origin, agent: "sales", language: "de-DE", user: "u7", from: "192.0.2.0/24" };
  const { token, expiresAt } = await tokens.mint(grant);
  expect(expiresAt).toBe("2026-01-05T09:01:00.000Z");
  const { payload } = await jwtVerify(token, keyOf(secret), { audience, algorithms: ["HS256"], currentDate: new Date(clock.wallNow()) });
  expect(payload).toMatchObject({ agent: "sales", sub: "u7" });
  expect(tokens.redeem(token, bearer)).toEqual(grant);
});

test("a token that another library made with our key is good, so ours is no dialect of its own", async () => {
  const { clock, tokens } = desk();
  const nowS = clock.wallNow() / 1_000;
  const token = await new SignJWT({ iss: "linekeeper", aud: audience, jti: "0123456789abcdefghij" })
    .setProtectedHeader({ alg: "HS256", typ: "JWT", kid: kidOf(secret) })
    .setIssuedAt(nowS)
    .setNotBefore(nowS)
    .setExpirationTime(nowS + 60)
    .sign(keyOf(secret));
  expect(tokens.redeem(token, bearer)).toEqual(anything);
});

test("a token is good once, also when it comes again after it was long forgotten", async () => {
  const { clock, tokens } = desk();
  const { token } = await tokens.mint(anything);
  tokens.redeem(token, bearer);
  expect(() => tokens.redeem(token, bearer)).toThrow("used already");
  await clock.advance(60_000);
  expect(() => tokens.redeem(token, bearer)).toThrow("used already");
  await clock.advance(10_000);
  expect(() => tokens.redeem(token, bearer)).toThrow("expired");
});

test("clocks of two nodes may be five seconds apart, either way", async () => {
  const { clock, tokens } = desk();
  const [first, second] = [await tokens.mint(anything), await tokens.mint(anything)];
  await clock.advance(64_900);
  tokens.redeem(first.token, bearer);
  await clock.advance(200);
  expect(() => tokens.redeem(second.token, bearer)).toThrow("expired");
  tokens.redeem(forged({ body: { nbf: clock.wallNow() / 1_000 + 4, iat: clock.wallNow() / 1_000 + 4 } }, clock), bearer);
});

test("while a secret is replaced tokens of both are good, and the new one signs", async () => {
  let secrets = [secret];
  const { tokens } = desk(() => secrets);
  const old = await tokens.mint(anything);
  const older = await tokens.mint(anything);
  secrets = ["new-secret", secret];
  const young = await tokens.mint(anything);
  tokens.redeem(old.token, bearer);
  secrets = ["new-secret"];
  tokens.redeem(young.token, bearer);
  expect(() => tokens.redeem(older.token, bearer)).toThrow("key that is not in use");
});

test("without a secret each process has its own", async () => {
  const [one, other] = [desk(() => []).tokens, desk(() => []).tokens];
  const { token } = await one.mint(anything);
  expect(() => other.redeem(token, bearer)).toThrow("not in use");
  expect(one.redeem(token, bearer)).toEqual(anything);
});

test("no more used tokens are remembered than can be, and then nobody is let in twice but told to wait", async () => {
  const { clock, tokens } = desk();
  for (let at = 0; at < 10_000; at += 1) tokens.redeem(forged({ body: { jti: `token-number-${10_000 + at}` } }, clock), bearer);
  const { token } = await tokens.mint(anything);
  expect(() => tokens.redeem(token, bearer)).toThrow("within a minute");
  await clock.advance(66_000);
  tokens.redeem((await tokens.mint(anything)).token, bearer);
});

const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 });
type Forgery = (clock: SimulatedClock, good: string) => string;
const nowS = (clock: SimulatedClock): number => clock.wallNow() / 1_000;
const withBody =
  (change: (clock: SimulatedClock) => object): Forgery =>
  (clock) =>
    forged({ body: change(clock) }, clock);
const withHead =
  (head: object): Forgery =>
  (clock) =>
    forged({ head }, clock);
const part = (token: string, at: number): string => token.split(".")[at] ?? "";

/** Each would be good but for the one thing in its name. */
const forgeries: Readonly<Record<string, Forgery>> = {
  "alg none, without a signature": (clock) => `${base64({ alg: "none", typ: "JWT", kid: kidOf(secret) })}.${part(forged({}, clock), 1)}.`,
  "alg none, with a signature": withHead({ alg: "none" }),
  "alg None": withHead({ alg: "None" }),
  "alg HS512 as signed": (clock) => forged({ head: { alg: "HS512" }, hash: "sha512" }, clock),
  "alg HS256 said, HS512 signed": (clock) => forged({ hash: "sha512" }, clock),
  "alg RS256 with a key of theirs": (clock) => {
    const signed = `${base64({ alg: "RS256", typ: "JWT", kid: kidOf(secret) })}.${part(forged({}, clock), 1)}`;
    return `${signed}.${sign("sha256", Buffer.from(signed), rsa.privateKey).toString("base64url")}`;
  },
  "alg missing": withHead({ alg: undefined }),
  "another typ": withHead({ typ: "at+jwt" }),
  "no kid": withHead({ kid: undefined }),
  "an unknown kid": withHead({ kid: "00000000" }),
  "a kid that is a path": withHead({ kid: "../../dev/null" }),
  "a kid that is a list": withHead({ kid: [kidOf(secret)] }),
  "a key in its header": withHead({ jwk: { kty: "oct", k: base64("x") } }),
  "a key's address in its header": withHead({ jku: "https://evil.example/keys" }),
  "a critical extension": withHead({ crit: ["exp"] }),
  "another's secret": (clock) => forged({ key: keyOf("guess") }, clock),
  "the secret itself as key": (clock) => forged({ key: new TextEncoder().encode(secret) }, clock),
  "an empty key": (clock) => forged({ key: new Uint8Array() }, clock),
  "another audience": withBody(() => ({ aud: "linekeeper:admin" })),
  "a list of audiences": withBody(() => ({ aud: [audience] })),
  "no audience": withBody(() => ({ aud: undefined })),
  "another issuer": withBody(() => ({ iss: "evil" })),
  "no expiry": withBody(() => ({ exp: undefined })),
  "an expiry of words": withBody(() => ({ exp: "tomorrow" })),
  "an expiry in the past": withBody((clock) => ({ exp: nowS(clock) - 6 })),
  "a beginning in the future": withBody((clock) => ({ nbf: nowS(clock) + 60 })),
  "made in the future": withBody((clock) => ({ iat: nowS(clock) + 60 })),
  "no id": withBody(() => ({ jti: undefined })),
  "an empty id": withBody(() => ({ jti: "" })),
  "a claim that nobody makes": withBody(() => ({ admin: true })),
  "another origin": withBody(() => ({ origin: "https://shop.example.evil.example" })),
  "another network": withBody(() => ({ from: "198.51.100.0/24" })),
  "a network that is none": withBody(() => ({ from: "everywhere" })),
  "a changed claim": (_clock, good) => `${part(good, 0)}.${base64({ aud: audience })}.${part(good, 2)}`,
  "the signature of another": (clock, good) => `${part(forged({}, clock), 0)}.${part(forged({}, clock), 1)}.${part(good, 2)}`,
  "its last character missing": (_clock, good) => good.slice(0, -1),
  "its signature missing": (_clock, good) => good.slice(0, good.lastIndexOf(".") + 1),
  "its signature twice": (_clock, good) => `${good}.${part(good, 2)}`,
  "its signature in another spelling": (_clock, good) => `${good}=`,
  "only its head": (_clock, good) => part(good, 0),
  "five parts, as an encrypted one": () => "a.b.c.d.e",
  "a megabyte": () => `${"a".repeat(3_000)}.b.c`,
  nothing: () => ".",
  "no JSON in it": (_clock, good) => `${base64("{")}.${part(good, 1)}.${part(good, 2)}`,
};

describe("over the wire", () => {
  const stranger = { headers: { "x-forwarded-for": "192.0.2.1" } };
  const shop = { ...stranger, origin: "https://shop.example" };

  async function open(): Promise<{ house: House; board: Switchboard; clock: SimulatedClock } & AsyncDisposable> {
    const clock = new SimulatedClock();
    const board = new Switchboard(clock, "e1", () => [secret]);
    const access = {
      keys: () => ["sesame"],
      tokens: board.tokens,
      origins: ["https://shop.example"],
      awaits: (token: string) => token === "r",
    };
    const house = await openHouse({ routes: board.routes, access, log: board.log });
    return { house, board, clock, [Symbol.asyncDispose]: () => house[Symbol.asyncDispose]() };
  }

  async function mint(house: House, body: object = {}): Promise<string> {
    const headers = { ...stranger.headers, authorization: "Bearer sesame" };
    const answer = await fetch(`${house.url}/v1/tokens`, { method: "POST", headers, body: JSON.stringify(body) });
    expect(answer.status).toBe(201);
    return ((await answer.json()) as { token: string }).token; // As the document says.
  }

  test("a page calls with a token in its start, once, as the agent and user that the token names", async () => {
    await using desk = await open();
    const token = await mint(desk.house, { agent: "sales", user: "u7", origin: "https://shop.example" });
    const page = await desk.house.knocks("/browser", shop);
    page.says({ ...startMessage, token, agent: "board-room" });
    await page.hears("started");
    expect(desk.house.reception.last.start).toMatchObject({ agent: "sales", parameters: { user: "u7" } });
    expect(JSON.stringify(desk.house.reception.last.start)).not.toContain(token);
    const again = await desk.house.knocks("/browser", shop);
    again.says({ ...startMessage, token });
    expect(await again.closed).toEqual({ code: 1008, reason: "caller-refused" });
    expect(desk.board.log.lines).toMatchObject([{ event: "audit" }, { event: "leg_refused" }]);
    expect(JSON.stringify(desk.board.log.lines)).not.toContain(token.slice(0, 20));
  });

  test("a page calls with a token among its sub-protocols", async () => {
    await using desk = await open();
    const page = await desk.house.knocks("/browser", shop, ["linekeeper.1", `token.${await mint(desk.house)}`]);
    expect(page.socket.protocol).toBe("linekeeper.1");
    page.says(startMessage);
    await page.hears("started");
  });

  test("who comes back into a call that waits shows the token that was used; who asks for one that does not wait needs another", async () => {
    await using desk = await open();
    const token = await mint(desk.house);
    const first = await desk.house.knocks("/browser", shop);
    first.says({ ...startMessage, token });
    await first.hears("started");
    const back = await desk.house.knocks("/browser", shop);
    back.says({ ...startMessage, token, resume: "r" });
    await back.hears("started");
    const thief = await desk.house.knocks("/browser", shop);
    thief.says({ ...startMessage, token, resume: "guess" });
    expect(await thief.closed).toEqual({ code: 1008, reason: "caller-refused" });
    expect(desk.house.reception.guests).toHaveLength(2);
  });

  test.each(Object.entries(forgeries))("refused before anybody is asked: a token with %s", async (_name, forge) => {
    await using desk = await open();
    const page = await desk.house.knocks("/browser", shop);
    page.says({ ...startMessage, token: forge(desk.clock, await mint(desk.house)) });
    const said = await page.hears("error");
    expect(said["code"]).toBe("caller-refused");
    expect(JSON.stringify(said)).not.toContain(secret);
    expect(await page.closed).toEqual({ code: 1008, reason: "caller-refused" });
    expect(desk.house.reception.guests).toEqual([]);
  });

  test("the forgeries are good but for the one thing: nothing forged is let in, and the minted token is", async () => {
    await using desk = await open();
    expect(Object.keys(forgeries).length).toBeGreaterThanOrEqual(40);
    const page = await desk.house.knocks("/browser", shop);
    page.says({ ...startMessage, token: forged({ body: { origin: "https://shop.example", from: "127.0.0.0/8" } }, desk.clock) });
    await page.hears("started");
  });

  test.each([
    { body: { origin: "shop.example" }, field: "origin" },
    { body: { from: "192.0.2.0/99" }, field: "from" },
    { body: { agent: "" }, field: "agent" },
    { body: { language: 7 }, field: "language" },
  ])("a token is not made for a $field of $body", async ({ body, field }) => {
    await using desk = await open();
    const answer = await fetch(`${desk.house.url}/v1/tokens`, { method: "POST", body: JSON.stringify(body) });
    expect(answer.status).toBe(422);
    expect(await answer.text()).toContain(`"${field}: `);
  });
});

test("a token that was used is not good again after a restart, and what is past is forgotten", async () => {
  const folder = mkdtempSync(join(tmpdir(), "used-"));
  const path = join(folder, "data", "used-tokens.jsonl");
  const troubles: unknown[] = [];
  const openUsed = (): UsedTokens => new UsedTokens(path, (error) => void troubles.push(error));
  const clock = new SimulatedClock();
  const before = new CallerTokens(() => [secret], clock, openUsed());
  const [first, second] = [await before.mint(anything), await before.mint(anything)];
  before.redeem(first.token, bearer);
  const after = new CallerTokens(() => [secret], clock, openUsed());
  expect(() => after.redeem(first.token, bearer)).toThrow("used already");
  after.redeem(second.token, bearer);
  expect(() => new CallerTokens(() => [secret], clock, openUsed()).redeem(second.token, bearer)).toThrow("used already");
  expect(statSync(path).mode & 0o077).toBe(0);
  expect(troubles).toEqual([]);
  rmSync(folder, { recursive: true });
});

test("a file of used tokens does not grow without end, and half a line at its end costs only that", async () => {
  const folder = mkdtempSync(join(tmpdir(), "used-"));
  const path = join(folder, "used-tokens.jsonl");
  const used = new UsedTokens(path);
  for (let at = 0; at < 50_000; at += 1) used.add(`token-number-${at}`, at + 10, at);
  expect(readFileSync(path, "utf8").split("\n").length).toBeLessThanOrEqual(20_001);
  writeFileSync(path, '["one-that-is-whole",100]\n["one-that-is-');
  const again = new UsedTokens(path);
  expect(again.has("one-that-is-whole")).toBe(true);
  expect(again.add("another", 200, 50)).toBe(true);
  rmSync(folder, { recursive: true });
});

test("a disk that fails is told of, and nobody is turned away for it", () => {
  const folder = mkdtempSync(join(tmpdir(), "used-"));
  writeFileSync(join(folder, "data"), "a file where a folder should be");
  const troubles: unknown[] = [];
  const used = new UsedTokens(join(folder, "data", "used-tokens.jsonl"), (error) => void troubles.push(error));
  expect(used.add("a", 100, 0)).toBe(true);
  expect(used.has("a")).toBe(true);
  expect(troubles.length).toBeGreaterThan(0);
  rmSync(folder, { recursive: true });
});

describe("how long a token lets stay", () => {
  const stranger = { headers: { "x-forwarded-for": "192.0.2.1" } };

  /** Shorter than the minute after which a caller who sends nothing is taken for gone. */
  const tokenStayMs = 40_000;

  async function open() {
    const tokensClock = new SimulatedClock();
    const tokens = new CallerTokens(() => [secret], tokensClock);
    const access = { keys: () => ["sesame"], tokens, tokenStayMs, awaits: (token: string) => token === "r" };
    const house = await openHouse({ access });
    /** Both clocks: that of the tokens and that of the door. */
    const advance = async (ms: number): Promise<void> => {
      await tokensClock.advance(ms);
      await house.clock.advance(ms);
    };
    const calls = async (more: object = {}) => {
      const page = await house.knocks("/browser", stranger);
      const { token } = await tokens.mint(anything);
      page.says({ ...startMessage, token, ...more });
      return { page, token };
    };
    return { house, advance, calls, [Symbol.asyncDispose]: () => house[Symbol.asyncDispose]() };
  }

  test("when its time is over the connection is closed with a code of its own, and the call waits", async () => {
    await using desk = await open();
    const { page } = await desk.calls();
    await page.hears("started");
    await desk.advance(39_000);
    expect(desk.house.reception.last.signals).toEqual([]);
    await desk.advance(1_100);
    expect(await page.closed).toEqual({ code: 4001, reason: "token-expired" });
    await vi.waitFor(() => expect(desk.house.reception.last.signals).toEqual([{ type: "lost", fault: undefined }]), 10_000);
  });

  test("coming back begins no new time but with another token, which is used by that", async () => {
    await using desk = await open();
    const { page, token } = await desk.calls();
    await page.hears("started");
    await desk.advance(20_000);
    const back = await desk.calls({ resume: "r", token });
    await back.page.hears("started");
    await desk.advance(20_100);
    expect(await back.page.closed).toEqual({ code: 4001, reason: "token-expired" });
    const late = await desk.calls({ resume: "r", token });
    expect(await late.page.closed).toEqual({ code: 1008, reason: "caller-refused" });
    const fresh = await desk.calls({ resume: "r" });
    await fresh.page.hears("started");
    const thief = await desk.calls({ token: fresh.token });
    expect(await thief.page.closed).toEqual({ code: 1008, reason: "caller-refused" });
    await desk.advance(39_000);
    expect(desk.house.reception.last.signals).toEqual([]);
  });

  test("who shows only that a call waits for them is not let in", async () => {
    await using desk = await open();
    const thief = await desk.calls({ resume: "r", token: undefined });
    expect(await thief.page.closed).toEqual({ code: 1008, reason: "caller-refused" });
    expect(desk.house.reception.guests).toEqual([]);
  });

  test("the key and this machine need no token, and stay as long as they like", async () => {
    await using desk = await open();
    const local = await desk.house.knocks("/browser");
    local.says(startMessage);
    await local.hears("started");
    const keyed = await desk.house.knocks("/browser", { headers: { ...stranger.headers, authorization: "Bearer sesame" } });
    keyed.says(startMessage);
    await keyed.hears("started");
    await desk.advance(41_000);
    expect(desk.house.reception.guests.map(({ signals }) => signals)).toEqual([[], []]);
  });

  test("a secret that is withdrawn ends what its tokens opened within a quarter of an hour", async () => {
    const clock = new SimulatedClock();
    let secrets = [secret];
    const tokens = new CallerTokens(() => secrets, clock);
    const { token } = await tokens.mint(anything);
    tokens.redeem(token, bearer);
    const guest = Object.assign(new EventEmitter(), { closed: [] as unknown[], close: (...how: unknown[]) => void guest.closed.push(how) });
    endWhenDue(guest, tokens.stay(token, bearer, 3_600_000), clock, silentLog);
    await clock.advance(900_000);
    expect(guest.closed).toEqual([]);
    secrets = ["another-oak"];
    await clock.advance(900_000);
    expect(guest.closed).toEqual([[4001, "token-expired"]]);
    expect(clock.armed).toBe(0);
  });

  test("who has left is not looked at any more", async () => {
    const { clock, tokens } = desk();
    const { token } = await tokens.mint(anything);
    const guest = Object.assign(new EventEmitter(), { close: () => {} });
    endWhenDue(guest, tokens.stay(token, bearer, 3_600_000), clock, silentLog);
    guest.emit("close");
    expect(clock.armed).toBe(0);
  });
});
