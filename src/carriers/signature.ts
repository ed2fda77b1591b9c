// www.twilio.com/docs/usage/security#validating-requests, read 2026-11-21.
import { createHash, createHmac, timingSafeEqual } from "node:crypto";

/** What Twilio writes into X-Twilio-Signature for this address and, of a POST, these form fields. */
export function signatureOf(authToken: string, url: string, form: URLSearchParams = new URLSearchParams()): string {
  const hmac = createHmac("sha1", authToken).update(url);
  for (const name of [...new Set(form.keys())].toSorted(byCode)) {
    for (const value of [...new Set(form.getAll(name))].toSorted(byCode)) hmac.update(name + value);
  }
  return hmac.digest("base64");
}

/**
 * Whether one of the account's tokens signed one of these addresses. How long it takes tells nothing of the signature.
 * @param urls the same address as Twilio may have written it
 */
export function isSigned(
  signature: string | undefined,
  authTokens: readonly string[],
  urls: readonly string[],
  form: URLSearchParams = new URLSearchParams(),
): boolean {
  let good = false;
  for (const token of authTokens) {
    for (const url of urls) good = timingSafeEqual(digest(signatureOf(token, url, form)), digest(signature ?? "")) || good;
  }
  return good;
}

/** With and without the port that the scheme has anyway: Twilio signs one or the other. */
export function spellings(url: string): readonly string[] {
  const { protocol, host, port } = new URL(url);
  if (port !== "") return [url];
  const usual = protocol === "https:" || protocol === "wss:" ? 443 : 80;
  return [url, url.replace(`//${host}`, `//${host}:${usual}`)];
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/** By UTF-16 code units, as JavaScript's own order of strings. */
const byCode = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
