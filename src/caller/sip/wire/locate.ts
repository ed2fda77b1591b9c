import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import type { SipUri } from "../message/uri.ts";
import type { Hop, TransportName } from "./wire.ts";

/** What a URI asks for: its transport and port (RFC 3263 section 4, without NAPTR and SRV: the port is the URI's or the default). */
function wantedOf(uri: SipUri): { transport: TransportName; port: number } {
  const named = uri.params.get("transport")?.toLowerCase();
  const transport = uri.scheme === "sips" || named === "tls" ? "tls" : named === "tcp" ? "tcp" : "udp";
  return { transport, port: uri.port ?? (transport === "tls" ? 5061 : 5060) };
}

/** Where a URI leads. A name is looked up; rejects with Node's own error when it has no address. */
export async function locate(uri: SipUri): Promise<Hop> {
  const host = uri.params.get("maddr") ?? uri.host;
  const address = isIP(host) === 0 ? (await lookup(host)).address : host;
  return { address, ...wantedOf(uri) };
}

/** The address of ours that a peer can reach when we listen on all: the one on its network, else the first that leaves this machine. */
export function addressFacing(peer: string): string {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const family = peer.includes(":") ? "IPv6" : "IPv4";
  const fitting = own.filter((each) => each.family === family);
  const near = fitting.toSorted((a, b) => sharedBits(b.address, peer) - sharedBits(a.address, peer))[0];
  if (near !== undefined && sharedBits(near.address, peer) >= 8) return near.address;
  return fitting.find((each) => !each.internal)?.address ?? fitting[0]?.address ?? peer;
}

/** Leading bits that two IPv4 addresses share; 0 for others. */
function sharedBits(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split(".").reduce((sum, part) => (sum * 256 + Number(part)) >>> 0, 0));
  if (left === undefined || right === undefined || !a.includes(".") || !b.includes(".")) return 0;
  return Math.clz32(left ^ right);
}
