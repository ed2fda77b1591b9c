import { setTimeout as delay } from "node:timers/promises";
import type { ToldItem } from "../../../src/fakes/panel.ts";
import { seededRandom } from "../../../src/kernel/random.ts";
import { allFigure, mostFigure, type Figure } from "./figure.ts";
import { openWorld, type World } from "./world.ts";

const callsAtOnce = 20;
const toolMs = 2_000;
const booked = (told: readonly ToldItem[]): string | undefined =>
  told.flatMap((item) => (item.by === "tool" ? (/"reference":"(\d+)"/.exec(item.output ?? "")?.[1] ?? []) : [])).at(-1);

/** Providers that are killed while a tool of theirs runs for two seconds. */
export async function toolsKept(kills: number, seed: number): Promise<readonly Figure[]> {
  const sum = { runs: 0, spoken: 0, calls: 0, others: 0 };
  for (let batch = 0; sum.calls < kills; batch += 1) {
    await using world = await openWorld(["openai", "azure"], { LINEKEEPER_DESK_SLOW_MS: String(toolMs) });
    const calls = Math.min(callsAtOnce, kills - sum.calls);
    sum.spoken += await killInTools(world, calls, seed + batch);
    sum.runs += await world.metric(/^voice_tool_calls_total\{.*status="ok"/);
    sum.others += (await world.metric(/^voice_tool_calls_total\{/)) - (await world.metric(/^voice_tool_calls_total\{.*status="ok"/));
    sum.calls += calls;
  }
  return [
    allFigure(`killed during a tool of ${toolMs / 1_000} s: handlers that ran, exactly once a call`, sum.runs, kills),
    mostFigure("and such as ran again, failed or were given up", sum.others, 0),
    allFigure("its result was spoken by the next provider", sum.spoken, kills),
  ];
}

async function killInTools(world: World, calls: number, seed: number): Promise<number> {
  const random = seededRandom(seed);
  const [first, next] = [world.panel("openai"), world.panel("azure")];
  first.script = (told) =>
    told.some(({ by }) => by === "caller")
      ? { text: "", toolCalls: [{ name: "book_table", arguments: order() }] }
      : { text: "Good day.", ms: 200 };
  next.script = (told) => ({ text: `Your number is ${booked(told) ?? "not known yet"}.`, ms: 400 });
  const callers = await Promise.all(
    Array.from({ length: calls }, async () => {
      const caller = await world.dials();
      await caller.hears();
      return caller;
    }),
  );
  await Promise.all(
    callers.map(async (caller) => {
      const running = caller.until((message) => message.type === "tool" && message.state === "running");
      caller.types("A table for one, please.");
      await running;
    }),
  );
  const done = callers.map((caller) => caller.until((message) => message.type === "tool" && message.state === "done"));
  await delay(random.next() * (toolMs - 500));
  first.refuse(503);
  first.drop("rst");
  const spoken = await Promise.all(
    callers.map(async (caller, at) => {
      await using _ = caller;
      await done[at];
      await caller.quiet(15_000);
      return caller.turns.filter(({ role, text }) => role === "agent" && /number is \d+/.test(text)).length === 1;
    }),
  );
  return spoken.filter(Boolean).length;
}

function order(): string {
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  return JSON.stringify({ party_size: 1, day: tomorrow, time: "18:00", name: "Ann Lee", phone: "5550123456" });
}
