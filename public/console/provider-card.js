import { element } from "../page/element.js";
import { breakerWords, capital, counted, seconds } from "./words.js";

/** @typedef {import("../../src/http/api/shapes.ts").ProviderView} Provider */

/** What an operator may order, in the words of the night. */
const orders = /** @type {const} */ ([
  ["auto", "Automatic", "the breaker decides"],
  ["open", "Keep away", "no call goes to it"],
  ["closed", "Let through", "calls go to it whatever the breaker says"],
]);

/** One provider: how it is doing, and the order that stands for it. */
export class ProviderCard {
  #health = element("span", { class: "health" }, []);
  #breaker = element("p", { class: "provider-breaker" }, []);
  #facts = element("p", { class: "provider-facts" }, []);
  #fault = element("p", { class: "provider-fault" }, []);
  /** @type {Map<string, HTMLButtonElement>} */
  #orders;
  /** @type {HTMLLIElement} */
  node;

  /**
   * @param {string} name
   * @param {(order: "auto" | "open" | "closed") => void} ordered
   */
  constructor(name, ordered) {
    this.#orders = new Map(
      orders.map(([order, label, meaning]) => {
        const button = element("button", { type: "button", title: capital(meaning) }, [label]);
        button.addEventListener("click", () => ordered(order));
        return [order, button];
      }),
    );
    this.node = element("li", { class: "provider" }, [
      element("p", { class: "provider-head" }, [element("span", { class: "provider-name" }, [name]), this.#health]),
      this.#breaker,
      this.#facts,
      this.#fault,
      element("div", { class: "orders", role: "group", "aria-label": `Calls to ${name}` }, [...this.#orders.values()]),
    ]);
  }

  /** @param {Provider} provider */
  show(provider) {
    const { health, breaker, lastFault } = provider;
    this.node.dataset["health"] = health;
    this.node.dataset["breaker"] = breaker.state;
    this.#health.textContent = health;
    const again = breaker.order === "auto" && breaker.retryInMs !== undefined ? `, tried again in ${seconds(breaker.retryInMs)}` : "";
    this.#breaker.textContent = `${capital(breakerWords[breaker.state] ?? breaker.state)}${breaker.order === "auto" ? again : ", by order"}`;
    this.#facts.textContent = capital(factsOf(provider).join(" · "));
    this.#fault.textContent = lastFault === undefined ? "" : `Last fault ${lastFault.at.slice(11, 19)} UTC: ${lastFault.message}`;
    for (const [order, button] of this.#orders) button.setAttribute("aria-pressed", String(order === breaker.order));
  }
}

/** @param {Provider} provider */
function factsOf({ activeSessions, latencyMs, errorRate, limits, limitedForMs }) {
  const { p95 } = latencyMs.answer;
  const tight = limits.filter(({ limit, remaining }) => remaining < limit / 5);
  return [
    counted(activeSessions, "session"),
    ...(p95 === undefined ? [] : [`answers within ${seconds(p95)}`]),
    ...(errorRate > 0 ? [`${(100 * errorRate).toFixed(errorRate < 0.1 ? 1 : 0)} % failed`] : []),
    ...tight.map(({ scope, remaining, limit }) => `${remaining.toLocaleString("en")} of ${limit.toLocaleString("en")} ${scope} left`),
    ...(limitedForMs > 0 ? [`limited for ${seconds(limitedForMs)}`] : []),
  ];
}
