import { element } from "../page/element.js";
import { Refusal } from "./api.js";
import { capital, clock, seconds, short } from "./words.js";

/** @typedef {import("../../src/http/api/shapes.ts").BriefCall} Call */
/** @typedef {import("../../src/session/control.ts").TurnView} Turn */

const sureMs = 4_000;

/** What of a call's state goes without saying. */
const usual = new Set([
  "farewell staying",
  "answerer unasked",
  "link linked",
  "move none",
  "line open",
  "ear open",
  "leg attached.present",
  "need calm",
  "node serving",
]);

/** One call in the list: a line that shows how it is, and when opened what was said and what can be done. */
export class CallRow {
  /** @type {Call} */
  call;
  /** @type {"going" | "ended"} */
  life = "going";
  /** @type {import("./api.js").Api} */
  #api;
  /** @type {(text: string) => void} */
  #told;
  #who = element("span", { class: "who" }, []);
  #phase = element("span", { class: "phase" }, []);
  #id = element("span", { class: "call-id" }, []);
  #on = element("span", { class: "on-name" }, []);
  #insteadOf = element("span", { class: "instead-of" }, []);
  #age = element("span", { class: "age" }, []);
  #callerVoice = element("span", { class: "voice caller" }, []);
  #agentVoice = element("span", { class: "voice agent" }, []);
  #said = element("ol", { class: "said", tabindex: "0", "aria-label": "What was said" }, []);
  #facts = element("dl", { class: "facts-list" }, []);
  #complaint = element("p", { class: "complaint", role: "alert", hidden: "" }, []);
  #hold = button("Hold", () => this.#order("hold", { on: !this.call.held }));
  #mute = button("Mute caller", () => this.#order("mute", { on: !this.call.muted }));
  #hangUp = button("Hang up", () => this.#hangUpWhenSure());
  #tiers = element("select", {}, []);
  /** @type {HTMLDivElement} */
  #more;
  /** @type {HTMLButtonElement} */
  #head;
  /** @type {HTMLLIElement} */
  node;

  /**
   * @param {Call} call
   * @param {import("./api.js").Api} api
   * @param {{ opened(row: CallRow): void; told(text: string): void }} list
   */
  constructor(call, api, list) {
    this.call = call;
    this.#api = api;
    this.#told = list.told;
    const id = `call-${call.callId}`;
    const wire = element("span", { class: "wire", "aria-hidden": "true" }, [
      this.#callerVoice,
      element("span", { class: "knot" }, []),
      this.#agentVoice,
    ]);
    const words = element("span", {}, [element("span", { class: "who-line" }, [this.#who, this.#id]), this.#phase]);
    const on = element("span", { class: "on" }, [this.#on, this.#insteadOf]);
    this.#head = element("button", { class: "call-head", type: "button", "aria-expanded": "false", "aria-controls": id }, [
      words,
      wire,
      on,
      this.#age,
    ]);
    this.#head.addEventListener("click", () => list.opened(this));
    this.#hangUp.classList.add("danger");
    this.#more = element("div", { class: "call-more", id, hidden: "" }, [this.#complaint, this.#said, this.#deeds(id), this.#facts]);
    this.node = element("li", { class: "call" }, [this.#head, this.#more]);
    this.show(call);
  }

  /** @param {Call} call as it is now */
  show(call) {
    this.call = call;
    const going = call.phase === "connecting" ? "troubled" : this.isInNeed ? "in-need" : "going";
    this.node.dataset["state"] = this.life === "ended" ? "ended" : going;
    write(this.#who, call.from ?? `${capital(call.dialect)} caller`);
    // As the events name it.
    write(this.#id, short(call.callId));
    write(this.#phase, this.#doing());
    write(this.#on, call.provider);
    const [first] = call.tiers;
    write(this.#insteadOf, first === undefined || first === call.provider || this.life === "ended" ? "" : `instead of ${first}`);
    write(this.#age, clock(call.ageMs));
    // Speech is about 0.1; a square root shows it at half height.
    this.#callerVoice.style.transform = `scaleY(${Math.max(0.07, Math.min(1, 1.6 * Math.sqrt(call.levels.caller)))})`;
    this.#agentVoice.style.transform = `scaleY(${Math.max(0.07, Math.min(1, 1.6 * Math.sqrt(call.levels.agent)))})`;
    this.#hold.setAttribute("aria-pressed", String(call.held));
    this.#mute.setAttribute("aria-pressed", String(call.muted));
    this.#showTiers(call);
    if (this.isOpen) this.#showFacts(call);
  }

  /** Whether its caller called for help. */
  get isInNeed() {
    return this.call.states["need"] === "inNeed";
  }

  /** How soon somebody should look at it: who called for help first, then who waits for a provider. */
  get rank() {
    if (this.life === "ended") return 3;
    return this.isInNeed ? 0 : this.call.phase === "connecting" ? 1 : 2;
  }

  get isOpen() {
    return !this.#more.hidden;
  }

  /** @param {boolean} open */
  open(open) {
    this.#more.hidden = !open;
    this.#head.setAttribute("aria-expanded", String(open));
    if (!open) return;
    this.#showFacts(this.call);
    void this.refresh();
  }

  /** The call is over; what was said stays until the row is closed. */
  end() {
    this.life = "ended";
    for (const control of this.#more.querySelectorAll("button, input, select")) control.setAttribute("disabled", "");
    this.show({ ...this.call, levels: { caller: 0, agent: 0 } });
  }

  /** Reads again what was said. */
  async refresh() {
    if (this.life === "ended") return;
    try {
      const { turns } = await this.#api.get(`v1/calls/${encodeURIComponent(this.call.callId)}`);
      this.#showTurns(turns);
    } catch (problem) {
      // Over in this moment: the next list says so.
      if (!(problem instanceof Refusal && problem.status === 404)) this.#complain(problem);
    }
  }

  #doing() {
    const { phase, held, muted, states } = this.call;
    if (this.life === "ended") return "Over";
    const isMoving = (states["move"] ?? "none") !== "none";
    const doing = phase === "connecting" ? "waiting for a provider" : isMoving ? "moving to another provider" : phase;
    const words = [...(this.isInNeed ? ["called for help"] : []), held ? "on hold" : doing, ...(muted ? ["caller muted"] : [])];
    return capital(words.join(", "));
  }

  /** @param {readonly Turn[]} turns */
  #showTurns(turns) {
    const atEnd = this.#said.scrollHeight - this.#said.scrollTop - this.#said.clientHeight < 40;
    const items = turns.map((turn) =>
      element("li", { class: `${turn.role}${turn.interrupted ? " interrupted" : ""}` }, [
        element("time", {}, [clock(turn.startMs)]),
        element("b", {}, [turn.role === "caller" ? "Caller" : "Agent"]),
        element("span", {}, [turn.text]),
      ]),
    );
    this.#said.replaceChildren(...items);
    if (atEnd) this.#said.scrollTop = this.#said.scrollHeight;
  }

  /** @param {Call} call */
  #showFacts(call) {
    const facts = {
      Agent: call.agent,
      Language: call.language,
      Line: call.dialect,
      Call: call.callId,
      State: Object.entries(call.states)
        .filter(([, state]) => state !== "")
        .map(([region, state]) => `${region} ${state}`)
        .filter((state) => !usual.has(state))
        .join(" · "),
      ...(call.quality !== undefined && { "Line quality": lineWords(call.quality) }),
      ...(call.replayedMs > 0 && { Replayed: seconds(call.replayedMs) }),
      ...(call.lostMs > 0 && { Lost: seconds(call.lostMs) }),
    };
    this.#facts.replaceChildren(
      ...Object.entries(facts).map(([name, value]) => element("div", {}, [element("dt", {}, [name]), element("dd", {}, [value])])),
    );
  }

  /** @param {Call} call */
  #showTiers({ tiers, provider }) {
    const others = tiers.filter((tier) => tier !== provider);
    const shown = [...this.#tiers.options].map(({ value }) => value);
    if (shown.join() === ["", ...others].join()) return;
    const option = (/** @type {string} */ value, /** @type {string} */ text) => element("option", { value }, [text]);
    this.#tiers.replaceChildren(option("", "the next that is well"), ...others.map((tier) => option(tier, tier)));
  }

  /** @param {string} id */
  #deeds(id) {
    const say = element("input", { id: `${id}-say`, type: "text", maxlength: "2000", autocomplete: "off", enterkeyhint: "send" }, []);
    const target = element(
      "input",
      { id: `${id}-to`, type: "text", autocomplete: "off", placeholder: "+49… or sip:…", spellcheck: "false" },
      [],
    );
    this.#tiers.id = `${id}-tier`;
    return element("div", { class: "deeds" }, [
      line(say, "Say", "Speak", async () => {
        if (await this.#order("say", { text: say.value })) say.value = "";
      }),
      line(this.#tiers, "Move to", "Move", () => this.#order("switch", this.#tiers.value === "" ? {} : { provider: this.#tiers.value })),
      line(target, "Send on to", "Transfer", async () => {
        if (await this.#order("transfer", { target: target.value.trim() })) target.value = "";
      }),
      element("div", { class: "buttons" }, [this.#hold, this.#mute, this.#hangUp]),
    ]);
  }

  /** Once to ask, once more to do: at night a finger slips. */
  async #hangUpWhenSure() {
    if (this.#hangUp.classList.contains("sure")) return void (await this.#order("hang-up", {}));
    this.#hangUp.classList.add("sure");
    write(this.#hangUp, "Press again to hang up");
    setTimeout(() => {
      this.#hangUp.classList.remove("sure");
      write(this.#hangUp, "Hang up");
    }, sureMs);
  }

  /**
   * @param {string} verb
   * @param {object} body
   * @returns {Promise<boolean>} whether the server took it
   */
  async #order(verb, body) {
    try {
      await this.#api.post(`v1/calls/${encodeURIComponent(this.call.callId)}/${verb}`, body);
      this.#complaint.hidden = true;
      this.#told(`${capital(verb.replace("-", " "))}: done`);
      await this.refresh();
      return true;
    } catch (problem) {
      this.#complain(problem);
      return false;
    }
  }

  /** @param {unknown} problem */
  #complain(problem) {
    this.#complaint.hidden = false;
    write(this.#complaint, problem instanceof Refusal ? capital(problem.message) : "The server could not be reached; try again.");
  }
}

/** @param {NonNullable<Call["quality"]>} quality */
function lineWords({ mosEstimate, lossShare, jitterMs, delayMs }) {
  const facts = [
    ...(mosEstimate === undefined ? [] : [`about ${mosEstimate.toFixed(1)} of 4.5 (estimated MOS)`]),
    ...(lossShare === undefined ? [] : [`${(lossShare * 100).toFixed(1)} % lost`]),
    ...(jitterMs === undefined ? [] : [`${Math.round(jitterMs)} ms jitter`]),
    ...(delayMs === undefined ? [] : [`${Math.round(delayMs)} ms away`]),
  ];
  return facts.length === 0 ? "not told by this line" : facts.join(", ");
}

/**
 * @param {string} text
 * @param {() => unknown} deed
 */
function button(text, deed) {
  const node = element("button", { class: "act", type: "button" }, [text]);
  node.addEventListener("click", () => void deed());
  return node;
}

/**
 * @param {HTMLInputElement | HTMLSelectElement} input
 * @param {string} name
 * @param {string} verb
 * @param {() => unknown} deed
 */
function line(input, name, verb, deed) {
  const form = element("form", { class: "field" }, [
    element("label", { for: input.id }, [name]),
    input,
    element("button", { class: "act", type: "submit" }, [verb]),
  ]);
  form.addEventListener("submit", (submit) => {
    submit.preventDefault();
    if (input instanceof HTMLSelectElement || input.value.trim() !== "") void deed();
  });
  return form;
}

/**
 * @param {Element} node
 * @param {string} text
 */
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
