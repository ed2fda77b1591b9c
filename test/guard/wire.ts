import { Fault } from "../../src/kernel/fault.ts";
import { silentLog } from "../../src/kernel/log.ts";
import { seededRandom } from "../../src/kernel/random.ts";
import type { Begin, Link, LinkNotice, OpenRequest, Provider, ProviderTraits } from "../../src/provider/contract.ts";
import type { SimulatedClock } from "../simulated-clock.ts";

const traits: ProviderTraits = {
  hears: ["pcm16@16000"],
  speaks: ["pcm16@16000"],
  endpointing: ["provider"],
  replayPace: Infinity,
  trailingSilenceMs: 0,
  seeding: "items",
  tools: "parallel",
  text: true,
  callerTranscript: "final",
  memoryAfterInterrupt: "cut-to-heard",
  standby: false,
  resumable: false,
  sessionLimitMs: Infinity,
  languages: "any",
  voices: "any",
  usage: [],
  stopgap: false,
  offline: true,
};

/** What a provider does with an opening: `ms` until it is ready, and how it fails. */
export type Conduct =
  /** Ready after `ms`, and stays. */
  | { readonly does: "serve"; readonly ms?: number }
  /** Refuses with a fault. */
  | { readonly does: "refuse"; readonly fault: Fault }
  /** Ready at once, and drops the session `ms` later. */
  | { readonly does: "drop"; readonly ms: number }
  /** Neither ready nor refused until it is called off. */
  | { readonly does: "hang" };

const dropped = (): Fault => new Fault("provider-dropped", "closed with 1011");
export const unreachable = new Fault("provider-unreachable", "connection refused");

/** A provider on a simulated clock that does what the test says, and counts. A part handed in, like the clock. */
export class ScriptedProvider implements Provider {
  readonly name = "alpha";
  readonly traits: ProviderTraits;
  readonly requests: OpenRequest[] = [];
  /** When each opening was asked for, ms. */
  readonly dialledMs: number[] = [];
  conduct: Conduct = { does: "serve" };
  full: Fault | undefined;
  /** Sessions that nobody closed and that were not lost. */
  sessions = 0;
  readonly #clock: SimulatedClock;

  constructor(clock: SimulatedClock, own: Partial<ProviderTraits> = {}) {
    this.#clock = clock;
    this.traits = { ...traits, ...own };
  }

  get dials(): number {
    return this.requests.length;
  }

  async open(request: OpenRequest): Promise<Link> {
    this.requests.push(request);
    this.dialledMs.push(this.#clock.now());
    const conduct = this.conduct;
    if (conduct.does === "refuse") throw conduct.fault;
    if (conduct.does === "hang") await this.#calledOff(request.signal);
    if (conduct.does === "serve" && conduct.ms !== undefined) await this.#after(conduct.ms);
    if (conduct.does === "drop" && conduct.ms === 0) throw dropped();
    this.sessions += 1;
    let isOpen = true;
    const end = (): void => {
      if (isOpen) this.sessions -= 1;
      isOpen = false;
    };
    if (conduct.does === "drop") {
      this.#clock.setTimeout(() => {
        if (!isOpen) return;
        end();
        request.report.notice({ type: "link.lost", fault: dropped() });
      }, conduct.ms);
    }
    return { hear: () => true, takeOver() {}, takeText() {}, commitTurn() {}, interrupt() {}, answerTool() {}, close: end };
  }

  /** The newest session tells something. */
  tells(...notices: readonly LinkNotice[]): void {
    for (const notice of notices) this.requests.at(-1)?.report.notice(notice);
  }

  speaks(turnId: string): void {
    this.tells({ type: "agent.began", turnId });
    this.requests.at(-1)?.report.audio(new Uint8Array(640), turnId);
  }

  admit(): Fault | undefined {
    return this.full;
  }

  async close(): Promise<void> {}

  #after(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#clock.setTimeout(resolve, ms);
    return promise;
  }

  #calledOff(signal: AbortSignal): Promise<never> {
    const { promise, reject } = Promise.withResolvers<never>();
    signal.addEventListener("abort", () => reject(new Error("called off")), { once: true });
    return promise;
  }
}

/** A provider as a plain object, as wrappers copy it. */
export const plain = (provider: ScriptedProvider): Provider => ({
  name: provider.name,
  traits: provider.traits,
  admit: () => provider.admit(),
  open: (request) => provider.open(request),
  close: () => provider.close(),
});

export function requestOn(clock: SimulatedClock, signal: AbortSignal, begin: Begin = "listen"): OpenRequest {
  return {
    callId: "call_1",
    agent: { name: "", instructions: "", greeting: undefined, language: "en", voice: undefined, tools: [], providerSettings: {} },
    uplink: "pcm16@16000",
    downlink: "pcm16@16000",
    endpointing: "provider",
    conversation: [],
    begin,
    resumption: undefined,
    handOver: undefined,
    urgent: false,
    openLimitMs: 5_000,
    report: { audio() {}, notice() {} },
    signal,
    clock,
    random: seededRandom(1),
    log: silentLog,
  };
}
