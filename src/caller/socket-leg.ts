import type { Encoding } from "../audio/encodings.ts";
import type { CallerCommand, Dialect } from "./dialect.ts";
import type { CallerNotice, Leg, LegEnd, LegQuality, LegTraits } from "./leg.ts";

/** What a leg is worked by; each but `quality` does nothing once the caller is gone. */
export interface LegWorks {
  /** False: the peer reads too slowly. */
  play(frame: Uint8Array): boolean;
  /** False: nobody is there to take it. */
  send(command: CallerCommand): boolean;
  transfer(target: string, briefing: string): void;
  quality(): LegQuality;
  end(end: LegEnd): void;
}

/** What the session holds of a caller on a socket. */
export class SocketLeg implements Leg {
  readonly dialect: string;
  readonly traits: LegTraits;
  readonly uplink: Encoding;
  readonly downlink: Encoding;
  readonly #works: LegWorks;

  constructor(works: LegWorks, dialect: Dialect, uplink: Encoding, downlink: Encoding) {
    this.#works = works;
    this.dialect = dialect.name;
    this.traits = dialect.traits;
    this.uplink = uplink;
    this.downlink = downlink;
  }

  play(frame: Uint8Array): boolean {
    return this.#works.play(frame);
  }

  beginTurn(turnId: string, fromMs = 0): void {
    this.#works.send({ type: "turn", turnId, fromMs });
  }

  mark(name: string): void {
    this.#works.send({ type: "mark", name });
  }

  flush(): void {
    this.#works.send({ type: "flush" });
  }

  notify(notice: CallerNotice): void {
    this.#works.send({ type: "notice", notice });
  }

  sendDtmf(digits: string): void {
    this.#works.send({ type: "dtmf", digits });
  }

  transfer(target: string, briefing: string): void {
    this.#works.transfer(target, briefing);
  }

  quality(): LegQuality {
    return this.#works.quality();
  }

  close(end: LegEnd): void {
    this.#works.end(end);
  }
}
