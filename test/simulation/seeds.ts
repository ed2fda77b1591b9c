import { afterAll, describe, expect, test } from "vitest";
import { run, talksMs } from "./run.ts";

/** As many as fit into every run of the tests; `npm run chaos` goes on from there. */
const count = Number(process.env["LINEKEEPER_SEEDS"] ?? 2_000);
const perTest = 50;
/** With fewer, chance alone may leave something out. */
const enoughForAll = 300;

/** What must have happened in some run, or the runs prove nothing about it. */
const mustBeMet: readonly string[] = [
  ...["opening", "waiting", "seeding", "hearing", "answering", "tool", "playing"].map((place) => `lost while ${place}`),
  ...[
    "several providers at once",
    "all providers at once",
    "slow opening",
    "hanging opening",
    "flapping",
    "swizzled recovery",
    "long outage",
  ],
  ...[0, 200, 2_000].map((ms) => `accept, then close after ${ms} ms`),
  ...[
    "unreachable",
    "refused 401",
    "refused 429",
    "refused 429, nobody says for how long",
    "refused 503",
    "refused for quota",
    "refused, and sessions live on",
  ],
  ...[
    "silent after commit",
    "says things twice",
    "answer after cancel",
    "expiry announced",
    "expiry unannounced",
    "clogged link",
    "half-open link",
    "frozen link",
  ],
  ...[
    "wall clock jump",
    "event loop stall",
    "slow consumer",
    "half-open leg",
    "leg lost",
    "leg back before the loss was noticed",
    "leg returned",
  ],
  ...[
    "node killed",
    "full disk",
    "node killed with a full disk",
    "node drained",
    "switch asked",
    "held",
    "muted",
    "breaker ordered open",
    "tool throws",
    "tool hangs",
  ],
  ...["begins with greet", "begins with listen", "begins with answer", "begins with carry-on", "caller goes on", "silence after a replay"],
  ...["words after the end of their turn", "reconnected", "session renewed", "standby taken", "last rung of the ladder"],
  ...["race won by the reconnect", "race won by the next tier", "restored full", "restored none", "bridge line heard"],
  ...["breaker open", "breaker half_open", "breaker half_open early", "breaker closed"],
  ...["call completed", "call failed", "call moved"],
];

/** Met so seldom that only a long run can be asked for it. */
const mustBeMetAtLength: readonly string[] = ["ring was full", "restored partial", "call abandoned"];
const lengthy = 2_000;

/** Every other seed, from `first` on: halves, so that two workers share them. */
export function holdsForSeeds(first: 1 | 2): void {
  const met = new Map<string, number>();
  const seeds = Array.from({ length: Math.ceil(count / 2) }, (_, at) => first + 2 * at);
  describe("whatever dies when", () => {
    for (let from = 0; from < seeds.length; from += perTest) {
      const some = seeds.slice(from, from + perTest);
      test(
        `no word is lost unseen, none is heard twice, and nothing is left (seeds ${some[0]} to ${some.at(-1)})`,
        { timeout: 300_000 },
        async () => {
          for (const seed of some) {
            const outcome = await run(seed);
            expect(outcome.violations, `npm run chaos -- --seed ${seed} --calls 1 --log`).toEqual([]);
            expect(outcome.simulatedMs).toBeGreaterThanOrEqual(talksMs);
            expect(outcome.faults).toBeGreaterThanOrEqual(3);
            for (const [what, times] of outcome.met) met.set(what, (met.get(what) ?? 0) + times);
          }
        },
      );
    }
    test.skipIf(seeds.length < enoughForAll)("every fault and every way out of it was met", () => {
      const wanted = seeds.length >= lengthy ? [...mustBeMet, ...mustBeMetAtLength] : mustBeMet;
      expect(wanted.filter((what) => !met.has(what))).toEqual([]);
    });
  });
  afterAll(() => met.clear());
}
