import { Fault } from "../../src/kernel/fault.ts";
import type { Random } from "../../src/kernel/random.ts";
import type { Link, OpenRequest, Provider, ProviderTraits } from "../../src/provider/contract.ts";
import type { SimCaller } from "./sim-caller.ts";
import { SimLink } from "./sim-link.ts";

/** What becomes of who knocks. */
export type Door =
  | { readonly name: "open"; readonly openMs: number }
  | { readonly name: "refusing"; readonly fault: Fault }
  | { readonly name: "hanging" }
  /** Accepts, and closes so much later. */
  | { readonly name: "dropping"; readonly afterMs: number };

interface Opening {
  readonly request: OpenRequest;
  reject(fault: Fault): void;
}

export const usualDoor: Door = { name: "open", openMs: 40 };

export interface SimHost {
  readonly random: Random;
  callerOf(callId: string): SimCaller | undefined;
  /** Something worth counting happened. */
  meet(what: string): void;
}

/** A provider of the simulation; what may go wrong with it is set from outside. */
export class SimProvider {
  readonly name: string;
  readonly traits: ProviderTraits;
  readonly links = new Set<SimLink>();
  readonly openings = new Set<Opening>();
  /** When it was asked for a session. */
  readonly knocks: number[] = [];
  door: Door = usualDoor;
  /** It hears, and says no more. */
  isSilent = false;
  /** Tells some things twice. */
  stutters = false;
  /** Goes on after it was interrupted. */
  talksOn = false;
  readonly #host: SimHost;

  constructor(name: string, traits: Partial<ProviderTraits>, host: SimHost) {
    this.name = name;
    this.traits = { ...usualTraits, ...traits };
    this.#host = host;
  }

  get random(): Random {
    return this.#host.random;
  }

  get isWell(): boolean {
    return this.door.name === "open" && this.door.openMs <= 500;
  }

  meet(what: string): void {
    this.#host.meet(what);
  }

  /** As a house takes it: wrappers copy its fields. */
  get provider(): Provider {
    const { name, traits } = this;
    return { name, traits, open: (request) => this.#open(request), admit: () => undefined, close: async () => {} };
  }

  async #open(request: OpenRequest): Promise<Link> {
    const { clock, signal } = request;
    this.knocks.push(clock.now());
    const { door } = this;
    const waitMs = door.name === "open" ? door.openMs : door.name === "hanging" ? request.openLimitMs : 30;
    await new Promise<void>((resolve, reject) => {
      const opening: Opening = { request, reject };
      this.openings.add(opening);
      const over = (settle: () => void): void => {
        clock.clearTimeout(timer);
        signal.removeEventListener("abort", abort);
        this.openings.delete(opening);
        settle();
      };
      const timer = clock.setTimeout(() => over(resolve), waitMs);
      const abort = (): void => over(() => reject(new Fault("provider-refused", "called off")));
      signal.addEventListener("abort", abort, { once: true });
      opening.reject = (fault) => over(() => reject(fault));
    });
    if (door.name === "hanging") throw new Fault("provider-silent", `opening ${this.name}: no answer in ${Math.round(waitMs)} ms`);
    if (door.name === "refusing") throw door.fault;
    const link = new SimLink(this, request, this.#host.callerOf(request.callId));
    this.links.add(link);
    if (door.name === "dropping") link.dropLater(door.afterMs);
    return link;
  }

  /** A session is over. */
  forget(link: SimLink): void {
    this.links.delete(link);
  }
}

const usualTraits: ProviderTraits = {
  hears: ["pcm16@16000", "pcmu@8000", "pcm16@8000"],
  speaks: ["pcm16@16000"],
  endpointing: ["provider"],
  replayPace: Infinity,
  trailingSilenceMs: 0,
  seeding: "items",
  tools: "parallel",
  text: true,
  callerTranscript: "final",
  memoryAfterInterrupt: "cut-to-heard",
  standby: true,
  resumable: false,
  sessionLimitMs: Infinity,
  languages: "any",
  voices: "any",
  usage: [],
  stopgap: false,
  offline: true,
};
