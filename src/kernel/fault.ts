/** Who has to act, and what the session may do about it. The only place where a fault meets a close code, a SIP status or a retry. */
export interface FaultRow {
  readonly blame: "caller" | "provider" | "operator" | "us";
  readonly remedy: "retry" | "other-provider" | "hang-up";
  /** WebSocket close code towards the caller. */
  readonly closeCode: number;
  readonly sipStatus: number;
}

const rows = {
  "caller-malformed": { blame: "caller", remedy: "hang-up", closeCode: 1007, sipStatus: 400 },
  "caller-unsupported": { blame: "caller", remedy: "hang-up", closeCode: 1003, sipStatus: 415 },
  "caller-oversized": { blame: "caller", remedy: "hang-up", closeCode: 1009, sipStatus: 413 },
  "caller-flooding": { blame: "caller", remedy: "hang-up", closeCode: 1008, sipStatus: 503 },
  "caller-refused": { blame: "caller", remedy: "hang-up", closeCode: 1008, sipStatus: 403 },
  "caller-silent": { blame: "caller", remedy: "hang-up", closeCode: 1008, sipStatus: 408 },
  "caller-slow": { blame: "caller", remedy: "hang-up", closeCode: 1013, sipStatus: 503 },
  busy: { blame: "us", remedy: "hang-up", closeCode: 1013, sipStatus: 486 },
  overload: { blame: "us", remedy: "hang-up", closeCode: 1013, sipStatus: 503 },
  "call-unknown": { blame: "caller", remedy: "hang-up", closeCode: 1008, sipStatus: 481 },
  "call-unable": { blame: "caller", remedy: "hang-up", closeCode: 1008, sipStatus: 488 },
  draining: { blame: "us", remedy: "hang-up", closeCode: 1012, sipStatus: 503 },
  internal: { blame: "us", remedy: "other-provider", closeCode: 1011, sipStatus: 500 },
  "provider-unreachable": { blame: "provider", remedy: "retry", closeCode: 1013, sipStatus: 503 },
  "provider-dropped": { blame: "provider", remedy: "retry", closeCode: 1013, sipStatus: 503 },
  "provider-silent": { blame: "provider", remedy: "retry", closeCode: 1013, sipStatus: 503 },
  "provider-overloaded": { blame: "provider", remedy: "retry", closeCode: 1013, sipStatus: 503 },
  "provider-limited": { blame: "provider", remedy: "retry", closeCode: 1013, sipStatus: 503 },
  "provider-expired": { blame: "provider", remedy: "retry", closeCode: 1013, sipStatus: 503 },
  "provider-busy": { blame: "provider", remedy: "other-provider", closeCode: 1013, sipStatus: 486 },
  "provider-shut": { blame: "provider", remedy: "other-provider", closeCode: 1013, sipStatus: 503 },
  "provider-quota": { blame: "operator", remedy: "other-provider", closeCode: 1013, sipStatus: 503 },
  "provider-key": { blame: "operator", remedy: "other-provider", closeCode: 1013, sipStatus: 503 },
  "provider-model": { blame: "operator", remedy: "other-provider", closeCode: 1013, sipStatus: 503 },
  "provider-refused": { blame: "us", remedy: "other-provider", closeCode: 1013, sipStatus: 503 },
  "provider-malformed": { blame: "provider", remedy: "retry", closeCode: 1013, sipStatus: 503 },
  "setting-invalid": { blame: "operator", remedy: "hang-up", closeCode: 1011, sipStatus: 500 },
  "model-missing": { blame: "operator", remedy: "other-provider", closeCode: 1011, sipStatus: 503 },
} as const satisfies Record<string, FaultRow>;

export type FaultCode = keyof typeof rows;

/**
 * `code` is for machines and metrics, `message` for people, `cause` for the log.
 * A message says what was tried, what was found, and the limit: "opening gemini: no answer in 5000 ms (attempt 2 of 3)".
 */
export class Fault extends Error {
  override readonly name = "Fault";
  readonly code: FaultCode;
  /** How long the other side asked us to wait, ms; undefined when it did not say. */
  readonly retryAfterMs: number | undefined;
  /** For how long it had been so, at least, when it was found, ms. */
  readonly foundAfterMs: number;

  constructor(code: FaultCode, message: string, options?: ErrorOptions & { retryAfterMs?: number; foundAfterMs?: number }) {
    super(message, options);
    this.code = code;
    this.retryAfterMs = options?.retryAfterMs;
    this.foundAfterMs = options?.foundAfterMs ?? 0;
  }

  get row(): FaultRow {
    return rows[this.code];
  }
}

/** The fault itself, or the foreign error converted once where it enters. */
export function toFault(error: unknown, code: FaultCode, doing: string): Fault {
  if (error instanceof Fault) return error;
  const found = error instanceof Error ? error.message : String(error);
  return new Fault(code, `${doing}: ${found}`, { cause: error });
}
