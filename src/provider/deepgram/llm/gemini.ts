import { ApiError, GoogleGenAI } from "@google/genai";
import { breakage, refusal } from "./faults.ts";
import { geminiConfig, geminiContents, geminiTrouble, GeminiReader } from "./gemini-wire.ts";
import type { ModelClient } from "./model.ts";
import { lastingFetch } from "./lasting-fetch.ts";
import { callIds } from "./call-ids.ts";

export function geminiClient(apiKey: string, baseUrl: string): ModelClient {
  // Whatever is left out here, the client looks for in the environment.
  const google = new GoogleGenAI({ apiKey, vertexai: false, apiVersion: "v1beta", httpOptions: { baseUrl, fetch: lastingFetch } });
  return {
    async *stream(request, settings, signal) {
      const { model } = settings;
      const reader = new GeminiReader(model, callIds(request.conversation));
      const stream = await google.models.generateContentStream({
        model,
        contents: geminiContents(request, model),
        config: geminiConfig(request, settings, signal),
      });
      for await (const chunk of stream) yield reader.take(chunk);
    },
    fault(error, doing) {
      if (error instanceof ApiError) return refusal(geminiTrouble(error.status, error.message), doing, apiKey);
      return breakage(error, doing, apiKey);
    },
  };
}
