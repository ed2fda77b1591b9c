import type { DeepgramClient } from "@deepgram/sdk";
import { encodings, type Encoding } from "../../audio/encodings.ts";
import type { Clock, Timer } from "../../kernel/clock.ts";
import { Fault } from "../../kernel/fault.ts";
import type { DeepgramAddress } from "../deepgram-sdk/client.ts";
import { errorFault } from "./faults.ts";
import type { PipelineSettings } from "./settings.ts";
import { StageSocket } from "./socket.ts";
import { readSpeak, speakQuery } from "./speak-wire.ts";

type Socket = Awaited<ReturnType<DeepgramClient["speak"]["v1"]["connect"]>>;

export interface VoicePlan {
  readonly settings: PipelineSettings;
  readonly address: DeepgramAddress;
  readonly key: string;
  readonly downlink: Encoding;
  readonly clock: Clock;
}

export interface AuraReport {
  /** Whole samples of the oldest text that is not flushed yet. */
  audio(bytes: Uint8Array): void;
  /** All audio of the oldest text was told. */
  flushed(): void;
  puzzled(what: string): void;
  /** Once, after it was ready. */
  lost(fault: Fault): void;
}

/** A text from which nothing comes for so long will never be heard from. */
const mutedMs = 3_000;

/** One socket of Deepgram's synthesis: texts go in one by one, their audio comes in that order, and `clear` takes all of them back. */
export class AuraSocket {
  readonly #clock: Clock;
  readonly #report: AuraReport;
  readonly #socket: StageSocket<Socket>;
  readonly #bytesPerSample: number;
  /** Texts sent and not flushed. */
  #owed = 0;
  /** `Clear`s that were not answered yet: what comes before the answer is of the past. */
  #clears = 0;
  /** The first half of a sample whose second half comes with the next frame. */
  #half: Uint8Array = new Uint8Array(0);
  #muted: Timer | undefined;

  constructor(plan: VoicePlan, signal: AbortSignal, openLimitMs: number, report: AuraReport) {
    this.#clock = plan.clock;
    this.#report = report;
    this.#bytesPerSample = encodings[plan.downlink].bytesPerSample;
    const query = speakQuery(plan.settings, plan.downlink);
    this.#socket = new StageSocket<Socket>({
      name: "deepgram aura",
      key: plan.key,
      address: plan.address,
      clock: plan.clock,
      signal,
      openLimitMs,
      dial: (client, options) => client.speak.v1.connect({ ...query, ...options }),
      greets: true,
      take: (message) => this.#take(message, plan.key),
      binary: (bytes) => this.#takeAudio(bytes),
      owed: () => this.#owed > 0,
      lost: (fault) => {
        this.#clock.clearTimeout(this.#muted);
        report.lost(fault);
      },
    });
  }

  get ready(): Promise<void> {
    return this.#socket.ready;
  }

  get isOpen(): boolean {
    return this.#socket.isOpen;
  }

  /** False: it cannot be sent. A blank at its end keeps a full stop from being read out. */
  speak(text: string): boolean {
    const sent = this.#socket.send((socket) => {
      socket.sendText({ type: "Speak", text: `${text} ` });
      socket.sendFlush({ type: "Flush" });
    });
    if (!sent) return false;
    this.#owed += 1;
    if (this.#owed === 1) this.#watch();
    return true;
  }

  clear(): void {
    if (this.#owed === 0 || !this.#socket.send((socket) => socket.sendClear({ type: "Clear" }))) return;
    this.#owed = 0;
    this.#clears += 1;
    this.#watch();
  }

  close(): void {
    this.#clock.clearTimeout(this.#muted);
    this.#socket.close((socket) => {
      // Without this the service would speak to the end of all texts first.
      if (this.#owed > 0) socket.sendClear({ type: "Clear" });
      socket.sendClose({ type: "Close" });
    });
  }

  #take(raw: unknown, key: string): void {
    const message = readSpeak(raw);
    if (typeof message === "string") return this.#report.puzzled(message);
    switch (message.type) {
      case "ready":
        return this.#socket.becomeReady();
      case "flushed":
        return this.#flushed();
      case "cleared":
        if (this.#clears === 0) return this.#report.puzzled("Cleared without a Clear");
        this.#clears -= 1;
        this.#half = new Uint8Array(0);
        return this.#watch();
      case "warning":
        return this.#report.puzzled(`warning of speak: ${message.text.slice(0, 200)}`);
      case "error":
        return this.#socket.end(errorFault(message.code, message.description, "using deepgram aura", key));
    }
  }

  #flushed(): void {
    if (this.#clears > 0) return;
    if (this.#owed === 0) return this.#report.puzzled("Flushed without a Flush");
    this.#owed -= 1;
    this.#half = new Uint8Array(0);
    this.#watch();
    this.#report.flushed();
  }

  /** Nothing promises that frames hold whole samples. */
  #takeAudio(bytes: Uint8Array): void {
    if (this.#clears > 0) return;
    if (this.#owed === 0) return this.#report.puzzled(`${bytes.length} bytes of audio for no text`);
    this.#watch();
    const all = this.#half.length === 0 ? bytes : Buffer.concat([this.#half, bytes]);
    const whole = all.length - (all.length % this.#bytesPerSample);
    this.#half = all.subarray(whole);
    if (whole > 0) this.#report.audio(all.subarray(0, whole));
  }

  #watch(): void {
    this.#clock.clearTimeout(this.#muted);
    if (this.#owed === 0 && this.#clears === 0) return;
    const what = this.#clears > 0 ? "no Cleared" : "no audio";
    this.#muted = this.#clock.setTimeout(
      () => this.#socket.end(new Fault("provider-silent", `using deepgram aura: ${what} for ${mutedMs} ms`)),
      mutedMs,
    );
  }
}
