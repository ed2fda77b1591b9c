import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { RtpPorts, type RtpSockets } from "../../../src/caller/sip/rtp/ports.ts";
import type { Clock } from "../../../src/kernel/clock.ts";
import { seededRandom, type Random } from "../../../src/kernel/random.ts";

export interface Impairment {
  /** Share of packets that never come: so many of every hundred, spread at random. */
  readonly loss: number;
  /** What a packet takes on the mean, and the standard deviation of that, ms. Packets may overtake each other. */
  readonly delayMs: number;
  readonly jitterMs: number;
  /** Share of packets that come twice. */
  readonly duplicates: number;
}

export interface WireCounts {
  carried: number;
  lost: number;
  duplicated: number;
  overtaken: number;
}

/**
 * A bad line between a phone and a server, on real sockets: the phone calls the wire, signalling goes on as it is but for the media
 * ports in it, and RTP and RTCP go through the impairment, both ways, the same for the same seed.
 */
export class BadWire implements AsyncDisposable {
  readonly counts: WireCounts = { carried: 0, lost: 0, duplicated: 0, overtaken: 0 };
  readonly #sip: Socket;
  readonly #server: number;
  readonly #clock: Clock;
  readonly #impairment: Impairment;
  readonly #ports = new RtpPorts("127.0.0.1", { first: 50_000, last: 59_999 });
  readonly #openings: Promise<Way>[] = [];
  readonly #ways = new Map<string, Promise<Way>>();
  readonly #random: Random;
  #phone: number | undefined;
  #isClosed = false;

  private constructor(sip: Socket, server: number, clock: Clock, impairment: Impairment, seed: number) {
    this.#sip = sip;
    this.#server = server;
    this.#clock = clock;
    this.#impairment = impairment;
    this.#random = seededRandom(seed);
    sip.on("message", (bytes, from) => void this.#signalled(bytes, from));
  }

  /** @param server the SIP port, on this machine, to which calls of the wire go on */
  static async open(server: number, impairment: Impairment, seed: number, clock: Clock): Promise<BadWire> {
    const sip = createSocket("udp4");
    await new Promise<void>((resolve) => sip.bind(0, "127.0.0.1", resolve));
    return new BadWire(sip, server, clock, impairment, seed);
  }

  /** Where a phone calls. */
  get port(): number {
    return this.#sip.address().port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await new Promise<void>((resolve) => this.#sip.close(() => resolve()));
    for (const way of await Promise.all(this.#openings)) this.#ports.release(way.sockets);
  }

  async #signalled(bytes: Buffer, from: RemoteInfo): Promise<void> {
    const fromServer = from.port === this.#server;
    if (!fromServer) this.#phone ??= from.port;
    const to = fromServer ? this.#phone : this.#server;
    if (to !== undefined) this.#sip.send(await this.#withOurPorts(bytes, fromServer), to, "127.0.0.1");
  }

  /** Who reads it sends its sound to us. */
  async #withOurPorts(bytes: Buffer, fromServer: boolean): Promise<Buffer> {
    const text = bytes.toString("latin1");
    const said = /^m=audio (\d+)/m.exec(text)?.[1];
    if (said === undefined) return bytes;
    const way = await this.#wayTo(fromServer ? "server" : "phone", Number(said));
    const named = Buffer.from(text.replace(`m=audio ${said}`, `m=audio ${way.sockets.port}`), "latin1");
    if (named.length !== bytes.length) throw new Error(`the media port ${said} has not five digits, and Content-Length would be wrong`);
    return named;
  }

  #wayTo(side: Side, port: number): Promise<Way> {
    const key = `${side}:${port}`;
    const known = this.#ways.get(key);
    if (known !== undefined) return known;
    const opening = this.#openWay(side, port);
    this.#ways.set(key, opening);
    this.#openings.push(opening);
    return opening;
  }

  /** What comes to it goes to that port of that side, and out of the socket that stands for the sender there. */
  async #openWay(side: Side, port: number): Promise<Way> {
    const sockets = await this.#ports.open();
    const way: Way = { side, port, sockets, loses: spread(this.#impairment.loss, this.#random), lastMs: 0 };
    sockets.rtp.on("message", (bytes) => void this.#carry(way, bytes, "rtp"));
    sockets.rtcp.on("message", (bytes) => void this.#carry(way, bytes, "rtcp"));
    return way;
  }

  async #carry(way: Way, bytes: Buffer, kind: "rtp" | "rtcp"): Promise<void> {
    const { delayMs, jitterMs, duplicates } = this.#impairment;
    if (way.loses()) return void (this.counts.lost += 1);
    this.counts.carried += 1;
    const takesMs = Math.max(0, delayMs + gauss(this.#random) * jitterMs);
    const atMs = this.#clock.now() + takesMs;
    if (atMs < way.lastMs) this.counts.overtaken += 1;
    way.lastMs = Math.max(way.lastMs, atMs);
    const back = await this.#back(way);
    const deliver = (): void => {
      if (!this.#isClosed) back?.sockets[kind].send(bytes, kind === "rtp" ? way.port : way.port + 1, "127.0.0.1", () => {});
    };
    this.#clock.setTimeout(deliver, takesMs);
    if (this.#random.next() >= duplicates) return;
    this.counts.duplicated += 1;
    this.#clock.setTimeout(deliver, takesMs + 1);
  }

  /** The way in the other direction, whose sockets stand for whom this packet is from. */
  async #back(way: Way): Promise<Way | undefined> {
    const ways = await Promise.all(this.#openings);
    return ways.findLast(({ side }) => side !== way.side);
  }
}

type Side = "phone" | "server";

interface Way {
  readonly side: Side;
  readonly port: number;
  readonly sockets: RtpSockets;
  readonly loses: () => boolean;
  lastMs: number;
}

/** True for exactly `share` of every hundred, at random places. */
function spread(share: number, random: Random): () => boolean {
  let [left, losses] = [0, 0];
  return () => {
    if (left === 0) [left, losses] = [100, Math.round(share * 100)];
    const lose = random.next() < losses / left;
    left -= 1;
    if (lose) losses -= 1;
    return lose;
  };
}

const gauss = (random: Random): number => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
