import { isIPv6 } from "node:net";
import type { Clock } from "../kernel/clock.ts";
import { Fault } from "../kernel/fault.ts";
import { Allowance } from "./allowance.ts";

export interface DoorLimits {
  /** Connections at once from one address. */
  readonly perAddress: number;
  /** New connections a second from one address; the burst is `perAddress`. */
  readonly perAddressPerSecond: number;
  /** Connections at once through one carrier that proved who it is: all its calls come from a few addresses. */
  readonly perCarrier: number;
  /** New connections a second through one carrier; the burst is twice that. */
  readonly perCarrierPerSecond: number;
  /** Connections at once in this process. */
  readonly overall: number;
}

export const doorLimits: DoorLimits = {
  perAddress: 20,
  perAddressPerSecond: 10,
  perCarrier: 200,
  perCarrierPerSecond: 50,
  overall: 400,
};

/** Whose limit it is: one address's, one carrier's, or all connections' of this process. */
export type DoorScope = "address" | "carrier" | "node";

/** @param scope undefined: the door is shut. `address`: as far as it counts as one, where it is an address's limit */
export type DoorRefusal = (fault: Fault, scope: DoorScope | undefined, address: string | undefined) => void;

interface Visitor {
  readonly name: string;
  readonly scope: "address" | "carrier";
  /** Undefined: a carrier, from wherever. */
  readonly address: string | undefined;
  readonly limit: number;
  readonly perSecond: number;
  open: number;
  readonly allowance: Allowance;
}

/** More addresses than this are not remembered: whoever has that many would otherwise fill the memory. */
const addressLimit = 10_000;
const busyRetryMs = 5_000;

/** Counts connections, overall and by address (IPv6 by /64) or carrier, and says when it is too many. */
export class Door {
  readonly #limits: DoorLimits;
  readonly #clock: Clock;
  readonly #visitors = new Map<string, Visitor>();
  /** Never forgotten: there are as many as are configured. */
  readonly #carriers = new Map<string, Visitor>();
  readonly #shut: () => Fault | undefined;
  readonly #refused: DoorRefusal;
  #open = 0;

  /**
   * @param shut why nobody at all may come in just now
   * @param refused told of each who was not let in
   */
  constructor(limits: DoorLimits, clock: Clock, shut: () => Fault | undefined = () => undefined, refused: DoorRefusal = () => {}) {
    this.#limits = limits;
    this.#clock = clock;
    this.#shut = shut;
    this.#refused = refused;
  }

  get open(): number {
    return this.#open;
  }

  /**
   * Lets a connection in; dispose when it is gone.
   * @throws {Fault} busy, with the time to wait, or that for which the door is shut.
   */
  enter(address: string): Disposable {
    return this.#enter(this.#visitorAt(neighbourhood(address)));
  }

  /**
   * The same for a connection through a carrier that proved who it is, whatever address it comes from.
   * @throws {Fault} busy, with the time to wait.
   */
  enterThrough(carrier: string): Disposable {
    let visitor = this.#carriers.get(carrier);
    if (visitor === undefined) {
      const { perCarrier, perCarrierPerSecond } = this.#limits;
      const allowance = new Allowance(perCarrierPerSecond, 2 * perCarrierPerSecond, this.#clock.now());
      const kind = { name: carrier, scope: "carrier", address: undefined } as const;
      visitor = { ...kind, limit: perCarrier, perSecond: perCarrierPerSecond, open: 0, allowance };
      this.#carriers.set(carrier, visitor);
    }
    return this.#enter(visitor);
  }

  #enter(visitor: Visitor): Disposable {
    const shut = this.#shut();
    if (shut !== undefined) {
      this.#refused(shut, undefined, undefined);
      throw shut;
    }
    if (this.#open >= this.#limits.overall) throw this.#refuse(`all ${this.#limits.overall} connections are taken`, busyRetryMs, "node");
    if (visitor.open >= visitor.limit) {
      const why = `${visitor.name} has ${visitor.open} connections, the limit is ${visitor.limit}`;
      throw this.#refuse(why, busyRetryMs, visitor.scope, visitor.address);
    }
    const now = this.#clock.now();
    if (!visitor.allowance.take(1, now)) {
      const waitMs = visitor.allowance.waitMs(1, now);
      throw this.#refuse(`${visitor.name} connects more than ${visitor.perSecond} times a second`, waitMs, visitor.scope, visitor.address);
    }
    visitor.open += 1;
    this.#open += 1;
    let inside = true;
    return {
      [Symbol.dispose]: () => {
        if (!inside) return;
        inside = false;
        visitor.open -= 1;
        this.#open -= 1;
      },
    };
  }

  #visitorAt(key: string): Visitor {
    const known = this.#visitors.get(key);
    if (known !== undefined) return known;
    const now = this.#clock.now();
    if (this.#visitors.size >= addressLimit) this.#forget(now);
    if (this.#visitors.size >= addressLimit) throw this.#refuse("too many addresses at once", busyRetryMs, "node");
    const { perAddress: limit, perAddressPerSecond: perSecond } = this.#limits;
    const kind = { name: "this address", scope: "address", address: key } as const;
    const visitor = { ...kind, limit, perSecond, open: 0, allowance: new Allowance(perSecond, limit, now) };
    this.#visitors.set(key, visitor);
    return visitor;
  }

  #forget(now: number): void {
    for (const [key, visitor] of this.#visitors) if (visitor.open === 0 && visitor.allowance.full(now)) this.#visitors.delete(key);
  }

  #refuse(why: string, retryAfterMs: number, scope: DoorScope, address?: string): Fault {
    const fault = new Fault("busy", `${why}; try again in a moment`, { retryAfterMs });
    this.#refused(fault, scope, address);
    return fault;
  }
}

/** What counts as one address: an IPv4 address (also when mapped into IPv6), or the /64 of an IPv6 address. */
export function neighbourhood(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [head = "", tail] = (address.split("%")[0] ?? "").toLowerCase().split("::");
  const front = head === "" ? [] : head.split(":");
  const back = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length);
  const groups = [...front, ...Array.from({ length: zeros }, () => "0"), ...back];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}
