// The first half of an attended transfer, RFC 5589 section 7: the person is called and told what it is about before the caller comes.
import { bytesOf, encodings } from "../../audio/encodings.ts";
import type { Ticked } from "../../audio/ticker.ts";
import { transcoder } from "../../audio/transcode.ts";
import type { Fault } from "../../kernel/fault.ts";
import type { CallStart, Leg, LegListener, Reception } from "../leg.ts";
import type { CallParts, Consult, ConsultEar, ConsultOrder } from "./call-parts.ts";
import { OutboundCall } from "./outbound.ts";
import type { Trunk } from "./trunk.ts";

/** Speaks words, pcm16@16000. */
export interface Speech {
  say(text: string, language: string): Promise<Uint8Array>;
}

export interface ConsultParts {
  readonly call: CallParts;
  readonly trunk: Trunk | undefined;
  readonly speech: Speech;
  readonly keyAndSalt: () => Buffer;
}

/** Shorter than a call may take to be sent on; whoever does not hear it in this time is out. */
const ringLimitS = 20;
/** Whoever picks up says their name first. */
const pauseMs = 800;
const aheadMs = 100;
/** More than this nobody listens to before they talk. */
const longestMs = 45_000;

/** These say that the person is not to be had; with any other refusal it was our call that somebody did not like. */
const absences: ReadonlySet<number | undefined> = new Set([404, 408, 410, 480, 484, 486, 487, 600, 603, 604]);

/** One call to a person who is told something, and then waits for the caller. */
export class Consultation implements Consult, Reception, Ticked {
  readonly #parts: ConsultParts;
  readonly #ear: ConsultEar;
  readonly #speech: Promise<Uint8Array>;
  #call: OutboundCall | undefined;
  #leg: Leg | undefined;
  #audio: Uint8Array | undefined;
  #sentBytes = 0;
  #fromMs = 0;
  #isOver = false;

  constructor(parts: ConsultParts, order: ConsultOrder, ear: ConsultEar) {
    this.#parts = parts;
    this.#ear = ear;
    this.#speech = parts.speech.say(order.text, order.language ?? "en");
    // Whether it can be spoken is told when the person is there.
    this.#speech.catch(() => {});
    const { call, trunk, keyAndSalt } = parts;
    const to = trunk === undefined || /^sips?:/i.test(order.target) ? order.uri : order.target;
    const placed = { to, from: undefined, agent: undefined, language: undefined, machine: "ignore", ringLimitS } as const;
    OutboundCall.place({ ...call, reception: this }, placed, trunk, keyAndSalt(), (fault, status) => this.#notThere(fault, status)).then(
      (placedCall) => {
        this.#call = placedCall;
        if (this.#isOver) placedCall.takeBack();
      },
      // It was told already, with the status.
      (fault: Fault) => this.#notThere(fault, undefined),
    );
  }

  /** The person has answered. */
  receive(leg: Leg, _start: CallStart): LegListener {
    this.#leg = leg;
    if (this.#isOver) leg.close({ reason: "done" });
    else void this.#begin(leg);
    return {
      audio: () => {},
      signal: ({ type }) => {
        if (type === "hung-up" || type === "lost") this.#fail("whoever answered hung up", true);
      },
    };
  }

  /** How the caller is put in our place; undefined: the person's telephone cannot do that. */
  get place(): string | undefined {
    return this.#call?.place;
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#parts.call.media.beat.forget(this);
    this.#call?.takeBack();
    this.#leg?.close({ reason: "done" });
  }

  /** Sends it as it is heard. */
  tick(nowMs: number): boolean {
    const [leg, audio] = [this.#leg, this.#audio];
    if (leg === undefined || audio === undefined) return false;
    const dueBytes = bytesOf(Math.max(0, nowMs - this.#fromMs) + aheadMs, leg.downlink);
    const frameBytes = bytesOf(leg.traits.frameMs, leg.downlink);
    for (; this.#sentBytes < Math.min(dueBytes, audio.length); this.#sentBytes += frameBytes) {
      leg.play(audio.subarray(this.#sentBytes, this.#sentBytes + frameBytes));
    }
    if (dueBytes < audio.length + bytesOf(2 * aheadMs, leg.downlink)) return true;
    this.#ear.told();
    return false;
  }

  async #begin(leg: Leg): Promise<void> {
    try {
      const spoken = (await this.#speech).subarray(0, bytesOf(longestMs, "pcm16@16000"));
      const words = transcoder("pcm16@16000", leg.downlink).push(spoken);
      const pauseBytes = bytesOf(pauseMs, leg.downlink);
      this.#audio = new Uint8Array(pauseBytes + words.length).fill(encodings[leg.downlink].silence, 0, pauseBytes);
      this.#audio.set(words, pauseBytes);
    } catch (error) {
      this.#parts.call.log.warning("briefing_not_spoken", { err: error });
      return this.#fail("it could not be spoken", false);
    }
    if (this.#isOver) return;
    this.#fromMs = this.#parts.call.clock.now();
    this.#parts.call.media.beat.wake(this);
  }

  #notThere(fault: Fault, status: number | undefined): void {
    this.#fail(fault.message, status !== undefined && absences.has(status));
  }

  #fail(why: string, isFinal: boolean): void {
    if (this.#isOver) return;
    this.end();
    this.#ear.failed(why, isFinal);
  }
}
