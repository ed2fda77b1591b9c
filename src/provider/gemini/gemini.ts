import { Fault } from "../../kernel/fault.ts";
import type { Provider } from "../contract.ts";
import type { ProviderRow } from "../registry.ts";
import { openLink } from "./link.ts";
import { defaultModel, linkSettings } from "./settings.ts";
import { traits } from "./traits.ts";

const service = "ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent";

/** Gemini Live with an API key. The key is read at every opening, so that a new one takes effect with the next call. */
export const gemini: ProviderRow = {
  name: "gemini",
  needs: ["GEMINI_API_KEY"],
  server: urlOf,
  async make({ setting }): Promise<Provider> {
    const url = urlOf(setting);
    return {
      name: "gemini",
      traits,
      async open(request) {
        const settings = linkSettings(request.agent, setting("GEMINI_LIVE_MODEL") ?? defaultModel);
        const key = setting("GEMINI_API_KEY");
        if (key === undefined) throw new Fault("provider-key", "opening gemini: GEMINI_API_KEY is not set");
        const link = await openLink({ url, key, request, settings });
        request.report.notice({ type: "link.named", model: settings.model });
        return link;
      },
      admit: () => undefined,
      close: async () => {},
    };
  },
};

/** @throws {Fault} setting-invalid */
function urlOf(setting: (name: string) => string | undefined): URL {
  const base = setting("GOOGLE_GEMINI_BASE_URL") ?? "https://generativelanguage.googleapis.com";
  const url = URL.canParse(base) ? new URL(base) : undefined;
  if (url === undefined || !/^(https?|wss?):$/.test(url.protocol)) {
    throw new Fault("setting-invalid", "GOOGLE_GEMINI_BASE_URL must be an http or https address");
  }
  const scheme = url.protocol.replace("http", "ws");
  return new URL(`${scheme}//${url.host}${url.pathname.replace(/\/+$/, "")}/${service}`);
}
