import { element, icon } from "./element.js";

/**
 * @typedef {import("./captions.js").Entry} Entry
 * @typedef {import("./captions.js").TurnEntry} TurnEntry
 */

const toolWords = { running: "working", done: "done", failed: "did not work" };

/** The conversation on the page. Draws what changed, keeps the newest in view unless the reader scrolled up. */
export class Transcript {
  #list;
  #scroller;
  #spoken;
  /** @type {Map<string, { node: HTMLElement, drawn: string }>} */
  #nodes = new Map();
  /** Turns that a screen reader was told. @type {Set<string>} */
  #announced = new Set();

  /**
   * @param {HTMLElement} list
   * @param {HTMLElement} scroller
   * @param {HTMLElement} spoken a live region: whole turns go there, not each partial
   */
  constructor(list, scroller, spoken) {
    this.#list = list;
    this.#scroller = scroller;
    this.#spoken = spoken;
  }

  clear() {
    this.#list.replaceChildren();
    this.#spoken.textContent = "";
    this.#nodes.clear();
    this.#announced.clear();
  }

  /** @param {readonly Entry[]} entries */
  show(entries) {
    const follows = this.#scroller.scrollHeight - this.#scroller.scrollTop - this.#scroller.clientHeight < 80;
    const kept = new Set(entries.map((entry) => entry.key));
    for (const [key, { node }] of this.#nodes) {
      if (kept.has(key)) continue;
      node.remove();
      this.#nodes.delete(key);
    }
    for (const entry of entries) this.#draw(entry);
    if (follows) this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  /** @param {Entry} entry */
  #draw(entry) {
    const wanted = JSON.stringify(entry);
    const known = this.#nodes.get(entry.key);
    if (known?.drawn === wanted) return;
    const node = nodeOf(entry);
    if (known === undefined) this.#list.append(node);
    else known.node.replaceWith(node);
    this.#nodes.set(entry.key, { node, drawn: wanted });
    if (entry.kind === "turn" && entry.final) this.#announce(entry);
  }

  /** @param {TurnEntry} turn */
  #announce(turn) {
    if (this.#announced.has(turn.key)) return;
    this.#announced.add(turn.key);
    this.#spoken.textContent = `${turn.role === "agent" ? "Agent" : "You"}: ${turn.text}`;
  }
}

/** @param {Entry} entry */
function nodeOf(entry) {
  if (entry.kind === "turn") return turnNode(entry);
  if (entry.kind === "event")
    return element("li", { class: `note ${entry.tone}` }, [
      icon(entry.tone === "alert" ? "alert" : "knot"),
      element("span", {}, [entry.text]),
    ]);
  return element("li", { class: `note tool ${entry.state}` }, [
    icon("tool"),
    element("span", {}, [`${entry.name.replaceAll(/[_-]/g, " ")}: ${toolWords[entry.state]}`]),
  ]);
}

/** @param {TurnEntry} turn */
function turnNode(turn) {
  const words = element("p", { class: "words" }, [turn.text]);
  if (turn.interrupted)
    words.append(element("span", { class: "cut", title: "You spoke over it; the rest was not said" }, [icon("cut"), "interrupted"]));
  const who = element("p", { class: "who" }, [turn.role === "agent" ? "Agent" : "You"]);
  if (turn.answeredInMs !== undefined)
    who.append(
      element("span", { class: "badge", title: "From your last word to the first sound of the answer" }, [seconds(turn.answeredInMs)]),
    );
  return element("li", { class: `turn ${turn.role} ${turn.final ? "final" : "partial"}${turn.interrupted ? " interrupted" : ""}` }, [
    who,
    words,
  ]);
}

/** @param {number} ms */
export const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`;
