import type { ProviderTraits } from "../contract.ts";
import { voices } from "../deepgram-sdk/voices.ts";

export const pipelineTraits: ProviderTraits = {
  hears: ["pcm16@16000", "pcmu@8000", "pcma@8000", "pcm16@8000", "pcm16@24000"],
  speaks: ["pcm16@24000", "pcmu@8000", "pcma@8000", "pcm16@16000", "pcm16@8000"],
  endpointing: ["provider", "manual"],
  // "Recovering from connection errors", developers.deepgram.com: intake above 1.25 times real time is held back.
  replayPace: 1.25,
  trailingSilenceMs: 1_000,
  seeding: "items",
  tools: "parallel",
  text: true,
  callerTranscript: "partial",
  memoryAfterInterrupt: "cut-to-heard",
  standby: true,
  resumable: false,
  sessionLimitMs: Number.POSITIVE_INFINITY,
  languages: Object.keys(voices),
  voices: Object.values(voices).flat(),
  usage: ["transcribed_ms", "spoken_characters", "input_text_tokens", "cached_text_tokens", "output_text_tokens"],
  stopgap: false,
  offline: false,
};
