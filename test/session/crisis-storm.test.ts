import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { systemClock } from "../../src/kernel/clock.ts";
import { Fault, type FaultCode } from "../../src/kernel/fault.ts";
import { silentLog } from "../../src/kernel/log.ts";
import { seededRandom, type Random } from "../../src/kernel/random.ts";
import { tellHumans } from "../../src/notify/humans.ts";
import { Notifier } from "../../src/notify/notifier.ts";
import { startHouse, type House } from "./house.ts";

const runs = Number(process.env["LINEKEEPER_RUNS"] ?? 2_000);
const inNeed = "I want to kill myself";
const answerLimitMs = 2_000;
/** Ways of a provider to be of no use from the moment at which it dies. */
const deaths = ["refuses", "hangs", "drops", "falls silent"] as const;
const passing: readonly FaultCode[] = ["provider-unreachable", "provider-dropped", "provider-overloaded", "provider-limited"];
/** What only an operator can mend; met by all tiers before the first word, it ends a call at once, so that here the words come first. */
const lasting: readonly FaultCode[] = ["provider-key", "provider-quota", "provider-model"];

const pick = <T>(random: Random, of: readonly T[]): T => {
  const one = of[Math.floor(random.next() * of.length)];
  if (one === undefined) throw new Error("nothing to pick from");
  return one;
};

/** One call in which everything dies, each provider at a moment and in a way of its own, around what its caller says in need. */
async function storm(seed: number): Promise<{ readonly house: House; readonly by: "text" | "transcript"; readonly playedMs: number }> {
  const random = seededRandom(seed);
  const by = random.next() < 0.5 ? "text" : "transcript";
  const names = ["alpha", "beta", "gamma"].slice(0, 1 + Math.floor(random.next() * 3));
  const tiers = random.next() < 0.5 ? names : [...names, "bridge"];
  const house = startHouse({ tiers, traits: { bridge: { stopgap: true } }, seed });
  const caller = house.dial();
  let isSaid = false;
  const die = (name: string): void => {
    const provider = house.provider(name);
    const death = pick(random, deaths);
    const fault = new Fault(pick(random, isSaid ? [...passing, ...lasting] : passing), "it is gone");
    if (death === "hangs") provider.openMs = 60_000;
    else if (death !== "falls silent") provider.refusal = fault;
    if (death === "drops" || death === "refuses") provider.links.at(-1)?.tells({ type: "link.lost", fault });
  };
  // Speech needs somebody who hears it; words typed reach us without.
  const earliestMs = by === "text" ? 0 : 600;
  for (const name of tiers) house.clock.setTimeout(() => die(name), earliestMs + random.next() * 1_900);
  caller.line.audio(new Uint8Array(3_200));
  await house.clock.advance(500);
  isSaid = true;
  if (by === "text") caller.line.signal({ type: "text", text: inNeed });
  else house.provider(names[0] ?? "").link.hearsTurn("c1", inNeed, 20);
  await house.clock.advance(3_000);
  const { playedMs } = caller.leg;
  caller.line.signal({ type: "hung-up" });
  return { house, by, playedMs };
}

test(
  `a caller in need is answered within two seconds in ${runs} of ${runs} calls in which everything dies`,
  { timeout: 300_000 },
  async () => {
    const met: Record<string, number> = { text: 0, transcript: 0, prompt: 0 };
    const missed: string[] = [];
    let slowestMs = 0;
    for (let seed = 1; seed <= runs; seed += 1) {
      const { house, by, playedMs } = await storm(seed);
      const [answer] = house.events.filter((event) => event.type === "crisis.answered");
      const responseMs = answer?.responseMs ?? Infinity;
      if (responseMs > answerLimitMs || playedMs === 0) {
        const end = house.events.find((event) => event.type === "call.ended");
        missed.push(
          `seed ${seed}: ${by}, ${responseMs} ms, ${playedMs} ms heard, ${end?.outcome} ${end?.cause} after ${end?.durationMs} ms`,
        );
      } else slowestMs = Math.max(slowestMs, responseMs);
      met[by] = (met[by] ?? 0) + 1;
      const who = answer?.provider ?? "nobody";
      met[who] = (met[who] ?? 0) + 1;
    }
    process.stdout.write(
      `crisis-storm: ${JSON.stringify({ runs, answered: runs - missed.length, slowestMs: Math.round(slowestMs), ...met })}\n`,
    );
    expect(missed.slice(0, 10)).toEqual([]);
  },
);

test("people are told of each of some calls in need on both channels, though everything dies", async () => {
  const heard: { readonly path: string; readonly body: string }[] = [];
  const receive = async (path: string): Promise<string> => {
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (piece: Buffer) => (body += piece.toString()));
      request.on("end", () => {
        heard.push({ path, body });
        response.writeHead(202).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("not listening");
    return `http://127.0.0.1:${address.port}/${path}`;
  };
  const addresses = { chat: await receive("chat"), email: await receive("email") };
  const folder = await mkdtemp(join(tmpdir(), "linekeeper-storm-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const notifier = await Notifier.open({
    address: (channel) => addresses[channel],
    mailTo: () => "desk@example.org",
    path: join(folder, "outbox.jsonl"),
    told: () => {},
    clock: systemClock,
    random: seededRandom(7),
    log: silentLog,
  });
  notifier.start();
  onTestFinished(() => notifier.close());
  const callIds: string[] = [];
  for (let seed = 1; seed <= 5; seed += 1) {
    const { house } = await storm(seed);
    // The time of the notifier: a notice of another day would go to nobody.
    const watch = tellHumans({ humans: notifier, clock: systemClock, consoleUrl: () => "http://127.0.0.1/", isStopgap: () => false });
    for (const event of house.events) watch.tell(event);
    callIds.push(...house.events.filter(({ type }) => type === "crisis.detected").map(({ callId }) => callId));
  }
  expect(new Set(callIds).size).toBe(5);
  await vi.waitFor(() => expect(heard).toHaveLength(10), { timeout: 15_000 });
  for (const callId of callIds)
    expect(
      heard
        .filter(({ body }) => body.includes(callId))
        .map(({ path }) => path)
        .toSorted(),
    ).toEqual(["chat", "email"]);
});
