import { expect, test } from "vitest";
import { initialTransition, transition } from "xstate";
import type { Call } from "../../src/session/call.ts";
import { Fault } from "../../src/kernel/fault.ts";
import type { SessionEvent } from "../../src/session/events.ts";
import { sessionMachine } from "../../src/session/machine.ts";

const opened: SessionEvent = { type: "link.opened" };
const asked: SessionEvent = { type: "operator.askedSwitch" };
const lost = (fault: Fault): SessionEvent => ({ type: "link.lost", fault });
const dropped = new Fault("provider-dropped", "the socket closed with 1006");
const limited = new Fault("provider-limited", "429", { retryAfterMs: 60_000 });
const silent = new Fault("provider-silent", "no answer");
const key = new Fault("provider-key", "the key was refused");

test.each([
  { name: "a dropped link is tried again where it was", tiers: ["a", "b"], events: [opened, lost(dropped)], link: "backingOff" },
  { name: "a bad key hands over", tiers: ["a", "b"], events: [opened, lost(key)], link: { linked: "opening" } },
  { name: "a wait hands over where another tier is", tiers: ["a", "b"], events: [lost(limited)], link: { linked: "opening" } },
  { name: "a wait is waited for where none is", tiers: ["a"], events: [lost(limited)], link: "backingOff" },
  { name: "silence hands over where another tier is", tiers: ["a", "b"], events: [opened, lost(silent)], link: { linked: "opening" } },
  { name: "a switch hands over", tiers: ["a", "b"], events: [opened, asked], link: { linked: "opening" } },
  { name: "a switch to nowhere changes nothing", tiers: ["a"], events: [opened, asked], link: { linked: "open" } },
] as const)("$name", ({ tiers, events, link }) => {
  expect(run(tiers, events).state.value).toMatchObject({ live: { link } });
});

test("a switch that was asked for is not told as a failure, a lost provider is", () => {
  expect(run(["a", "b"], [opened, asked]).actions).not.toContain("tellGaveUp");
  expect(run(["a", "b"], [opened, lost(key)]).actions).toContain("tellGaveUp");
});

function run(tiers: readonly string[], events: readonly SessionEvent[]) {
  // Guards never read the call and no action runs here; only the wait is asked for.
  const call = { backoffMs: () => 0 } as unknown as Call;
  let [state] = initialTransition(sessionMachine, { call, tiers, attemptLimit: 7, holdLimitMs: 30_000, drainLimitMs: 60_000 });
  const actions: string[] = [];
  for (const event of events) {
    const [next, effects] = transition(sessionMachine, state, event);
    state = next;
    actions.push(...effects.map((effect) => effect.type));
  }
  return { state, actions };
}
