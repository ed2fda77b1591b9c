import type { ProviderTraits } from "../contract.ts";

/** How long one connection lasts; a session goes on over several of them by its handle. */
export const connectionMs = 10 * 60_000;

export const traits: ProviderTraits = {
  // The service resamples other rates itself; G.711 it does not take.
  hears: ["pcm16@16000"],
  speaks: ["pcm16@24000"],
  endpointing: ["provider", "manual"],
  replayPace: Number.POSITIVE_INFINITY,
  trailingSilenceMs: 900,
  // An agent may ask for turns; see the settings.
  seeding: "instructions",
  tools: "parallel",
  text: true,
  callerTranscript: "partial",
  memoryAfterInterrupt: "as-generated",
  standby: true,
  resumable: true,
  sessionLimitMs: connectionMs,
  languages: "any",
  // From the guide, read 2026-11.
  voices: (
    "Zephyr Puck Charon Kore Fenrir Leda Orus Aoede Callirrhoe Autonoe Enceladus Iapetus Umbriel Algieba Despina Erinome Algenib " +
    "Rasalgethi Laomedeia Achernar Alnilam Schedar Gacrux Pulcherrima Achird Zubenelgenubi Vindemiatrix Sadachbia Sadaltager Sulafat"
  ).split(" "),
  usage: [
    "input_text_tokens",
    "input_audio_tokens",
    "cached_text_tokens",
    "cached_audio_tokens",
    "output_text_tokens",
    "output_audio_tokens",
  ],
  stopgap: false,
  offline: false,
};
