import { z } from "zod";
import { Fault } from "../../../kernel/fault.ts";
import type { AgentSpec } from "../../contract.ts";

export const modelServices = ["gemini", "anthropic", "openai", "azure", "groq"] as const;
export type ModelService = (typeof modelServices)[number];

const entry = z.strictObject({
  name: z.enum(modelServices),
  model: z.string().min(1).optional(),
  effort: z.enum(["none", "low", "medium", "high", "default"]).optional(),
  maxOutputTokens: z.int().min(16).max(8_192).optional(),
});
const entries = z
  .array(z.union([z.enum(modelServices).transform((name): WantedModel => ({ name })), entry]))
  .min(1)
  .refine((list) => new Set(list.map(({ name }) => name)).size === list.length, "names one twice");

export type WantedModel = z.output<typeof entry>;

/**
 * Which models an agent wants, first choice first: `providerSettings.deepgram.llm`, such as
 * `["anthropic", { "name": "openai", "model": "gpt-4.1-mini" }]`. Undefined: as the house has it.
 * @throws {Fault} setting-invalid
 */
export function wantedModels(agent: AgentSpec): readonly WantedModel[] | undefined {
  const own = agent.providerSettings["deepgram"];
  if (typeof own !== "object" || own === null || !("llm" in own) || own.llm === undefined) return undefined;
  const read = entries.safeParse(own.llm);
  if (read.success) return read.data;
  const place = `agent ${agent.name}: providerSettings.deepgram.llm`;
  const [issue] = read.error.issues;
  const at = issue?.path.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("") ?? "";
  const known = `must be a list of ${modelServices.join(", ")}, or of { name, model, effort, maxOutputTokens }`;
  throw new Fault("setting-invalid", `${place}${at} ${known}: ${issue?.message ?? "not read"}`);
}
