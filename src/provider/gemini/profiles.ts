// What the families of Live models take, as far as a link writes it. Sources: the Live API guide, the types of @google/genai 3.1.0, and
// issue threads of livekit/agents, pipecat and python-genai, read 2026-11.

export interface Profile {
  readonly family: string;
  /**
   * How turns are given to a new session: at any time; as an initial history, announced at set-up and closed before any realtime input;
   * or so that the caller has the last word, if only a blank one.
   */
  readonly turns: "any-time" | "initial-history" | "ends-with-caller";
  /** How words that are not the caller's voice ask for an answer: as content, or as realtime text where content ends the session. */
  readonly prompting: "content" | "text";
  /** What a tool is when nothing is said of it. */
  readonly toolDefault: ToolBehavior;
  /** What may be said of one; where this is empty, neither behaviour nor scheduling is a known field. */
  readonly toolBehaviors: readonly ToolBehavior[];
  /** Caller audio sent while a blocking call is pending ends the session. */
  readonly holdsAudioWhileBlocked: boolean;
  readonly thinking: "thinkingBudget" | "thinkingLevel";
}

export type ToolBehavior = "BLOCKING" | "NON_BLOCKING";

const rows: readonly { readonly models: RegExp; readonly profile: Profile }[] = [
  {
    models: /^gemini-(live-)?2\.5-/,
    profile: {
      family: "2.5 native audio",
      turns: "ends-with-caller",
      prompting: "content",
      toolDefault: "BLOCKING",
      toolBehaviors: ["BLOCKING", "NON_BLOCKING"],
      holdsAudioWhileBlocked: true,
      thinking: "thinkingBudget",
    },
  },
  {
    models: /^gemini-3\.1-/,
    profile: {
      family: "3.1 live",
      turns: "initial-history",
      prompting: "text",
      toolDefault: "BLOCKING",
      toolBehaviors: [],
      holdsAudioWhileBlocked: false,
      thinking: "thinkingLevel",
    },
  },
  {
    models: /-extended-thinking$/,
    profile: {
      family: "3.8 live, extended thinking",
      turns: "any-time",
      prompting: "content",
      toolDefault: "NON_BLOCKING",
      toolBehaviors: ["NON_BLOCKING"],
      holdsAudioWhileBlocked: false,
      thinking: "thinkingLevel",
    },
  },
  {
    // Whatever comes next is taken for the newest that is known.
    models: /^/,
    profile: {
      family: "3.8 live",
      turns: "any-time",
      prompting: "content",
      toolDefault: "NON_BLOCKING",
      toolBehaviors: ["BLOCKING", "NON_BLOCKING"],
      holdsAudioWhileBlocked: false,
      thinking: "thinkingLevel",
    },
  },
];

/** The profile of a model, named with or without `models/`. */
export function profileOf(model: string): Profile {
  const name = model.replace(/^models\//, "");
  const row = rows.find(({ models }) => models.test(name));
  if (row === undefined) throw new Error("the last row takes every name");
  return row.profile;
}
