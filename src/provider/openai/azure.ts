import { AzureOpenAI } from "openai";
import { Fault } from "../../kernel/fault.ts";
import type { Provider } from "../contract.ts";
import type { ProviderRow } from "../registry.ts";
import { addressOf, baseUrl } from "./dial.ts";
import { openLink } from "./link.ts";
import { linkSettings } from "./settings.ts";
import { realtimeTraits } from "./traits.ts";

const sessionLimitMs = 30 * 60_000;
const endpoint = "AZURE_OPENAI_ENDPOINT";

const urlOf = (setting: (name: string) => string | undefined): URL => baseUrl(endpoint, needed(setting, endpoint));

function needed(setting: (name: string) => string | undefined, name: string): string {
  const value = setting(name);
  if (value === undefined) throw new Fault("setting-invalid", `azure: ${name} is not set`);
  return value;
}

/** Azure OpenAI Realtime, GA: the wire of OpenAI under the names of a resource and its deployments. */
export const azure: ProviderRow = {
  name: "azure",
  needs: ["AZURE_OPENAI_API_KEY", endpoint, "AZURE_OPENAI_DEPLOYMENT"],
  server: urlOf,
  async make({ setting }): Promise<Provider> {
    const url = urlOf(setting);
    const deployment = needed(setting, "AZURE_OPENAI_DEPLOYMENT");
    return {
      name: "azure",
      traits: realtimeTraits(sessionLimitMs),
      async open(request) {
        // A transcription model is a deployment too, under a name of the operator's.
        const transcriptionModel = setting("AZURE_OPENAI_TRANSCRIPTION_DEPLOYMENT") ?? "gpt-4o-mini-transcribe";
        const settings = linkSettings("azure", request.agent, { model: deployment, transcriptionModel });
        const apiKey = setting("AZURE_OPENAI_API_KEY");
        if (apiKey === undefined) throw new Fault("provider-key", "opening azure: AZURE_OPENAI_API_KEY is not set");
        const client = new AzureOpenAI({
          apiKey,
          // Given as `endpoint`, it would collide with an OPENAI_BASE_URL in the environment.
          baseURL: new URL("openai", `${url.href.replace(/\/+$/, "")}/`).href,
          // Wanted by the client, not sent by the realtime socket.
          apiVersion: "v1",
          deployment: settings.model,
          organization: null,
          project: null,
          adminAPIKey: null,
          webhookSecret: null,
        });
        const address = addressOf(client, settings.model, url, { "api-key": apiKey });
        const link = await openLink({ provider: "azure", request, settings, sessionLimitMs, secret: apiKey, address });
        request.report.notice({ type: "link.named", model: settings.model });
        return link;
      },
      admit: () => undefined,
      close: async () => {},
    };
  },
};
