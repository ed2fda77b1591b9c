import { answerJson, type Route } from "./answer.ts";

/** Taking calls; 503 with the reasons while it is not. `degraded`: what is wrong and stops no call, for the operator. */
export function readyz(reasonsNotTo: () => readonly string[], degraded: () => readonly string[]): Route {
  return {
    path: "/readyz",
    for: "everybody",
    bodyLimitBytes: 0,
    answers: {
      GET(_asked, response) {
        const reasons = reasonsNotTo();
        answerJson(response, reasons.length === 0 ? 200 : 503, {
          status: reasons.length === 0 ? "ready" : "not ready",
          reasons,
          degraded: degraded(),
        });
      },
    },
  };
}
