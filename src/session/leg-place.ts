import type { Downlink } from "../audio/downlink.ts";
import type { Uplink } from "../audio/uplink.ts";
import type { CallerNotice, Leg, LegEnd, LegTraits, Phase } from "../caller/leg.ts";
import { Fault } from "../kernel/fault.ts";
import type { Log } from "../kernel/log.ts";
import type { Random } from "../kernel/random.ts";
import type { Asides } from "./asides.ts";
import { QualityMeter, type LineQuality } from "./call-quality.ts";
import type { Conversation } from "./conversation.ts";
import type { SessionEvent } from "./events.ts";
import type { Told } from "./words.ts";

/** A call, as far as the place of its legs needs it. */
interface LeggedCall {
  readonly id: string;
  readonly dialect: string;
  readonly house: { readonly personAt: string | undefined };
  readonly agent: { readonly name: string };
  readonly random: Random;
  readonly log: Log;
  readonly uplink: Uplink;
  readonly downlink: Downlink;
  readonly asides: Asides;
  readonly conversation: Pick<Conversation, "records">;
  readonly links: { greetedBy(provider: string): void };
  readonly lastProvider: string;
  readonly ageMs: number;
  readonly receivedMs: number;
  readonly phase: Phase;
  isMuffled(why: "held"): boolean;
  caption(turnId: string, role: "caller" | "agent", final: boolean): void;
  send(event: SessionEvent): void;
  tell(event: Told): void;
}

/** One frame of so many is measured. */
const framesPerLook = 10;

/** The place of a call's legs, one after the other: who is attached, how good the line is, and what only a leg can do. */
export class LegPlace {
  /** With it a caller comes back; each leg gets a new one. */
  resumeToken: string;
  readonly #call: LeggedCall;
  #leg: Leg | undefined;
  /** The present leg tells what was played: that nothing comes of it means something. */
  #reports = false;
  /** Of the present leg; undefined once it was told. */
  #meter: QualityMeter | undefined;
  #number = 0;
  /** An agent waits for what comes of sending its caller on. */
  #sending: PromiseWithResolvers<string> | undefined;

  constructor(call: LeggedCall, resumeToken: string) {
    this.#call = call;
    this.resumeToken = resumeToken;
  }

  /** Counts the legs that this call has had; signals of an earlier one are void. */
  get number(): number {
    return this.#number;
  }

  /** Nobody is attached just now. */
  get isEmpty(): boolean {
    return this.#leg === undefined;
  }

  /** How good the present leg's line is; undefined: nobody is attached. */
  get quality(): LineQuality | undefined {
    return this.#leg === undefined ? undefined : this.#meter?.of(this.#leg.quality());
  }

  /** How it is known what the caller has heard; undefined: nobody is attached. */
  get playback(): LegTraits["playback"] | undefined {
    return this.#leg?.traits.playback;
  }

  /** Whether a caller who is sent away has a way back into the call. */
  get mayReturn(): boolean {
    return this.#leg?.traits.resume !== "none";
  }

  notify(notice: CallerNotice): void {
    this.#leg?.notify(notice);
  }

  /** A frame of the caller's, as it came; the how manyth of the call. */
  heard(frame: Uint8Array, number: number): void {
    if (this.#reports) this.#call.downlink.legAlive();
    if (number % framesPerLook === 0) this.#meter?.heard(frame);
  }

  take(leg: Leg, provider = this.#call.lastProvider): void {
    const call = this.#call;
    this.#number += 1;
    this.#leg = leg;
    this.#reports = leg.traits.playback === "reports";
    this.#meter = new QualityMeter(call.uplink, call.downlink);
    call.downlink.attach(leg);
    this.#greet(provider);
    for (const { turnId, role } of call.conversation.records(call.ageMs)) call.caption(turnId, role, true);
    if (this.#number > 1) this.notify({ type: "phase", phase: call.phase });
  }

  /** The caller holds us: what they have not heard of the agent is kept. */
  pause(): void {
    this.#call.downlink.detach();
    this.#leg?.flush();
  }

  resume(): void {
    if (this.#leg !== undefined) this.#call.downlink.attach(this.#leg);
  }

  /** The leg is lost, or another takes its place: then its socket may well be alive, and is closed. */
  hold(end: LegEnd = { reason: "done" }): void {
    const leg = this.#leg;
    this.tellQuality();
    this.#call.downlink.detach();
    this.#leg = undefined;
    leg?.close(end);
  }

  /** The call is over: whatever the leg still says is void. */
  leave(end: LegEnd): void {
    this.hold(end);
    this.#number += 1;
  }

  /** Once a leg. */
  tellQuality(): void {
    const { quality } = this;
    this.#meter = undefined;
    if (quality !== undefined) this.#call.tell({ type: "leg.measured", dialect: this.#call.dialect, quality });
  }

  /** Asks for a person, where one was named and the leg can; says whether it did. */
  askForPerson(): boolean {
    const { personAt } = this.#call.house;
    if (personAt === undefined || this.#leg?.traits.transfer !== true) return false;
    this.#call.send({ type: "operator.askedTransfer", target: personAt, briefing: "" });
    return true;
  }

  /** @throws {Fault} call-unable */
  mustTransfer(): void {
    if (!this.#present.traits.transfer) throw new Fault("call-unable", `a caller by ${this.#call.dialect} cannot be sent on`);
  }

  /** Sends the caller on for the agent. Resolves with why nobody took them; never, where somebody did: then the call is over. @throws {Fault} call-unable */
  async askTransfer(target: string, briefing: string): Promise<string> {
    this.mustTransfer();
    if (this.#sending !== undefined) throw new Fault("call-unable", "the caller is being put through already");
    const sending = Promise.withResolvers<string>();
    this.#sending = sending;
    this.#call.send({ type: "agent.askedTransfer", target, briefing });
    return sending.promise;
  }

  /** The caller is sent on, and hears music for as long as we are heard; the leg tells whether that worked. */
  sendOn(target: string, briefing: string): void {
    this.#call.asides.hold(true);
    this.#leg?.transfer(target, briefing);
  }

  tellNotSentOn(why: string): void {
    const call = this.#call;
    call.asides.hold(call.isMuffled("held"));
    this.#sending?.resolve(why);
    this.#sending = undefined;
    call.log.warning("transfer_failed", { message: why });
  }

  /** @throws {Fault} call-unable */
  sendDtmf(digits: string): void {
    const leg = this.#present;
    if (!leg.traits.dtmfOut) throw new Fault("call-unable", `no digits can be sent to a caller by ${this.#call.dialect}`);
    leg.sendDtmf(digits);
  }

  get #present(): Leg {
    if (this.#leg === undefined) throw new Fault("call-unable", "the caller is away just now");
    return this.#leg;
  }

  /** Tells the caller's screen who it is talking to, and how to come back. */
  #greet(provider: string): void {
    const { id: callId, agent, links, random, receivedMs } = this.#call;
    links.greetedBy(provider);
    this.resumeToken = random.id("back_", 32);
    this.notify({ type: "started", callId, resumeToken: this.resumeToken, agent: agent.name, provider, receivedMs });
  }
}
