/** What one family of Live models takes and does. Sources: the Live API guide and the types of @google/genai 2.32.0 and 3.1.0, read 2026-11. */
export interface Family {
  readonly name: "2.5" | "3.1" | "3.8" | "3.8-extended-thinking";
  /** Whether `clientContent` may come at any time, or only as the initial history that `historyConfig` announces. */
  readonly clientContent: "any-time" | "initial-history";
  readonly toolDefault: "BLOCKING" | "NON_BLOCKING";
  /** Values of a declaration's `behavior`; empty: the field is refused, and so is `scheduling` in a response. */
  readonly toolBehaviors: readonly ("BLOCKING" | "NON_BLOCKING")[];
  /** Realtime input while a blocking call is pending ends the session. */
  readonly deafWhileBlocked: boolean;
  readonly contextUpdate: boolean;
  /** Several keys may come in one frame. */
  readonly bundles: boolean;
  readonly thinking: readonly ("thinkingBudget" | "thinkingLevel")[];
  readonly interactionStatus: boolean;
}

const families: readonly { readonly models: RegExp; readonly family: Family }[] = [
  {
    models: /^models\/gemini-3\.8-live-extended-thinking$/,
    family: {
      name: "3.8-extended-thinking",
      clientContent: "any-time",
      toolDefault: "NON_BLOCKING",
      toolBehaviors: ["NON_BLOCKING"],
      deafWhileBlocked: false,
      contextUpdate: true,
      bundles: true,
      thinking: ["thinkingLevel"],
      interactionStatus: true,
    },
  },
  {
    models: /^models\/gemini-3\.8-live$/,
    family: {
      name: "3.8",
      clientContent: "any-time",
      toolDefault: "NON_BLOCKING",
      toolBehaviors: ["BLOCKING", "NON_BLOCKING"],
      deafWhileBlocked: false,
      contextUpdate: true,
      bundles: true,
      thinking: ["thinkingLevel"],
      interactionStatus: true,
    },
  },
  {
    models: /^models\/gemini-3\.1-flash-live-preview$/,
    family: {
      name: "3.1",
      clientContent: "initial-history",
      toolDefault: "BLOCKING",
      toolBehaviors: [],
      deafWhileBlocked: false,
      contextUpdate: false,
      bundles: true,
      thinking: ["thinkingLevel"],
      interactionStatus: false,
    },
  },
  {
    models: /^models\/gemini-2\.5-flash-native-audio-preview-12-2025$/,
    family: {
      name: "2.5",
      clientContent: "any-time",
      toolDefault: "BLOCKING",
      toolBehaviors: ["BLOCKING", "NON_BLOCKING"],
      deafWhileBlocked: true,
      contextUpdate: false,
      bundles: false,
      thinking: ["thinkingBudget"],
      interactionStatus: false,
    },
  },
];

/** The family of a model as `setup.model` names it; undefined for a model that there is not. */
export const familyOf = (model: string): Family | undefined => families.find((row) => row.models.test(model))?.family;
