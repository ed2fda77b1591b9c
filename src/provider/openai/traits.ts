import type { ProviderTraits } from "../contract.ts";

/** Both services speak one wire and differ in how long a session may last. */
export const realtimeTraits = (sessionLimitMs: number): ProviderTraits => ({
  hears: ["pcm16@24000", "pcmu@8000", "pcma@8000"],
  speaks: ["pcm16@24000", "pcmu@8000", "pcma@8000"],
  endpointing: ["provider", "manual"],
  replayPace: Number.POSITIVE_INFINITY,
  trailingSilenceMs: 700,
  seeding: "items",
  tools: "parallel",
  text: true,
  callerTranscript: "final",
  memoryAfterInterrupt: "cut-to-heard",
  standby: true,
  resumable: false,
  sessionLimitMs,
  languages: "any",
  voices: ["alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar"],
  usage: [
    "input_text_tokens",
    "input_audio_tokens",
    "cached_text_tokens",
    "cached_audio_tokens",
    "output_text_tokens",
    "output_audio_tokens",
    "transcribed_ms",
  ],
  stopgap: false,
  offline: false,
});
