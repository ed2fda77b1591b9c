import { setTimeout as delay } from "node:timers/promises";
import { mostFigure, type Figure } from "./figure.ts";
import { openWorld } from "./world.ts";

/** Calls that come after it was shut, one after the other. */
const laterCalls = 20;
const laterEveryMs = 250;
const shutLimitMs = 60_000;
const lookEveryMs = 5;
/** The log tells of a probe a little after it. */
const logLateMs = 250;

/** A provider that takes every call and closes it after `afterMs`. */
export async function flapping(afterMs: number): Promise<readonly Figure[]> {
  await using world = await openWorld(["openai", "gemini"], { LOG_LEVEL: "debug" });
  const panel = world.panel("openai");
  panel.acceptThenClose(afterMs);
  world.panel("gemini").script = () => ({ text: "Good day.", ms: 200 });
  const startedMs = performance.now();
  await using _first = await world.dials();
  while ((await world.breakerOf("openai")) !== "open") {
    if (performance.now() - startedMs > shutLimitMs) throw new Error(`not shut within ${shutLimitMs} ms, after ${panel.dials} dials`);
    await delay(lookEveryMs);
  }
  await delay(logLateMs);
  const untilShut = panel.dials - probes(world.server.log);
  for (let call = 0; call < laterCalls; call += 1) {
    await using caller = await world.dials();
    await caller.hears();
    await delay(laterEveryMs);
  }
  await delay(logLateMs);
  const later = panel.dials - probes(world.server.log) - untilShut;
  const what = `closed ${afterMs.toLocaleString("en")} ms after each accept:`;
  return [
    mostFigure(`${what} dials until it is shut (beside the probes)`, untilShut, 3),
    mostFigure(`${what} dials of ${laterCalls} later calls (beside the probes)`, later, 0),
  ];
}

const probes = (log: readonly string[]): number =>
  log.filter((line) => line.includes('"health_probe"') && line.includes('"openai"')).length;
