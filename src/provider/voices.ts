import type { AgentSpec, ProviderTraits } from "./contract.ts";

/**
 * How voices sound, as their makers describe or sell them: by what listeners take for a low or a high voice. A voice that is not here
 * is taken for what its provider comes with. Sources: OpenAI's voice page, Google's list of prebuilt voices, Deepgram's table of
 * Aura-2 voices, Flite's manual; read 2026-11.
 */
const low: ReadonlySet<string> = new Set(
  (
    "ash ballad echo verse cedar " +
    "Puck Charon Fenrir Orus Enceladus Iapetus Umbriel Algieba Algenib Rasalgethi Alnilam Schedar Achird Zubenelgenubi Sadachbia Sadaltager " +
    "apollo arcas aries atlas draco hermes hyperion jupiter mars neptune odysseus orion orpheus pluto saturn zeus " +
    "alvaro aquila javier luciano nestor sirio valerio fabian julius hector cesare dionisio elio flavio perseo lars roman sander ebisu fujin " +
    "rms awb kal16"
  ).split(" "),
);

/** What identifies a voice among those of its maker: "aura-2-thalia-en" is Thalia. */
const nameOf = (voice: string): string => /^aura-\d+-([a-z]+)-[a-z]+$/.exec(voice)?.[1] ?? voice;

const isLow = (voice: string): boolean => low.has(nameOf(voice));

/**
 * The agent's voice, where the provider has it; else one of its own that sounds alike and speaks the agent's language, so that a
 * caller who is handed over is not suddenly spoken to by somebody quite different; undefined: whatever the provider comes with.
 */
export function nearestVoice(
  { voice, language }: Pick<AgentSpec, "voice" | "language">,
  { voices }: Pick<ProviderTraits, "voices">,
): string | undefined {
  if (voice === undefined || voices === "any" || voices.includes(voice)) return voice;
  const ending = `-${language.split("-", 1)[0]?.toLowerCase() ?? "en"}`;
  const speaking = voices.filter((each) => !each.startsWith("aura-") || each.endsWith(ending));
  return speaking.find((each) => isLow(each) === isLow(voice));
}
