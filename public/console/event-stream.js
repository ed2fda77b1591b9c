import { Refusal } from "./api.js";

/** A server that says nothing for so long is not there: it gives a sign of life every second while somebody watches. */
const silenceLimitMs = 10_000;
const pauseMs = 2_000;

/**
 * @typedef {object} Listener
 * @property {() => void} opened
 * @property {(event: string, data: any) => void} told
 * @property {(problem: unknown) => void} lost called once a loss; it is tried again by itself
 */

/** Server-sent events with a key, which EventSource cannot send: reads, comes back after a loss, and asks for what it missed. */
export class EventStream {
  #lastId = "";

  /**
   * Reads until the server wants a key or says no for good.
   * @param {import("./api.js").Api} api
   * @param {string} path
   * @param {Listener} listener
   * @returns {Promise<Refusal>} why it gave up
   */
  async read(api, path, listener) {
    for (;;) {
      try {
        await this.#once(api, path, listener);
        listener.lost(new Error("the server closed the events"));
      } catch (problem) {
        if (problem instanceof Refusal && (problem.status === 401 || problem.status === 403)) return problem;
        listener.lost(problem);
      }
      await new Promise((resume) => setTimeout(resume, pauseMs));
    }
  }

  /**
   * @param {import("./api.js").Api} api
   * @param {string} path
   * @param {Listener} listener
   */
  async #once(api, path, listener) {
    const leave = new AbortController();
    let silence = setTimeout(() => leave.abort(new Error("the server went silent")), silenceLimitMs);
    try {
      const headers = this.#lastId === "" ? {} : { "last-event-id": this.#lastId };
      const reader = (await api.stream(path, headers, leave.signal)).pipeThrough(new TextDecoderStream()).getReader();
      listener.opened();
      let unread = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(silence);
        silence = setTimeout(() => leave.abort(new Error("the server went silent")), silenceLimitMs);
        const blocks = (unread + value).split("\n\n");
        unread = blocks.pop() ?? "";
        for (const block of blocks) this.#tell(block, listener);
      }
    } finally {
      clearTimeout(silence);
    }
  }

  /**
   * @param {string} block
   * @param {Listener} listener
   */
  #tell(block, listener) {
    const fields = new Map(block.split("\n").map((line) => /** @type {[string, string]} */ (line.split(/: (.*)/s, 2))));
    const [id, event, data] = [fields.get("id"), fields.get("event"), fields.get("data")];
    if (id !== undefined) this.#lastId = id;
    if (event !== undefined && data !== undefined) listener.told(event, JSON.parse(data));
  }
}
