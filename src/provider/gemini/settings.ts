import { z } from "zod";
import { Fault } from "../../kernel/fault.ts";
import type { AgentSpec } from "../contract.ts";
import { profileOf, type Profile, type ToolBehavior } from "./profiles.ts";

/** What an agent may set for this provider, under `providerSettings.gemini`. */
const fields = z.strictObject({
  model: z.string().min(1).optional(),
  temperature: z.number().min(0).max(2).optional(),
  maxOutputTokens: z.int().min(1).max(65_536).optional(),
  thinkingLevel: z.enum(["MINIMAL", "LOW", "MEDIUM", "HIGH"]).optional(),
  thinkingBudget: z.int().min(-1).max(32_768).optional(),
  /** How eager the service is to hear the caller begin and end. */
  startSensitivity: z.enum(["HIGH", "LOW"]).optional(),
  endSensitivity: z.enum(["HIGH", "LOW"]).optional(),
  /** Speech that the service needs before it believes that the caller speaks, ms. */
  prefixPaddingMs: z.int().min(0).max(2_000).optional(),
  /** Silence that ends the caller's turn, ms. */
  silenceMs: z.int().min(100).max(5_000).optional(),
  /**
   * Where the conversation so far is put. In the instructions it is part of the set-up, which the service acknowledges as a whole; turns
   * are nearer to what was said, but nobody tells whether they arrived, and some models ignore them until they have spoken once.
   */
  seeding: z.enum(["instructions", "turns"]).optional(),
  toolBehavior: z.enum(["BLOCKING", "NON_BLOCKING"]).optional(),
  /** When the result of a call that does not block is spoken of. */
  toolScheduling: z.enum(["WHEN_IDLE", "INTERRUPT"]).optional(),
});

export interface LinkSettings extends Omit<z.infer<typeof fields>, "model" | "silenceMs" | "seeding" | "toolBehavior" | "toolScheduling"> {
  /** Without the prefix `models/`. */
  readonly model: string;
  readonly profile: Profile;
  readonly silenceMs: number;
  readonly seeding: "instructions" | "turns";
  readonly toolBehavior: ToolBehavior;
  readonly toolScheduling: "WHEN_IDLE" | "INTERRUPT";
}

export const defaultModel = "gemini-3.8-live";

/** Models that are no more, by what took their place. */
const successors: Readonly<Record<string, string>> = { "gemini-2.5-flash-native-audio-preview-09-2025": defaultModel };

/** @throws {Fault} setting-invalid, naming the field. */
export function linkSettings(agent: AgentSpec, model: string): LinkSettings {
  const place = `agent ${agent.name}: providerSettings.gemini`;
  const read = fields.safeParse(agent.providerSettings["gemini"] ?? {});
  if (!read.success) throw new Fault("setting-invalid", `${place}${firstIssue(read.error)}`);
  const own = read.data;
  const asked = (own.model ?? model).replace(/^models\//, "");
  const name = successors[asked] ?? asked;
  const profile = profileOf(name);
  const wrong = (field: string, why: string): Fault => new Fault("setting-invalid", `${place}.${field}: ${name} ${why}`);
  const otherThinking = profile.thinking === "thinkingLevel" ? "thinkingBudget" : "thinkingLevel";
  if (own[otherThinking] !== undefined) throw wrong(otherThinking, `has ${profile.thinking} instead`);
  const toolBehavior = own.toolBehavior ?? profile.toolDefault;
  if (own.toolBehavior !== undefined && !profile.toolBehaviors.includes(toolBehavior)) {
    throw wrong("toolBehavior", `takes ${profile.toolBehaviors.join(" or ") || "none"}`);
  }
  const { silenceMs = 500, seeding = "instructions", toolScheduling = "WHEN_IDLE" } = own;
  return { ...own, model: name, profile, silenceMs, seeding, toolBehavior, toolScheduling };
}

function firstIssue(error: z.ZodError): string {
  const [issue] = error.issues;
  if (issue === undefined) return " is not valid";
  if (issue.code === "unrecognized_keys") return `.${issue.keys[0] ?? ""} is unknown; known are ${Object.keys(fields.shape).join(", ")}`;
  return `${issue.path.map((key) => `.${String(key)}`).join("")}: ${issue.message}`;
}
