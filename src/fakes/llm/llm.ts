import { anthropicWire } from "./anthropic-wire.ts";
import { azureChat, chatWire, groqChat, openaiChat } from "./chat-wire.ts";
import { geminiWire } from "./gemini-wire.ts";
import type { Panel } from "../panel.ts";
import type { FakeRequests } from "../websocket-server.ts";
import { LlmService, startLlm, type LlmFake, type LlmFakeOptions } from "./server.ts";

/** A language model service at work. `settings`: what makes a client find it. */
export interface RunningLlm extends LlmFake {
  readonly url: string;
  readonly settings: Readonly<Record<string, string>>;
}

export const geminiKey = "AIza-fake-gemini-key";
export const anthropicKey = "sk-ant-fake-key";
export const openaiKey = "sk-fake-openai-key";
const azureKey = "azure-fake-key";
export const azureChatDeployment = "night-chat";
export const groqKey = "gsk-fake-groq-key";

// For services that have a wire of another kind at the same address: what answers there beside it.

export const geminiRequests = (panel: Panel): FakeRequests => new LlmService(geminiWire(geminiKey), panel).answer;
export const openaiRequests = (panel: Panel): FakeRequests => new LlmService(chatWire(openaiChat(openaiKey)), panel).answer;
export const azureRequests = (panel: Panel): FakeRequests =>
  new LlmService(chatWire(azureChat(azureKey, azureChatDeployment)), panel).answer;

export async function startGeminiLlm(options: LlmFakeOptions = {}): Promise<RunningLlm> {
  const fake = await startLlm(geminiWire(geminiKey), options);
  return { ...fake, url: fake.origin, settings: { GOOGLE_GEMINI_BASE_URL: fake.origin, GEMINI_API_KEY: geminiKey } };
}

export async function startAnthropicLlm(options: LlmFakeOptions = {}): Promise<RunningLlm> {
  const fake = await startLlm(anthropicWire(anthropicKey), options);
  return { ...fake, url: fake.origin, settings: { ANTHROPIC_BASE_URL: fake.origin, ANTHROPIC_API_KEY: anthropicKey } };
}

export async function startOpenaiLlm(options: LlmFakeOptions = {}): Promise<RunningLlm> {
  const fake = await startLlm(chatWire(openaiChat(openaiKey)), options);
  const url = `${fake.origin}/v1`;
  return { ...fake, url, settings: { OPENAI_BASE_URL: url, OPENAI_API_KEY: openaiKey } };
}

export async function startAzureLlm(options: LlmFakeOptions = {}): Promise<RunningLlm> {
  const fake = await startLlm(chatWire(azureChat(azureKey, azureChatDeployment)), options);
  const settings = {
    AZURE_OPENAI_ENDPOINT: fake.origin,
    AZURE_OPENAI_API_KEY: azureKey,
    AZURE_OPENAI_CHAT_DEPLOYMENT: azureChatDeployment,
  };
  return { ...fake, url: fake.origin, settings };
}

export async function startGroqLlm(options: LlmFakeOptions = {}): Promise<RunningLlm> {
  const fake = await startLlm(chatWire(groqChat(groqKey)), options);
  const url = `${fake.origin}/openai/v1`;
  return { ...fake, url, settings: { GROQ_BASE_URL: url, GROQ_API_KEY: groqKey } };
}
