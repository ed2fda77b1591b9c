import { Fault } from "../../kernel/fault.ts";
import type { AgentSpec } from "../contract.ts";

/** What an agent may set for this provider, under `providerSettings.openai` or `.azure`. */
export interface LinkSettings {
  /** Model, or the deployment on Azure. */
  readonly model: string;
  readonly transcriptionModel: string;
  /** `server_vad` or `semantic_vad` with its own fields, as on the wire; for endpointing by the provider. */
  readonly turnDetection: Readonly<Record<string, unknown>>;
  readonly noiseReduction: "near_field" | "far_field" | undefined;
  readonly speed: number | undefined;
  readonly maxOutputTokens: number | undefined;
  /** Known to the 2.x models only: others refuse the whole configuration because of it. */
  readonly reasoningEffort: string | undefined;
}

type Check = (value: unknown) => boolean;
const isText: Check = (value) => typeof value === "string" && value !== "";
const oneOf =
  (...values: readonly unknown[]): Check =>
  (value) =>
    values.includes(value);
const within =
  (min: number, max: number, whole: boolean): Check =>
  (value) =>
    typeof value === "number" && value >= min && value <= max && (!whole || Number.isInteger(value));
const isFlag: Check = (value) => typeof value === "boolean";

const turnFields: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  server_vad: {
    threshold: within(0, 1, false),
    prefix_padding_ms: within(0, 5_000, true),
    silence_duration_ms: within(0, 10_000, true),
    create_response: oneOf(true),
    interrupt_response: isFlag,
  },
  semantic_vad: { eagerness: oneOf("low", "medium", "high", "auto"), create_response: oneOf(true), interrupt_response: isFlag },
};

const fields: Readonly<Record<string, { readonly check: Check; readonly wanted: string }>> = {
  model: { check: isText, wanted: "a model name" },
  transcriptionModel: { check: isText, wanted: "a model name" },
  turnDetection: { check: isTurnDetection, wanted: "{type: server_vad or semantic_vad, and its fields}" },
  noiseReduction: { check: oneOf("near_field", "far_field"), wanted: "near_field or far_field" },
  speed: { check: within(0.25, 1.5, false), wanted: "0.25 to 1.5" },
  maxOutputTokens: { check: within(1, 4_096, true), wanted: "1 to 4096" },
  reasoningEffort: { check: oneOf("minimal", "low", "medium", "high", "xhigh"), wanted: "minimal, low, medium, high or xhigh" },
};

function isTurnDetection(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { type, ...rest } = value;
  const known = typeof type === "string" && Object.hasOwn(turnFields, type) ? turnFields[type] : undefined;
  return known !== undefined && Object.entries(rest).every(([name, inner]) => known[name]?.(inner) === true);
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Told to the server rather than left to its defaults, which differ from place to place. */
const serverVad = {
  type: "server_vad",
  threshold: 0.5,
  prefix_padding_ms: 300,
  silence_duration_ms: 500,
  create_response: true,
  interrupt_response: true,
};

/** @throws {Fault} setting-invalid, naming the field. */
export function linkSettings(
  provider: string,
  agent: AgentSpec,
  defaults: Pick<LinkSettings, "model" | "transcriptionModel">,
): LinkSettings {
  const own = agent.providerSettings[provider] ?? {};
  const place = `agent ${agent.name}: providerSettings.${provider}`;
  if (!isRecord(own)) throw new Fault("setting-invalid", `${place} must be an object`);
  for (const [name, value] of Object.entries(own)) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field === undefined) throw new Fault("setting-invalid", `${place}.${name} is unknown; known are ${Object.keys(fields).join(", ")}`);
    if (!field.check(value)) throw new Fault("setting-invalid", `${place}.${name} must be ${field.wanted}`);
  }
  const nothingSet = { noiseReduction: undefined, speed: undefined, maxOutputTokens: undefined, reasoningEffort: undefined };
  return { ...nothingSet, turnDetection: serverVad, ...defaults, ...own };
}
