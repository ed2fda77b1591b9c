import { Fault, type FaultCode } from "../../src/kernel/fault.ts";
import type { Random } from "../../src/kernel/random.ts";
import type { SimCaller } from "./sim-caller.ts";
import type { Place } from "./sim-link.ts";
import { usualDoor, type Door, type SimProvider } from "./sim-provider.ts";
import type { World } from "./world.ts";

/** One fault in the making: asked at every step until it is over. False: it is. */
type Episode = (nowMs: number) => boolean;

/** Begins a fault; undefined: it has no place in this world. */
type FaultClass = (world: World, lot: Random, nowMs: number) => Episode | undefined;

const done: Episode = () => false;
const patienceMs = 15_000;
/** So many faults there are at least in a run, also where some of those planned met nobody. */
const fewest = 3;

const pick = <Item>(lot: Random, items: readonly Item[]): Item | undefined => items[Math.floor(lot.next() * items.length)];
const between = (lot: Random, least: number, most: number): number => least + (most - least) * lot.next();
const deaths: readonly FaultCode[] = [
  "provider-dropped",
  "provider-dropped",
  "provider-overloaded",
  "provider-silent",
  "provider-key",
  "provider-malformed",
];
const death = (lot: Random, why: string): Fault => new Fault(pick(lot, deaths) ?? "provider-dropped", why);

/** Some of the providers that can fail: one, several, or all. */
function victims(world: World, lot: Random): readonly SimProvider[] {
  const { mortals } = world;
  const share = lot.next();
  if (share < 0.2) {
    world.meet("all providers at once");
    return mortals;
  }
  const some = share < 0.5 ? mortals.filter(() => lot.next() < 0.5) : [];
  if (some.length > 1) world.meet("several providers at once");
  // Whoever has a call now, or the fault may meet nobody.
  const present = world.callers.flatMap((caller) => world.linkOf(caller)?.provider ?? []).find(({ traits }) => !traits.stopgap);
  return some.length > 0 ? some : [present ?? mortals[0]].filter((each) => each !== undefined);
}

/** The link of a call is lost in a certain place. */
function loseAt(place: Place | "opening"): FaultClass {
  return (world, lot, sinceMs) => {
    let isForced = false;
    return (nowMs) => {
      const fault = death(lot, `lost while ${place}`);
      if (place === "opening") {
        const openings = world.mortals.flatMap((provider) => [...provider.openings]);
        const opening = pick(
          lot,
          openings.filter(({ request }) => world.callerOf(request.callId) !== undefined),
        );
        if (opening !== undefined) {
          opening.reject(fault);
          world.meet("lost while opening");
          return false;
        }
        // Something has to be opened for that.
        if (!isForced && nowMs - sinceMs > 3_000) for (const { links } of world.mortals) for (const link of links) link.lose(fault);
        isForced ||= nowMs - sinceMs > 3_000;
        return nowMs - sinceMs < patienceMs;
      }
      const link = pick(
        lot,
        world.linksAt(place).filter(({ provider }) => !provider.traits.stopgap),
      );
      if (link === undefined) return nowMs - sinceMs < patienceMs;
      world.meet(`lost while ${place}`);
      link.lose(fault);
      return false;
    };
  };
}

/** Doors are not as usual for a while; present sessions of those behind them are lost, or live on. */
function doors(name: string, door: (lot: Random) => Door, losesLinks = true): FaultClass {
  return (world, lot, sinceMs) => {
    const those = victims(world, lot);
    const forMs = between(lot, 3_000, 20_000);
    for (const provider of those) {
      provider.door = door(lot);
      if (losesLinks) for (const link of provider.links) link.lose(new Fault("provider-dropped", name));
    }
    world.meet(name);
    return (nowMs) => {
      if (nowMs - sinceMs < forMs) return true;
      for (const provider of those) provider.door = usualDoor;
      return false;
    };
  };
}

const refusing = (code: FaultCode, retryAfterMs?: number): Door => ({
  name: "refusing",
  fault: new Fault(code, "refused", retryAfterMs === undefined ? {} : { retryAfterMs }),
});

/** Something is different about a provider for a while. */
function manner(name: string, set: (provider: SimProvider, on: boolean) => void): FaultClass {
  return (world, lot, sinceMs) => {
    const those = victims(world, lot);
    const forMs = between(lot, 8_000, 25_000);
    for (const provider of those) set(provider, true);
    world.meet(name);
    return (nowMs) => {
      if (nowMs - sinceMs < forMs) return true;
      for (const provider of those) set(provider, false);
      return false;
    };
  };
}

/** Something happens to one caller, now. */
function toCaller(name: string, act: (caller: SimCaller, world: World, lot: Random, nowMs: number) => Episode | undefined): FaultClass {
  return (world, lot, nowMs) => {
    const caller = pick(
      lot,
      world.callers.filter((each) => !each.isGone && !each.isAway && !world.isOver(each.callId)),
    );
    if (caller === undefined) return undefined;
    const episode = act(caller, world, lot, nowMs);
    if (episode !== undefined) world.meet(name);
    return episode;
  };
}

/** Something happens to the link of one caller, now. */
const toLink = (
  name: string,
  act: (link: NonNullable<ReturnType<World["linkOf"]>>, world: World, lot: Random, nowMs: number) => Episode,
): FaultClass =>
  toCaller(name, (caller, world, lot, nowMs) => {
    const link = world.linkOf(caller);
    return link === undefined || link.provider.traits.stopgap ? undefined : act(link, world, lot, nowMs);
  });

/** Every class of fault by name; each is met in some run, or the runs prove nothing about it. */
const faultClasses: Readonly<Record<string, FaultClass>> = {
  "lost while opening": loseAt("opening"),
  "lost while waiting": loseAt("waiting"),
  "lost while seeding": loseAt("seeding"),
  "lost while hearing": loseAt("hearing"),
  "lost while answering": loseAt("answering"),
  "lost while tool": loseAt("tool"),
  "lost while playing": loseAt("playing"),
  "slow opening": doors("slow opening", (lot) => ({ name: "open", openMs: between(lot, 600, 4_000) })),
  "hanging opening": doors("hanging opening", () => ({ name: "hanging" })),
  "accept, then close after 0 ms": doors("dropping at 0 ms", () => ({ name: "dropping", afterMs: 0 })),
  "accept, then close after 200 ms": doors("dropping at 200 ms", () => ({ name: "dropping", afterMs: 200 })),
  "accept, then close after 2000 ms": doors("dropping at 2,000 ms", () => ({ name: "dropping", afterMs: 2_000 })),
  unreachable: doors("unreachable", () => refusing("provider-unreachable")),
  "refused 401": doors("refused 401", () => refusing("provider-key")),
  "refused 429": doors("refused 429", (lot) => refusing("provider-limited", between(lot, 2_000, 12_000))),
  "refused 429, nobody says for how long": (world, lot, sinceMs) => {
    const begun = doors("refused 429, nobody says for how long", () => refusing("provider-limited"))(world, lot, sinceMs);
    let endedMs: number | undefined;
    // Whoever was turned away so leaves the provider alone for a minute: only then is it over.
    return (nowMs) => {
      if (endedMs === undefined && begun?.(nowMs) !== true) endedMs = nowMs;
      return endedMs === undefined || nowMs - endedMs < 60_000;
    };
  },
  "refused 503": doors("refused 503", () => refusing("provider-overloaded")),
  "refused for quota": doors("refused for quota", () => refusing("provider-quota")),
  "refused, and sessions live on": doors("refused, and sessions live on", () => refusing("provider-overloaded"), false),
  flapping: (world, lot, sinceMs) => {
    const those = victims(world, lot);
    const forMs = between(lot, 10_000, 24_000);
    world.meet("flapping");
    let isDown = false;
    return (nowMs) => {
      const isOver = nowMs - sinceMs >= forMs;
      const goesDown = !isOver && Math.floor((nowMs - sinceMs) / 2_000) % 2 === 0;
      if (goesDown !== isDown)
        for (const provider of those) {
          provider.door = goesDown ? refusing("provider-unreachable") : usualDoor;
          if (goesDown) for (const link of provider.links) link.lose(new Fault("provider-dropped", "flapping"));
        }
      isDown = goesDown;
      return !isOver;
    };
  },
  "swizzled recovery": (world, lot, sinceMs) => {
    const ends = world.mortals.map((provider, at) => ({ provider, fromMs: at * 1_500, toMs: between(lot, 8_000, 20_000) }));
    world.meet("swizzled recovery");
    return (nowMs) => {
      for (const { provider, fromMs, toMs } of ends) {
        const isDown = nowMs - sinceMs >= fromMs && nowMs - sinceMs < toMs;
        if (isDown && provider.door === usualDoor) for (const link of provider.links) link.isHalfOpen = true;
        if (isDown && nowMs - sinceMs >= fromMs + 1_500)
          for (const link of provider.links) link.lose(new Fault("provider-silent", "no pong"));
        provider.door = isDown ? refusing("provider-unreachable") : usualDoor;
      }
      return ends.some(({ toMs }) => nowMs - sinceMs < toMs);
    };
  },
  "long outage": (world, lot, sinceMs) => {
    // Long enough for the ladder's last rung where nothing bridges.
    const forMs = lot.next() < 0.5 ? between(lot, 70_000, 90_000) : between(lot, 8_000, 30_000);
    const door: Door = lot.next() < 0.5 ? { name: "hanging" } : refusing("provider-unreachable");
    for (const provider of world.mortals) {
      provider.door = door;
      for (const link of provider.links) link.lose(new Fault("provider-dropped", "an outage"));
    }
    world.meet("long outage");
    return (nowMs) => {
      if (nowMs - sinceMs < forMs) return true;
      for (const provider of world.mortals) provider.door = usualDoor;
      return false;
    };
  },
  "silent after commit": manner("silent after commit", (provider, on) => (provider.isSilent = on)),
  "says things twice": manner("says things twice", (provider, on) => (provider.stutters = on)),
  "answer after cancel": manner("talks on when interrupted", (provider, on) => (provider.talksOn = on)),
  "expiry announced": toLink("expiry announced", (link, _, lot, sinceMs) => {
    const inMs = between(lot, 3_000, 20_000);
    link.tells({ type: "link.expiring", inMs });
    return (nowMs) => {
      if (nowMs - sinceMs < inMs) return link.state === "open";
      link.lose(new Fault("provider-expired", "the session is over"));
      return false;
    };
  }),
  "expiry unannounced": toLink("expiry unannounced", (link) => {
    link.lose(new Fault("provider-expired", "the session is over"));
    return done;
  }),
  "clogged link": toLink("clogged link", (link, _, lot, sinceMs) => {
    const forMs = between(lot, 200, 5_000);
    link.isClogged = true;
    return (nowMs) => (link.isClogged = nowMs - sinceMs < forMs);
  }),
  "frozen link": toLink("frozen link", (link, _, lot, sinceMs) => {
    const forMs = lot.next() < 0.5 ? between(lot, 100, 1_000) : between(lot, 1_000, 15_000);
    link.freeze(true);
    return (nowMs) => {
      if (nowMs - sinceMs < forMs && link.state === "open") return true;
      link.freeze(false);
      return false;
    };
  }),
  "half-open link": toLink("half-open link", (link, _, __, sinceMs) => {
    link.isHalfOpen = true;
    return (nowMs) => {
      if (nowMs - sinceMs < 1_500) return true;
      link.isHalfOpen = false;
      link.lose(new Fault("provider-silent", "no pong"));
      return false;
    };
  }),
  "wall clock jump": (world, lot) => {
    world.clock.jumpWall((lot.next() < 0.5 ? -1 : 1) * 3_600_000);
    world.meet("wall clock jump");
    return done;
  },
  "event loop stall": (world, lot) => {
    world.clock.stall(between(lot, 50, 2_000));
    world.meet("event loop stall");
    return done;
  },
  "slow consumer": toCaller("slow consumer", (caller, _, lot, sinceMs) => {
    const { leg } = caller;
    const forMs = between(lot, 500, 5_000);
    leg.isSlow = true;
    return (nowMs) => (leg.isSlow = nowMs - sinceMs < forMs);
  }),
  "half-open leg": toCaller("half-open leg", (caller, _, lot, sinceMs) => {
    const { leg } = caller;
    const forMs = between(lot, 500, 4_000);
    leg.isCut = true;
    caller.isDelayed = true;
    return (nowMs) => {
      if (caller.leg !== leg || caller.isAway) return false;
      const isOver = nowMs - sinceMs >= forMs;
      leg.isCut = caller.isDelayed = !isOver;
      return !isOver;
    };
  }),
  "leg lost": toCaller("leg lost", (caller, _, lot) => {
    caller.loseLine(between(lot, 300, lot.next() < 0.3 ? 45_000 : 6_000), true);
    return done;
  }),
  "leg back before the loss was noticed": toCaller("leg back before the loss was noticed", (caller, _, lot) => {
    caller.loseLine(between(lot, 300, 4_000), false);
    return done;
  }),
  "node killed": (world, lot, sinceMs) => {
    const downMs = between(lot, 500, 6_000);
    if (!world.node.isUp) return undefined;
    world.meet("node killed");
    world.kill(downMs);
    return (nowMs) => {
      if (nowMs - sinceMs < downMs) return true;
      world.restart();
      return false;
    };
  },
  "full disk": (world, lot, sinceMs) => {
    if (world.node.roster.refusal()?.code === "draining") return undefined;
    const forMs = between(lot, 5_000, 30_000);
    world.meet("full disk");
    world.isDiskFull = true;
    return (nowMs) => (world.isDiskFull &&= nowMs - sinceMs < forMs);
  },
  "node drained": (world, lot, sinceMs) => {
    if (!world.node.isUp) return undefined;
    const { node } = world;
    const forMs = between(lot, 500, 8_000);
    world.meet("node drained");
    world.drain();
    return (nowMs) => {
      if (world.node !== node || !node.isUp) return false;
      if (nowMs - sinceMs < forMs && node.roster.size > 0) return true;
      world.replace();
      return false;
    };
  },
  "switch asked": toCaller("switch asked", (caller, world) => {
    if (!world.node.isUp) return undefined;
    try {
      world.node.roster.switchProvider(caller.callId, undefined);
    } catch (error) {
      if (error instanceof Fault && error.code === "call-unable") return undefined;
      throw error;
    }
    return done;
  }),
  held: toCaller("held", (caller, world, lot, sinceMs) => muffled(caller, world, sinceMs, between(lot, 1_000, 6_000), "hold")),
  muted: toCaller("muted", (caller, world, lot, sinceMs) => muffled(caller, world, sinceMs, between(lot, 1_000, 6_000), "mute")),
  "breaker ordered open": (world, lot, sinceMs) => {
    const [provider] = victims(world, lot);
    const forMs = between(lot, 3_000, 15_000);
    if (provider === undefined || !world.node.isUp) return undefined;
    const { node } = world;
    node.guards.order(provider.name, "open");
    world.meet("breaker ordered open");
    return (nowMs) => {
      if (nowMs - sinceMs < forMs) return true;
      if (node.isUp) node.guards.order(provider.name, "auto");
      return false;
    };
  },
};

function muffled(caller: SimCaller, world: World, sinceMs: number, forMs: number, how: "hold" | "mute"): Episode | undefined {
  const { node } = world;
  if (!node.isUp || caller.isMuffled || caller.isDelayed) return undefined;
  const order = (on: boolean): void => {
    if (node.isUp && node.roster.call(caller.callId) !== undefined) node.roster[how](caller.callId, on);
    caller.muffle(on);
  };
  order(true);
  return (nowMs) => {
    if (nowMs - sinceMs < forMs && node.isUp) return true;
    order(false);
    return false;
  };
}

/** The faults of one world, in time. */
export class FaultPlan {
  readonly #world: World;
  readonly #planned: { readonly atMs: number; readonly name: string }[] = [];
  readonly #running = new Set<Episode>();
  begun = 0;

  constructor(world: World, untilMs: number) {
    this.#world = world;
    const { lot } = world;
    const names = Object.keys(faultClasses);
    const count = 4 + Math.floor(lot.next() * 5);
    for (let each = 0; each < count; each += 1)
      this.#planned.push({ atMs: between(lot, 2_000, untilMs - 5_000), name: pick(lot, names) ?? "flapping" });
    this.#planned.sort((a, b) => a.atMs - b.atMs);
  }

  step(): void {
    const nowMs = this.#world.clock.now();
    while (this.#planned[0] !== undefined && this.#planned[0].atMs <= nowMs) this.#begin(this.#planned.shift()?.name ?? "", nowMs);
    for (const episode of this.#running) if (!episode(nowMs)) this.#running.delete(episode);
    if (this.isOver && this.begun < fewest) this.#begin(pick(this.#world.lot, Object.keys(faultClasses)) ?? "flapping", nowMs);
  }

  get isOver(): boolean {
    return this.#planned.length === 0 && this.#running.size === 0;
  }

  #begin(name: string, nowMs: number): void {
    const episode = faultClasses[name]?.(this.#world, this.#world.lot, nowMs);
    if (episode === undefined) return;
    this.#world.ledger.note(`fault: ${name}`);
    this.begun += 1;
    this.#running.add(episode);
  }
}
