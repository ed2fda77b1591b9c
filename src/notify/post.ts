import { BlockList } from "node:net";

const limitMs = 5_000;

/** What came of sending: `refused` cannot pass as it is, `failed` may pass later. `why` names neither address nor answer. */
export type Posted =
  | { readonly result: "sent" }
  | { readonly result: "refused" | "failed"; readonly why: string; readonly retryAfterMs: number };

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** An address that notices may be sent to: https, or http on this machine. */
export function isWebhook(address: string): boolean {
  const url = URL.parse(address);
  if (url === null) return false;
  if (url.protocol === "https:") return true;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return url.protocol === "http:" && (host === "localhost" || loopback.check(host, host.includes(":") ? "ipv6" : "ipv4"));
}

/** Posts JSON once, within 5 s; follows no redirect and reads no answer. Never rejects, and never tells the address, which may hold a secret. */
export async function post(address: string, body: string, key: string, stop: AbortSignal): Promise<Posted> {
  const failed = (result: "refused" | "failed", why: string, retryAfterMs = 0): Posted => ({ result, why, retryAfterMs });
  if (!isWebhook(address)) return failed("refused", "the address is neither https nor on this machine");
  try {
    const answer = await fetch(address, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": key },
      body,
      redirect: "manual",
      signal: AbortSignal.any([stop, AbortSignal.timeout(limitMs)]),
    });
    // Whatever is in it may be endless.
    await answer.body?.cancel();
    if (answer.ok) return { result: "sent" };
    const passes = answer.status >= 500 || answer.status === 429 || answer.status === 408;
    const afterS = Number(answer.headers.get("retry-after") ?? 0);
    return failed(passes ? "failed" : "refused", `answered ${answer.status}`, Number.isFinite(afterS) ? Math.min(600, afterS) * 1_000 : 0);
  } catch (error) {
    if (error instanceof DOMException && error.name === "TimeoutError") return failed("failed", `no answer in ${limitMs} ms`);
    return failed("failed", codeOf(error));
  }
}

/** The system's code for it ("ECONNREFUSED"); messages may hold the address. */
function codeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error && "code" in cause ? String(cause.code) : "could not be sent";
}
