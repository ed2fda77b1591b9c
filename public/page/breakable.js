import { breakerWords, capital } from "../console/words.js";
import { element } from "./element.js";

/**
 * @typedef {import("../../src/http/api/shapes.ts").ProviderView} Provider
 * @typedef {{ name: string, opening: string, slowMs: number, hangs: boolean, alive: number }} Condition of a fake
 */

const levers = /** @type {const} */ ([
  ["kill", "Kill", "Cut every connection, refuse new ones"],
  ["hang", "Hang", "Take everything and send nothing"],
  ["refuse", "Refuse", "Refuse new connections; those that stand go on"],
  ["slow", "Slow", "Send everything half a second later"],
  ["serve", "Serve", "Be well again"],
]);
const orders = /** @type {const} */ ([
  ["open", "Shut", "As an operator: no call goes to it, and yours moves on at the end of this turn"],
  ["auto", "Let through", "As an operator: the breaker decides again"],
]);

/** One provider with what can be done to it. */
export class BreakableRow {
  #carrier = element("span", { class: "carrier" }, ["has your call"]);
  #state = element("p", { class: "breakable-state" }, []);
  #levers;
  #orders;
  /** @type {Provider | undefined} */
  #provider;
  /** @type {Condition | undefined} */
  #condition;
  node;

  /**
   * @param {string} name
   * @param {{ pull: (lever: string) => void, order: (order: "open" | "auto") => void }} deeds
   */
  constructor(name, deeds) {
    this.#levers = buttons(`Break ${name}`, levers, deeds.pull);
    this.#orders = buttons(`Shut ${name}, as an operator`, orders, deeds.order);
    const head = element("p", { class: "breakable-head" }, [element("span", { class: "breakable-name" }, [name]), this.#carrier]);
    this.node = element("li", { class: "breakable", "data-provider": name }, [head, this.#state, this.#levers, this.#orders]);
    this.carries(false);
  }

  /** @param {boolean} does whether the visitor's call is on it */
  carries(does) {
    this.#carrier.hidden = !does;
  }

  /**
   * @param {Provider} provider
   * @param {Condition | undefined} condition undefined: it is no fake
   * @param {boolean} mayShut
   */
  show(provider, condition, mayShut) {
    this.#provider = provider;
    this.#condition = condition;
    this.#levers.hidden = condition === undefined;
    this.#orders.hidden = condition !== undefined || !mayShut;
    this.#draw();
  }

  /** @param {Provider} provider */
  showHealth(provider) {
    this.#provider = provider;
    this.#draw();
  }

  #draw() {
    const provider = this.#provider;
    if (provider === undefined) return;
    const { state, order } = provider.breaker;
    this.node.dataset["breaker"] = state;
    const breaker = `breaker ${state.replace("_", "-")}${order === "auto" ? "" : " by order"}`;
    const is = this.#condition === undefined ? "" : `${conditionWords(this.#condition)}; `;
    this.#state.textContent = capital(`${is}${breaker}`);
    this.#state.title = capital(breakerWords[state] ?? state);
    const pulled = this.#condition === undefined ? "" : leverOf(this.#condition);
    for (const button of this.#levers.querySelectorAll("button")) button.ariaPressed = String(button.value === pulled);
    for (const button of this.#orders.querySelectorAll("button")) button.ariaPressed = String(button.value === order);
  }
}

/**
 * @template {string} Name
 * @param {string} label
 * @param {readonly (readonly [Name, string, string])[]} all
 * @param {(name: Name) => void} pressed
 */
function buttons(label, all, pressed) {
  const nodes = all.map(([name, words, meaning]) => {
    const button = element("button", { type: "button", value: name, title: meaning }, [words]);
    button.addEventListener("click", () => pressed(name));
    return button;
  });
  return element("div", { class: "levers", role: "group", "aria-label": label }, nodes);
}

/** @param {Condition} condition */
function leverOf({ opening, slowMs, hangs, alive }) {
  if (hangs) return "hang";
  if (opening === "refused") return alive === 0 ? "kill" : "refuse";
  return slowMs > 0 ? "slow" : "serve";
}

/** @param {Condition} condition */
function conditionWords({ opening, slowMs, hangs, alive }) {
  const refuses = alive === 0 ? "gone" : "refuses new calls";
  const flaws = [
    ...(hangs ? ["sends nothing"] : []),
    ...(opening === "served" ? [] : [opening === "refused" ? refuses : `openings are ${opening}`]),
    ...(slowMs > 0 ? [`${slowMs} ms late`] : []),
  ];
  return flaws.length === 0 ? "well" : flaws.join(", ");
}
