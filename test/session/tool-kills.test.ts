import { expect, test } from "vitest";
import { Fault } from "../../src/kernel/fault.ts";
import { seededRandom } from "../../src/kernel/random.ts";
import type { Begin } from "../../src/provider/contract.ts";
import type { Tool } from "../../src/session/tools.ts";
import { startHouse } from "./house.ts";
import { openTelling, type TellingLink } from "./telling-link.ts";

const kills = 200;
const toolMs = 2_000;
const spoken = "It is booked.";

/** A model: calls the tool when it is asked and was told of no call, and says how it came out when it knows. */
function answers(link: TellingLink): void {
  const booking = link.knows.findLast((item) => item.type === "tool");
  if (booking === undefined) return link.tells({ type: "tool.called", toolCallId: "again", name: "book", arguments: "{}" });
  sayIt(link);
}

function sayIt(link: TellingLink): void {
  link.request.clock.setTimeout(() => link.isClosed || link.speaks("booked", spoken, 800), 200);
}

/** Times that a link learnt of the result. */
function toldOf(link: TellingLink): number {
  const known = link.knows.filter((item) => item.type === "tool" && item.output !== undefined).length;
  return link.results.filter(({ name }) => name === "book").length + known;
}

test(`${kills} links killed while a tool runs: it runs once, its result is given once, and the caller hears it`, async () => {
  const met = { reconnected: 0, "handed over": 0, answerTool: 0, conversation: 0 };
  for (let seed = 1; seed <= kills; seed += 1) {
    const random = seededRandom(seed);
    const where = `seed ${seed}`;
    let runs = 0;
    const tool: Tool = {
      spec: { name: "book", description: "", parameters: {} },
      run: (_, { clock }) => {
        runs += 1;
        return new Promise((resolve) => clock.setTimeout(() => resolve({ booked: true }), toolMs));
      },
    };
    const standby = seed % 4 === 1 ? "warm" : "cold";
    const house = startHouse({
      tiers: ["alpha", "beta"],
      traits: { alpha: { standby: true }, beta: { standby: true } },
      tools: [tool],
      standby,
      seed,
    });
    const habits = {
      begins: (link: TellingLink, begin: Begin) => {
        if (begin === "answer" || begin === "carry-on") answers(link);
      },
      getsResult: sayIt,
    };
    const links = [openTelling(house.provider("alpha"), habits), openTelling(house.provider("beta"), habits)] as const;
    const caller = house.dial();
    const talk = async (ms: number): Promise<void> => {
      for (let spokenMs = 0; spokenMs < ms; spokenMs += 100) {
        caller.line.audio(new Uint8Array(3_200));
        await house.clock.advance(100);
      }
    };
    await talk(6_000);
    const first = links[0].at(-1);
    first?.hearsTurn("c1", "book a table", 5_000);
    first?.tells({ type: "tool.called", toolCallId: "x1", name: "book", arguments: "{}" });
    // To the millisecond, apart from the frames.
    await house.clock.advance(random.next() * toolMs);
    house.provider("alpha").openMs = random.next() * 1_500;
    house.provider("beta").openMs = random.next() * 1_500;
    // In a quarter of the runs nobody can be had until the result is there.
    const isOutage = seed % 4 === 0;
    const refusal = isOutage ? new Fault("provider-unreachable", "connection refused") : undefined;
    for (const provider of house.providers.values()) provider.refusal = refusal;
    first?.tells({ type: "link.lost", fault: new Fault("provider-dropped", "the socket closed with 1006") });
    await talk(toolMs);
    for (const provider of house.providers.values()) provider.refusal = undefined;
    await talk(isOutage ? 15_000 : 4_000);

    const present = links.flat().filter((link) => !link.isClosed && link !== first);
    const [holder] = present.filter((link) => link.began !== undefined);
    if (holder === undefined) throw new Error(`${where}: nobody holds the call`);
    expect(runs, where).toBe(1);
    expect(toldOf(holder), where).toBe(1);
    // Whoever lost the race, or waits, is given no result; a link that was opened with it and closed never had the call.
    for (const other of links.flat()) if (other !== holder) expect(other.results, where).toEqual([]);
    const callId = house.roster.calls()[0]?.callId ?? "";
    const said = house.roster.records(callId).filter(({ role }) => role === "agent");
    expect(said, where).toMatchObject([{ text: spoken, heardMs: 800, interrupted: false }]);
    expect(
      house.events.filter(({ type }) => type === "tool.ended"),
      where,
    ).toMatchObject([{ name: "book", status: "ok" }]);
    met[holder.request === links[0].at(-1)?.request ? "reconnected" : "handed over"] += 1;
    met[holder.results.length > 0 ? "answerTool" : "conversation"] += 1;
    caller.line.signal({ type: "hung-up" });
  }
  // Each way was met, or the seeds prove less than they say.
  for (const [way, times] of Object.entries(met)) expect(times, way).toBeGreaterThan(0);
  process.stdout.write(`tool-kills: ${JSON.stringify({ kills, ...met })}\n`);
});
