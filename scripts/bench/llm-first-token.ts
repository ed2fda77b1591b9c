// What the chain of language models adds before the first word of an answer: `node scripts/bench/llm-first-token.ts [rounds] [pauseMs]`.
// Each service is a fake on this machine that waits a known time, and gives no hint of how long it keeps a connection.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { anthropicKey, geminiKey, openaiKey } from "../../src/fakes/llm/llm.ts";
import { anthropicWire } from "../../src/fakes/llm/anthropic-wire.ts";
import { chatWire, openaiChat } from "../../src/fakes/llm/chat-wire.ts";
import { geminiWire } from "../../src/fakes/llm/gemini-wire.ts";
import { says } from "../../src/fakes/llm/script.ts";
import { LlmService } from "../../src/fakes/llm/server.ts";
import { Panel } from "../../src/fakes/panel.ts";
import { systemClock } from "../../src/kernel/clock.ts";
import { silentLog } from "../../src/kernel/log.ts";
import { thinkers } from "../../src/provider/deepgram/llm/llm.ts";
import { stageGuards } from "../../src/provider/deepgram/stage-guard.ts";
import type { ThinkItem } from "../../src/provider/deepgram/stages.ts";

const rounds = Number(process.argv[2] ?? 300);
const pauseMs = Number(process.argv[3] ?? 6_000);
const delayMs = 20;

const conversation = Array.from({ length: 40 }, (_, at): ThinkItem => {
  const text = `This is turn ${at}, as long as turns on the phone commonly are, give or take a word.`;
  return at % 2 === 1 ? { type: "agent", id: `a${at}`, text, interrupted: false } : { type: "caller", id: `c${at}`, text };
}).concat({ type: "caller", id: "last", text: "Is Friday free?" });

const wires = {
  gemini: { wire: geminiWire(geminiKey), settings: (url: string) => ({ GEMINI_API_KEY: geminiKey, GOOGLE_GEMINI_BASE_URL: url }) },
  anthropic: {
    wire: anthropicWire(anthropicKey),
    settings: (url: string) => ({ ANTHROPIC_API_KEY: anthropicKey, ANTHROPIC_BASE_URL: url }),
  },
  openai: {
    wire: chatWire(openaiChat(openaiKey)),
    settings: (url: string) => ({ OPENAI_API_KEY: openaiKey, OPENAI_BASE_URL: `${url}/v1` }),
  },
};

for (const [name, { wire, settings }] of Object.entries(wires)) {
  const service = new LlmService(wire, new Panel());
  service.firstFrameMs = delayMs;
  let connections = 0;
  const http = createServer(service.answer).on("connection", () => (connections += 1));
  http.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  // Listening on TCP gives an address of this kind.
  const set: Readonly<Record<string, string>> = settings(`http://127.0.0.1:${(http.address() as AddressInfo).port}`);
  const house = { setting: (wanted: string) => set[wanted], clock: systemClock, log: silentLog };
  const agent = { name: "bench", instructions: "", greeting: undefined, language: "en", voice: undefined, tools: [], providerSettings: {} };
  const thinker = thinkers(house, stageGuards(systemClock, silentLog)).forAgent(agent);
  const firstTokenMs = async (): Promise<number> => {
    service.script(says("Friday ", "is ", "free."));
    const sinceMs = performance.now();
    let first: number | undefined;
    const request = { instructions: "Be kind.", conversation, directive: undefined, tools: [], clock: systemClock, log: silentLog };
    for await (const _ of thinker.think(request, new AbortController().signal)) first ??= performance.now() - sinceMs;
    return first ?? Number.NaN;
  };
  const cold = await firstTokenMs();
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) times.push((await firstTokenMs()) - delayMs);
  times.sort((one, other) => one - other);
  const at = (share: number): string => (times[Math.floor(share * (times.length - 1))] ?? Number.NaN).toFixed(2);
  const before = connections;
  await new Promise((resolve) => setTimeout(resolve, pauseMs));
  await firstTokenMs();
  console.log(
    `${name.padEnd(10)} added to the service's ${delayMs} ms: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms; ` +
      `first ever ${(cold - delayMs).toFixed(1)} ms; ${connections - before} new connection(s) after a pause of ${pauseMs} ms`,
  );
  http.closeAllConnections();
  http.close();
}
