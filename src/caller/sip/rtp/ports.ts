import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import { Fault } from "../../../kernel/fault.ts";

/** RTP on an even port, RTCP on the one after it. */
export interface RtpSockets {
  readonly rtp: Socket;
  readonly rtcp: Socket;
  readonly port: number;
}

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Gives out pairs of UDP ports, each the next in the range, so that late packets of a call that ended do not meet the one that follows. */
export class RtpPorts {
  readonly #host: string;
  readonly #first: number;
  readonly #pairs: number;
  readonly #taken = new Set<number>();
  #next = 0;
  /** Ports of the range that another program holds. */
  clashes = 0;

  constructor(host: string, { first, last }: PortRange) {
    this.#host = host;
    this.#first = first + (first % 2);
    this.#pairs = Math.max(0, Math.floor((last - this.#first + 1) / 2));
  }

  /** @throws {Fault} busy when all are taken */
  async open(): Promise<RtpSockets> {
    for (let tries = 0; tries < this.#pairs; tries += 1) {
      const port = this.#first + 2 * this.#next;
      this.#next = (this.#next + 1) % this.#pairs;
      if (this.#taken.has(port)) continue;
      this.#taken.add(port);
      const sockets = await this.#bindPair(port);
      if (sockets !== undefined) return sockets;
      this.#taken.delete(port);
      this.clashes += 1;
    }
    throw new Fault("busy", `all ${this.#pairs} pairs of RTP ports are taken; widen SIP_RTP_PORTS`);
  }

  release(sockets: RtpSockets): void {
    for (const socket of [sockets.rtp, sockets.rtcp]) socket.close();
    this.#taken.delete(sockets.port);
  }

  async #bindPair(port: number): Promise<RtpSockets | undefined> {
    const rtp = await this.#bind(port);
    if (rtp === undefined) return undefined;
    const rtcp = await this.#bind(port + 1);
    if (rtcp !== undefined) return { rtp, rtcp, port };
    rtp.close();
    return undefined;
  }

  #bind(port: number): Promise<Socket | undefined> {
    const socket = createSocket({ type: isIPv6(this.#host) ? "udp6" : "udp4" });
    return new Promise((resolve) => {
      socket.on("error", () => {
        // Before it listens: taken. Later: a peer that is not there, which its silence tells soon enough.
        resolve(undefined);
      });
      socket.bind(port, this.#host, () => resolve(socket));
    });
  }
}
