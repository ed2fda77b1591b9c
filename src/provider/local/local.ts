import { Fault } from "../../kernel/fault.ts";
import type { OpenRequest, Provider, ProviderTraits } from "../contract.ts";
import type { ProviderHouse, ProviderRow } from "../registry.ts";
import { loadFlow } from "./brain/flow.ts";
import { llmBrain } from "./brain/llm.ts";
import { scriptedBrain } from "./brain/scripted.ts";
import { createEars } from "./ears/ears.ts";
import { LocalLink } from "./link.ts";
import { defaultModelsFolder, modelFile, type ModelId } from "./models.ts";
import { createMouth, type FliteMouth } from "./mouth/mouth.ts";
import type { Brain, Ears } from "./parts.ts";
import { WaitingLink } from "./waiting-link.ts";

/** The offline provider: speech recognition, a scripted receptionist and speech synthesis on this machine. */
export const local: ProviderRow = { name: "local", needs: [], server: "on this machine", make };

/** What the local provider is made of; `status` for the health page. */
interface LocalProvider extends Provider {
  status(): Readonly<Record<string, unknown>>;
}

async function make(house: ProviderHouse): Promise<LocalProvider> {
  const { setting, clock, log } = house;
  const folder = setting("LINEKEEPER_MODELS_DIR") ?? defaultModelsFolder;
  const find = (id: ModelId): Promise<string> => modelFile(id, folder);
  const weights = weightsOf(setting("LINEKEEPER_LOCAL_EARS"));
  const calls = callsOf(setting("LINEKEEPER_LOCAL_CALLS"));
  const [ears, mouth, brain] = await allOrNone([
    createEars({ clock, log, modelFile: find, weights, calls }),
    find("flite").then((modelPath) => createMouth({ modelPath, voice: setting("LINEKEEPER_LOCAL_VOICE"), clock, log })),
    makeBrain(house),
  ]);
  const models = { ears: `moonshine-${weights}`, mouth: "flite" };
  const open = new Set<LocalLink>();
  /** The old link of a call and the one that takes over from it are one call. */
  const callIds = (): ReadonlySet<string> => new Set([...open].map(({ callId }) => callId));
  const admit = (): Fault | undefined => {
    const { size } = callIds();
    if (size < ears.capacity) return undefined;
    return new Fault("provider-busy", `this machine can hear ${ears.capacity} local calls at once and has ${size}`);
  };
  const start = (request: OpenRequest): LocalLink => {
    const busy = callIds().has(request.callId) ? undefined : admit();
    if (busy !== undefined) throw busy;
    const link = new LocalLink(request, { ears, brain, mouth, models, onClose: (closed) => open.delete(closed) });
    if (link.isOpen) open.add(link);
    return link;
  };
  return {
    name: "local",
    traits: { ...traits, voices: mouth.voices },
    admit,
    async open(request) {
      if (request.signal.aborted) throw new Fault("provider-refused", "opening local: called off before it began");
      if (request.uplink !== "pcm16@16000" || request.downlink !== "pcm16@16000") {
        throw new Fault(
          "provider-refused",
          `opening local: ${request.uplink} and ${request.downlink} asked for, only pcm16@16000 is spoken`,
        );
      }
      // Of its models the one that hears the caller; the others tell of themselves what they use.
      request.report.notice({ type: "link.named", model: models.ears });
      return request.begin === "wait" ? new WaitingLink(request, start) : start(request);
    },
    status: () => ({ calls: callIds().size, ears: ears.status(), mouth: mouth.status() }),
    async close() {
      for (const link of open) link.close();
      await Promise.all([ears.close(), mouth.close(), brain.close()]);
    },
  };
}

const traits: ProviderTraits = {
  hears: ["pcm16@16000"],
  speaks: ["pcm16@16000"],
  endpointing: ["provider"],
  replayPace: Number.POSITIVE_INFINITY,
  // The longest hold after an unfinished sentence, and the tail of the voice activity.
  trailingSilenceMs: 1_500,
  seeding: "items",
  tools: "parallel",
  text: true,
  callerTranscript: "partial",
  memoryAfterInterrupt: "cut-to-heard",
  standby: true,
  resumable: false,
  sessionLimitMs: Number.POSITIVE_INFINITY,
  languages: ["en-US"],
  voices: [],
  usage: ["transcribed_ms", "spoken_characters"],
  stopgap: false,
  offline: true,
};

const llmLimits = { firstTokenLimitMs: 10_000, chunkGapLimitMs: 5_000 };

async function makeBrain({ setting }: ProviderHouse): Promise<Brain> {
  const url = setting("LINEKEEPER_LOCAL_LLM_URL");
  if (url === undefined) return scriptedBrain(await loadFlow(setting("LINEKEEPER_LOCAL_FLOW")));
  const model = setting("LINEKEEPER_LOCAL_LLM_MODEL");
  if (model === undefined)
    throw new Fault("setting-invalid", "LINEKEEPER_LOCAL_LLM_URL is set, so LINEKEEPER_LOCAL_LLM_MODEL must name a model of that server");
  return llmBrain({ url, model, key: setting("LINEKEEPER_LOCAL_LLM_KEY"), ...llmLimits });
}

function weightsOf(setting = "tiny"): "tiny" | "base" {
  if (setting === "tiny" || setting === "base") return setting;
  throw new Fault("setting-invalid", `LINEKEEPER_LOCAL_EARS is "${setting}", expected tiny or base`);
}

function callsOf(setting: string | undefined): number | undefined {
  if (setting === undefined) return undefined;
  const calls = Number(setting);
  if (Number.isInteger(calls) && calls > 0) return calls;
  throw new Fault("setting-invalid", `LINEKEEPER_LOCAL_CALLS is "${setting}", expected a whole number above 0`);
}

/** All parts, started side by side; when one fails, those that did start are ended first. */
async function allOrNone(starting: readonly [Promise<Ears>, Promise<FliteMouth>, Promise<Brain>]): Promise<[Ears, FliteMouth, Brain]> {
  try {
    return await Promise.all(starting);
  } catch (error) {
    for (const part of await Promise.allSettled(starting)) if (part.status === "fulfilled") await part.value.close();
    throw error;
  }
}
