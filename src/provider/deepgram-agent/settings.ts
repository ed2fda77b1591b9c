import { z } from "zod";
import { Fault } from "../../kernel/fault.ts";
import type { AgentSpec } from "../contract.ts";
import { voices } from "../deepgram-sdk/voices.ts";

const word = z.string().min(1);
const endpoint = z.strictObject({ url: z.url(), headers: z.record(word, z.string()).optional() });

const listen = z.strictObject({
  model: word.optional(),
  eot_threshold: z.number().min(0.5).max(1).optional(),
  eager_eot_threshold: z.number().min(0.3).max(0.9).optional(),
  eot_timeout_ms: z.int().min(500).max(60_000).optional(),
  keyterms: z.array(word).max(100).optional(),
  smart_format: z.boolean().optional(),
});

const needsEndpoint = (part: { readonly provider: { readonly type: string }; readonly endpoint?: unknown }): boolean => {
  const managed = ["open_ai", "anthropic", "google", "nvidia"];
  return managed.includes(part.provider.type) || part.endpoint !== undefined;
};

const think = z
  .strictObject({
    provider: z.looseObject({ type: z.enum(["open_ai", "anthropic", "google", "nvidia", "groq", "aws_bedrock"]), model: word }),
    endpoint: endpoint.optional(),
    context_length: z.union([z.literal("max"), z.int().positive()]).optional(),
  })
  .refine(needsEndpoint, "a think provider that is not managed needs an endpoint");

const speak = z
  .strictObject({
    provider: z.looseObject({ type: z.enum(["deepgram", "eleven_labs", "cartesia", "open_ai", "aws_polly"]) }),
    endpoint: endpoint.optional(),
  })
  .refine(({ provider, endpoint: own }) => provider.type === "deepgram" || own !== undefined, "a foreign voice needs an endpoint");

const fields = z.strictObject({
  listen: listen.optional(),
  think: z.array(think).min(1).optional(),
  speak: z.array(speak).min(1).optional(),
});

type Think = z.infer<typeof think>;
type Speak = z.infer<typeof speak>;

/** What an agent may set under `providerSettings["deepgram-agent"]`, in the wire's own terms; `think` and `speak` in order of fall-back. */
export interface LinkSettings {
  readonly listen: Readonly<Record<string, unknown>> & { readonly model: string };
  readonly think: readonly Think[];
  readonly speak: readonly Speak[];
}

/** Managed models of the standard price. A retired one costs a warning a turn, not the call, as long as another stands behind it. */
const defaultThink: readonly Think[] = [
  { provider: { type: "google", model: "gemini-3.5-flash" } },
  { provider: { type: "anthropic", model: "claude-haiku-4-5" } },
  { provider: { type: "open_ai", model: "gpt-5.4-mini" } },
];

const turnTaking = { eot_threshold: 0.7, eot_timeout_ms: 5_000 };

/** @throws {Fault} setting-invalid, naming the field. */
export function linkSettings(agent: AgentSpec): LinkSettings {
  const own = fields.safeParse(agent.providerSettings["deepgram-agent"] ?? {});
  if (!own.success) {
    const [issue] = own.error.issues;
    const place = ["providerSettings.deepgram-agent", ...(issue?.path ?? [])].join(".");
    throw new Fault("setting-invalid", `agent ${agent.name}: ${place}: ${issue?.message ?? "not understood"}`);
  }
  const language = (agent.language.split("-")[0] ?? "en").toLowerCase();
  const told = own.data;
  const [first] = voices[language] ?? voices["en"] ?? [];
  const ownSpeak = told.speak ?? [];
  const voice = agent.voice ?? (ownSpeak.length === 0 ? first : undefined);
  return {
    listen: listenFor(language, told.listen ?? {}),
    think: told.think ?? defaultThink,
    speak: voice === undefined ? ownSpeak : [{ provider: { type: "deepgram", model: voice } }, ...ownSpeak],
  };
}

/** Flux ends turns by itself and is version 2 of the wire; Nova is version 1 and knows other fields. */
function listenFor(language: string, told: z.infer<typeof listen>): LinkSettings["listen"] {
  const model = told.model ?? (language === "en" ? "flux-general-en" : "flux-general-multi");
  if (!model.startsWith("flux-")) return { type: "deepgram", version: "v1", language, ...told, model };
  const hints = model.endsWith("-multi") ? { language_hints: [language] } : {};
  return { type: "deepgram", version: "v2", ...turnTaking, ...hints, ...told, model };
}
