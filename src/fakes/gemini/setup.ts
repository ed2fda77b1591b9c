import type { ToldSettings } from "../panel.ts";
import type { Family } from "./families.ts";
import { at, listAt, textAt, wordsOf, type Json } from "./json.ts";

/** How the client wants its turns to be heard. */
export interface Listening {
  /** Turns are marked by `activityStart` and `activityEnd`. */
  readonly manual: boolean;
  readonly silenceMs: number;
  /** Speech interrupts an answer; otherwise it waits for its end. */
  readonly interrupts: boolean;
}

export function listeningOf(setup: Json): Listening {
  const detection = at(setup, "realtimeInputConfig", "automaticActivityDetection");
  const silenceMs = at(detection, "silenceDurationMs");
  return {
    manual: at(detection, "disabled") === true,
    silenceMs: typeof silenceMs === "number" ? silenceMs : 800,
    interrupts: textAt(setup, "realtimeInputConfig", "activityHandling") !== "NO_INTERRUPTION",
  };
}

const declarationsOf = (setup: Json): readonly unknown[] =>
  listAt(setup, "tools").flatMap((tool) => [...listAt(tool, "functionDeclarations")]);

/** How a declared tool is called; undefined for one that was not declared. */
export function behaviorOf(setup: Json, family: Family, name: string): "BLOCKING" | "NON_BLOCKING" | undefined {
  const declaration = declarationsOf(setup).find((one) => textAt(one, "name") === name);
  if (declaration === undefined) return undefined;
  const asked = textAt(declaration, "behavior");
  return asked === "BLOCKING" || asked === "NON_BLOCKING" ? asked : family.toolDefault;
}

/** What this family refuses of a set-up that is well-made. */
export function familyComplaint(setup: Json, family: Family): string | undefined {
  for (const [index, declaration] of declarationsOf(setup).entries()) {
    const behavior = at(declaration, "behavior");
    if (behavior !== undefined && !family.toolBehaviors.some((known) => known === behavior)) {
      return `* BidiGenerateContentRequest.setup.tools[0].function_declarations[${index}].behavior: not supported by this model.`;
    }
  }
  const thinking = at(setup, "generationConfig", "thinkingConfig");
  for (const key of ["thinkingBudget", "thinkingLevel"] as const) {
    if (at(thinking, key) !== undefined && !family.thinking.includes(key)) return `Request contains an invalid argument. ${key}`;
  }
  return undefined;
}

export const toldSettings = (setup: Json): ToldSettings => ({
  model: textAt(setup, "model"),
  // Both ends of this wire have one native rate each.
  uplink: "pcm16@16000",
  downlink: "pcm16@24000",
  instructions: wordsOf(at(setup, "systemInstruction")),
  voice: textAt(setup, "generationConfig", "speechConfig", "voiceConfig", "prebuiltVoiceConfig", "voiceName"),
  language: textAt(setup, "generationConfig", "speechConfig", "languageCode"),
  toolNames: declarationsOf(setup).map((declaration) => textAt(declaration, "name") ?? ""),
});
