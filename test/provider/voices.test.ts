import { expect, test } from "vitest";
import { voices as aura } from "../../src/provider/deepgram-sdk/voices.ts";
import { traits as gemini } from "../../src/provider/gemini/traits.ts";
import { fliteVoices } from "../../src/provider/local/mouth/flite.ts";
import { realtimeTraits } from "../../src/provider/openai/traits.ts";
import { nearestVoice } from "../../src/provider/voices.ts";

const openai = realtimeTraits(1);
const deepgram = { voices: Object.values(aura).flat() };
const local = { voices: fliteVoices };

test.each([
  { voice: "cedar", language: "en-US", traits: openai, found: "cedar" },
  { voice: "cedar", language: "en-US", traits: gemini, found: "Puck" },
  { voice: "marin", language: "en-US", traits: gemini, found: "Zephyr" },
  { voice: "marin", language: "de-DE", traits: deepgram, found: "aura-2-viktoria-de" },
  { voice: "cedar", language: "de-DE", traits: deepgram, found: "aura-2-fabian-de" },
  { voice: "aura-2-zeus-en", language: "en", traits: openai, found: "ash" },
  { voice: "aura-2-thalia-en", language: "en", traits: local, found: "slt" },
  { voice: "Charon", language: "en", traits: local, found: "rms" },
  { voice: "marin", language: "pl", traits: deepgram, found: undefined },
  { voice: "of-my-own", language: "en", traits: { voices: "any" as const }, found: "of-my-own" },
  { voice: undefined, language: "en", traits: openai, found: undefined },
  { voice: "marin", language: "en", traits: { voices: [] }, found: undefined },
])("$voice in $language becomes $found", ({ voice, language, traits, found }) => {
  expect(nearestVoice({ voice, language }, traits)).toBe(found);
});
