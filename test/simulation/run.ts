import { FaultPlan } from "./faults.ts";
import { stepMs, type LostStretch, type SimCaller } from "./sim-caller.ts";
import { usualDoor } from "./sim-provider.ts";
import { World } from "./world.ts";

/** What one seed came to. */
export interface Outcome {
  readonly seed: number;
  readonly calls: number;
  readonly simulatedMs: number;
  readonly faults: number;
  readonly violations: readonly string[];
  readonly met: ReadonlyMap<string, number>;
  readonly handOvers: { readonly planned: number; readonly failover: number };
  readonly recoveries: number;
  readonly replays: number;
  readonly lost: readonly (LostStretch & { readonly call: number })[];
  /** Longest that a call was without a link though some provider was well all that time. */
  readonly worstGapMs: number;
  readonly hash: string;
}

/** So long callers talk, and faults happen. */
export const talksMs = 60_000;
/** After the last fault every call is well again, or over. */
const activeWithinMs = 40_000;
const closedWithinMs = 90_000;
/** A provider that hears a replay hardly faster than real time needs long to be abreast, and a bridged call leaves who failed it alone. */
const answeredWithinMs = 400_000;
/** No fault lasts longer. */
const longestMs = 200_000;

/** Whole calls from one seed, with all their faults, to the end, and what is wrong with them. */
export async function run(seed: number, follow: (line: string) => void = () => {}): Promise<Outcome> {
  const world = new World(seed, talksMs, follow);
  const faults = new FaultPlan(world, talksMs);
  for (const caller of world.callers) caller.dial();
  while ((world.clock.now() < talksMs || !faults.isOver) && world.clock.now() < longestMs) {
    faults.step();
    await world.step();
  }
  heal(world);
  await recover(world);
  conversations(world);
  for (const caller of world.callers) {
    if (caller.leg.bridgeLines > 0) world.meet("bridge line heard");
    caller.hangUp();
  }
  await leavesNothing(world);
  return {
    seed,
    calls: world.callers.length,
    simulatedMs: world.clock.now(),
    faults: faults.begun,
    violations: world.violations,
    met: world.met,
    handOvers: world.ledger.handOvers,
    recoveries: world.ledger.recoveries,
    replays: world.ledger.replays,
    lost: world.callers.flatMap((caller) => caller.lost.map((stretch) => ({ ...stretch, call: caller.number }))),
    worstGapMs: world.worstGapMs,
    hash: world.ledger.hash,
  };
}

function heal(world: World): void {
  for (const provider of world.providers) {
    provider.door = usualDoor;
    provider.isSilent = provider.stutters = provider.talksOn = false;
  }
  if (!world.node.isUp) world.restart();
}

/** I18: each caller asks once more, and hears the answer, or the call is over. */
async function recover(world: World): Promise<void> {
  const sinceMs = world.clock.now();
  const isOver = (caller: SimCaller): boolean => caller.isGone || world.isOver(caller.callId);
  const isWell = (caller: SimCaller): boolean => isOver(caller) || isAnswered(world, caller);
  const away = new Set(world.callers);
  while (world.clock.now() < sinceMs + answeredWithinMs && !world.callers.every(isWell)) {
    await world.step();
    for (const caller of away) {
      const link = world.linkOf(caller);
      if (caller.isAway || caller.leg.line === undefined || link === undefined || link.provider.traits.stopgap) continue;
      away.delete(caller);
      caller.askLast();
    }
    const overdueMs = world.clock.now() - sinceMs - activeWithinMs;
    if (overdueMs < 0 || overdueMs >= stepMs) continue;
    for (const caller of away)
      if (!isOver(caller) && world.linkOf(caller) === undefined)
        world.violation(`I18: call ${caller.number} has no link ${activeWithinMs / 1000} s after the last fault`);
  }
  for (const caller of world.callers)
    if (!isWell(caller)) world.violation(`I18: call ${caller.number} is not answered though the faults are over`);
}

/** The agent had the last word, and the caller heard it. */
function isAnswered(world: World, caller: SimCaller): boolean {
  if (!caller.isDone) return false;
  const words = caller.said.at(-1)?.words ?? "";
  const turns = world.node.roster.records(caller.callId);
  const asked = turns.findLastIndex(({ role, text }) => role === "caller" && text.includes(words));
  return (
    asked >= 0 &&
    turns.slice(asked).some(({ role, text }) => role === "agent" && text !== "") &&
    world.node.roster.call(caller.callId)?.phase === "listening"
  );
}

/** I2 and I5: every word of the caller once, in order; every tool call run once. */
function conversations(world: World): void {
  for (const caller of world.callers) {
    const turns = world.node.roster.records(caller.callId);
    if (turns.length === 0) continue;
    const said = caller.said.filter((turn) => turn.kind !== "noise");
    const expected = said
      .filter(({ excuse }) => excuse === undefined)
      .flatMap((turn) => (turn.kind === "typed" ? [turn.words] : turn.segments.map(({ words }) => words)));
    const known = turns.flatMap(({ role, text }) => (role === "caller" ? (text.match(/(?:turn|rest|typed) \d+/g) ?? []) : []));
    const isTyped = (words: string): boolean => words.startsWith("typed");
    // What is typed does not wait for a replay, so only among its own kind is it in order.
    for (const [kind, keep] of [
      ["typed", isTyped],
      ["said", (words: string) => !isTyped(words)],
    ] as const) {
      const wanted = expected.filter(keep);
      const had = known.filter(keep);
      if (new Set(had).size !== had.length) caller.fault(`I5: the conversation has twice what the caller ${kind}: ${had.join(", ")}`);
      const missing = wanted.filter((words) => !had.includes(words));
      if (missing.length > 0) caller.fault(`I5: the conversation lacks ${missing.join(", ")}`);
      const inOrder = had.map((words) => Number(words.split(" ")[1]));
      if (inOrder.some((number, at) => number < (inOrder[at - 1] ?? 0))) caller.fault(`I3: out of order: ${had.join(", ")}`);
    }
  }
  for (const [call, runs] of world.toolRuns) if (runs > 1 + world.kills) world.violation(`I5: the tool ran ${runs} times for ${call}`);
}

/** I9, I10, I18: one end, one account, and after it nothing. */
async function leavesNothing(world: World): Promise<void> {
  const { node, ledger, callers } = world;
  const isShut = (): boolean => node.guards.views().some(({ breaker }) => breaker.state !== "closed");
  const untilMs = world.clock.now() + closedWithinMs - activeWithinMs;
  while (node.roster.size > 0 ? world.clock.now() < untilMs + 40_000 : isShut() && world.clock.now() < untilMs)
    await world.clock.advance(1_000);
  if (isShut())
    world.violation(
      `I18: a breaker is not closed: ${JSON.stringify(node.guards.views().map(({ provider, breaker }) => [provider, breaker.state]))}`,
    );
  if (node.roster.size > 0) world.violation("I10: a call is not over though its caller is gone");
  for (const caller of callers) {
    const account = ledger.calls.get(caller.callId);
    if (account === undefined || account.begun !== 1) world.violation(`I10: call ${caller.number} began ${account?.begun} times`);
    else lostAsTold(caller, account.lostMs, world);
  }
  node.stop();
  await world.clock.advance(10_000);
  if (node.armed > 0) world.violation(`I9: ${node.armed} timers are left`);
  for (const { name, links } of world.providers) if (links.size > 0) world.violation(`I9: ${links.size} links of ${name} are left`);
}

/** I2: what no link heard is what the call itself counts as lost. */
function lostAsTold(caller: SimCaller, told: ReadonlyMap<string, number>, world: World): void {
  const unheardMs = caller.sent.ms - caller.heardToMs;
  const lostMs = caller.lost.reduce((sum, { fromMs, toMs, cause }) => (cause === "overflow" ? sum + toMs - fromMs : sum), 0);
  if (unheardMs > 0) caller.lost.push({ fromMs: caller.heardToMs, toMs: caller.sent.ms, cause: "unheard" });
  const overflowMs = told.get("uplink overflow") ?? 0;
  const waitingMs = told.get("uplink unheard") ?? 0;
  // A node that was killed told nothing of what it had lost before.
  if (world.kills > 0) return;
  // Of what came to no link at the end of a call, the ring may have pushed out the beginning before the call was given up.
  const missingMs = Math.round(lostMs + unheardMs);
  const toldMs = Math.round(overflowMs + waitingMs);
  if (Math.abs(missingMs - toldMs) > 150) caller.fault(`I2: ${missingMs} ms came to no link, ${toldMs} ms are counted`);
  if (lostMs - overflowMs > 150)
    caller.fault(`I2: ${Math.round(lostMs)} ms were lost on the way, ${Math.round(overflowMs)} ms are counted`);
}
