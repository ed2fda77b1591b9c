import { systemClock } from "../../src/kernel/clock.ts";
import { silentLog } from "../../src/kernel/log.ts";
import type { ProviderTraits } from "../../src/provider/contract.ts";
import { agentTraits } from "../../src/provider/deepgram-agent/traits.ts";
import { pipelineTraits } from "../../src/provider/deepgram/traits.ts";
import { traits as geminiTraits } from "../../src/provider/gemini/traits.ts";
import { fliteVoices } from "../../src/provider/local/mouth/flite.ts";
import { azure } from "../../src/provider/openai/azure.ts";
import { openai } from "../../src/provider/openai/openai.ts";

const settings: Readonly<Record<string, string>> = {
  AZURE_OPENAI_ENDPOINT: "https://example.openai.azure.com",
  AZURE_OPENAI_DEPLOYMENT: "realtime",
};
const house = { setting: (name: string) => settings[name], clock: systemClock, log: silentLog };

/** What the offline provider promises; it cannot be made without its models, so this is said again. */
const local: ProviderTraits = {
  hears: ["pcm16@16000"],
  speaks: ["pcm16@16000"],
  endpointing: ["provider"],
  replayPace: Number.POSITIVE_INFINITY,
  trailingSilenceMs: 1_500,
  seeding: "items",
  tools: "parallel",
  text: true,
  callerTranscript: "partial",
  memoryAfterInterrupt: "cut-to-heard",
  standby: true,
  resumable: false,
  sessionLimitMs: Number.POSITIVE_INFINITY,
  languages: ["en-US"],
  voices: fliteVoices,
  usage: ["transcribed_ms", "spoken_characters"],
  stopgap: false,
  offline: true,
};

/** The traits of the six providers that hold whole conversations, as their own code states them. */
export const realTraits: Readonly<Record<string, ProviderTraits>> = {
  openai: (await openai.make(house)).traits,
  azure: (await azure.make(house)).traits,
  gemini: geminiTraits,
  deepgram: pipelineTraits,
  "deepgram-agent": agentTraits,
  local,
};
