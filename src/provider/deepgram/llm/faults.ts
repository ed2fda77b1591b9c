import { Fault, type FaultCode } from "../../../kernel/fault.ts";
import { objectAt, textAt } from "./reading.ts";

/** What is known of a failed request, whichever client told it. */
export interface Trouble {
  /** Undefined within a stream, where no status can come any more. */
  readonly status: number | undefined;
  /** The service's own names for it, most exact first; anything may stand where a name should. */
  readonly names: readonly unknown[];
  readonly message: string;
  readonly retryAfterMs: number | undefined;
}

/** What the official clients of OpenAI and Anthropic tell alike. */
export function clientTrouble(error: ClientError, names: readonly unknown[], wallNowMs: number): Trouble {
  const { status, headers, requestID } = error;
  // The clients' own message is the body as they found it; the words in it are the service's.
  const words = textAt(objectAt(error.error, "error"), "message") ?? textAt(error.error, "message") ?? error.message;
  const header = (name: string): string | null => (headers instanceof Headers ? headers.get(name) : null);
  return {
    status: typeof status === "number" ? status : undefined,
    names,
    message: typeof requestID === "string" ? `${words} (request ${requestID})` : words,
    retryAfterMs: retryAfterMs(header, wallNowMs),
  };
}

interface ClientError {
  readonly status?: unknown;
  readonly headers?: unknown;
  readonly error?: unknown;
  readonly requestID?: unknown;
  readonly message: string;
}

/** Names that say more than the status, of all services; none means different things to two of them. */
const byName: Readonly<Record<string, FaultCode>> = {
  // Gemini
  API_KEY_INVALID: "provider-key",
  UNAUTHENTICATED: "provider-key",
  PERMISSION_DENIED: "provider-key",
  NOT_FOUND: "provider-model",
  RESOURCE_EXHAUSTED: "provider-limited",
  UNAVAILABLE: "provider-overloaded",
  INTERNAL: "provider-overloaded",
  DEADLINE_EXCEEDED: "provider-overloaded",
  INVALID_ARGUMENT: "provider-refused",
  // OpenAI, Azure OpenAI, Groq
  insufficient_quota: "provider-quota",
  billing_hard_limit_reached: "provider-quota",
  invalid_api_key: "provider-key",
  account_deactivated: "provider-key",
  model_not_found: "provider-model",
  model_decommissioned: "provider-model",
  DeploymentNotFound: "provider-model",
  rate_limit_exceeded: "provider-limited",
  server_error: "provider-overloaded",
  tool_use_failed: "provider-malformed",
  // Anthropic
  authentication_error: "provider-key",
  permission_error: "provider-key",
  billing_error: "provider-quota",
  not_found_error: "provider-model",
  rate_limit_error: "provider-limited",
  overloaded_error: "provider-overloaded",
  api_error: "provider-overloaded",
  timeout_error: "provider-overloaded",
  invalid_request_error: "provider-refused",
};

const byStatus: Readonly<Record<number, FaultCode>> = {
  401: "provider-key",
  402: "provider-quota",
  403: "provider-key",
  404: "provider-model",
  408: "provider-overloaded",
  429: "provider-limited",
};

/** A refusal by the service: by its name if that is known, else by its status. `secret` is taken out of what it says. */
export function refusal(trouble: Trouble, doing: string, secret: string): Fault {
  const { status, retryAfterMs } = trouble;
  const names = trouble.names.flatMap((name) => (typeof name === "string" && name !== "" ? [name.slice(0, 80)] : []));
  // A wrong request is named as such by every service, also where the status knows better (404, 413, 429).
  const named = names.map((name) => (Object.hasOwn(byName, name) ? byName[name] : undefined)).find((code) => code !== undefined);
  const told = status === undefined ? undefined : (byStatus[status] ?? (status >= 500 ? "provider-overloaded" : undefined));
  const code =
    (named === "provider-refused" ? told : undefined) ??
    named ??
    told ??
    (status === undefined ? "provider-overloaded" : "provider-refused");
  const head = `${doing}: ${status === undefined ? "error within the answer" : `HTTP ${status}`}${names[0] === undefined ? "" : ` ${names[0]}`}`;
  // What a service says of a key quotes it, whole or in parts.
  const words = code === "provider-key" ? "" : `: ${tidy(trouble.message, secret)}`;
  return new Fault(code, `${head}${words}`, retryAfterMs === undefined ? undefined : { retryAfterMs });
}

const networkCodes: Readonly<Record<string, FaultCode>> = {
  ECONNREFUSED: "provider-unreachable",
  ENOTFOUND: "provider-unreachable",
  EAI_AGAIN: "provider-unreachable",
  ENETUNREACH: "provider-unreachable",
  EHOSTUNREACH: "provider-unreachable",
  ETIMEDOUT: "provider-unreachable",
  UND_ERR_CONNECT_TIMEOUT: "provider-unreachable",
};

/** What was no answer of the service at all: the network, or bytes that are no stream of events. */
export function breakage(error: unknown, doing: string, secret: string): Fault {
  if (error instanceof Fault) return error;
  const messages: string[] = [];
  let code: FaultCode | undefined;
  // Clients wrap what fetch throws, and fetch wraps what the socket did.
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    messages.push(at.message);
    const name = "code" in at && typeof at.code === "string" ? at.code : "";
    code ??= Object.hasOwn(networkCodes, name) ? networkCodes[name] : undefined;
    if (at instanceof SyntaxError) code ??= "provider-malformed";
  }
  const found = tidy(messages.length === 0 ? String(error) : messages.join(": "), secret);
  // What fetch throws has a cause, or is the end of a socket; a client that stumbles over what it reads throws the bare error.
  const stumbled = error instanceof TypeError && error.cause === undefined && !/terminated|fetch failed/.test(error.message);
  const malformed = stumbled || /JSON/.test(found);
  return new Fault(code ?? (malformed ? "provider-malformed" : "provider-dropped"), `${doing}: ${found}`);
}

/** Of `retry-after-ms` and `retry-after` in seconds or as a date, ms. */
export function retryAfterMs(header: (name: string) => string | null, wallNowMs: number): number | undefined {
  const ms = Number(header("retry-after-ms") ?? Number.NaN);
  if (Number.isFinite(ms) && ms >= 0) return ms;
  const after = header("retry-after");
  if (after === null) return undefined;
  const seconds = Number(after);
  if (Number.isFinite(seconds)) return seconds >= 0 ? seconds * 1_000 : undefined;
  const atMs = Date.parse(after);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - wallNowMs);
}

/** One line, without the key, short enough for a log. */
function tidy(message: string, secret: string): string {
  const safe = secret === "" ? message : message.replaceAll(secret, "[key]");
  const line = safe.replace(/\s+/g, " ").trim();
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}
