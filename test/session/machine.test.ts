import { expect, test } from "vitest";
import { initialTransition, transition } from "xstate";
import { Fault } from "../../src/kernel/fault.ts";
import type { Call } from "../../src/session/call.ts";
import type { SessionEvent } from "../../src/session/events.ts";
import { plainManners } from "../../src/session/manners.ts";
import { sessionMachine } from "../../src/session/machine.ts";

const opened: SessionEvent = { type: "link.opened", provider: "a" };
const asked: SessionEvent = { type: "operator.askedSwitch", provider: "b" };
const ready: SessionEvent = { type: "successor.ready" };
const bides: SessionEvent = { type: "successor.mustBide" };
const expiring: SessionEvent = { type: "link.expiring", provider: "a", inMs: 60_000 };
const spoke: SessionEvent = { type: "caller.spoke" };
const finished: SessionEvent = { type: "caller.finished" };
const answered: SessionEvent = { type: "agent.spoke" };
const heard: SessionEvent = { type: "agent.wasHeard" };
const dropped = new Fault("provider-dropped", "the socket closed with 1006");
const key = new Fault("provider-key", "the key was refused");
const lost: SessionEvent = { type: "link.lost", fault: dropped };
const failed = (fault: Fault, attempts: number): SessionEvent => ({ type: "dial.failed", fault, provider: "a", attempts });

test.each([
  { name: "a link that is lost is dialled for at once", events: [opened, lost], state: { link: "dialling" } },
  { name: "what may pass is waited for", events: [failed(dropped, 2)], state: { link: "backingOff" } },
  { name: "a move waits until its link is ready", events: [opened, asked], state: { link: "linked", move: { underway: "preparing" } } },
  { name: "between turns a move is made at once", events: [opened, asked, ready], state: { move: { underway: "takingOver" } } },
  { name: "and is over with its link", events: [opened, asked, ready, opened], state: { move: "none" } },
  {
    name: "a move waits for a caller who speaks",
    events: [opened, spoke, asked, ready],
    state: { move: { underway: "ready" }, turn: "hearing" },
  },
  { name: "and for the answer", events: [opened, spoke, finished, asked, ready, answered], state: { move: { underway: "ready" } } },
  {
    name: "until it was heard",
    events: [opened, spoke, finished, asked, ready, answered, heard],
    state: { move: { underway: "takingOver" } },
  },
  { name: "what cannot wait is opened between two turns", events: [opened, spoke, asked, bides], state: { move: { underway: "biding" } } },
  {
    name: "and then at once",
    events: [opened, spoke, asked, bides, { type: "caller.dismissed" }],
    state: { move: { underway: "opening" } },
  },
  {
    name: "and anew where more was said than it was told",
    events: [opened, asked, ready, spoke, bides],
    state: { move: { underway: "biding" } },
  },
  {
    name: "a session that is ended by its provider is left before",
    events: [opened, expiring],
    state: { move: { underway: "preparing" } },
  },
  { name: "a move ends with the link that it should leave", events: [opened, asked, lost], state: { move: "none", link: "dialling" } },
  {
    name: "a successor that is lost before its time changes nothing",
    events: [opened, spoke, asked, ready, { type: "successor.failed", fault: dropped }],
    state: { move: "none", link: "linked" },
  },
] as const)("$name", ({ events, state }) => {
  expect(run(events).state.value).toMatchObject({ live: state });
});

test.each([
  { name: "what cannot pass ends the call", event: failed(key, 1) },
  { name: "and so does a ladder that is at its end", event: failed(dropped, 7) },
])("$name", ({ event }) => {
  expect(run([event]).state.value).toBe("ended");
  expect(run([event]).actions).toContain("tellGaveUp");
});

test("neither ends the call of somebody who called for help", () => {
  const events: readonly SessionEvent[] = [{ type: "caller.calledForHelp" }, failed(key, 1), failed(dropped, 7)];
  expect(run(events).state.value).toMatchObject({ live: { link: "backingOff", need: "inNeed" } });
});

test("a move takes over once, a session that is left dials nothing", () => {
  const { actions } = run([opened, asked, ready]);
  expect(actions.filter((action) => action === "takeOver")).toHaveLength(1);
  expect(actions).not.toContain("dial");
});

function run(events: readonly SessionEvent[]) {
  // Guards never read the call and no action runs here; only the waits are asked for.
  const call = { backoffMs: () => 0, answer: { limitMs: 20_000 } } as unknown as Call;
  let [state] = initialTransition(sessionMachine, {
    call,
    attemptLimit: 7,
    holdLimitMs: 30_000,
    drainLimitMs: 60_000,
    manners: plainManners,
    isPlaced: false,
    isRestored: false,
  });
  const actions: string[] = [];
  for (const event of events) {
    const [next, effects] = transition(sessionMachine, state, event);
    state = next;
    actions.push(...effects.map((effect) => effect.type));
  }
  return { state, actions };
}
