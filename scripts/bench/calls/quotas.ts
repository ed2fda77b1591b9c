/** Sessions at a time that a provider gives an account before anything is agreed on. */
export interface Quota {
  readonly provider: string;
  readonly sessions: number | undefined;
  readonly source: string;
}

const deepgram = "Deepgram, API rate limits, pay as you go, North America";

/** Read 2026-11. What is not published is undefined: ask, and tell the server (`guards` in its configuration) what the answer is. */
export const quotas: readonly Quota[] = [
  { provider: "OpenAI Realtime", sessions: undefined, source: "by account tier; not published as a number of sessions" },
  { provider: "Azure OpenAI Realtime", sessions: undefined, source: "by deployment and region" },
  { provider: "Gemini Live on Vertex", sessions: 1_000, source: "Vertex AI, Live API, sessions at a time a project" },
  { provider: "Gemini Live, Developer API", sessions: undefined, source: "by account tier; not published as a number of sessions" },
  { provider: "Deepgram pipeline: recognition", sessions: 150, source: deepgram },
  { provider: "Deepgram pipeline: Aura voice by WebSocket", sessions: 45, source: deepgram },
  { provider: "Deepgram Voice Agent", sessions: 45, source: deepgram },
];
