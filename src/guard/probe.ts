import type { Clock } from "../kernel/clock.ts";
import { Fault } from "../kernel/fault.ts";
import type { Log } from "../kernel/log.ts";
import type { Random } from "../kernel/random.ts";
import type { OpenRequest, Provider } from "../provider/contract.ts";
import { observed, type Witness } from "./observed.ts";

/** What one probe found; `unknown`: it could not be tried, which says nothing. */
export type ProbeResult = "good" | "bad" | "unknown";

/**
 * How long a probe keeps its session: `no`: it is closed as soon as it is ready; `short`: long enough to see a provider that takes calls
 * and drops them; `proven`: until it counts as a success.
 */
export type ProbeStay = "no" | "short" | "proven";

export interface ProbePlan {
  readonly stay: ProbeStay;
  readonly openLimitMs: number;
  /** Calls it off; then it found nothing. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

const shortStayMs = 2_500;
/** Providers keep to their opening limit; one that does not is given up a little later. */
const graceMs = 500;

/** Opens a session as a call does, without a word or audio, and closes it after its stay. `witness` is told what it shows. */
export async function probe(provider: Provider, witness: Witness, plan: ProbePlan): Promise<ProbeResult> {
  const { stay, openLimitMs, signal, clock } = plan;
  const found = Promise.withResolvers<ProbeResult>();
  const abort = new AbortController();
  const overdue = new Fault("provider-silent", `probing ${provider.name}: no session within ${Math.round(openLimitMs)} ms`);
  let timer = clock.setTimeout(() => abort.abort(overdue), openLimitMs + graceMs);
  const callOff = (): void => abort.abort();
  signal.addEventListener("abort", callOff, { once: true });
  const watching: Witness = {
    ...witness,
    opened(setupMs) {
      witness.opened(setupMs);
      clock.clearTimeout(timer);
      if (stay === "no") found.resolve("good");
      if (stay === "short") timer = clock.setTimeout(() => found.resolve("good"), shortStayMs);
    },
    proved(proof) {
      witness.proved(proof);
      found.resolve("good");
    },
    ended(end) {
      witness.ended(end);
      found.resolve(end.failing === undefined ? "unknown" : "bad");
    },
  };
  const opening = observed(provider, () => watching).open(requestOf(provider, plan, abort.signal));
  // Whatever it comes to, nothing stays open; a failure to open was told to the witness.
  opening.then(
    (link) => found.promise.then(() => link.close()),
    () => {},
  );
  const result = await found.promise;
  clock.clearTimeout(timer);
  signal.removeEventListener("abort", callOff);
  return result;
}

function requestOf({ name, traits }: Provider, { openLimitMs, clock, random, log }: ProbePlan, signal: AbortSignal): OpenRequest {
  const [uplink] = traits.hears;
  const [downlink] = traits.speaks;
  if (uplink === undefined || downlink === undefined) throw new Fault("internal", `${name} has no encodings`);
  return {
    callId: random.id("probe_"),
    agent: {
      name: "probe",
      instructions: "",
      greeting: undefined,
      language: traits.languages === "any" ? "en-US" : (traits.languages[0] ?? "en-US"),
      voice: undefined,
      tools: [],
      providerSettings: {},
    },
    uplink,
    downlink,
    endpointing: traits.endpointing.includes("provider") ? "provider" : "manual",
    conversation: [],
    begin: "listen",
    resumption: undefined,
    handOver: undefined,
    urgent: false,
    openLimitMs,
    report: { audio() {}, notice() {} },
    signal,
    clock,
    random,
    log,
  };
}
