import { expect, test } from "vitest";
import { bytesOf } from "../../src/audio/encodings.ts";
import { Fault, type FaultCode } from "../../src/kernel/fault.ts";
import { seededRandom, type Random } from "../../src/kernel/random.ts";
import { startHouse, type House, type PuppetLink, type PuppetProvider } from "./house.ts";

const seeds = Array.from({ length: 40 }, (_, seed) => seed + 1);
const passing: readonly FaultCode[] = ["provider-dropped", "provider-overloaded", "provider-silent", "provider-key"];

/** A talk of a minute in which providers refuse, die and come back at random; the caller speaks, pauses and is answered. */
async function talk(house: House, random: Random): Promise<{ sent: readonly number[]; turns: readonly { from: number; to: number }[] }> {
  const caller = house.dial();
  const turns: { from: number; to: number }[] = [];
  const any = <Item>(items: readonly Item[]): Item => {
    const item = items[Math.floor(random.next() * items.length)];
    if (item === undefined) throw new Error("nothing to choose from");
    return item;
  };
  const live = (): PuppetLink | undefined =>
    [...house.providers.values()]
      .map((provider) => provider.links.at(-1))
      .find((link) => link !== undefined && !link.told.includes("close"));
  const stir = (): void => {
    const provider: PuppetProvider = any([...house.providers.values()]);
    if (random.next() < 0.15) provider.refusal = new Fault("provider-unreachable", "connection refused");
    if (random.next() < 0.5) provider.refusal = undefined;
    if (random.next() < 0.12) live()?.tells({ type: "link.lost", fault: new Fault(any(passing), "lost by lot") });
  };
  for (let turn = 0; turn < 8 && caller.leg.ended === undefined; turn += 1) {
    await caller.speaks(20 * Math.ceil(random.next() * 40));
    const from = caller.sent.length;
    const told = new Set<PuppetLink>();
    const lengthMs = 20 * Math.ceil(20 + random.next() * 120);
    for (let spoken = 0; spoken < lengthMs; spoken += 100) {
      await caller.speaks(100);
      stir();
      const link = live();
      if (link !== undefined && !told.has(link) && link.heardMs > 0) {
        told.add(link);
        const behindMs = (caller.sent.length - from) / 32;
        link.tells({ type: "caller.spoke", turnId: `c${turn}`, uplinkMs: Math.max(0, link.heardMs - behindMs) });
      }
    }
    turns.push({ from, to: caller.sent.length });
    await caller.speaks(600);
    const link = live();
    if (link === undefined || !told.has(link)) continue;
    link.tells(
      { type: "caller.transcribed", turnId: `c${turn}`, text: `turn ${turn}`, final: true },
      { type: "caller.finished", turnId: `c${turn}`, uplinkMs: link.heardMs - 600 },
    );
    link.speaks(`a${turn}`, `answer ${turn}`, 20 * Math.ceil(random.next() * 60));
    await caller.speaks(1_500);
  }
  return { sent: caller.sent, turns };
}

/** Where in the caller's audio a link's audio lies; undefined when it is not one gapless stretch of it. */
function stretch(link: PuppetLink, sent: readonly number[]): { from: number; to: number } | undefined {
  const heard = Buffer.from(link.heard);
  const from = Buffer.from(sent).indexOf(heard);
  return heard.length === 0 || from < 0 ? undefined : { from, to: from + heard.length };
}

test.each(seeds)("whatever dies when, every word is heard whole by some link, or is still waiting for one (seed %i)", async (seed) => {
  const house = startHouse({ tiers: ["alpha", "beta", "gamma"] });
  const { sent, turns } = await talk(house, seededRandom(seed));
  const links = [...house.providers.values()].flatMap((provider) => provider.links).filter((link) => link.heard.length > 0);
  const stretches = links.map((link) => stretch(link, sent));
  expect(stretches, "each link heard one gapless stretch, nothing twice").not.toContain(undefined);
  const last = Math.max(...stretches.map((each) => each?.to ?? 0));
  for (const { from, to } of turns) {
    if (to > last) continue;
    const wholly = stretches.some((each) => each !== undefined && each.from <= from && each.to >= to);
    expect(wholly, `the turn at ${from / bytesOf(1, "pcm16@16000")} ms was heard in one piece`).toBe(true);
  }
  const lost = house.events.filter((event) => event.type === "audio.lost" && event.direction === "uplink" && event.cause !== "unheard");
  expect(lost).toEqual([]);
});
