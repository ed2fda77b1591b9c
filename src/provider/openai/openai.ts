import OpenAI from "openai";
import { Fault } from "../../kernel/fault.ts";
import type { Provider } from "../contract.ts";
import type { ProviderRow } from "../registry.ts";
import { addressOf, baseUrl } from "./dial.ts";
import { openLink } from "./link.ts";
import { linkSettings } from "./settings.ts";
import { realtimeTraits } from "./traits.ts";

const sessionLimitMs = 60 * 60_000;

const urlOf = (setting: (name: string) => string | undefined): URL =>
  baseUrl("OPENAI_BASE_URL", setting("OPENAI_BASE_URL") ?? "https://api.openai.com/v1");

/** OpenAI Realtime. The key is read at every opening, so that a new one takes effect with the next call. */
export const openai: ProviderRow = {
  name: "openai",
  needs: ["OPENAI_API_KEY"],
  server: urlOf,
  async make({ setting }): Promise<Provider> {
    const url = urlOf(setting);
    return {
      name: "openai",
      traits: realtimeTraits(sessionLimitMs),
      async open(request) {
        const defaults = { model: setting("OPENAI_REALTIME_MODEL") ?? "gpt-realtime-2.1", transcriptionModel: "gpt-4o-mini-transcribe" };
        const settings = linkSettings("openai", request.agent, defaults);
        const apiKey = setting("OPENAI_API_KEY");
        if (apiKey === undefined) throw new Fault("provider-key", "opening openai: OPENAI_API_KEY is not set");
        // Everything is said, so that no variable of the environment can send a call elsewhere.
        const client = new OpenAI({
          apiKey,
          baseURL: url.href,
          organization: setting("OPENAI_ORG_ID") ?? null,
          project: setting("OPENAI_PROJECT_ID") ?? null,
          adminAPIKey: null,
          webhookSecret: null,
        });
        const address = addressOf(client, settings.model, url, { Authorization: `Bearer ${apiKey}` });
        const link = await openLink({ provider: "openai", request, settings, sessionLimitMs, secret: apiKey, address });
        request.report.notice({ type: "link.named", model: settings.model });
        return link;
      },
      admit: () => undefined,
      close: async () => {},
    };
  },
};
