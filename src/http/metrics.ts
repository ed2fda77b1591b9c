import { answerText, type Route } from "./answer.ts";

export interface MetricsText {
  readonly type: string;
  readonly text: string;
}

/** For Prometheus. Not for strangers: it tells how much is going on. */
export function metrics(read: () => Promise<MetricsText>): Route {
  return {
    path: "/metrics",
    for: "known",
    bodyLimitBytes: 0,
    answers: {
      async GET(_asked, response) {
        const { type, text } = await read();
        answerText(response, 200, type, text);
      },
    },
  };
}
