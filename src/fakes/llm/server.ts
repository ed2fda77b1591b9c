import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { garble } from "../garble.ts";
import { Panel, type ConnectionRecord, type DropHow, type GarbleCount, type PanelConnection, type ScriptedReply } from "../panel.ts";
import type { FakeRequests } from "../websocket-server.ts";
import { tokensOf, type LlmAnswer, type LlmPart, type LlmTurn, type RefusalKind } from "./script.ts";
import type { LlmAsked, LlmRefusal, LlmWire } from "./wire.ts";

/** How bytes leave: line ends of one or two characters, and pieces that may cut a character in two. */
export interface Delivery {
  readonly crlf: boolean;
  readonly pieceBytes: number | undefined;
}

/** What a client asked, as it came; for tests. */
export interface LlmRequest {
  readonly path: string;
  readonly body: unknown;
  readonly asked: LlmAsked;
}

const kept = 1_000;
const bodyLimitBytes = 8 * 2 ** 20;

/** A language model service behind one wire: answers what is scripted, else what its panel says, and refuses what the real one would. */
export class LlmService {
  readonly panel: Panel;
  readonly requests: LlmRequest[] = [];
  /** Requests of any kind that came, refused ones too. */
  hits = 0;
  /** Answers whose client left before their end. */
  abandoned = 0;
  delivery: Delivery = { crlf: false, pieceBytes: undefined };
  /** How long a request waits for its first byte of body, ms. */
  firstFrameMs = 0;
  readonly #wire: LlmWire;
  readonly #turns: LlmTurn[] = [];

  constructor(wire: LlmWire, panel: Panel) {
    [this.#wire, this.panel] = [wire, panel];
  }

  /** Queues what becomes of the next requests; they go before the panel's replies. */
  script(...turns: readonly LlmTurn[]): void {
    this.#turns.push(...turns);
  }

  /** An answer of which one message was broken; `count` different ones. */
  *broken(count: number, seed: number): Generator<LlmAnswer> {
    const { samples, frame, typeKey } = this.#wire;
    for (const { message } of garble(samples, typeKey, count, seed)) {
      yield {
        type: "answer",
        parts: [
          { type: "text", text: "One " },
          { type: "raw", sse: frame(message) },
          { type: "text", text: "two." },
        ],
      };
    }
  }

  readonly answer: FakeRequests = (request, response) => {
    // A client that left in the middle of its request wants no answer.
    void this.#serve(request, response).catch(() => response.destroy());
  };

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.hits += 1;
    const body = await read(request);
    const exchange = new Exchange(this.panel, request, response, this.delivery);
    response.on("close", () => {
      if (!response.writableEnded) this.abandoned += 1;
      exchange.over();
    });
    const turn = this.#turnFor(request, body, exchange.record);
    if (turn.type === "stall") {
      if (turn.after === "headers") exchange.begin();
    } else if (turn.type === "reset") exchange.drop("rst");
    else if (turn.type === "refusal") exchange.refuse(turn.refusal);
    else if (this.firstFrameMs > 0) exchange.later(() => void this.#answer(exchange, turn.answer, turn.asked), this.firstFrameMs);
    else await this.#answer(exchange, turn.answer, turn.asked);
  }

  async #answer(exchange: Exchange, answer: LlmAnswer, asked: LlmAsked): Promise<void> {
    const wire = this.#wire;
    exchange.begin();
    exchange.garbage = (count, seed) => [...garble(wire.samples, wire.typeKey, count, seed)];
    exchange.frame = wire.frame;
    exchange.failure = wire.failure("quota");
    if (this.panel.strikes("answering", exchange)) return;
    for (const frame of wire.frames(answer, asked)) {
      if (frame === "hold") await exchange.held();
      else {
        if (this.panel.unknownEvents) exchange.send(wire.unknownFrame);
        exchange.send(frame.sse);
      }
      if (exchange.gone) return;
    }
    if (answer.parts.some(({ type }) => type === "call") && this.panel.strikes("tool-called", exchange)) return;
    const then = answer.then ?? "complete";
    if (then === "reset") exchange.cut();
    else if (then === "complete" || then === "unmarked") exchange.end();
    else if (then !== "hang") {
      exchange.send(wire.failure(then));
      exchange.end();
    }
  }

  #turnFor(
    request: IncomingMessage,
    body: string,
    record: ConnectionRecord,
  ):
    | { type: "stall"; after: "request" | "headers" }
    | { type: "reset" }
    | { type: "refusal"; refusal: LlmRefusal }
    | { type: "answer"; answer: LlmAnswer; asked: LlmAsked } {
    const url = new URL(request.url ?? "/", "http://fake");
    const refuse = (kind: RefusalKind | "no-route", words?: string) => ({
      type: "refusal" as const,
      refusal: this.#wire.refusal(kind, words),
    });
    const { opening } = this.panel;
    if (opening.type === "reset" || opening.type === "closed") return { type: "reset" };
    if (opening.type === "never-upgraded") return { type: "stall", after: "request" };
    if (opening.type === "never-ready") return { type: "stall", after: "headers" };
    if (opening.type === "quota") return refuse("quota");
    if (opening.type === "bad-model") return refuse("model");
    const barred = opening.type === "bad-key" ? "key" : this.#wire.admit(request, url);
    if (barred !== undefined) {
      if (barred !== "key") this.panel.violation(`${request.method} ${request.url}: ${barred}`);
      return refuse(barred);
    }
    if (opening.type === "refused")
      return { type: "refusal", refusal: withStatus(refuse("overloaded").refusal, opening.status, opening.retryAfterS) };
    const asked = this.#wire.read(parsed(body), request, url);
    if ("complaint" in asked) {
      this.panel.violation(asked.complaint);
      return refuse(asked.kind ?? "invalid", asked.complaint);
    }
    this.#keep({ path: url.pathname + url.search, body: parsed(body), asked }, record);
    const turn = this.#turns.shift();
    if (turn === undefined) return { type: "answer", answer: fromReply(this.panel.nextReply(asked.history)), asked };
    if (turn.type === "refuse") {
      const { refusal } = refuse(turn.kind);
      return { type: "refusal", refusal: withStatus(refusal, turn.status ?? refusal.status, turn.retryAfterS) };
    }
    return turn.type === "answer" ? { type: "answer", answer: turn, asked } : turn;
  }

  #keep(request: LlmRequest, record: ConnectionRecord): void {
    this.requests.push(request);
    if (this.requests.length > kept) this.requests.shift();
    const { asked } = request;
    record.history.push(...asked.history);
    record.texts.push(asked.instructions, ...asked.history.map((item) => (item.by === "tool" ? (item.output ?? "") : item.text)));
    record.settings = {
      model: asked.model,
      uplink: undefined,
      downlink: undefined,
      instructions: asked.instructions,
      voice: undefined,
      language: undefined,
      toolNames: asked.toolNames,
    };
    record.answers += 1;
    for (const item of asked.history) {
      if (item.by === "tool" && item.output !== undefined) record.toolResults.push({ name: item.name, output: item.output });
    }
  }
}

/** One request and its response, with the levers that a panel has over it. */
class Exchange implements PanelConnection {
  readonly record: ConnectionRecord;
  garbage: (count: number, seed: number) => { message: string; unreadable: boolean }[] = () => [];
  frame: (message: string) => string = (message) => message;
  failure = "";
  readonly #panel: Panel;
  readonly #response: ServerResponse;
  readonly #delivery: Delivery;
  readonly #timers = new Set<NodeJS.Timeout>();
  #release = Promise.withResolvers<void>();

  constructor(panel: Panel, request: IncomingMessage, response: ServerResponse, delivery: Delivery) {
    [this.#panel, this.#response, this.#delivery] = [panel, response, delivery];
    this.record = panel.newRecord(request);
    panel.enter(this);
  }

  get gone(): boolean {
    return this.#response.destroyed || this.#response.writableEnded;
  }

  begin(): void {
    this.#response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
  }

  send(sse: string): void {
    if (this.gone || this.#panel.silent) return;
    if (this.#panel.slowMs > 0) this.later(() => this.#write(sse), this.#panel.slowMs);
    else this.#write(sse);
  }

  end(): void {
    if (this.#panel.silent) return;
    if (this.#panel.slowMs > 0) this.later(() => this.#response.end(), this.#panel.slowMs);
    else this.#response.end();
  }

  /** A reset after all that was written has left. */
  cut(): void {
    this.#response.write(":\n\n", () => this.drop("rst"));
  }

  refuse({ status, body, headers = {} }: LlmRefusal): void {
    this.#response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);
  }

  held(): Promise<void> {
    return this.#release.promise;
  }

  later(run: () => void, delayMs: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#response.destroyed) run();
    }, delayMs);
    this.#timers.add(timer);
  }

  over(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#panel.leave(this);
    this.release();
  }

  drop(how: DropHow): void {
    if (how === "rst") this.#response.socket?.resetAndDestroy();
    else this.#response.destroy();
  }

  expire(): void {
    this.#response.end();
  }

  exhaust(): void {
    this.send(this.failure);
    this.end();
  }

  announceEnd(): void {}

  setDeaf(): void {}

  release(): void {
    this.#release.resolve();
    this.#release = Promise.withResolvers();
  }

  async garble(count: number, seed: number): Promise<GarbleCount> {
    const broken = this.garbage(count, seed);
    for (const { message } of broken) this.send(this.frame(message));
    return { sent: broken.length, unreadable: broken.filter(({ unreadable }) => unreadable).length };
  }

  #write(sse: string): void {
    if (this.gone) return;
    const { crlf, pieceBytes } = this.#delivery;
    const bytes = Buffer.from(crlf ? sse.replaceAll("\n", "\r\n") : sse);
    const size = this.#panel.splitFrames ? 7 : (pieceBytes ?? bytes.length);
    for (let at = 0; at < bytes.length; at += size) this.#response.write(bytes.subarray(at, at + size));
  }
}

export interface LlmFakeOptions {
  readonly port?: number;
  readonly panel?: Panel;
}

/** A service on a port of its own. */
export interface LlmFake extends AsyncDisposable {
  readonly panel: Panel;
  readonly service: LlmService;
  readonly origin: string;
}

export async function startLlm(wire: LlmWire, { port = 0, panel = new Panel() }: LlmFakeOptions): Promise<LlmFake> {
  const service = new LlmService(wire, panel);
  const http = createServer(service.answer);
  await new Promise<void>((resolve, reject) => {
    http.once("error", reject);
    http.listen(port, "127.0.0.1", resolve);
  });
  return {
    panel,
    service,
    // Listening on TCP gives an address of this kind.
    origin: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => http.close(resolve));
      http.closeAllConnections();
      await closed;
    },
  };
}

function fromReply(reply: ScriptedReply): LlmAnswer {
  const texts = tokensOf([reply.text, ...(reply.more ?? [])].join(" ")).map((text): LlmPart => ({ type: "text", text }));
  const hold: LlmPart[] = reply.holdAtMs === undefined ? [] : [{ type: "hold" }];
  const calls = (reply.toolCalls ?? []).map((call): LlmPart => ({ type: "call", ...call }));
  const half = Math.ceil(texts.length / 2);
  const parts = [...texts.slice(0, half), ...hold, ...texts.slice(half), ...calls];
  return { type: "answer", parts, ...(reply.fails === true ? { then: "broken" } : {}) };
}

const withStatus = (refusal: LlmRefusal, status: number, retryAfterS: number | undefined): LlmRefusal => ({
  ...refusal,
  status,
  headers: { ...refusal.headers, ...(retryAfterS === undefined ? {} : { "retry-after": String(retryAfterS) }) },
});

function parsed(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}

async function read(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  // Without an encoding set, the pieces are buffers.
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > bodyLimitBytes) throw new Error("a request larger than any conversation");
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}
