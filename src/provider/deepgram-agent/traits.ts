import type { ProviderTraits } from "../contract.ts";
import { voices } from "../deepgram-sdk/voices.ts";

/** Whatever the traffic, a session ends after this. Source: changelog of 2026-07-31. */
export const sessionLimitMs = 2 * 60 * 60_000;

export const agentTraits: ProviderTraits = {
  hears: ["pcm16@16000", "pcm16@24000", "pcmu@8000", "pcma@8000"],
  speaks: ["pcm16@24000", "pcm16@16000", "pcmu@8000", "pcma@8000"],
  endpointing: ["provider"],
  replayPace: 1.25,
  trailingSilenceMs: 1_000,
  seeding: "items",
  tools: "parallel",
  text: true,
  callerTranscript: "final",
  // The wire has no word for what was heard.
  memoryAfterInterrupt: "as-generated",
  // `KeepAlive` would hold it, but the time of a session is paid in full whether or not anybody speaks, and history is taken with the
  // settings only: what was said meanwhile could join it as words of the prompt, not as turns.
  standby: false,
  resumable: false,
  sessionLimitMs,
  languages: Object.keys(voices),
  voices: Object.values(voices).flat(),
  usage: ["session_ms"],
  stopgap: false,
  offline: false,
};
