import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isIP, type BlockList } from "node:net";
import type { CallStart } from "../caller/leg.ts";
import { Fault } from "../kernel/fault.ts";
import { Problem } from "./answer.ts";
import { network, within } from "./networks.ts";
import type { Peer } from "./peer.ts";
import type { Stay } from "./stay.ts";
import type { CallerTokens, Grant } from "./tokens.ts";

export interface AccessOptions {
  /** The keys that are good just now (two while one is being replaced). None: only peers on loopback are served. */
  readonly keys: () => readonly string[];
  /** Origins of pages that may call from elsewhere, such as "https://example.org"; the server's own pages always may. */
  readonly origins: readonly string[];
  /** Addresses or networks ("10.0.0.0/8") of proxies whose X-Forwarded-For is believed. Who comes from there is never local. */
  readonly trustedProxies: readonly string[];
  readonly tokens: CallerTokens;
  /** How long a caller may stay with one token, from when it was made, ms. */
  readonly tokenStayMs: number;
  /** The address from which a request came. */
  readonly addressOf: (request: IncomingMessage) => string;
  /** Whether a call waits for the caller who has this resume token. */
  readonly awaits: (resumeToken: string) => boolean;
  /** Told of everybody who is turned away, with what they lacked. */
  readonly refused: (lacking: "loopback" | "key" | "token" | "origin", address: string) => void;
}

/** Somebody who was let in. */
export interface Admission {
  readonly start: CallStart;
  /** Undefined: as long as they like. */
  readonly stay: Stay | undefined;
}

/** Of whoever is at the other end of the connection. */
export const addressOfSocket = ({ socket }: IncomingMessage): string => socket.remoteAddress ?? "";

const loopback = network(["127.0.0.0/8", "::1"], "loopback");

/** Closed by default: whoever is not on this machine needs a key, and without a key configured nobody else is served. */
export class Access {
  readonly #keys: () => readonly string[];
  readonly #origins: ReadonlySet<string>;
  readonly #proxies: BlockList;
  readonly #tokens: CallerTokens;
  readonly #tokenStayMs: number;
  readonly #addressOf: AccessOptions["addressOf"];
  readonly #awaits: (resumeToken: string) => boolean;
  readonly #refused: AccessOptions["refused"];

  constructor(options: AccessOptions) {
    this.#keys = options.keys;
    this.#origins = new Set(options.origins);
    this.#proxies = network(options.trustedProxies, "LINEKEEPER_TRUSTED_PROXIES");
    this.#tokens = options.tokens;
    this.#tokenStayMs = options.tokenStayMs;
    this.#addressOf = options.addressOf;
    this.#awaits = options.awaits;
    this.#refused = options.refused;
  }

  peer(request: IncomingMessage): Peer {
    const socketAddress = this.#addressOf(request);
    const forwarded = request.headers["x-forwarded-for"];
    const byProxy = within(this.#proxies, socketAddress);
    const address = byProxy && forwarded !== undefined ? this.#clientOf(forwarded, socketAddress) : socketAddress;
    // A page from elsewhere can point a name of its own at 127.0.0.1, so the name has to be one of this machine; and what came
    // through a proxy is no local peer, only a local proxy. Some proxies say neither for whom they ask nor what name was asked for.
    const direct = !byProxy && forwarded === undefined && request.headers.forwarded === undefined && isLocalName(request.headers.host);
    const local = direct && within(loopback, socketAddress);
    return { address, local, hasKey: this.isKey(bearer(request)), origin: request.headers.origin, token: offeredToken(request) };
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
    this.#refused("loopback", peer.address);
    throw new Fault("caller-refused", "only callers on this machine are served; set LINEKEEPER_API_KEY to let others in with that key");
  }

  /** @throws {Fault | Problem} caller-refused as `mustBeServed`, or 401 without a good key. */
  mustBeKnown(peer: Peer): void {
    this.mustBeServed(peer);
    if (isKnown(peer)) return;
    this.#refused("key", peer.address);
    throw new Problem(401, "key-needed", "the key in LINEKEEPER_API_KEY is needed: send it as Authorization: Bearer");
  }

  /**
   * Lets a start in: of this machine, with the key, or with a caller token; into a call that waits for it also with the one that it
   * used before. What it showed for that goes no further; what its token says wins over what it asks for, and who pays for the call
   * only a token can say.
   * @throws {Fault} caller-refused, or busy when more tokens were used within a minute than can be remembered
   */
  admit(peer: Peer, start: CallStart): Admission {
    this.mustBeServed(peer);
    // Who pays, and what a carrier says of a call that it placed for us, are not for the caller to say.
    const { token = peer.token, user: _user, direction: _direction, machine: _machine, ...parameters } = start.parameters;
    const plain = { ...start, parameters };
    if (token === undefined ? isKnown(peer) : this.isKey(token)) return { start: plain, stay: undefined };
    const isBack = start.resume !== undefined && this.#awaits(start.resume);
    const { grant, stay } = this.#granted(peer, token, isBack);
    if (grant === undefined) return { start: plain, stay };
    const { agent, language, user } = grant;
    const granted = {
      ...plain,
      agent: agent ?? start.agent,
      language: language ?? start.language,
      parameters: user === undefined ? parameters : { ...parameters, user },
    };
    return { start: granted, stay };
  }

  #granted(peer: Peer, token: string | undefined, isBack: boolean): { readonly grant: Grant | undefined; readonly stay: Stay } {
    try {
      if (token !== undefined) {
        const grant = isBack ? undefined : this.#tokens.redeem(token, peer);
        return { grant, stay: this.#tokens.stay(token, peer, this.#tokenStayMs) };
      }
    } catch (error) {
      this.#refused("token", peer.address);
      throw error;
    }
    this.#refused("key", peer.address);
    throw new Fault("caller-refused", "a key or a caller token is needed: send it as Authorization: Bearer, or as token in start");
  }

  /**
   * Pages of other sites may not use the visitor's browser to call. Native clients send no Origin.
   * @throws {Fault} caller-refused
   */
  mustBeOurPage(request: IncomingMessage): void {
    const { origin, host } = request.headers;
    if (origin === undefined || this.#origins.has(origin)) return;
    if (host !== undefined && (origin === `http://${host}` || origin === `https://${host}`)) return;
    this.#refused("origin", this.peer(request).address);
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

const isKnown = (peer: Peer): boolean => peer.local || peer.hasKey;

function bearer(request: IncomingMessage): string | undefined {
  return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
}

function offeredToken(request: IncomingMessage): string | undefined {
  const offered = request.headers["sec-websocket-protocol"]?.split(",").map((each) => each.trim());
  return offered?.find((each) => each.startsWith("token."))?.slice("token.".length);
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

function isLocalName(host: string | undefined): boolean {
  const name = (host ?? "").replace(/:\d+$/, "").toLowerCase();
  return name === "localhost" || name.endsWith(".localhost") || name === "[::1]" || (isIP(name) === 4 && within(loopback, name));
}
