import type { Phase } from "../caller/leg.ts";
import type { LineQuality } from "./call-quality.ts";
import type { CallEvent } from "./words.ts";

/** What agent, operator and API can do with a call in progress, each the same way. */
export interface CallControl {
  /** How many calls are in progress. */
  readonly size: number;
  /** The calls in progress, oldest first, at most so many. */
  calls(most?: number): readonly CallView[];
  /** Undefined: no such call is in progress here. */
  call(callId: string): CallWithTurns | undefined;
  /** Everything that happens to calls from now on, until disposed. The listener must not throw. */
  follow(listener: (event: CallEvent) => void): Disposable;
  /** @throws {Fault} call-unknown */
  hangUp(callId: string): void;
  /**
   * Hands the call over to `provider`, or to the next tier, at the next turn boundary; the present link stays until the other is ready.
   * @throws {Fault} call-unknown, or call-unable when that provider is not among the call's tiers or admits nobody
   */
  switchProvider(callId: string, provider: string | undefined): void;
  /**
   * Sends the caller on to a telephone number or SIP URI, after the agent has finished its sentence. Whoever answers hears `briefing`
   * first, where the carrier can.
   * @throws {Fault} call-unknown, or call-unable where the leg cannot
   */
  transfer(callId: string, target: string, briefing?: string): void;
  /** Speaks `text` to the caller now, cutting the agent; it joins the conversation as the agent's turn. @throws {Fault} call-unknown, call-unable */
  say(callId: string, text: string): void;
  /** Held: the caller hears music and is not heard. @throws {Fault} call-unknown */
  hold(callId: string, on: boolean): void;
  /** Muted: the caller is not heard by the provider; they hear it all the same. @throws {Fault} call-unknown */
  mute(callId: string, on: boolean): void;
  /** @throws {Fault} call-unknown, or call-unable where the leg cannot */
  sendDtmf(callId: string, digits: string): void;
}

/** A call as people see it, without its words: those of a call of hours are many. Plain data of this moment. */
export interface CallView {
  readonly callId: string;
  readonly agent: string;
  readonly dialect: string;
  readonly language: string;
  /** The caller's number or name as the carrier told it; undefined when it did not. */
  readonly from: string | undefined;
  readonly startedAt: string;
  readonly ageMs: number;
  /** The provider of the present link, else of the last one. */
  readonly provider: string;
  readonly tiers: readonly string[];
  readonly phase: Phase;
  /** The chart's state by region, such as { link: "linked.open", leg: "attached" }. */
  readonly states: Readonly<Record<string, string>>;
  /** How loud both sides are just now: 0 to 1, root mean square of the last 100 ms. */
  readonly levels: { readonly caller: number; readonly agent: number };
  /** How good the caller's line is; undefined: nobody is attached just now. */
  readonly quality: LineQuality | undefined;
  readonly held: boolean;
  readonly muted: boolean;
  readonly replayedMs: number;
  readonly lostMs: number;
}

/** And with what was said in it. */
export interface CallWithTurns extends CallView {
  readonly turns: readonly TurnView[];
}

/** Times are ms since the call began. */
export interface TurnView {
  readonly turnId: string;
  readonly role: "caller" | "agent";
  readonly text: string;
  readonly interrupted: boolean;
  readonly startMs: number;
  readonly endMs: number;
}
