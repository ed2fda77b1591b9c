import type { Clock } from "../kernel/clock.ts";
import { answerJson, type Route } from "./answer.ts";

/** Alive: the process answers. */
export function healthz(version: string, clock: Clock): Route {
  const sinceMs = clock.now();
  return {
    path: "/healthz",
    for: "everybody",
    bodyLimitBytes: 0,
    answers: {
      GET(_asked, response) {
        answerJson(response, 200, { status: "alive", version, uptimeSeconds: Math.round((clock.now() - sinceMs) / 1000) });
      },
    },
  };
}
