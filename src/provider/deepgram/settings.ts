import { z } from "zod";
import { Fault } from "../../kernel/fault.ts";
import type { AgentSpec } from "../contract.ts";
import { voices } from "../deepgram-sdk/voices.ts";

const word = z.string().min(1).max(200);

/** `llm` is read by the chain of language models. */
const fields = z.strictObject({
  stt: z
    .string()
    .regex(/^(flux-|nova-|enhanced|base)/, "must be a model of Deepgram's, such as flux-general-en, nova-3 or nova-3-medical")
    .optional(),
  keyterms: z.array(word).max(100).optional(),
  diarize: z.boolean().optional(),
  redact: z.array(z.enum(["pci", "ssn", "numbers", "aggressive_numbers"])).optional(),
  smartFormat: z.boolean().optional(),
  profanityFilter: z.boolean().optional(),
  /** Silence that ends a turn; for Nova. */
  endpointingMs: z.int().min(10).max(10_000).optional(),
  /** How sure Flux must be that the caller has ended. */
  eotThreshold: z.number().min(0.5).max(0.9).optional(),
  /** How sure to begin a draft of the answer; null: no drafts. */
  eagerEotThreshold: z.number().min(0.3).max(0.9).nullable().optional(),
  eotTimeoutMs: z.int().min(500).max(10_000).optional(),
  voice: word.optional(),
  speed: z.number().min(0.7).max(1.5).optional(),
  /** Whether calls stay out of training; the price may differ. */
  mipOptOut: z.boolean().optional(),
  tag: z.string().min(1).max(128).optional(),
  llm: z.unknown().optional(),
});

/** What an agent may set under `providerSettings.deepgram`, complete. */
export interface PipelineSettings {
  /** Models to listen with: the wanted one, then the one that stands in for it. */
  readonly stt: readonly string[];
  /** As both wires have it: "en", "de". */
  readonly language: string;
  readonly keyterms: readonly string[];
  readonly diarize: boolean;
  readonly redact: readonly string[];
  readonly smartFormat: boolean;
  readonly profanityFilter: boolean;
  readonly endpointingMs: number;
  readonly eotThreshold: number;
  readonly eagerEotThreshold: number | undefined;
  readonly eotTimeoutMs: number;
  readonly voice: string;
  readonly speed: number | undefined;
  readonly mipOptOut: boolean;
  readonly tag: string | undefined;
}

/** @throws {Fault} setting-invalid, naming the field. */
export function pipelineSettings(agent: AgentSpec, endpointing: "provider" | "manual"): PipelineSettings {
  const read = fields.safeParse(agent.providerSettings["deepgram"] ?? {});
  if (!read.success) {
    const [issue] = read.error.issues;
    throw invalid(agent, issue?.path.join("."), issue?.message ?? "not understood");
  }
  const own = read.data;
  const language = (agent.language.split("-")[0] ?? "en").toLowerCase();
  const eotThreshold = own.eotThreshold ?? 0.7;
  const eager = own.eagerEotThreshold === undefined ? Math.min(0.5, eotThreshold) : (own.eagerEotThreshold ?? undefined);
  if (eager !== undefined && eager > eotThreshold)
    throw invalid(agent, "eagerEotThreshold", `must not be above eotThreshold (${eotThreshold})`);
  if (own.diarize === true && own.stt?.startsWith("flux-") === true)
    throw invalid(agent, "diarize", `is not known to ${own.stt}; use nova-3`);
  const [voice] = voices[language] ?? voices["en"] ?? [];
  return {
    stt: models(own.stt, own.diarize === true, language, endpointing),
    language,
    keyterms: own.keyterms ?? [],
    diarize: own.diarize ?? false,
    redact: own.redact ?? [],
    smartFormat: own.smartFormat ?? true,
    profanityFilter: own.profanityFilter ?? false,
    // People pause for 300 ms in mid-sentence.
    endpointingMs: own.endpointingMs ?? 500,
    eotThreshold,
    eagerEotThreshold: endpointing === "manual" ? undefined : eager,
    eotTimeoutMs: own.eotTimeoutMs ?? 5_000,
    voice: agent.voice ?? own.voice ?? voice ?? "aura-2-thalia-en",
    speed: own.speed,
    mipOptOut: own.mipOptOut ?? true,
    tag: own.tag,
  };
}

const invalid = (agent: AgentSpec, field: string | undefined, wanted: string): Fault =>
  new Fault(
    "setting-invalid",
    `agent ${agent.name}: ${["providerSettings.deepgram", field ?? ""].join(".").replace(/\.$/, "")}: ${wanted}`,
  );

/**
 * Flux where it may be, for it knows best when somebody has ended. Turns ended by hand go to Nova: Flux ends them by a message that not
 * every account is allowed to send.
 */
function models(wanted: string | undefined, diarize: boolean, language: string, endpointing: "provider" | "manual"): readonly string[] {
  const flux = language === "en" ? "flux-general-en" : "flux-general-multi";
  const first = wanted ?? (diarize || endpointing === "manual" ? "nova-3" : flux);
  if (first.startsWith("flux-")) return [first, "nova-3"];
  // Nobody stands in for a domain model or for telling speakers apart.
  return diarize || !/^nova-3(-general)?$/.test(first) ? [first] : [first, flux];
}
