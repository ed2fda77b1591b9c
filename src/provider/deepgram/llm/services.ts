import type { Clock } from "../../../kernel/clock.ts";
import { Fault } from "../../../kernel/fault.ts";
import type { ProviderHouse } from "../../registry.ts";
import { anthropicClient } from "./anthropic.ts";
import { azureClient, groqClient, openaiClient } from "./chat.ts";
import { geminiClient } from "./gemini.ts";
import type { ModelClient } from "./model.ts";
import type { ModelService } from "./settings.ts";

/** How one service is reached. */
interface ServiceRow {
  /** Settings without which it cannot be used. */
  readonly needs: readonly string[];
  /** Further ones that it reads. */
  readonly reads: readonly string[];
  readonly model: (setting: ProviderHouse["setting"]) => string;
  readonly client: (settings: Readonly<Record<string, string>>, clock: Clock) => ModelClient;
}

/** Model names as of 2026-11: the quick ones that can be told not to think first. */
const rows: Readonly<Record<ModelService, ServiceRow>> = {
  gemini: {
    needs: ["GEMINI_API_KEY"],
    reads: ["GOOGLE_GEMINI_BASE_URL"],
    model: (setting) => setting("GEMINI_LLM_MODEL") ?? "gemini-3.8-flash",
    client: ({ GEMINI_API_KEY: key = "", GOOGLE_GEMINI_BASE_URL: base = "https://generativelanguage.googleapis.com" }) =>
      geminiClient(key, base),
  },
  anthropic: {
    needs: ["ANTHROPIC_API_KEY"],
    reads: ["ANTHROPIC_BASE_URL"],
    model: (setting) => setting("ANTHROPIC_LLM_MODEL") ?? "claude-haiku-5-5",
    client: ({ ANTHROPIC_API_KEY: key = "", ANTHROPIC_BASE_URL: base = "https://api.anthropic.com" }, clock) =>
      anthropicClient(key, base, clock),
  },
  openai: {
    needs: ["OPENAI_API_KEY"],
    reads: ["OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"],
    model: (setting) => setting("OPENAI_LLM_MODEL") ?? "gpt-6-luna",
    client: ({ OPENAI_API_KEY: apiKey = "", OPENAI_BASE_URL: baseURL = "https://api.openai.com/v1", ...billed }, clock) =>
      openaiClient({ apiKey, baseURL, organization: billed["OPENAI_ORG_ID"], project: billed["OPENAI_PROJECT_ID"] }, clock),
  },
  azure: {
    needs: ["AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_CHAT_DEPLOYMENT"],
    reads: ["AZURE_OPENAI_API_VERSION"],
    model: (setting) => setting("AZURE_OPENAI_CHAT_DEPLOYMENT") ?? "",
    client: ({ AZURE_OPENAI_API_KEY: apiKey = "", AZURE_OPENAI_ENDPOINT: endpoint = "", AZURE_OPENAI_API_VERSION: apiVersion }, clock) =>
      azureClient({ apiKey, endpoint, apiVersion }, clock),
  },
  groq: {
    needs: ["GROQ_API_KEY"],
    reads: ["GROQ_BASE_URL"],
    model: (setting) => setting("GROQ_LLM_MODEL") ?? "llama-3.3-70b-versatile",
    client: ({ GROQ_API_KEY: key = "", GROQ_BASE_URL: base = "https://api.groq.com/openai/v1" }, clock) => groqClient(key, base, clock),
  },
};

/** One service as this house has it. */
export interface ServiceAccess {
  readonly configured: boolean;
  readonly model: string;
  /** By the settings of this moment; kept as long as they stay. @throws {Fault} provider-key */
  client(): ModelClient;
}

export function accessTo(service: ModelService, { setting, clock }: ProviderHouse): ServiceAccess {
  const row = rows[service];
  let kept: { readonly made: string; readonly client: ModelClient } | undefined;
  return {
    get configured() {
      return row.needs.every((name) => setting(name) !== undefined);
    },
    get model() {
      return row.model(setting);
    },
    client() {
      const settings: Record<string, string> = {};
      for (const name of [...row.needs, ...row.reads]) {
        const value = setting(name);
        if (value !== undefined) settings[name] = value;
        else if (row.needs.includes(name)) throw new Fault("provider-key", `asking ${service}: ${name} is not set`);
      }
      const made = JSON.stringify(settings);
      if (kept?.made !== made) kept = { made, client: row.client(settings, clock) };
      return kept.client;
    },
  };
}
