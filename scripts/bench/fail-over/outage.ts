import type { Panel } from "../../../src/fakes/panel.ts";
import { firstSound } from "./ear.ts";
import { mostFigure, spread, type Figure } from "./figure.ts";
import { openWorld, type World } from "./world.ts";

const calls = 100;
/** So that one moment at which the machine was busy is not the 99th percentile. */
const rounds = 3;
/** Two services of one wire: what is compared is the outage, not how long either takes to open. */
const [failing, other] = ["azure", "openai"] as const;

const outages: readonly { readonly name: string; readonly begin: (panel: Panel) => void; readonly dials: number }[] = [
  // Five failures in a row open a breaker.
  { name: "refuses", begin: (panel) => panel.refuse(503), dials: 5 },
  { name: "takes connections and says nothing", begin: (panel) => (panel.opening = { type: "never-upgraded" }), dials: 5 },
];

/** A hundred calls one after the other, first while all is well, then while the first tier is out; each round on a server of its own. */
export async function outage(): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const { name, begin, dials } of outages) {
    const well: number[] = [];
    const first: number[] = [];
    const later: number[] = [];
    const dialled: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      await using world = await openWorld([failing, other], { LINEKEEPER_PROBES: "off" });
      for (const tier of [failing, other]) world.panel(tier).script = () => ({ text: "Good day.", ms: 200 });
      well.push(...(await starts(world)));
      const panel = world.panel(failing);
      begin(panel);
      const before = panel.dials;
      const [firstMs = Number.NaN, ...rest] = await starts(world);
      first.push(firstMs);
      later.push(...rest);
      dialled.push(panel.dials - before);
    }
    const [usual, then] = [spread(well), spread(later)];
    const extra = { p50: then.p50 - usual.p50, p99: then.p99 - usual.p99 };
    const firstMs = Math.round(Math.max(...first));
    figures.push(
      {
        what: `first tier ${name}: calls 2 to ${calls}, one after the other, start later than without, to the greeting's first sound, ${rounds} times`,
        found: `p50 ${signed(extra.p50)} ms, p99 ${signed(extra.p99)} ms (usual p50 ${usual.p50} ms, p99 ${usual.p99} ms; the first call ${firstMs} ms)`,
        goal: "≤ 50 ms",
        met: Math.max(extra.p50, extra.p99) <= 50,
        numbers: { firstMs, extraP50: extra.p50, extraP99: extra.p99, usualP50: usual.p50, usualP99: usual.p99 },
      },
      mostFigure(`first tier ${name}: its dials by those ${calls} calls, at most`, Math.max(...dialled), dials),
    );
  }
  return figures;
}

/** From the dial to the first sound of the greeting, call by call, ms. */
async function starts(world: World): Promise<readonly number[]> {
  const taken: number[] = [];
  for (let call = 0; call < calls; call += 1) {
    await using caller = await world.dials();
    taken.push(await firstSound(caller));
  }
  return taken;
}

const signed = (ms: number): string => (ms > 0 ? `+${ms}` : String(ms));
