import { startDeepgramAgentFake } from "./deepgram-agent/deepgram-agent.ts";
import { startDeepgramFake } from "./deepgram/deepgram.ts";
import { startGeminiFake } from "./gemini/gemini.ts";
import { azureChatDeployment, azureRequests, geminiRequests, openaiRequests, startAnthropicLlm, startGroqLlm } from "./llm/llm.ts";
import { startAzureFake, startOpenaiFake } from "./openai/openai.ts";
import { Panel } from "./panel.ts";

/** A fake at work: where it is, how a server is told of it, and what can be done to it. */
export interface Fake extends AsyncDisposable {
  readonly url: string;
  /** Settings, by environment name, with which the server takes the fake for the service. */
  readonly settings: Readonly<Record<string, string>>;
  readonly panel: Panel;
}

interface FakeRow {
  readonly name: string;
  /** Whether it plays the service of a provider; the others only think for one. */
  readonly isTier: boolean;
  readonly start: (options: { readonly port: number }) => Promise<Fake>;
}

// The wires of one service share an address and a panel.

function startOpenai(port: number): Promise<Fake> {
  const panel = new Panel();
  return startOpenaiFake({ port, panel, requests: openaiRequests(panel) });
}

function startGemini(port: number): Promise<Fake> {
  const panel = new Panel();
  return startGeminiFake({ port, panel, requests: geminiRequests(panel) });
}

async function startAzure(port: number): Promise<Fake> {
  const panel = new Panel();
  const fake = await startAzureFake({ port, panel, requests: azureRequests(panel) });
  return { ...fake, settings: { ...fake.settings, AZURE_OPENAI_CHAT_DEPLOYMENT: azureChatDeployment } };
}

/** Every fake there is, one row each. */
export const fakes: readonly FakeRow[] = [
  { name: "openai", isTier: true, start: ({ port }) => startOpenai(port) },
  { name: "azure", isTier: true, start: ({ port }) => startAzure(port) },
  { name: "gemini", isTier: true, start: ({ port }) => startGemini(port) },
  { name: "deepgram", isTier: true, start: startDeepgramFake },
  { name: "deepgram-agent", isTier: true, start: startDeepgramAgentFake },
  { name: "anthropic", isTier: false, start: startAnthropicLlm },
  { name: "groq", isTier: false, start: startGroqLlm },
];
