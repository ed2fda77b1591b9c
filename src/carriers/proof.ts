import { createHash, createHmac, createPublicKey, timingSafeEqual, verify } from "node:crypto";
import type { Knock } from "../caller/dialect.ts";

type Headers = Knock["headers"];

/** The secret that a request shows: as Bearer, as the password of Basic, or as `token` in the query. */
export function shownSecret(headers: Headers, query: URLSearchParams): string | undefined {
  const authorization = headers["authorization"] ?? "";
  const bearer = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  if (bearer !== undefined) return bearer;
  const basic = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization)?.[1];
  if (basic === undefined) return query.get("token") ?? undefined;
  const pair = Buffer.from(basic, "base64").toString("utf8");
  return pair.slice(pair.indexOf(":") + 1);
}

/** How long it takes tells nothing of the secrets. */
export function isOneOf(secrets: readonly string[], shown: string | undefined): boolean {
  let good = false;
  for (const secret of secrets) good = timingSafeEqual(digest(secret), digest(shown ?? "")) || good;
  return good && shown !== undefined;
}

/** HMAC with SHA-256, compared without telling by its time how much was right. */
export function isHmac(key: string | Buffer, text: string, signature: string, encoding: "base64" | "base64url" | "hex"): boolean {
  return timingSafeEqual(digest(createHmac("sha256", key).update(text).digest(encoding)), digest(signature));
}

const ed25519Prefix = Buffer.from("302a300506032b6570032100", "hex");

/** @param publicKey the 32 bytes of an Ed25519 key, in base64, as carriers show it. False for a key that is none. */
export function isEd25519(publicKey: string, text: Buffer, signature: string): boolean {
  const key = Buffer.from(publicKey, "base64");
  if (key.length !== 32) return false;
  const spki = createPublicKey({ key: Buffer.concat([ed25519Prefix, key]), format: "der", type: "spki" });
  return verify(null, text, spki, Buffer.from(signature, "base64"));
}

/** The claims of a JSON Web Token that this secret has signed (HS256) and that is valid now; undefined: it is none. */
export function claimsOf(token: string, secret: string, nowMs: number): Readonly<Record<string, unknown>> | undefined {
  const [head = "", body = "", signature = "", ...rest] = token.split(".");
  if (rest.length > 0 || jsonOf(head)?.["alg"] !== "HS256" || !isHmac(secret, `${head}.${body}`, signature, "base64url")) return undefined;
  const claims = jsonOf(body);
  const { exp, nbf } = claims ?? {};
  if (typeof exp === "number" && exp * 1000 < nowMs) return undefined;
  if (typeof nbf === "number" && nbf * 1000 > nowMs) return undefined;
  return claims;
}

function jsonOf(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
