import { createHash, randomBytes } from "node:crypto";
import type { Clock } from "../kernel/clock.ts";
import type { Log } from "../kernel/log.ts";
import { faultLabels, isCallersOwn, labelOf } from "./labels.ts";
import type { Metrics } from "./metrics.ts";
import { indicatorsOf } from "./objectives.ts";

/** What the door, the HTTP server and the config tell the metrics; each name says what happened. */
export interface Counters {
  /** A caller was not let in: a fault code such as "busy", or "origin", "signature". */
  connectionRejected(reason: string): void;
  /** @param address of whom, where the limit is an address's */
  rateLimited(scope: string, address?: string): void;
  /** @param address of whom it was refused; told as a hash that means nothing outside this process */
  authFailed(kind: string, address: string): void;
  /** @param route as registered ("/healthz"), never the address that was asked for */
  httpAnswered(route: string, status: number, durationMs: number): void;
  secretRotated(secret: string, result: "rotated" | "rejected"): void;
  logDropped(): void;
  ready(isReady: boolean): void;
  drain(state: "serving" | "drained"): void;
  /** @param leftMs until the calls that are left then are ended */
  draining(leftMs: number): void;
}

const rejections = [...Object.keys(faultLabels), "origin", "signature", "key", "token", "loopback", "path"];
const scopes = ["address", "carrier", "call", "node"];
const authKinds = ["key", "token", "signature", "origin", "loopback", "address", "password"];
const drainStates = ["serving", "draining", "drained"] as const;

export interface CounterOptions {
  readonly routes: readonly string[];
  readonly region: string;
  readonly log: Log;
  readonly clock: Clock;
}

/** An attack must not fill the log: so often a line of one kind at most, with how often it happened since the last. */
const tellEveryMs = 1_000;
/** The lines that operators' tools know, by what was wrong; for any other it was the key or token. */
const rejectionEvents: Readonly<Record<string, string>> = { origin: "origin_rejected", signature: "signature_rejected" };

/** Who is turned away by our own doing has a call that did not come about. */
const isOurs = (reason: string): boolean => {
  const failureClass = Object.entries(faultLabels).find(([code]) => code === reason)?.[1].failureClass;
  return failureClass !== undefined && !isCallersOwn(failureClass);
};

/** Tells callers apart without telling who they are; of another run it says nothing. */
const salt = randomBytes(16);
const hashOf = (address: string): string => createHash("sha256").update(salt).update(address).digest("hex").slice(0, 12);

export function countersOf(metrics: Metrics, { routes, region, log, clock }: CounterOptions): Counters {
  const slo = indicatorsOf(metrics);
  const told = new Map<string, { atMs: number; times: number }>();
  /** What and why are of closed sets, so there are only so many kinds. */
  const tell = (event: string, fields: Readonly<Record<string, string>>, who: Readonly<Record<string, string>> = {}): void => {
    const kind = `${event} ${Object.values(fields).join(" ")}`;
    const before = told.get(kind) ?? { atMs: -Infinity, times: 0 };
    before.times += 1;
    told.set(kind, before);
    if (clock.now() - before.atMs < tellEveryMs) return;
    log.warning(event, { ...fields, ...who, times: before.times });
    told.set(kind, { atMs: clock.now(), times: 0 });
  };
  return {
    connectionRejected(reason) {
      metrics.connectionsRejected.inc({ reason: labelOf(reason, rejections) });
      if (isOurs(reason)) slo.event("call_setup_success", false);
    },
    rateLimited(given, address) {
      const scope = labelOf(given, scopes);
      metrics.rateLimited.inc({ scope });
      tell("limit_hit", { scope }, address === undefined ? {} : { ip_hash: hashOf(address) });
    },
    authFailed(given, address) {
      const kind = labelOf(given, authKinds);
      metrics.authFailures.inc({ kind });
      tell(rejectionEvents[kind] ?? "auth_rejected", { reason: kind }, { ip_hash: hashOf(address) });
    },
    httpAnswered(route, status, durationMs) {
      const label = labelOf(route, routes);
      metrics.httpRequests.inc({ route: label, code_class: status >= 100 && status < 600 ? `${Math.floor(status / 100)}xx` : "other" });
      metrics.httpSeconds.observe({ route: label }, durationMs / 1_000);
      const isAsked = label.startsWith("/v1/") && (status < 400 || status >= 500);
      if (isAsked) slo.event("api_error", status < 500);
    },
    secretRotated: (secret, result) => metrics.secretRotations.inc({ secret, result }),
    logDropped: () => metrics.logsDropped.inc(),
    ready: (isReady) => metrics.ready.set({ region }, isReady ? 1 : 0),
    drain: (state) => metrics.drainState.set(drainStates.indexOf(state)),
    draining(leftMs) {
      metrics.drainState.set(drainStates.indexOf("draining"));
      metrics.drainDeadline.set((clock.wallNow() + leftMs) / 1_000);
    },
  };
}
