/** Entries that are kept; older ones leave the page. */
const entryLimit = 200;

/**
 * @typedef {{ kind: "turn", key: string, role: "caller" | "agent", text: string, final: boolean, interrupted: boolean, answeredInMs: number | undefined }} TurnEntry
 * @typedef {{ kind: "tool", key: string, name: string, state: "running" | "done" | "failed" }} ToolEntry
 * @typedef {{ kind: "event", key: string, text: string, tone: "calm" | "alert" }} EventEntry
 * @typedef {TurnEntry | ToolEntry | EventEntry} Entry
 */

/** What the page shows of a call, in order: the turns with their words so far, the tools at work, what happened to the connection. */
export class Captions {
  /** @type {Entry[]} */
  #entries = [];
  /** Answers whose latency came before their first words. @type {Map<string, number>} */
  #early = new Map();
  #count = 0;

  /** @returns {readonly Entry[]} */
  get entries() {
    return this.#entries;
  }

  /** The agent's newest words. */
  get lastAgentText() {
    const turn = this.#entries.findLast((entry) => entry.kind === "turn" && entry.role === "agent");
    return turn?.kind === "turn" ? turn.text : "";
  }

  /** Ms from the caller's last word to the first of each answer. */
  get answerTimes() {
    return this.#entries.flatMap((entry) => (entry.kind === "turn" && entry.answeredInMs !== undefined ? [entry.answeredInMs] : []));
  }

  /**
   * Takes a message of the wire; what is not for the transcript is passed over.
   * @param {{ type: string } & Record<string, unknown>} message
   */
  take(message) {
    const key = String(message["turnId"]);
    if (message.type === "caption") this.#write(key, message);
    else if (message.type === "caption.withdrawn") this.#entries = this.#entries.filter((entry) => entry.key !== key);
    else if (message.type === "latency") this.#stamp(key, Number(message["firstAudioMs"]));
    else if (message.type === "tool") this.#work(String(message["name"]), message["state"]);
    else {
      const told = wordsOfConnection(message);
      if (told !== undefined) this.note(told.text, told.tone);
    }
    this.#entries.splice(0, this.#entries.length - entryLimit);
  }

  /**
   * @param {string} text
   * @param {"calm" | "alert"} [tone]
   */
  note(text, tone = "calm") {
    this.#add({ kind: "event", key: this.#newKey(), text, tone });
  }

  /**
   * @param {string} key
   * @param {Record<string, unknown>} message
   */
  #write(key, message) {
    const role = message["role"] === "agent" ? "agent" : "caller";
    const words = { text: String(message["text"]), final: message["final"] === true, interrupted: message["interrupted"] === true };
    const known = this.#entries.find((entry) => entry.key === key);
    if (known?.kind === "turn") Object.assign(known, words);
    else this.#add({ kind: "turn", key, role, ...words, answeredInMs: this.#early.get(key) });
    this.#early.delete(key);
  }

  /**
   * @param {string} key
   * @param {number} ms
   */
  #stamp(key, ms) {
    const known = this.#entries.find((entry) => entry.key === key);
    if (known?.kind === "turn") known.answeredInMs = ms;
    else this.#early.set(key, ms);
    if (this.#early.size > entryLimit) this.#early.clear();
  }

  /**
   * @param {string} name
   * @param {unknown} state
   */
  #work(name, state) {
    if (state !== "running" && state !== "done" && state !== "failed") return;
    const running = this.#entries.findLast((entry) => entry.kind === "tool" && entry.name === name && entry.state === "running");
    if (running?.kind === "tool") running.state = state;
    else this.#add({ kind: "tool", key: this.#newKey(), name, state });
  }

  /** @param {Entry} entry */
  #add(entry) {
    this.#entries.push(entry);
  }

  #newKey() {
    this.#count += 1;
    return `note-${this.#count}`;
  }
}

/**
 * @param {{ type: string } & Record<string, unknown>} message
 * @returns {{ text: string, tone: "calm" | "alert" } | undefined}
 */
function wordsOfConnection(message) {
  const provider = String(message["provider"]);
  if (message.type === "connection.reconnecting") {
    const again = Number(message["attempt"]) > 1 ? ` (try ${Number(message["attempt"])})` : "";
    return { text: `Reconnecting to ${provider}${again}. You can go on talking.`, tone: "calm" };
  }
  if (message.type === "connection.reconnected") return { text: `Back on ${provider}.`, tone: "calm" };
  if (message.type === "connection.failed") return { text: `${provider} cannot be reached.`, tone: "alert" };
  if (message.type !== "handed-over") return undefined;
  const kept = { full: "nothing lost", partial: "a part was lost", none: "the conversation was lost" }[String(message["restored"])] ?? "";
  return { text: `Handed over to ${provider}${kept === "" ? "" : `, ${kept}`}.`, tone: message["restored"] === "full" ? "calm" : "alert" };
}
