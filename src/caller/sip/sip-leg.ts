import type { Encoding } from "../../audio/encodings.ts";
import type { CallerNotice, Leg, LegEnd, LegQuality, LegTraits } from "../leg.ts";

/** What a leg says goes to whoever holds the call just now: first the one who sets it up, then the call itself. */
export interface LegLine {
  play(frame: Uint8Array): boolean;
  flush(): void;
  notify(notice: CallerNotice): void;
  sendDtmf(digits: string): void;
  transfer(target: string, briefing: string): void;
  quality(): LegQuality;
  close(end: LegEnd): void;
}

const traits: LegTraits = {
  playback: "clock",
  // The pace of the session and that of the packets are two clocks: one frame on its way, one in hand, one to spare.
  aheadMs: 60,
  frameMs: 20,
  flush: true,
  captions: false,
  dtmfOut: true,
  transfer: true,
  resume: "call-id",
};

/** A SIP call as the session sees it. */
export class SipLeg implements Leg {
  readonly dialect = "sip";
  readonly traits = traits;
  readonly uplink: Encoding;
  readonly downlink: Encoding;
  #line: LegLine;

  constructor(encoding: Encoding, line: LegLine) {
    this.uplink = encoding;
    this.downlink = encoding;
    this.#line = line;
  }

  /** From here on somebody else holds the call. */
  handTo(line: LegLine): void {
    this.#line = line;
  }

  play(frame: Uint8Array): boolean {
    return this.#line.play(frame);
  }

  /** A turn has no sign of its own in RTP. */
  beginTurn(): void {}

  /** Playback is known by the clock. */
  mark(): void {}

  flush(): void {
    this.#line.flush();
  }

  notify(notice: CallerNotice): void {
    this.#line.notify(notice);
  }

  sendDtmf(digits: string): void {
    this.#line.sendDtmf(digits);
  }

  transfer(target: string, briefing: string): void {
    this.#line.transfer(target, briefing);
  }

  quality(): LegQuality {
    return this.#line.quality();
  }

  close(end: LegEnd): void {
    this.#line.close(end);
  }
}
