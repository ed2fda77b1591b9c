import { faultLabels, labelOf } from "./labels.ts";
import type { Metrics } from "./metrics.ts";

/** What the door, the HTTP server and the config tell the metrics; each name says what happened. */
export interface Counters {
  /** A caller was not let in: a fault code such as "busy", or "origin", "signature". */
  connectionRejected(reason: string): void;
  rateLimited(scope: string): void;
  authFailed(kind: string): void;
  /** @param route as registered ("/healthz"), never the address that was asked for */
  httpAnswered(route: string, status: number, durationMs: number): void;
  secretRotated(secret: string, result: "rotated" | "rejected"): void;
  logDropped(): void;
  ready(isReady: boolean): void;
  drain(state: "serving" | "draining" | "drained"): void;
}

const rejections = [...Object.keys(faultLabels), "origin", "signature", "key", "token", "loopback", "path"];
const scopes = ["address", "key", "call", "node"];
const authKinds = ["key", "token", "signature", "origin", "loopback"];
const drainStates = ["serving", "draining", "drained"] as const;

export interface CounterOptions {
  readonly routes: readonly string[];
  readonly region: string;
}

export function countersOf(metrics: Metrics, { routes, region }: CounterOptions): Counters {
  return {
    connectionRejected: (reason) => metrics.connectionsRejected.inc({ reason: labelOf(reason, rejections) }),
    rateLimited: (scope) => metrics.rateLimited.inc({ scope: labelOf(scope, scopes) }),
    authFailed: (kind) => metrics.authFailures.inc({ kind: labelOf(kind, authKinds) }),
    httpAnswered(route, status, durationMs) {
      const label = labelOf(route, routes);
      metrics.httpRequests.inc({ route: label, code_class: status >= 100 && status < 600 ? `${Math.floor(status / 100)}xx` : "other" });
      metrics.httpSeconds.observe({ route: label }, durationMs / 1_000);
    },
    secretRotated: (secret, result) => metrics.secretRotations.inc({ secret, result }),
    logDropped: () => metrics.logsDropped.inc(),
    ready: (isReady) => metrics.ready.set({ region }, isReady ? 1 : 0),
    drain: (state) => metrics.drainState.set(drainStates.indexOf(state)),
  };
}
