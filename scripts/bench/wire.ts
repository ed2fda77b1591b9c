// What one message there and back costs the server's processor, on `ws` and on our own framing, in turns within one run:
//   node scripts/bench/wire.ts [--seconds 30] [--callers 100]
// Each caller has one media message of Twilio's under way and sends the next when it is answered with one, so that each is a read
// and a write of its own, as in real calls. Two cores at least: one is the server's, one the callers'.
import { execFileSync, fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { WebSocketServer } from "ws";
import { systemClock } from "../../src/kernel/clock.ts";
import { answerUpgrade } from "../../src/wire/handshake.ts";
import { WireSocket } from "../../src/wire/websocket.ts";

const framings = ["ws", "wire"] as const;
type Framing = (typeof framings)[number];

const message = JSON.stringify({
  event: "media",
  sequenceNumber: "4711",
  media: { track: "inbound", chunk: "4710", timestamp: "94200", payload: Buffer.alloc(160, 0x5a).toString("base64") },
  streamSid: "MZ0123456789abcdef0123456789abcdef",
});
const answer = `{"event":"media","streamSid":"MZ0123456789abcdef0123456789abcdef","media":{"payload":"${Buffer.alloc(160, 0x5a).toString("base64")}"}}`;
/** A framing is measured for so long before it is the other's turn; the first turns are not counted. */
const turnMs = 500;
const warmTurns = 4;

function serve(): void {
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 65_536, maxFragments: 64 });
  const asText = { binary: false };
  const server = createServer({ noDelay: true });
  server.on("upgrade", (request, stream, head) => {
    if (request.url === "/ws") {
      sockets.handleUpgrade(request, stream, head, (socket) =>
        // The message was read as text and the answer given as bytes: the fastest that `ws` has.
        socket.on("message", (data) => read((data as Buffer).toString("utf8")) && socket.send(Buffer.from(answer), asText)),
      );
      return;
    }
    const welcome = answerUpgrade(request, []);
    if ("head" in welcome) stream.write(welcome.head);
    const socket = new WireSocket(stream, { messageBytes: 65_536, fragments: 64, clock: systemClock, closeLimitMs: 2_000 });
    const nothing = (): void => {};
    const text = (said: string): void => void (read(said) && socket.sendText(answer));
    socket.listen({ text, binary: nothing, pinged: nothing, ponged: nothing, broke: nothing, closed: nothing });
  });
  server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port)); // A string only for a server on a pipe.
  process.on("message", () => process.send?.(process.cpuUsage()));
}

/** So much that the text is really made. */
function read(text: string): boolean {
  return text.charCodeAt(text.length - 1) === 0x7d;
}

async function measure(): Promise<void> {
  const { values } = parseArgs({ options: { seconds: { type: "string", default: "30" }, callers: { type: "string", default: "100" } } });
  execFileSync("taskset", ["-acp", "1", String(process.pid)]);
  const child = fork(import.meta.filename, ["server"]);
  const [port] = (await once(child, "message")) as [number]; // By `serve`.
  execFileSync("taskset", ["-acp", "0", String(child.pid)]);
  const callers: Record<Framing, Callers> = { ws: new Callers(port, "/ws"), wire: new Callers(port, "/wire") };
  for (const framing of framings) await callers[framing].come(Number(values.callers));
  const costs: Record<Framing, number[]> = { ws: [], wire: [] };
  for (let turn = 0; turn < Number(values.seconds) * (1_000 / turnMs); turn += 1) {
    const framing = framings[turn % 2] ?? "ws";
    const before = await cpuUs(child);
    const answered = await callers[framing].talk(turnMs);
    const spent = (await cpuUs(child)) - before;
    if (turn >= warmTurns) costs[framing].push(spent / answered);
  }
  child.kill();
  for (const framing of framings) console.log(`${framing.padEnd(6)} ${spread(costs[framing])}`);
  console.log(`ratio  ${spread(costs.wire.map((cost, turn) => cost / (costs.ws[turn] ?? Number.NaN)))}`);
  process.exit();
}

async function cpuUs(child: ChildProcess): Promise<number> {
  const told = once(child, "message");
  child.send("cpu");
  const [{ user, system }] = (await told) as [NodeJS.CpuUsage]; // By `serve`.
  return user + system;
}

function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toFixed(2);
  return `median ${at(0.5)}, least ${at(0)}, quarters ${at(0.25)} and ${at(0.75)} (${sorted.length} turns)`;
}

/** Bare connections, so that the callers cost little. */
class Callers {
  readonly #frame: Buffer;
  readonly #sockets: Socket[] = [];
  readonly #port: number;
  readonly #path: string;
  #answered = 0;
  #talking = false;

  constructor(port: number, path: string) {
    [this.#port, this.#path] = [port, path];
    const payload = Buffer.from(message);
    const mask = [1, 2, 3, 4];
    const masked = payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0));
    this.#frame = Buffer.concat([Buffer.from([0x81, 0xfe, payload.length >> 8, payload.length & 0xff, ...mask]), masked]);
  }

  async come(count: number): Promise<void> {
    for (let at = 0; at < count; at += 1) {
      const socket = connect({ port: this.#port, host: "127.0.0.1", noDelay: true });
      const key = Buffer.alloc(16, at).toString("base64");
      const headers = `host: x\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${key}\r\n`;
      socket.write(`GET ${this.#path} HTTP/1.1\r\n${headers}\r\n`);
      await once(socket, "data");
      const answerBytes = answer.length + 4;
      let awaited = answerBytes;
      socket.on("data", (chunk) => {
        awaited -= chunk.length;
        if (awaited > 0) return;
        awaited = answerBytes;
        this.#answered += 1;
        if (this.#talking) socket.write(this.#frame);
      });
      this.#sockets.push(socket);
    }
  }

  /** How many were answered until the last was. */
  async talk(forMs: number): Promise<number> {
    this.#answered = 0;
    this.#talking = true;
    const since = performance.now();
    let asked = 0;
    for (const socket of this.#sockets) {
      socket.write(this.#frame);
      asked += 1;
    }
    while (performance.now() - since < forMs) await new Promise((resolve) => setTimeout(resolve, 10));
    this.#talking = false;
    // What is under way is answered.
    await new Promise((resolve) => setTimeout(resolve, 50));
    return Math.max(asked, this.#answered);
  }
}

if (process.argv[2] === "server") serve();
else await measure();
