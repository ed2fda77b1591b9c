// Ending a call by Telnyx' Call Control, "Hangup call" in Telnyx' API reference, read 2026-11.
import type { Log } from "../kernel/log.ts";

export interface TelnyxRestParts {
  readonly apiKey: string;
  readonly baseUrl: string | undefined;
  readonly log: Log;
}

const answerLimitMs = 10_000;
/** 404 and 422: the call is over already, which is as good. */
const gone: ReadonlySet<number> = new Set([404, 422]);

/**
 * Hangs up on a caller whose stream was asked for by Call Control: there a closed socket leaves the caller in silence, and billed.
 * Never rejects; what went wrong stands in the log.
 */
export async function hangUpAtTelnyx(callControlId: string, { apiKey, baseUrl, log }: TelnyxRestParts): Promise<void> {
  const url = `${baseUrl ?? "https://api.telnyx.com"}/v2/calls/${encodeURIComponent(callControlId)}/actions/hangup`;
  const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };
  try {
    const response = await fetch(url, { method: "POST", headers, body: "{}", signal: AbortSignal.timeout(answerLimitMs) });
    await response.body?.cancel();
    if (response.ok || gone.has(response.status)) return;
    log.warning("carrier_hang_up_failed", {
      carrier_call_id: callControlId,
      message: `Telnyx answered ${response.status}; check TELNYX_API_KEY`,
    });
  } catch (error) {
    log.warning("carrier_hang_up_failed", {
      carrier_call_id: callControlId,
      message: error instanceof Error ? error.message : String(error),
    });
  }
}
