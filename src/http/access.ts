import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";
import { Fault } from "../kernel/fault.ts";

export interface AccessOptions {
  /** The keys that are good just now (two while one is being replaced). None: only peers on loopback are served. */
  readonly keys: () => readonly string[];
  /** Origins of pages that may call from elsewhere, such as "https://example.org"; the server's own pages always may. */
  readonly origins: readonly string[];
  /** Addresses or networks ("10.0.0.0/8") of proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
}

/** Who is at the other end of a request, as far as it can be known before it is answered. */
export interface Peer {
  readonly address: string;
  /** On this machine, and not speaking for somebody else. */
  readonly local: boolean;
  /** Came with a good key. */
  readonly hasKey: boolean;
}

const loopback = network(["127.0.0.0/8", "::1"]);

/** Closed by default: whoever is not on this machine needs a key, and without a key configured nobody else is served. */
export class Access {
  readonly #keys: () => readonly string[];
  readonly #origins: ReadonlySet<string>;
  readonly #proxies: BlockList;

  constructor(options: AccessOptions) {
    this.#keys = options.keys;
    this.#origins = new Set(options.origins);
    this.#proxies = network(options.trustedProxies);
  }

  peer(request: IncomingMessage): Peer {
    const socketAddress = request.socket.remoteAddress ?? "";
    const forwarded = request.headers["x-forwarded-for"];
    const trusted = forwarded !== undefined && within(this.#proxies, socketAddress);
    const address = trusted ? this.#clientOf(forwarded, socketAddress) : socketAddress;
    // A page from elsewhere can point a name of its own at 127.0.0.1, so the name has to be one of this machine; and what came
    // through a proxy is no local peer, only a local proxy.
    const direct = forwarded === undefined && request.headers.forwarded === undefined && isLocalName(request.headers.host);
    return { address, local: direct && within(loopback, socketAddress), hasKey: this.isKey(bearer(request)) };
  }

  isKey(key: string | undefined): boolean {
    if (key === undefined) return false;
    let good = false;
    for (const each of this.#keys()) good = timingSafeEqual(digest(each), digest(key)) || good;
    return good;
  }

  /** @throws {Fault} caller-refused, saying which setting opens the door. */
  mustBeServed(peer: Peer): void {
    if (peer.local || this.#keys().length > 0) return;
    throw new Fault("caller-refused", "only callers on this machine are served; set LINEKEEPER_API_KEY to let others in with that key");
  }

  isKnown(peer: Peer): boolean {
    return peer.local || peer.hasKey;
  }

  /** @throws {Fault} caller-refused. `token` is a key that came in another way than the header. */
  mustBeKnown(peer: Peer, token?: string): void {
    this.mustBeServed(peer);
    if (this.isKnown(peer) || this.isKey(token)) return;
    throw new Fault("caller-refused", "the key in LINEKEEPER_API_KEY is needed: send it as Authorization: Bearer, or as token in start");
  }

  /**
   * Pages of other sites may not use the visitor's browser to call. Native clients send no Origin.
   * @throws {Fault} caller-refused
   */
  mustBeOurPage(request: IncomingMessage): void {
    const { origin, host } = request.headers;
    if (origin === undefined || this.#origins.has(origin)) return;
    if (host !== undefined && (origin === `http://${host}` || origin === `https://${host}`)) return;
    throw new Fault("caller-refused", "this page's origin may not call here; add it to the allowed origins");
  }

  /** The last address in the chain that is not one of our proxies: what stands before it anybody could have written. */
  #clientOf(forwarded: string | string[], socketAddress: string): string {
    const chain = [forwarded].flat().join(",").split(",");
    for (const each of chain.toReversed()) {
      const address = each.trim();
      if (isIP(address) === 0) return socketAddress;
      if (!within(this.#proxies, address)) return address;
    }
    return socketAddress;
  }
}

function bearer(request: IncomingMessage): string | undefined {
  return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

function isLocalName(host: string | undefined): boolean {
  const name = (host ?? "").replace(/:\d+$/, "").toLowerCase();
  return name === "localhost" || name.endsWith(".localhost") || name === "[::1]" || (isIP(name) === 4 && within(loopback, name));
}

function network(rows: readonly string[]): BlockList {
  const list = new BlockList();
  for (const row of rows) {
    const [address = "", prefix] = row.split("/");
    const version = isIP(address);
    const bits = prefix === undefined ? (version === 6 ? 128 : 32) : Number(prefix);
    if (version === 0 || !Number.isInteger(bits) || bits < 0 || bits > (version === 6 ? 128 : 32)) {
      throw new Fault("setting-invalid", `trusted proxies: "${row}" is neither an address nor a network such as 10.0.0.0/8`);
    }
    list.addSubnet(address, bits, version === 6 ? "ipv6" : "ipv4");
  }
  return list;
}

function within(list: BlockList, address: string): boolean {
  const version = isIP(address);
  return version !== 0 && list.check(address, version === 6 ? "ipv6" : "ipv4");
}
