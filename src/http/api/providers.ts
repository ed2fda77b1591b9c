import { z } from "zod";
import type { GuardView } from "../../guard/view.ts";
import { Problem, type Asked } from "../answer.ts";
import { changing, reading, type Operation } from "./operation.ts";
import { providers, providerView } from "./shapes.ts";

/** What the guards of the providers tell, and what an operator may order. */
export interface ProviderDesk {
  /** In the order of the tiers. */
  views(): readonly GuardView[];
  /** What the breaker of a known provider is to do; it stands until "auto" is ordered. */
  order(provider: string, order: GuardView["breaker"]["order"]): void;
}

export function providerOperations(desk: ProviderDesk): readonly Operation[] {
  const named = ({ ids }: Asked): GuardView => {
    const found = desk.views().find(({ provider }) => provider === ids["name"]);
    if (found === undefined) throw new Problem(404, "provider-unknown", `no provider is named ${ids["name"]?.slice(0, 64) ?? ""} here`);
    return found;
  };
  return [
    reading("/v1/providers", {
      id: "listProviders",
      summary: "How each provider is doing: health, breaker, limits, timeouts",
      schema: providers,
      run: () => ({ providers: desk.views() }),
    }),
    reading("/v1/providers/{name}", { id: "getProvider", summary: "How one provider is doing", schema: providerView, run: named }),
    changing("/v1/providers/{name}/breaker", {
      id: "orderBreaker",
      summary: "Hold a provider's breaker open or closed, or let it decide again",
      body: z.object({ order: z.enum(["auto", "open", "closed"]) }),
      meaning: "the provider as it is now",
      schema: providerView,
      target: ({ ids }) => ids["name"] ?? "",
      run(asked, { order }) {
        desk.order(named(asked).provider, order);
        return named(asked);
      },
    }),
  ];
}
