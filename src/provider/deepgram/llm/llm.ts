import { Fault } from "../../../kernel/fault.ts";
import type { AgentSpec } from "../../contract.ts";
import type { ProviderHouse } from "../../registry.ts";
import type { StageGuards, Thinker, Thinkers } from "../stages.ts";
import { answer } from "./answer.ts";
import { chain } from "./chain.ts";
import type { ModelSettings } from "./model.ts";
import { accessTo, type ServiceAccess } from "./services.ts";
import { modelServices, wantedModels, type ModelService, type WantedModel } from "./settings.ts";

const defaults: Omit<ModelSettings, "model"> = { effort: "none", maxOutputTokens: 1_000 };

/** The language models that this house has keys for, chained in the order that an agent wants, else by how soon they speak. */
export function thinkers(house: ProviderHouse, guards: StageGuards): Thinkers {
  const services = new Map(modelServices.map((name) => [name, accessTo(name, house)]));
  const configured = (): readonly ModelService[] => modelServices.filter((name) => services.get(name)?.configured === true);
  const thinkerOf = ({ name, ...wanted }: WantedModel): Thinker[] => {
    const access = services.get(name);
    return access?.configured === true ? [thinker(name, access, wanted)] : [];
  };
  return {
    get names() {
      return configured();
    },
    forAgent(agent) {
      const wanted = wantedModels(agent);
      if (wanted !== undefined) warnOfKeyless(agent, wanted, configured(), house);
      return chain((wanted ?? modelServices.map((name): WantedModel => ({ name }))).flatMap(thinkerOf), guards);
    },
  };
}

function thinker(name: ModelService, access: ServiceAccess, wanted: Omit<WantedModel, "name">): Thinker {
  return {
    name,
    async *think(request, signal) {
      const { model = access.model, effort = defaults.effort, maxOutputTokens = defaults.maxOutputTokens } = wanted;
      yield* answer({ name, client: access.client(), settings: { model, effort, maxOutputTokens } }, request, signal);
    },
  };
}

/** @throws {Fault} setting-invalid when nothing is left of what the agent wants */
function warnOfKeyless(agent: AgentSpec, wanted: readonly WantedModel[], configured: readonly ModelService[], house: ProviderHouse): void {
  const keyless = wanted.map(({ name }) => name).filter((name) => !configured.includes(name));
  if (keyless.length === 0) return;
  const place = `agent ${agent.name}: providerSettings.deepgram.llm`;
  if (keyless.length === wanted.length) throw new Fault("setting-invalid", `${place}: there is a key for none of ${keyless.join(", ")}`);
  house.log.warning("llm_without_key", { agent: agent.name, services: keyless });
}
