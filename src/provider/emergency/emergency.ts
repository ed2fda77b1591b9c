import { Fault } from "../../kernel/fault.ts";
import { openPrompts } from "../../prompts/prompts.ts";
import type { Provider, ProviderTraits } from "../contract.ts";
import type { ProviderHouse, ProviderRow } from "../registry.ts";
import { turnEndMs } from "./endpointer.ts";
import { EmergencyLink } from "./link.ts";

/** The last tier: fixed lines and a person. It needs nothing that could fail, and takes every call. */
export const emergency: ProviderRow = { name: "emergency", needs: [], server: "on this machine", make };

async function make({ setting, clock }: ProviderHouse): Promise<Provider> {
  const prompts = await openPrompts(setting("LINEKEEPER_PROMPTS"), clock.wallNow());
  const open = new Set<EmergencyLink>();
  return {
    name: "emergency",
    traits: { ...traits, languages: prompts.languages },
    admit: () => undefined,
    async open(request) {
      if (request.signal.aborted) throw new Fault("provider-refused", "opening emergency: called off before it began");
      if (request.downlink !== "pcm16@16000")
        throw new Fault("provider-refused", `opening emergency: ${request.downlink} asked for, only pcm16@16000 is spoken`);
      const link = new EmergencyLink(request, prompts, (closed) => open.delete(closed));
      open.add(link);
      return link;
    },
    async close() {
      for (const link of open) link.close();
    },
  };
}

const traits: ProviderTraits = {
  hears: ["pcmu@8000", "pcma@8000", "pcm16@16000", "pcm16@8000", "pcm16@24000", "pcm16@48000"],
  speaks: ["pcm16@16000"],
  endpointing: ["provider", "manual"],
  replayPace: Number.POSITIVE_INFINITY,
  trailingSilenceMs: turnEndMs,
  seeding: "items",
  tools: "single",
  text: true,
  callerTranscript: "none",
  memoryAfterInterrupt: "cut-to-heard",
  standby: true,
  resumable: false,
  sessionLimitMs: Number.POSITIVE_INFINITY,
  languages: [],
  voices: [],
  usage: [],
  stopgap: true,
  offline: true,
};
