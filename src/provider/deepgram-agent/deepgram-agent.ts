import { Fault } from "../../kernel/fault.ts";
import type { Provider } from "../contract.ts";
import { deepgramAddress } from "../deepgram-sdk/client.ts";
import type { ProviderRow } from "../registry.ts";
import { openLink } from "./link.ts";
import { linkSettings } from "./settings.ts";
import { agentTraits } from "./traits.ts";

/** Deepgram's Voice Agent: its recognition, a language model of the agent's choice, its synthesis. The key is read at every opening. */
export const deepgramAgent: ProviderRow = {
  name: "deepgram-agent",
  needs: ["DEEPGRAM_API_KEY"],
  server: (setting) => new URL(deepgramAddress(setting).agent),
  async make({ setting }): Promise<Provider> {
    const address = deepgramAddress(setting);
    return {
      name: "deepgram-agent",
      traits: agentTraits,
      async open(request) {
        const settings = linkSettings(request.agent);
        const key = setting("DEEPGRAM_API_KEY");
        if (key === undefined) throw new Fault("provider-key", "opening deepgram-agent: DEEPGRAM_API_KEY is not set");
        const link = await openLink({ request, settings, address, key });
        request.report.notice({ type: "link.named", model: settings.think[0]?.provider.model ?? settings.listen.model });
        return link;
      },
      admit: () => undefined,
      close: async () => {},
    };
  },
};
