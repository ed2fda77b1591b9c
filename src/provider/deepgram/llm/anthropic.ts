import Anthropic, { APIError } from "@anthropic-ai/sdk";
import type { Clock } from "../../../kernel/clock.ts";
import { AnthropicReader, anthropicBody } from "./anthropic-wire.ts";
import { callIds } from "./call-ids.ts";
import { breakage, clientTrouble, refusal } from "./faults.ts";
import { lastingFetch } from "./lasting-fetch.ts";
import type { ModelClient } from "./model.ts";

export function anthropicClient(apiKey: string, baseURL: string, clock: Clock): ModelClient {
  // Whatever is left out here, the client looks for in the environment; what it logs would hold what was said.
  const anthropic = new Anthropic({
    apiKey,
    authToken: null,
    webhookKey: null,
    baseURL,
    maxRetries: 0,
    logLevel: "off",
    fetch: lastingFetch,
  });
  return {
    async *stream(request, settings, signal) {
      const reader = new AnthropicReader(settings.model, callIds(request.conversation));
      const stream = await anthropic.messages.create(anthropicBody(request, settings), { signal });
      for await (const event of stream) yield reader.take(event);
    },
    fault(error, doing) {
      // A connection that failed is an APIError too, with nothing in it.
      if (!(error instanceof APIError) || (error.status === undefined && error.error === undefined)) return breakage(error, doing, apiKey);
      return refusal(clientTrouble(error, [error.type], clock.wallNow()), doing, apiKey);
    },
  };
}
