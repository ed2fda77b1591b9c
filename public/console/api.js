const keyName = "linekeeper.key";

/** What the server answered instead of what was asked for. `code` is for the page, `message` for people. */
export class Refusal extends Error {
  /**
   * @param {number} status
   * @param {string} code
   * @param {string} message
   */
  constructor(status, code, message) {
    super(message);
    this.name = "Refusal";
    this.status = status;
    this.code = code;
  }
}

/** The server's API, with the key of this browser tab. */
export class Api {
  /** @type {URL} */
  #base;

  /** @param {URL} base where the server's own paths begin */
  constructor(base) {
    this.#base = base;
  }

  /** @param {string} key it stays in this tab and goes when the tab is closed */
  useKey(key) {
    sessionStorage.setItem(keyName, key);
  }

  /**
   * @template T
   * @param {string} path
   * @returns {Promise<T>} as the server's document of its API promises it
   * @throws {Refusal}
   */
  async get(path) {
    const answer = await this.#ask(path, {}, {});
    return /** @type {Promise<T>} */ (answer.json());
  }

  /**
   * @param {string} path
   * @param {object} body
   * @throws {Refusal}
   */
  async post(path, body) {
    await this.#ask(path, { method: "POST", body: JSON.stringify(body) }, { "content-type": "application/json" });
  }

  /**
   * An answer that goes on: the bytes of an event stream.
   * @param {string} path
   * @param {Record<string, string>} headers
   * @param {AbortSignal} signal
   * @throws {Refusal}
   */
  async stream(path, headers, signal) {
    const { body } = await this.#ask(path, { signal }, headers);
    if (body === null) throw new Error("the event stream is empty");
    return body;
  }

  /**
   * @param {string} path
   * @param {RequestInit} request
   * @param {Record<string, string>} headers
   */
  async #ask(path, request, headers) {
    const key = sessionStorage.getItem(keyName);
    const all = key === null ? headers : { ...headers, authorization: `Bearer ${key}` };
    const answer = await fetch(new URL(path, this.#base), { ...request, headers: all, cache: "no-store" });
    if (answer.ok) return answer;
    const said = await answer.json().catch(() => undefined);
    throw new Refusal(answer.status, said?.error?.code ?? "unknown", said?.error?.message ?? `the server answered ${answer.status}`);
  }
}
