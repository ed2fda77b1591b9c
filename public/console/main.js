import { byId, element, write } from "../page/element.js";
import { Api, Refusal } from "./api.js";
import { CallRow } from "./call-row.js";
import { EventStream } from "./event-stream.js";
import { ProviderCard } from "./provider-card.js";
import { capital, counted, lineOf } from "./words.js";

/** @typedef {import("../../src/http/api/shapes.ts").BriefCall} Call */
/** @typedef {import("../../src/http/api/shapes.ts").ProviderView} Provider */
/** @typedef {{ version: string; state: "serving" | "draining"; calls: number; refuses?: string; cost?: { usd: number; unpricedCalls: number; budgetUsed: { day?: number } } }} Node */

const eventsShown = 60;
const lookEveryMs = 5_000;

const api = new Api(new URL("../", location.href));
const callList = byId("call-list", HTMLElement);
const providerList = byId("provider-list", HTMLElement);
const eventList = byId("event-list", HTMLElement);
/** @type {Map<string, CallRow>} */
const rows = new Map();
/** @type {Map<string, { card: ProviderCard; seen: Provider }>} */
const cards = new Map();
/** @type {Node | undefined} */
let node;
/** Calls in progress, also those that are too many to be listed. */
let total = 0;
/** When the server was last heard; undefined while it is. */
let /** @type {Date | undefined} */ lostAt;

const list = {
  /** @param {CallRow} row */
  opened(row) {
    const open = !row.isOpen;
    for (const each of rows.values()) each.open(each === row && open);
    sweep();
  },
  /** @param {string} text */
  told: (text) => write("told", text),
};

/** @param {readonly Call[]} calls */
function showCalls(calls) {
  const ids = new Set(calls.map(({ callId }) => callId));
  for (const [id, row] of rows) if (!ids.has(id) && row.life === "going") row.end();
  for (const call of calls) {
    const row = rows.get(call.callId);
    if (row !== undefined) row.show(call);
    else {
      const added = new CallRow(call, api, list);
      rows.set(call.callId, added);
      callList.append(added.node);
    }
  }
  sweep();
  sort();
  for (const row of rows.values()) if (row.isOpen) void row.refresh();
}

/** Those that should be looked at come first, then the oldest. Under the hands of somebody who works on a call nothing moves. */
function sort() {
  if ([...rows.values()].some((row) => row.isOpen)) return;
  const wanted = [...rows.values()].sort((a, b) => a.rank - b.rank);
  for (const [at, row] of wanted.entries()) {
    const there = callList.children[at];
    if (there !== row.node) callList.insertBefore(row.node, there ?? null);
  }
}

/** Calls that are over go, but for the one that is being read. */
function sweep() {
  for (const [id, row] of rows) {
    if (row.life === "going" || row.isOpen) continue;
    row.node.remove();
    rows.delete(id);
  }
  byId("no-calls", HTMLElement).hidden = rows.size > 0;
  const listed = [...rows.values()].filter((row) => row.life === "going").length;
  write("calls-count", total === 0 ? "" : total > listed ? `the oldest ${listed} of ${total}` : String(total));
}

/** @param {Provider} provider */
function showProvider(provider) {
  let place = cards.get(provider.provider);
  if (place === undefined) {
    const card = new ProviderCard(provider.provider, (order) => void orderBreaker(provider.provider, order));
    place = { card, seen: provider };
    cards.set(provider.provider, place);
    providerList.append(card.node);
  }
  place.seen = provider;
  place.card.show(provider);
}

/**
 * @param {string} name
 * @param {"auto" | "open" | "closed"} order
 */
async function orderBreaker(name, order) {
  try {
    await api.post(`v1/providers/${encodeURIComponent(name)}/breaker`, { order });
    write("told", `${name}: ${order}`);
    await look();
  } catch (problem) {
    showEvent(
      { mood: "bad", text: `${capital(name)} was not changed: ${problem instanceof Refusal ? problem.message : "no answer"}` },
      new Date(),
    );
  }
}

/**
 * @param {import("./words.js").Line} line
 * @param {Date} at
 */
function showEvent({ mood, text }, at) {
  const time = element("time", { datetime: at.toISOString() }, [at.toLocaleTimeString([], { hour12: false })]);
  eventList.prepend(element("li", { "data-mood": mood }, [time, element("span", {}, [text])]));
  while (eventList.children.length > eventsShown) eventList.lastElementChild?.remove();
  byId("no-events", HTMLElement).hidden = true;
}

/** The whole state in one sentence, and what follows from it in another. */
function showSummary() {
  const seen = [...cards.values()].map(({ seen: each }) => each);
  const shut = seen.filter(({ breaker }) => breaker.state === "open");
  const ill = seen.filter((each) => each.health === "unhealthy" && !shut.includes(each));
  const names = (/** @type {Provider[]} */ some, between = " and ") => some.map(({ provider }) => provider).join(between);
  const going = [...rows.values()].filter((row) => row.life === "going");
  const inNeed = going.filter((row) => row.isInNeed).length;
  const waiting = going.filter((row) => row.call.phase === "connecting").length;
  const calls = total === 0 ? "nobody is on the line" : counted(total, "call");
  const spent = node?.cost?.budgetUsed.day ?? 0;
  const trouble = [
    ...(node?.refuses !== undefined && node.state === "serving" ? ["new callers refused"] : []),
    ...(inNeed > 0 ? [`${counted(inNeed, "caller")} in need`] : []),
    ...(waiting > 0 ? [`${counted(waiting, "caller")} without a provider`] : []),
    ...(shut.length > 0 ? [`${names(shut)} kept away`] : []),
    ...(ill.length > 0 ? [`${names(ill)} unhealthy`] : []),
  ];
  if (lostAt !== undefined) {
    write("summary", `No word from the server since ${lostAt.toLocaleTimeString([], { hour12: false })}.`);
    write("advice", "What you see is from then. It is tried again every two seconds.");
    return;
  }
  write("summary", trouble.length === 0 ? `All quiet: ${calls}.` : `${capital(calls)}, ${trouble.join(", ")}.`);
  const well = seen.filter(({ health, breaker }) => health !== "unhealthy" && breaker.state !== "open");
  const advice = [
    ...(node?.state === "draining" ? ["This server is draining: it takes no new calls."] : []),
    ...(node?.refuses !== undefined && node.state === "serving" ? [`New callers are told: ${node.refuses}.`] : []),
    ...(shut.length + ill.length > 0
      ? [well.length === 0 ? "No provider is left for new calls." : `Calls are answered by ${names(well, ", then ")}.`]
      : []),
    ...(spent >= 0.8 ? [`${Math.floor(100 * spent)} % of the day's budget is spent.`] : []),
  ];
  write("advice", advice.join(" "));
}

function showNode() {
  const chip = byId("node", HTMLElement);
  chip.hidden = node === undefined;
  chip.title = node === undefined ? "" : `Version ${node.version}`;
  chip.dataset["state"] = node?.state ?? "";
  write("node", node === undefined ? "" : node.state === "draining" ? "Draining" : "Serving");
  const cost = node?.cost;
  byId("cost", HTMLElement).hidden = cost === undefined;
  const unpriced = cost === undefined || cost.unpricedCalls === 0 ? "" : ` and ${counted(cost.unpricedCalls, "call")} without a price`;
  const used = cost?.budgetUsed.day;
  write("cost", cost === undefined ? "" : `$${cost.usd.toFixed(2)} today${unpriced}`);
  byId("budget", HTMLElement).hidden = used === undefined;
  write("budget", used === undefined ? "" : `${Math.floor(100 * used)} % of the budget`);
}

/** What no event tells: latencies, limits, cost. */
async function look() {
  const [{ providers }, seen] = await Promise.all([api.get("v1/providers"), api.get("v1/node")]);
  node = seen;
  for (const provider of providers) showProvider(provider);
  showNode();
  showSummary();
}

/** @param {"waiting" | "live" | "lost"} state */
function showLink(state) {
  document.body.dataset["link"] = state;
  write("link", { waiting: "Connecting", live: "Live", lost: "Connection lost" }[state]);
  for (const id of ["calls", "side"]) byId(id, HTMLElement).hidden = state === "waiting";
}

const listener = {
  opened() {
    lostAt = undefined;
    showLink("live");
    byId("key-form", HTMLElement).hidden = true;
    void look().catch(() => undefined);
  },
  /** @type {import("./event-stream.js").Listener["told"]} */
  told(event, data) {
    if (event === "calls") {
      total = data.total;
      showCalls(data.calls);
      showSummary();
      return;
    }
    if (event === "provider.changed") showProvider(data);
    const line = lineOf(event, data);
    if (line !== undefined) showEvent(line, new Date(data.at ?? Date.now()));
    showSummary();
  },
  lost() {
    lostAt ??= new Date();
    showLink("lost");
    showSummary();
  },
};

async function watch() {
  const refusal = await new EventStream().read(api, "v1/events?calls=1&last=500", listener);
  showLink("waiting");
  write("link", "Closed");
  write("advice", refusal.status === 401 ? "" : capital(refusal.message));
  write("summary", refusal.status === 401 ? "Who is there?" : "This door is shut.");
  byId("key-form", HTMLElement).hidden = refusal.status !== 401;
  byId("key", HTMLInputElement).focus();
}

byId("key-form", HTMLFormElement).addEventListener("submit", (submit) => {
  submit.preventDefault();
  const input = byId("key", HTMLInputElement);
  api.useKey(input.value.trim());
  input.value = "";
  write("key-why", "That key was not accepted; this is the value of LINEKEEPER_API_KEY.");
  void watch();
});
setInterval(() => {
  // A failure here shows in the event stream too, which says it better.
  if (document.body.dataset["link"] === "live" && !document.hidden) void look().catch(() => undefined);
}, lookEveryMs);
void watch();
