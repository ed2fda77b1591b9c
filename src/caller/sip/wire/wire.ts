/** How SIP messages travel. */
export type TransportName = "udp" | "tcp" | "tls";

/** Where a message came from, or goes to: an address, never a name. */
export interface Hop {
  readonly transport: TransportName;
  readonly address: string;
  readonly port: number;
}

export interface WireEar {
  /** One message of a datagram or a stream. */
  received(bytes: Buffer, from: Hop): void;
  /** May this address connect at all? */
  admits(address: string): boolean;
}

/** An open socket, or many, of one transport. */
export interface Wire {
  readonly transport: TransportName;
  /** Where it listens. */
  readonly port: number;
  /** Sends for now; `failed` is called at most once, when it is known that it did not arrive. */
  send(bytes: Buffer, to: Hop, failed: () => void): void;
  close(): Promise<void>;
}

/** IPv4 addresses that came mapped into IPv6, as IPv4. */
export const plainAddress = (address: string): string => (/^::ffff:\d+\./i.test(address) ? address.slice(7) : address);
