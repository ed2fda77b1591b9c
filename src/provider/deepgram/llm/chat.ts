import OpenAI, { APIConnectionError, APIError, AzureOpenAI } from "openai";
import type { Clock } from "../../../kernel/clock.ts";
import { callIds } from "./call-ids.ts";
import { chatBody, ChatReader, type ChatExtras } from "./chat-wire.ts";
import { breakage, clientTrouble, refusal } from "./faults.ts";
import { lastingFetch } from "./lasting-fetch.ts";
import type { Effort, ModelClient } from "./model.ts";

// Whatever is left out here, the client looks for in the environment; what it logs would hold what was said.
const ours = {
  organization: null,
  project: null,
  adminAPIKey: null,
  webhookSecret: null,
  maxRetries: 0,
  logLevel: "off",
  fetch: lastingFetch,
} as const;

export function openaiClient(
  access: {
    readonly apiKey: string;
    readonly baseURL: string;
    readonly organization: string | undefined;
    readonly project: string | undefined;
  },
  clock: Clock,
): ModelClient {
  const { apiKey, baseURL, organization = null, project = null } = access;
  return chatClient(new OpenAI({ ...ours, apiKey, baseURL, organization, project }), apiKey, clock, ({ model, effort }) => ({
    stream_options: { include_usage: true, include_obfuscation: false },
    // Older models cannot reason, and refuse to be told so.
    ...(/^gpt-[34]/.test(model) ? {} : effortField(effort)),
  }));
}

/** The model is a deployment's name. Without a version, the resource's newer address is used, which has none. */
export function azureClient(
  access: { readonly apiKey: string; readonly endpoint: string; readonly apiVersion: string | undefined },
  clock: Clock,
): ModelClient {
  const { apiKey, apiVersion } = access;
  const endpoint = access.endpoint.replace(/\/+$/, "");
  const client =
    apiVersion === undefined
      ? new OpenAI({ ...ours, apiKey, baseURL: `${endpoint}/openai/v1`, defaultHeaders: { "api-key": apiKey, authorization: null } })
      : // Given as `endpoint`, it would collide with an OPENAI_BASE_URL in the environment.
        new AzureOpenAI({ ...ours, apiKey, apiVersion, baseURL: `${endpoint}/openai` });
  // What stands behind a deployment is not known, so only what every model takes is asked, unless the agent says more.
  return chatClient(client, apiKey, clock, ({ effort }) => (effort === "none" ? {} : effortField(effort)));
}

export function groqClient(apiKey: string, baseURL: string, clock: Clock): ModelClient {
  return chatClient(new OpenAI({ ...ours, apiKey, baseURL }), apiKey, clock, ({ model, effort }) => {
    if (model.startsWith("qwen/")) return { reasoning_format: "hidden", reasoning_effort: effort === "none" ? "none" : "default" };
    if (model.startsWith("openai/gpt-oss"))
      return { include_reasoning: false, ...(effort === "default" ? {} : { reasoning_effort: effort === "none" ? "low" : effort }) };
    return {};
  });
}

const effortField = (effort: Effort): Readonly<Record<string, unknown>> => (effort === "default" ? {} : { reasoning_effort: effort });

function chatClient(client: OpenAI, apiKey: string, clock: Clock, extras: ChatExtras): ModelClient {
  return {
    async *stream(request, settings, signal) {
      const reader = new ChatReader(callIds(request.conversation));
      const stream = await client.chat.completions.create(chatBody(request, settings, extras), { signal });
      for await (const chunk of stream) yield reader.take(chunk);
    },
    fault(error, doing) {
      if (!(error instanceof APIError) || error instanceof APIConnectionError) return breakage(error, doing, apiKey);
      return refusal(clientTrouble(error, [error.code, error.type], clock.wallNow()), doing, apiKey);
    },
  };
}
