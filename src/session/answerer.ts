import { BeepEar } from "../audio/beep.ts";
import { levelDb } from "../audio/level.ts";
import { msOf, type Encoding } from "../audio/encodings.ts";
import type { SessionEvent } from "./events.ts";

/** So long after the beginning of a call we placed its first words and sounds are looked at. */
const lookMs = 60_000;
/** A machine that gives no beep records once it was quiet for so long. */
const quietMs = 1_500;
const quietDb = -45;

/** What machines say and people do not. One language's phrases are no other's words, so all are looked for. */
const phrases: readonly RegExp[] = [
  /\b(?:leave|record) (?:me |us )?(?:a |your )?(?:short |brief )?message\b/,
  /\b(?:after|at) the (?:tone|beep)\b/,
  /\b(?:voice ?mail|answering machine)\b/,
  /\b(?:is|are) (?:not available|unavailable) (?:right now|at the moment|to take your call)/,
  /\bcan(?:'t|not) (?:come to the phone|take your call)/,
  /\b(?:nachricht|nachrichten) (?:nach|hinterlassen|auf)/,
  /\b(?:nach dem (?:ton|signalton|piep)|mailbox|anrufbeantworter)\b/,
  /\bapr[eè]s le (?:bip|signal)\b|\blaiss(?:er|ez) (?:un|votre) message\b|\bmessagerie vocale\b|\br[eé]pondeur\b/,
  /\bdespu[eé]s (?:de la señal|del tono)\b|\bdej[ea]r? (?:un|su) mensaje\b|\bbuz[oó]n de voz\b|\bcontestador\b/,
];

/** A call, as far as whoever finds out who answered it needs it. */
interface AnsweredCall {
  readonly uplink: { readonly encoding: Encoding };
  readonly ageMs: number;
  send(event: SessionEvent): void;
}

/** Who answered a call that we placed, by what the first of them sounds like; the chart decides by it. */
export class Answerer {
  readonly #call: AnsweredCall;
  readonly #beep: BeepEar;
  #quietMs = 0;
  #turnId: string | undefined;
  #state: "listening" | "done" = "listening";

  constructor(call: AnsweredCall) {
    this.#call = call;
    this.#beep = new BeepEar(call.uplink.encoding);
  }

  /** Caller audio as it came. */
  hear(frame: Uint8Array): void {
    if (this.#state === "done") return;
    if (this.#call.ageMs > lookMs) this.#state = "done";
    const { encoding } = this.#call.uplink;
    const isQuiet = levelDb(frame, encoding) < quietDb;
    this.#quietMs = isQuiet ? this.#quietMs + msOf(frame.length, encoding) : 0;
    if (this.#beep.hear(frame)) {
      this.#state = "done";
      this.#call.send({ type: "answerer.wasKnown", who: "machine", by: "beep" });
      this.#call.send({ type: "answerer.isReady" });
    } else if (this.#quietMs >= quietMs) {
      // Told again while it lasts: only a machine that is known as one is waited for.
      this.#quietMs = 0;
      this.#call.send({ type: "answerer.isReady" });
    }
  }

  /** Words of the turn so far; only the first turn's say who answered. */
  said(turnId: string, text: string): void {
    this.#turnId ??= turnId;
    if (this.#state === "done" || turnId !== this.#turnId) return;
    const words = text.toLowerCase();
    if (phrases.some((phrase) => phrase.test(words))) this.#call.send({ type: "answerer.wasKnown", who: "machine", by: "phrase" });
  }
}
