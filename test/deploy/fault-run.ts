import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import type { Caller } from "../../scripts/caller/caller.ts";
import { fakes, type Fake } from "../../src/fakes/fakes.ts";
import type { Log } from "../../src/kernel/log.ts";
import type { Panel } from "../../src/fakes/panel.ts";
import { samplesOf } from "../provider/local/ears/recordings.ts";
import { startServer, type Server } from "../scenario/server.ts";

const words = samplesOf(join(import.meta.dirname, "../../fixtures/speech/ps_cards_001.wav"));
const long = "There are a great many things to be said about our menu, and I shall say all of them.";
const wait = { timeout: 30_000, interval: 100 } as const;

/** The whole server with two cloud providers that can be broken, and the emergency lines behind them. */
export interface FaultyHouse extends AsyncDisposable {
  readonly server: Server;
  readonly gemini: Panel;
  readonly openai: Panel;
}

/** @param people a webhook that is told of callers in need */
export async function openFaultyHouse(people: string, log?: Log): Promise<FaultyHouse> {
  const start = async (name: string): Promise<Fake> => {
    const row = fakes.find((each) => each.name === name);
    if (row === undefined) throw new Error(`nobody plays ${name}`);
    return row.start({ port: 0 });
  };
  const [gemini, openai] = [await start("gemini"), await start("openai")];
  const folder = mkdtempSync(join(tmpdir(), "linekeeper-faults-"));
  // One key as a file, so that it has an age.
  const { OPENAI_API_KEY: key = "", ...settings } = openai.settings;
  const keyFile = join(folder, "openai-key");
  writeFileSync(keyFile, key);
  chmodSync(keyFile, 0o600);
  const config = join(folder, "config.json");
  const agent = { name: "front-desk", instructions: "You are the receptionist of a small restaurant.", greeting: "Good day." };
  writeFileSync(config, JSON.stringify({ agents: [agent] }));
  const environment = {
    ...gemini.settings,
    ...settings,
    OPENAI_API_KEY_FILE: keyFile,
    LINEKEEPER_CONFIG: config,
    LINEKEEPER_TIERS: "gemini,openai,emergency",
    LINEKEEPER_BUDGET_DAY_USD: "100",
    LINEKEEPER_BUDGET_MONTH_USD: "1000",
    LINEKEEPER_NOTIFY_CHAT_URL: people,
  };
  const server = await startServer(environment, log);
  return {
    server,
    gemini: gemini.panel,
    openai: openai.panel,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await gemini[Symbol.asyncDispose]();
      await openai[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** An evening on which everything happens once: what a dashboard has to show. */
export async function faultyEvening(house: FaultyHouse): Promise<void> {
  const { server, gemini, openai } = house;
  // A second one, for one observation is no rate.
  for (let calls = 0; calls < 2; calls += 1) {
    await using visitor = await server.dials();
    await visitor.hears();
    await asksForTable(visitor, gemini);
  }
  await using caller = await server.dials();
  await caller.hears();
  await usualCall(caller, gemini);

  // Asked for by an operator, between two turns.
  server.house.roster.switchProvider(caller.callId, "openai");
  await caller.until((message) => message.type === "handed-over");
  server.house.roster.switchProvider(caller.callId, "gemini");
  await caller.until((message) => message.type === "handed-over");

  await losesProvider(caller, gemini, openai);
  await openBreaker(house);
  await inNeed(server);
  await lastLines(house);
  await strangers(server);
}

async function asksForTable(caller: Caller, panel: Panel): Promise<void> {
  panel.callerSays("A table for two, please.");
  panel.reply({ text: "For which day?", ms: 700 });
  const answer = caller.hears();
  await caller.says(words);
  await answer;
}

/** A spoken turn, a tool, an interruption. */
async function usualCall(caller: Caller, panel: Panel): Promise<void> {
  await asksForTable(caller, panel);
  panel.reply({ text: "", toolCalls: [{ name: "look_up_order", arguments: '{"order_number":"47193"}' }] }, "It is on its way.");
  const looked = caller.hears();
  caller.types("Where is my order 47193?");
  await looked;
  panel.callerSays("Stop.");
  panel.reply({ text: long, ms: 8_000, holdAtMs: 3_000 }, "Very well.");
  const playing = caller.until((message) => message.type === "phase" && message.phase === "speaking");
  const flushed = caller.until((message) => message.type === "flush");
  caller.types("Tell me all.");
  await playing;
  await caller.says(words);
  await flushed;
  await caller.quiet(10_000);
}

/** In mid-sentence, so that what the caller said is replayed elsewhere. */
async function losesProvider(caller: Caller, from: Panel, to: Panel): Promise<void> {
  to.callerSays("A table for two, please.");
  to.reply({ text: "I am still here.", ms: 500 });
  const handedOver = caller.until((message) => message.type === "handed-over");
  from.refuse(503);
  from.drop("rst", "caller-speaking");
  await caller.says(words);
  await handedOver;
  await caller.quiet(10_000);
}

/** New callers try the first tier until its breaker knows better; they are served by the second. */
async function openBreaker({ server, gemini }: FaultyHouse): Promise<void> {
  gemini.refuse(503);
  for (let callers = 0; callers < 8 && (await server.metric(state("gemini"))) < 2; callers += 1) {
    await using caller = await server.dials();
    await vi.waitUntil(() => caller.provider === "openai", wait);
  }
}

const state = (provider: string): string => `circuit_breaker_state{name="${provider}_provider",provider="${provider}"}`;

async function inNeed(server: Server): Promise<void> {
  await using caller = await server.dials();
  await caller.hears();
  caller.types("I want to kill myself.");
  await vi.waitFor(async () => {
    const met = await Promise.all(
      ["1", "2", "3", "4"].map((tier) => server.metric(`voice_crisis_turns_total{outcome="answered",tier="${tier}"}`)),
    );
    if (Math.max(...met) === 0) throw new Error("nobody answered the caller in need");
  }, wait);
}

/** The second tier has no room either. */
async function lastLines({ server, openai }: FaultyHouse): Promise<void> {
  openai.refuse(429, { retryAfterS: 5 });
  await using caller = await server.dials();
  await vi.waitUntil(() => caller.provider === "emergency", wait);
  await vi.waitFor(async () => {
    if ((await server.metric('voice_emergency_cache_total{result="hit"}')) === 0) throw new Error("no emergency line was looked for");
  }, wait);
  openai.serve();
}

/** Those whom the door turns away. */
async function strangers(server: Server): Promise<void> {
  await server.dials({ agent: "nobody-of-this-name" }).then(
    (caller) => caller[Symbol.asyncDispose](),
    () => undefined,
  );
  await fetch(`${server.url}v1/calls`, { headers: { "x-forwarded-for": "203.0.113.7" } });
}
