// What one connection to a provider costs on our own framing and on the socket of OpenAI's package, which is one of `ws`, within one run:
//   node scripts/bench/provider-socket.ts [--seconds 20] [--sockets 100]
// Processor time of a frame of audio there and one back, in turns of half a second; then resident memory, each kind in a process of its
// own. Two cores at least: one is the client's, one the provider's.
import { execFileSync, fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect, type AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import OpenAI from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";
import { WebSocketServer } from "ws";
import { systemClock } from "../../src/kernel/clock.ts";
import { audioAppend } from "../../src/provider/openai/client-events.ts";
import { dial } from "../../src/wire/dial.ts";

const kinds = ["package", "wire"] as const;
type Kind = (typeof kinds)[number];

const frame = new Uint8Array(160).fill(0x5a);
const delta = JSON.stringify({
  type: "response.output_audio.delta",
  event_id: "event_0123456789abcdef",
  response_id: "resp_0123456789abcdef",
  item_id: "item_0123456789abcdef",
  output_index: 0,
  content_index: 0,
  delta: Buffer.from(frame).toString("base64"),
});
/** A kind is measured for so long before it is the other's turn; the first turns are not counted. */
const turnMs = 500;
const warmTurns = 6;
const frameMs = 20;

/** A provider that answers each frame with one. */
function provide(): void {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  const [bytes, asText] = [Buffer.from(delta), { binary: false }];
  server.on("connection", (socket) => socket.on("message", () => socket.send(bytes, asText)));
  server.on("listening", () => process.send?.((server.address() as AddressInfo).port)); // A string only for a server on a pipe.
}

/** What sends one frame; it is heard by `heard`. */
async function open(kind: Kind, port: number, heard: (text: string) => void): Promise<() => void> {
  const nothing = (): void => {};
  if (kind === "wire") {
    const url = new URL(`ws://127.0.0.1:${port}/v1/realtime?model=m`);
    const socket = { messageBytes: 1 << 24, fragments: 16_384, clock: systemClock, closeLimitMs: 2_000 };
    const own = await dial({ url, headers: { authorization: "Bearer k" }, socket, signal: new AbortController().signal });
    own.listen({ text: heard, binary: nothing, pinged: nothing, ponged: nothing, broke: nothing, closed: nothing });
    return () => own.sendEnveloped(audioAppend, frame);
  }
  const options = { maxPayload: 1 << 24, createConnection: () => connect({ host: "127.0.0.1", port }) };
  const client = new OpenAI({ apiKey: "k", baseURL: `http://127.0.0.1:${port}/v1`, organization: null, project: null });
  const { socket } = new OpenAIRealtimeWS({ model: "m", options }, client).on("error", nothing);
  // Its own reader would parse each message whole, and tell it twice.
  socket.removeAllListeners("message");
  socket.on("message", (data) => heard((data as Buffer).toString())); // binaryType is left as it is.
  await once(socket, "open");
  const asText = { binary: false };
  return () => socket.send(Buffer.from(audioAppend.around(frame)), asText);
}

type Order = { readonly open: Kind; readonly count: number } | { readonly talk: Kind } | "figures";

interface ClientFigures {
  readonly cpuUs: number;
  readonly heard: number;
  readonly residentBytes: number;
}

function speak(port: number): void {
  let heard = 0;
  const count = (text: string): void => void (heard += text.charCodeAt(text.length - 1) === 0x7d ? 1 : 0);
  const senders: Record<Kind, (() => void)[]> = { package: [], wire: [] };
  let talking: Kind | undefined;
  setInterval(() => talking !== undefined && senders[talking].forEach((send) => send()), frameMs);
  const follow = async (order: Order): Promise<ClientFigures | "done"> => {
    if (order === "figures") {
      const { user, system } = process.cpuUsage();
      return { cpuUs: user + system, heard, residentBytes: process.memoryUsage.rss() };
    }
    if ("talk" in order) talking = order.talk;
    else for (let left = order.count; left > 0; left -= 1) senders[order.open].push(await open(order.open, port, count));
    return "done";
  };
  process.on("message", (order: Order) => void follow(order).then((answer) => process.send?.(answer)));
}

async function asked(client: ChildProcess, order: Order): Promise<ClientFigures> {
  const told = once(client, "message");
  client.send(order);
  return ((await told) as [ClientFigures])[0]; // By `speak`, where figures were asked for.
}

async function measure(): Promise<void> {
  const { values } = parseArgs({ options: { seconds: { type: "string", default: "20" }, sockets: { type: "string", default: "100" } } });
  const sockets = Number(values.sockets);
  execFileSync("taskset", ["-acp", "1", String(process.pid)]);
  const provider = fork(import.meta.filename, ["provider"]);
  const [port] = (await once(provider, "message")) as [number]; // By `provide`.
  const start = (): ChildProcess => {
    const client = fork(import.meta.filename, ["client", String(port)]);
    execFileSync("taskset", ["-acp", "0", String(client.pid)]);
    return client;
  };
  const client = start();
  const costs: Record<Kind, number[]> = { package: [], wire: [] };
  for (const kind of kinds) await asked(client, { open: kind, count: sockets });
  for (let turn = 0; turn < Number(values.seconds) * (1_000 / turnMs); turn += 1) {
    const kind = kinds[turn % 2] ?? "wire";
    await asked(client, { talk: kind });
    // What was under way belongs to the turn before.
    await pause(50);
    const before = await asked(client, "figures");
    await pause(turnMs);
    const after = await asked(client, "figures");
    if (turn >= warmTurns) costs[kind].push((after.cpuUs - before.cpuUs) / (after.heard - before.heard));
  }
  client.kill();
  for (const kind of kinds) {
    const own = start();
    await asked(own, { open: kind, count: 20 });
    const before = await asked(own, "figures");
    await asked(own, { open: kind, count: sockets });
    const after = await asked(own, "figures");
    own.kill();
    const kilobytes = (after.residentBytes - before.residentBytes) / sockets / 1_000;
    console.log(`${kind.padEnd(8)} ${spread(costs[kind])} µs a frame there and back, ${kilobytes.toFixed(1)} kB resident a connection`);
  }
  console.log(`ratio    ${spread(costs.wire.map((cost, turn) => cost / (costs.package[turn] ?? Number.NaN)))}`);
  provider.kill();
}

function spread(numbers: readonly number[]): string {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toFixed(2);
  return `median ${at(0.5)} (quarters ${at(0.25)} and ${at(0.75)})`;
}

const [, , role, port] = process.argv;
if (role === "provider") provide();
else if (role === "client") speak(Number(port));
else await measure();
