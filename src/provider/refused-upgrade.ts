import type { FaultCode } from "../kernel/fault.ts";

const codes: Readonly<Record<number, FaultCode>> = {
  401: "provider-key",
  402: "provider-quota",
  403: "provider-key",
  404: "provider-model",
  408: "provider-overloaded",
  429: "provider-limited",
};

/** What an HTTP status means where a WebSocket was asked for, if the service does not name the reason better. */
export const refusalCode = (status: number): FaultCode => codes[status] ?? (status >= 500 ? "provider-overloaded" : "provider-refused");

/** The header `retry-after`, in seconds, ms. */
export function retryAfterMs(header: string | undefined): number | undefined {
  const seconds = Number(header ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : undefined;
}

/** As options of a fault: an absent wait has no key. */
export const waits = (ms: number | undefined): { readonly retryAfterMs: number } | undefined =>
  ms === undefined ? undefined : { retryAfterMs: ms };
