import { z } from "zod";
import { Problem, type Asked } from "../answer.ts";
import { changing, reading, type Operation } from "./operation.ts";
import { providers, providerView, type ProviderView } from "./shapes.ts";

/** What the guard around the providers tells, and what an operator may order. */
export interface GuardView {
  /** In the order in which they are configured. Plain data of this moment. */
  providers(): readonly ProviderView[];
  /** What the breaker of a known provider is to do; it stands until "auto" is ordered. */
  order(provider: string, order: ProviderView["breaker"]["order"]): void;
  /** Every change of a level, a breaker or an order from now on, until disposed. The listener must not throw. */
  follow(listener: (changed: ProviderView) => void): Disposable;
}

export function providerOperations(guard: GuardView): readonly Operation[] {
  const named = ({ ids }: Asked): ProviderView => {
    const found = guard.providers().find(({ name }) => name === ids["name"]);
    if (found === undefined) throw new Problem(404, "provider-unknown", `no provider is named ${ids["name"]?.slice(0, 64) ?? ""}`);
    return found;
  };
  return [
    reading("/v1/providers", {
      id: "listProviders",
      summary: "How each provider is doing: health, breaker, limits, timeouts",
      schema: providers,
      run: () => ({ providers: guard.providers() }),
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
        guard.order(named(asked).name, order);
        return named(asked);
      },
    }),
  ];
}
