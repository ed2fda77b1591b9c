import { Fault } from "../../kernel/fault.ts";
import type { Provider } from "../contract.ts";
import { deepgramAddress } from "../deepgram-sdk/client.ts";
import type { ProviderRow } from "../registry.ts";
import { openLink } from "./link.ts";
import { thinkers } from "./llm/llm.ts";
import { pipelineSettings } from "./settings.ts";
import { stageGuards } from "./stage-guard.ts";
import { transcriber } from "./stt.ts";
import { pipelineTraits } from "./traits.ts";
import { AuraSpeaker } from "./tts.ts";

/** Deepgram's recognition and synthesis with a chain of language models between them. Keys are read at every opening. */
export const deepgram: ProviderRow = {
  name: "deepgram",
  needs: ["DEEPGRAM_API_KEY", ["GEMINI_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_API_KEY", "AZURE_OPENAI_CHAT_DEPLOYMENT", "GROQ_API_KEY"]],
  server: (setting) => new URL(deepgramAddress(setting).production),
  async make(house): Promise<Provider> {
    const { setting, clock, log } = house;
    const address = deepgramAddress(setting);
    const guards = stageGuards(clock, log);
    const minds = thinkers(house, guards);
    return {
      name: "deepgram",
      traits: pipelineTraits,
      async open(request) {
        const { agent, endpointing, downlink, openLimitMs } = request;
        const settings = pipelineSettings(agent, endpointing);
        const thinker = minds.forAgent(agent);
        const key = setting("DEEPGRAM_API_KEY");
        if (key === undefined) throw new Fault("provider-key", "opening deepgram: DEEPGRAM_API_KEY is not set");
        const link = await openLink(request, {
          thinker,
          transcriber: transcriber({ settings, address, key }, guards),
          speaker: (report) =>
            new AuraSpeaker({ settings, address, key, downlink, clock: request.clock, openLimitMs, guards, log: request.log, report }),
        });
        // Of its three models the one that hears the caller; the others change from answer to answer, and tell of themselves what they use.
        request.report.notice({ type: "link.named", model: settings.stt[0] ?? "none" });
        return link;
      },
      admit: () => undefined,
      close: async () => {},
    };
  },
};
