import { startDeepgramAgentFake } from "./deepgram-agent/deepgram-agent.ts";
import { startGeminiFake } from "./gemini/gemini.ts";
import { startAzureFake, startOpenaiFake } from "./openai/openai.ts";
import type { Panel } from "./panel.ts";

/** A fake at work: where it is, how a server is told of it, and what can be done to it. */
export interface Fake extends AsyncDisposable {
  readonly url: string;
  /** Settings, by environment name, with which the server takes the fake for the service. */
  readonly settings: Readonly<Record<string, string>>;
  readonly panel: Panel;
}

interface FakeRow {
  /** The provider whose service it plays. */
  readonly name: string;
  readonly start: (options: { readonly port: number }) => Promise<Fake>;
}

/** Every fake there is, one row each. */
export const fakes: readonly FakeRow[] = [
  { name: "openai", start: startOpenaiFake },
  { name: "azure", start: startAzureFake },
  { name: "gemini", start: startGeminiFake },
  { name: "deepgram-agent", start: startDeepgramAgentFake },
];
