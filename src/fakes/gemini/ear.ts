import { msOf, type Encoding } from "../../audio/encodings.ts";
import { Hearing } from "../hearing.ts";
import type { Listening } from "./setup.ts";

/** What the ear of a session tells it. */
export interface EarEvents {
  /** Speech began; `atMs` of all audio where the ear found it by itself. */
  began(atMs: number | undefined): void;
  /** A turn is over. */
  ended(lastedMs: number, atMs: number | undefined): void;
  kept(bytes: Uint8Array): void;
}

const startMs = 60;
const encodings: Readonly<Record<string, Encoding>> = {
  "audio/pcm;rate=8000": "pcm16@8000",
  "audio/pcm;rate=16000": "pcm16@16000",
  "audio/pcm;rate=24000": "pcm16@24000",
  "audio/pcm;rate=48000": "pcm16@48000",
};

/** Finds the caller's turns: by voice activity, or between the client's marks. */
export class Ear {
  readonly #listening: Listening;
  readonly #events: EarEvents;
  #hearing: Hearing;
  #encoding: Encoding = "pcm16@16000";
  /** Where the turn began that the ear hears. */
  #fromMs: number | undefined;
  /** Audio since `activityStart`, ms; undefined while the window is shut. */
  #windowMs: number | undefined;

  constructor(listening: Listening, events: EarEvents) {
    [this.#listening, this.#events] = [listening, events];
    this.#hearing = this.#freshHearing();
  }

  hear(bytes: Uint8Array, mimeType: string): void {
    const encoding = encodings[mimeType] ?? this.#encoding;
    if (encoding !== this.#encoding) {
      this.#encoding = encoding;
      this.#hearing = this.#freshHearing();
    }
    if (this.#listening.manual) {
      // What lies outside the window is thrown away.
      if (this.#windowMs === undefined) return;
      this.#windowMs += msOf(bytes.length, encoding);
      return this.#events.kept(bytes);
    }
    this.#events.kept(bytes);
    for (const notice of this.#hearing.hear(bytes)) {
      if (notice.type === "stopped") this.#stop(notice.atMs);
      else {
        this.#fromMs = notice.atMs;
        this.#events.began(notice.atMs);
      }
    }
  }

  /** A signal of the client's; in words why it is refused. */
  signal(signal: "audioStreamEnd" | "activityStart" | "activityEnd"): string | undefined {
    if (signal === "audioStreamEnd") {
      if (this.#listening.manual) return "audioStreamEnd is not supported when automatic activity detection is disabled.";
      this.#stop(this.#hearing.heardMs);
      return undefined;
    }
    if (!this.#listening.manual) return "Explicit activity control is not supported when automatic activity detection is enabled.";
    const windowMs = this.#windowMs;
    if (signal === "activityStart") {
      if (windowMs !== undefined) return "activityStart within an activity";
      this.#windowMs = 0;
      this.#events.began(undefined);
      return undefined;
    }
    if (windowMs === undefined) return "activityEnd without an activityStart";
    this.#windowMs = undefined;
    if (windowMs > 0) this.#events.ended(windowMs, undefined);
    return undefined;
  }

  #stop(atMs: number): void {
    const fromMs = this.#fromMs;
    this.#fromMs = undefined;
    if (fromMs !== undefined) this.#events.ended(atMs - fromMs, atMs);
  }

  #freshHearing(): Hearing {
    return new Hearing(this.#encoding, { startMs, silenceMs: this.#listening.silenceMs });
  }
}
