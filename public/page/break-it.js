import { Api } from "../console/api.js";
import { EventStream } from "../console/event-stream.js";
import { BreakableRow } from "./breakable.js";
import { byId, element, write } from "./element.js";
import { storyOf } from "./break-it-words.js";

/**
 * @typedef {import("../../src/http/api/shapes.ts").ProviderView} Provider
 * @typedef {import("./breakable.js").Condition} Condition
 */

const lookEveryMs = 1_000;
const linesKept = 12;

/** Lets visitors break what stands behind their call, and shows what becomes of it. There only where the server offers something to break. */
export class BreakIt {
  #api;
  #place;
  /** @type {Map<string, BreakableRow>} */
  #rows = new Map();
  #callId = "";
  #provider = "";

  /**
   * @param {URL} base where the server's own paths begin
   * @param {HTMLElement} place hidden until there is something to break
   */
  constructor(base, place) {
    this.#api = new Api(base);
    this.#place = place;
  }

  async begin() {
    const { fakes, mayShut } = await this.#offer();
    if (fakes.length === 0 && !mayShut) return;
    write(
      "break-it-lede",
      fakes.length > 0
        ? "Stand-ins play the AI services. Break the one you talk to while it talks."
        : "Nothing here is a stand-in, but you are the operator: shut the provider that you talk to.",
    );
    await this.#look();
    this.#place.hidden = false;
    setInterval(() => {
      // A server that is gone shows in the call, and there in better words.
      if (!document.hidden) void this.#look().catch(() => undefined);
    }, lookEveryMs);
    void new EventStream().read(this.#api, "v1/events", { opened() {}, told: (type, data) => this.#told(type, data), lost() {} });
  }

  /** @param {import("./call-page.js").CallNotice} notice of the page's own call */
  take(notice) {
    const told = /** @type {Record<string, unknown>} a notice is an object, whatever its type */ (notice);
    if (notice.type === "started") this.#callId = String(told["callId"]);
    if (notice.type === "started" || notice.type === "handed-over" || notice.type === "connection.reconnected")
      this.#provider = String(told["provider"]);
    if (notice.type === "closed") this.#callId = this.#provider = "";
    this.#showCarrier();
  }

  /** @returns {Promise<{ fakes: Condition[], mayShut: boolean }>} */
  #offer() {
    return this.#api.get("break-it");
  }

  /** @returns {Promise<{ providers: Provider[] }>} */
  #providers() {
    return this.#api.get("v1/providers");
  }

  async #look() {
    const [{ fakes, mayShut }, { providers }] = await Promise.all([this.#offer(), this.#providers()]);
    for (const provider of providers) {
      const condition = fakes.find(({ name }) => name === provider.provider);
      this.#rowOf(provider.provider).show(provider, condition, mayShut && provider !== providers.at(-1));
    }
    this.#showCarrier();
  }

  /** @param {string} name */
  #rowOf(name) {
    let row = this.#rows.get(name);
    if (row === undefined) {
      row = new BreakableRow(name, {
        pull: (lever) => void this.#do(() => this.#api.post(`break-it/${encodeURIComponent(name)}/${lever}`, {})),
        order: (order) => void this.#do(() => this.#order(name, order)),
      });
      this.#rows.set(name, row);
      byId("breakables", HTMLElement).append(row.node);
    }
    return row;
  }

  /**
   * What an operator does: no new call goes there, and this one goes elsewhere.
   * @param {string} name
   * @param {"open" | "auto"} order
   */
  async #order(name, order) {
    await this.#api.post(`v1/providers/${encodeURIComponent(name)}/breaker`, { order });
    if (order === "open" && this.#provider === name) await this.#api.post(`v1/calls/${encodeURIComponent(this.#callId)}/switch`, {});
  }

  /** @param {() => Promise<void>} deed */
  async #do(deed) {
    try {
      await deed();
      await this.#look();
    } catch (problem) {
      this.#tell({ mood: "bad", text: problem instanceof Error ? problem.message : String(problem) }, new Date());
    }
  }

  /**
   * @param {string} type
   * @param {any} data
   */
  #told(type, data) {
    if (data.callId !== undefined && data.callId !== this.#callId) return;
    if (type === "provider.changed") this.#rows.get(data.provider)?.showHealth(data);
    const line = storyOf(type, data);
    if (line !== undefined) this.#tell(line, new Date(data.at));
  }

  /**
   * @param {import("../console/words.js").Line} line
   * @param {Date} at
   */
  #tell({ mood, text }, at) {
    const story = byId("break-it-story", HTMLElement);
    const time = element("time", { datetime: at.toISOString() }, [at.toLocaleTimeString([], { hour12: false })]);
    story.prepend(element("li", { "data-mood": mood }, [time, element("span", {}, [text])]));
    while (story.children.length > linesKept) story.lastElementChild?.remove();
  }

  #showCarrier() {
    for (const [name, row] of this.#rows) row.carries(name === this.#provider);
  }
}
