import { deepgramAgent } from "./deepgram-agent/deepgram-agent.ts";
import { deepgram } from "./deepgram/deepgram.ts";
import { emergency } from "./emergency/emergency.ts";
import { gemini } from "./gemini/gemini.ts";
import { local } from "./local/local.ts";
import { azure } from "./openai/azure.ts";
import { openai } from "./openai/openai.ts";
import type { ProviderRow } from "./registry.ts";

/** Every provider there is, in the order in which they are preferred. */
export const providers: readonly ProviderRow[] = [openai, azure, gemini, deepgram, deepgramAgent, local, emergency];
