// Digest access authentication as SIP uses it: RFC 3261 section 22, RFC 7616, RFC 8760.
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../kernel/clock.ts";
import type { Random } from "../../kernel/random.ts";
import { quote, unquote } from "./message/grammar.ts";

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

type Algorithm = "MD5" | "SHA-256";

/** The fields of one challenge or answer, names in lower case. Undefined: no Digest, or malformed. */
function parseDigest(value: string): ReadonlyMap<string, string> | undefined {
  const rest = /^Digest[ \t]+(.*)$/is.exec(value.trim())?.[1];
  if (rest === undefined) return undefined;
  const fields = new Map<string, string>();
  const field = /[ \t]*([\w-]+)[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"|[^",\s]+)[ \t]*(?:,|$)/y;
  while (field.lastIndex < rest.length) {
    const found = field.exec(rest);
    if (found === null) return undefined;
    fields.set((found[1] ?? "").toLowerCase(), unquote(found[2] ?? ""));
  }
  return fields;
}

interface Proof {
  readonly algorithm: Algorithm;
  readonly realm: string;
  readonly nonce: string;
  readonly method: string;
  readonly uri: string;
  readonly qop: string | undefined;
  readonly nc: string;
  readonly cnonce: string;
  readonly body: Buffer;
}

/** RFC 7616 section 3.4.1. */
export function digestResponse({ username, password }: Credentials, proof: Proof): string {
  const { algorithm, realm, nonce, method, uri, qop, nc, cnonce } = proof;
  const hash = (text: string | Buffer): string =>
    createHash(algorithm === "MD5" ? "md5" : "sha256")
      .update(text)
      .digest("hex");
  const first = hash(`${username}:${realm}:${password}`);
  const second = hash(qop === "auth-int" ? `${method}:${uri}:${hash(proof.body)}` : `${method}:${uri}`);
  return hash(qop === undefined ? `${first}:${nonce}:${second}` : `${first}:${nonce}:${nc}:${cnonce}:${qop}:${second}`);
}

/**
 * The Authorization value for the first challenge that we can answer, or undefined.
 * @param challenges the WWW-Authenticate or Proxy-Authenticate values
 */
export function answerChallenge(
  challenges: readonly string[],
  credentials: Credentials,
  request: { readonly method: string; readonly uri: string; readonly body: Buffer },
  cnonce: string,
): string | undefined {
  for (const challenge of challenges) {
    const fields = parseDigest(challenge);
    const algorithm = algorithmOf(fields?.get("algorithm"));
    if (fields === undefined || algorithm === undefined) continue;
    const offered = fields
      .get("qop")
      ?.split(",")
      .map((each) => each.trim().toLowerCase());
    const qop = offered === undefined ? undefined : offered.includes("auth") ? "auth" : offered.find((each) => each === "auth-int");
    if (offered !== undefined && qop === undefined) continue;
    const [realm, nonce, nc] = [fields.get("realm") ?? "", fields.get("nonce") ?? "", "00000001"];
    const response = digestResponse(credentials, { algorithm, realm, nonce, qop, nc, cnonce, ...request });
    const parts = [
      `username=${quote(credentials.username)}`,
      `realm=${quote(realm)}`,
      `nonce=${quote(nonce)}`,
      `uri=${quote(request.uri)}`,
      `response="${response}"`,
      `algorithm=${algorithm}`,
    ];
    const opaque = fields.get("opaque");
    if (opaque !== undefined) parts.push(`opaque=${quote(opaque)}`);
    if (qop !== undefined) parts.push(`qop=${qop}`, `nc=${nc}`, `cnonce="${cnonce}"`);
    return `Digest ${parts.join(", ")}`;
  }
  return undefined;
}

function algorithmOf(name: string | undefined): Algorithm | undefined {
  if (name === undefined || name.toUpperCase() === "MD5") return "MD5";
  return name.toUpperCase() === "SHA-256" ? "SHA-256" : undefined;
}

const nonceLifeMs = 60_000;
/** Nonces in use whose counts are remembered. */
const countsLimit = 10_000;

/** Asks callers who they are. Its nonces carry their own birth time under a MAC, so that nothing is kept for callers who never come back. */
export class DigestGate {
  readonly #realm: string;
  readonly #credentials: Credentials;
  readonly #clock: Clock;
  readonly #key: string;
  /** The highest count seen of each nonce: a copied answer does not work a second time. */
  readonly #counts = new Map<string, number>();

  constructor(realm: string, credentials: Credentials, clock: Clock, random: Random) {
    this.#realm = realm;
    this.#credentials = credentials;
    this.#clock = clock;
    this.#key = random.id("", 32);
  }

  /**
   * The WWW-Authenticate values of a 401. RFC 8760 wants the stronger first, but there are phones that read only the first and know
   * nothing but MD5.
   */
  challenges(stale: boolean): string[] {
    const nonce = this.#nonce(Math.floor(this.#clock.now()));
    return ["MD5", "SHA-256"].map(
      (algorithm) =>
        `Digest realm=${quote(this.#realm)}, nonce="${nonce}", algorithm=${algorithm}, qop="auth"${stale ? ", stale=true" : ""}`,
    );
  }

  /** `stale`: right, but with a nonce that is too old. */
  check(authorization: string | undefined, method: string, body: Buffer): "right" | "stale" | "wrong" {
    const fields = parseDigest(authorization ?? "");
    const algorithm = algorithmOf(fields?.get("algorithm"));
    if (fields === undefined || algorithm === undefined) return "wrong";
    const field = (name: string): string => fields.get(name) ?? "";
    const bornMs = this.#birthOf(field("nonce"));
    if (bornMs === undefined || field("username") !== this.#credentials.username || field("realm") !== this.#realm) return "wrong";
    const [nonce, uri, nc, cnonce, qop] = [field("nonce"), field("uri"), field("nc"), field("cnonce"), fields.get("qop")];
    const expected = digestResponse(this.#credentials, { algorithm, realm: this.#realm, nonce, method, uri, qop, nc, cnonce, body });
    if (!equal(expected, field("response").toLowerCase())) return "wrong";
    if (this.#clock.now() - bornMs > nonceLifeMs) return "stale";
    return this.#countRose(nonce, qop === undefined ? 1 : Number.parseInt(nc, 16)) ? "right" : "stale";
  }

  #countRose(nonce: string, count: number): boolean {
    if (!(count > (this.#counts.get(nonce) ?? 0))) return false;
    this.#counts.delete(nonce);
    this.#counts.set(nonce, count);
    // The oldest goes first; a nonce that was forgotten while alive could be counted anew, which takes this many calls in a minute.
    if (this.#counts.size > countsLimit) for (const oldest of this.#counts.keys()) return this.#counts.delete(oldest);
    return true;
  }

  #nonce(bornMs: number): string {
    const stamp = bornMs.toString(16).padStart(12, "0");
    return `${stamp}${createHmac("sha256", this.#key).update(stamp).digest("hex").slice(0, 32)}`;
  }

  #birthOf(nonce: string): number | undefined {
    const bornMs = Number.parseInt(nonce.slice(0, 12), 16);
    return Number.isSafeInteger(bornMs) && equal(this.#nonce(bornMs), nonce) ? bornMs : undefined;
  }
}

function equal(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
