import type { CallStart, Leg, LegListener, LegSignal, Reception } from "../../src/caller/leg.ts";

/** One call as the reception saw it. */
export interface Guest {
  readonly leg: Leg;
  readonly start: CallStart;
  readonly signals: LegSignal[];
  audio: Buffer;
  /** Called with each signal after it was written down. */
  onSignal: (signal: LegSignal) => void;
}

/** Takes everybody in and writes down what they do. */
export class BookedReception implements Reception {
  readonly guests: Guest[] = [];
  /** What happens when somebody comes, instead of being taken in. */
  refuse: (() => never) | undefined;
  /** Called with each guest's audio after it was written down. */
  onAudio: (guest: Guest) => void = () => {};

  receive(leg: Leg, start: CallStart): LegListener {
    this.refuse?.();
    const guest: Guest = { leg, start, signals: [], audio: Buffer.alloc(0), onSignal: () => {} };
    this.guests.push(guest);
    leg.notify({ type: "started", callId: `c${this.guests.length}`, resumeToken: "r", agent: "desk", provider: "local", receivedMs: 0 });
    return {
      audio: (frame) => {
        guest.audio = Buffer.concat([guest.audio, frame]);
        this.onAudio(guest);
      },
      signal: (signal) => {
        guest.signals.push(signal);
        guest.onSignal(signal);
      },
    };
  }

  get last(): Guest {
    const guest = this.guests.at(-1);
    if (guest === undefined) throw new Error("nobody has come");
    return guest;
  }
}
