// Caller tokens: JSON Web Tokens (RFC 7519) signed with HMAC SHA-256 (RFC 7515, RFC 7518 section 3.2). A back end with the API key asks
// for one and gives it to a page; the page may place one call with it, soon.
import { createHash, createHmac, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";
import { SignJWT } from "jose";
import { z } from "zod";
import type { Clock } from "../kernel/clock.ts";
import { Fault } from "../kernel/fault.ts";
import { isNetwork, network, within } from "./networks.ts";
import type { Stay } from "./stay.ts";
import { UsedTokens } from "./used-tokens.ts";

const audience = "linekeeper:call";
const issuer = "linekeeper";
/** From asking for a token to calling with it. */
const lifeMs = 60_000;
/** How far the clocks of two nodes may be apart. */
const skewMs = 5_000;
/** A token of ours has some 400 characters. */
const longestToken = 2_048;

/** What a token lets its bearer do; undefined: as it likes. */
export interface Grant {
  /** The page's origin, such as "https://example.org". */
  readonly origin: string | undefined;
  readonly agent: string | undefined;
  readonly language: string | undefined;
  /** Who the caller is, for the records. */
  readonly user: string | undefined;
  /** An address, or a network such as "192.0.2.0/24". */
  readonly from: string | undefined;
}

export interface Bearer {
  readonly address: string;
  /** As its browser told it. */
  readonly origin: string | undefined;
}

export interface MintedToken {
  readonly token: string;
  readonly expiresAt: string;
}

const header = z.strictObject({ alg: z.literal("HS256"), typ: z.literal("JWT"), kid: z.string() });
const claims = z.strictObject({
  iss: z.literal(issuer),
  aud: z.literal(audience),
  sub: z.string().optional(),
  jti: z.string().min(16).max(64),
  iat: z.number(),
  nbf: z.number(),
  exp: z.number(),
  origin: z.string().optional(),
  agent: z.string().optional(),
  language: z.string().optional(),
  from: z.string().refine(isNetwork).optional(),
});

interface Key {
  readonly id: string;
  readonly bytes: Buffer;
}

/** Makes tokens and takes them back, each once. */
export class CallerTokens {
  readonly #secrets: () => readonly string[];
  readonly #clock: Clock;
  readonly #keys = new Map<string, Key>();
  readonly #used: UsedTokens;

  /**
   * `secrets`: those that are good just now, the first signs. None: `own`, a random one that lives as long as this process, or as those
   * that share it.
   */
  constructor(secrets: () => readonly string[], clock: Clock, used = new UsedTokens(), own = randomBytes(32).toString("base64url")) {
    this.#secrets = () => {
      const given = secrets();
      return given.length === 0 ? [own] : given;
    };
    this.#clock = clock;
    this.#used = used;
  }

  async mint(grant: Grant): Promise<MintedToken> {
    const [key] = this.#goodKeys();
    if (key === undefined) throw new Fault("internal", "there is no secret to sign tokens with");
    const { user, ...bounds } = grant;
    const nowS = Math.floor(this.#clock.wallNow() / 1_000);
    const token = await new SignJWT({
      ...bounds,
      ...(user !== undefined && { sub: user }),
      iss: issuer,
      aud: audience,
      jti: randomBytes(16).toString("base64url"),
    })
      .setProtectedHeader({ alg: "HS256", typ: "JWT", kid: key.id })
      .setIssuedAt(nowS)
      .setNotBefore(nowS)
      .setExpirationTime(nowS + lifeMs / 1_000)
      .sign(key.bytes);
    return { token, expiresAt: new Date(nowS * 1_000 + lifeMs).toISOString() };
  }

  /**
   * What the token grants; from now on it is used. Synchronous, unlike the library that signs: a start is decided on in the same turn
   * of the event loop, so that no audio that follows it overtakes it.
   * @throws {Fault} caller-refused, in words that tell a stranger nothing of the secret
   */
  redeem(token: string, bearer: Bearer): Grant {
    const said = this.#verified(token);
    const { jti, exp, sub, origin, agent, language, from } = said;
    const nowMs = this.#clock.wallNow();
    if (nowMs > exp * 1_000 + skewMs) throw refused("it has expired; ask for another");
    this.#mustFit(said, bearer, nowMs);
    this.#use(jti, exp * 1_000 + skewMs, nowMs);
    return { origin, agent, language, user: sub, from };
  }

  /**
   * How long who was let in with the token may stay: `limitMs` from when it was made, as long as the secret that signed it is in use.
   * Who comes back shows it again, or a fresh one, which is used then.
   * @throws {Fault} caller-refused
   */
  stay(token: string, bearer: Bearer, limitMs: number): Stay {
    const said = this.#verified(token);
    const { jti, iat, exp } = said;
    const nowMs = this.#clock.wallNow();
    this.#mustFit(said, bearer, nowMs);
    const untilMs = iat * 1_000 + limitMs;
    const check = (): void => {
      this.#verified(token);
      if (this.#clock.wallNow() >= untilMs) throw refused("its time is over; come back with another");
    };
    check();
    const expiresMs = exp * 1_000 + skewMs;
    if (nowMs <= expiresMs && !this.#used.has(jti)) this.#use(jti, expiresMs, nowMs);
    return { untilMs, check };
  }

  #mustFit({ nbf, iat, origin, from }: z.infer<typeof claims>, bearer: Bearer, nowMs: number): void {
    if (nowMs < Math.max(nbf, iat) * 1_000 - skewMs) throw refused("it is not valid yet; is the clock right?");
    if (origin !== undefined && bearer.origin !== origin) throw refused("it is for a page of another origin");
    if (from !== undefined && !within(network([from], "token"), bearer.address)) throw refused("it is for a caller at another address");
  }

  #verified(token: string): z.infer<typeof claims> {
    if (token.length > longestToken) throw refused(`it is longer than ${longestToken} characters`);
    const [head = "", body = "", signature = "", ...more] = token.split(".");
    const given = bytesOf(signature);
    const named = header.safeParse(json(head));
    if (!named.success || given === undefined || more.length > 0) throw refused("it is none of ours");
    const key = this.#goodKeys().find(({ id }) => id === named.data.kid);
    if (key === undefined) throw refused("it is signed with a key that is not in use");
    const right = createHmac("sha256", key.bytes).update(`${head}.${body}`).digest();
    if (given.length !== right.length || !timingSafeEqual(given, right)) throw refused("its signature is wrong");
    const said = claims.safeParse(json(body));
    if (!said.success) throw refused(`its claim ${said.error.issues[0]?.path.join(".") ?? ""} is not one for a call here`);
    return said.data;
  }

  #use(id: string, untilMs: number, nowMs: number): void {
    if (this.#used.has(id)) throw refused("it was used already; ask for another");
    if (!this.#used.add(id, untilMs, nowMs))
      throw new Fault("busy", "more callers came within a minute than tokens are remembered", { retryAfterMs: lifeMs });
  }

  #goodKeys(): readonly Key[] {
    return this.#secrets().map((secret) => {
      const known = this.#keys.get(secret);
      if (known !== undefined) return known;
      const bytes = Buffer.from(hkdfSync("sha256", secret, "", "linekeeper caller token 1", 32));
      const key = { id: createHash("sha256").update(bytes).digest("hex").slice(0, 8), bytes };
      // A secret is replaced now and then; what is long gone need not be kept.
      if (this.#keys.size >= 8) this.#keys.clear();
      this.#keys.set(secret, key);
      return key;
    });
  }
}

const refused = (why: string): Fault => new Fault("caller-refused", `the token is not accepted: ${why}`);

/** The bytes of base64url in its one spelling; undefined for any other. */
function bytesOf(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64url");
  return bytes.length > 0 && bytes.toString("base64url") === text ? bytes : undefined;
}

/** Undefined: no JSON. */
function json(part: string): unknown {
  try {
    return JSON.parse(bytesOf(part)?.toString("utf8") ?? "");
  } catch {
    return undefined;
  }
}
