// What the service's errors, refusals and close codes mean for a call. Sources: error objects and close frames as reported in issue
// threads of openai-node, livekit/agents and pipecat, read 2026-11. Texts drift, so codes decide.
import { Fault, type FaultCode } from "../../kernel/fault.ts";
import { refusalCode, retryAfterMs, waits } from "../refused-upgrade.ts";
import type { WireError } from "./server-events.ts";

/** Codes that end a session, wherever they turn up: in an error event, a failed response, a close reason or a refused upgrade. */
const fatal: Readonly<Record<string, FaultCode>> = {
  session_expired: "provider-expired",
  insufficient_quota: "provider-quota",
  billing_hard_limit_reached: "provider-quota",
  credit_balance_exhausted: "provider-quota",
  invalid_api_key: "provider-key",
  account_deactivated: "provider-key",
  rate_limit_exceeded: "provider-limited",
  inference_rate_limit_exceeded: "provider-limited",
  model_not_found: "provider-model",
  DeploymentNotFound: "provider-model",
  // As the service spells it.
  OpperationNotSupported: "provider-model",
  beta_api_shape_disabled: "provider-refused",
};

/** The fault of an error that ends the session; undefined when it does not. */
export function fatalFault(error: WireError, doing: string, secret: string): Fault | undefined {
  const code = Object.hasOwn(fatal, error.code) ? fatal[error.code] : undefined;
  if (code === undefined) return undefined;
  return fault(code, doing, `${error.code}: ${error.message}`, secret, waitAskedFor(error.message));
}

/** One of our own events was refused, and without it the session is not what was asked for. */
export const refusedFault = (error: WireError, doing: string, secret: string): Fault =>
  fatalFault(error, doing, secret) ?? fault("provider-refused", doing, `${error.code} ${error.param ?? ""}: ${error.message}`, secret);

/** Answers keep failing on a socket that lives. */
export const failingFault = (error: WireError | undefined, secret: string): Fault =>
  fault("provider-overloaded", "answering", `two responses in a row failed: ${error?.code ?? "no code"}: ${error?.message ?? ""}`, secret);

/** An upgrade answered by HTTP. */
export function refusedUpgrade(status: number, body: string, retryAfter: string | undefined, doing: string, secret: string): Fault {
  const named = Object.keys(fatal).find((code) => body.includes(`"${code}"`));
  const code = (named === undefined ? undefined : fatal[named]) ?? refusalCode(status);
  return fault(code, doing, `HTTP ${status}${named === undefined ? "" : `, ${named}`}`, secret, retryAfterMs(retryAfter));
}

/** A close by the service. Reasons are `<type>.<code>`, or at the end of a session its sentence. */
export function closedFault(closeCode: number, reason: string, doing: string, secret: string): Fault {
  const last = reason.split(".").at(-1) ?? "";
  const named = Object.hasOwn(fatal, last) ? fatal[last] : undefined;
  const expired = closeCode === 1001 && /maximum duration/.test(reason) ? "provider-expired" : undefined;
  const code = named ?? expired ?? (closeCode === 3000 ? "provider-key" : closeCode === 4000 ? "provider-refused" : "provider-dropped");
  return fault(code, doing, `closed with ${closeCode}${reason === "" ? "" : ` (${reason})`}`, secret);
}

function fault(code: FaultCode, doing: string, found: string, secret: string, waitMs?: number): Fault {
  // What the service says of a key quotes it, whole or in parts.
  const safe = code === "provider-key" ? found.replace(/:.*$/s, "") : found.replaceAll(secret, "[key]");
  return new Fault(code, `${doing}: ${safe}`, waits(waitMs));
}

/** "Please try again in 1.2s." */
function waitAskedFor(message: string): number | undefined {
  const [, amount, unit] = /try again in ([\d.]+)(ms|s)/.exec(message) ?? [];
  if (amount === undefined) return undefined;
  return Math.ceil(Number(amount) * (unit === "s" ? 1_000 : 1));
}

/** Errors about a race that the other side has settled already; they change nothing. */
export const harmless: ReadonlySet<string> = new Set([
  "response_cancel_not_active",
  "conversation_already_has_active_response",
  "input_audio_buffer_commit_empty",
  "item_truncate_invalid_item_id",
  "item_delete_invalid_item_id",
  "item_retrieve_invalid_item_id",
]);
