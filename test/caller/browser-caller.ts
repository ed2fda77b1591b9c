import { msOf, type Encoding } from "../../src/audio/encodings.ts";
import { connectSocket, type CallerSocket } from "../../src/fakes/carriers/caller-socket.ts";
import type { FakeCaller, FakeDialect } from "../../src/fakes/carriers/fake-caller.ts";
import { Speaker } from "../../src/fakes/carriers/speaker.ts";

/** A page with a microphone, as the browser's wire has it. */
class BrowserCaller implements FakeCaller {
  readonly uplink: Encoding = "pcm16@16000";
  readonly downlink: Encoding = "pcm16@24000";
  readonly violations: string[] = [];
  readonly speaker = new Speaker(this.downlink, () => {});
  readonly digitsHeard = "";
  readonly sentTo: readonly string[] = [];
  readonly #started = Promise.withResolvers<void>();
  #line: CallerSocket | undefined;
  #turnId: string | undefined;
  #playedBeforeMs = 0;

  static async connect(url: string): Promise<BrowserCaller> {
    const caller = new BrowserCaller();
    caller.#line = await connectSocket(url, (message) => caller.#hears(message));
    return caller;
  }

  get closed(): CallerSocket["closed"] {
    return this.#connected.closed;
  }

  start(): Promise<void> {
    this.#says({ type: "start", version: 1, audio: { up: this.uplink, down: this.downlink } });
    return this.#started.promise;
  }

  speak(audio: Uint8Array): void {
    this.raw(audio);
  }

  loseAudio(): void {
    throw new Error("a browser's audio has no clock");
  }

  press(digit: string): void {
    this.#says({ type: "dtmf", digit });
  }

  play(ms: number): void {
    this.speaker.play(ms);
    this.#report();
  }

  answerTransfer(): void {
    throw new Error("a browser cannot be sent on");
  }

  hangUp(): void {
    this.#says({ type: "bye" });
  }

  close(code: number): void {
    this.#connected.socket.close(code);
  }

  vanish(): void {
    this.#connected.socket.terminate();
  }

  raw(message: string | Uint8Array): void {
    const { socket } = this.#connected;
    if (socket.readyState === socket.OPEN) socket.send(message);
  }

  stall(): void {
    this.#connected.socket.pause();
  }

  #report(): void {
    if (this.#turnId !== undefined) this.#says({ type: "played", turnId: this.#turnId, ms: this.speaker.playedMs - this.#playedBeforeMs });
  }

  #says(message: object): void {
    this.raw(JSON.stringify(message));
  }

  #hears(message: string | Buffer): void {
    if (typeof message !== "string") {
      if (this.#turnId === undefined) this.violations.push("audio of no turn");
      if (!Number.isInteger(msOf(message.length, this.downlink) * 24)) this.violations.push("half a sample");
      return this.speaker.append(message);
    }
    const wire = JSON.parse(message) as { type: string; turnId?: string }; // What it must be is written in browser.md.
    if (wire.type === "started") this.#started.resolve();
    else if (wire.type === "turn") {
      this.#turnId = wire.turnId;
      this.#playedBeforeMs = this.speaker.playedMs + this.speaker.waitingMs;
    } else if (wire.type === "flush") {
      this.speaker.clear();
      this.#report();
    }
  }

  get #connected(): CallerSocket {
    if (this.#line === undefined) throw new Error("not connected yet");
    return this.#line;
  }
}

export const fakeBrowser: FakeDialect = {
  dialect: "browser",
  frameMs: 20,
  clocked: false,
  waitsForAnswer: false,
  announced: true,
  closeCodes: true,
  transfer: "none",
  malformed: {
    "half a message": '{"type":"text","te',
    "a message of no type": "{}",
    "a digit that no keypad has": '{"type":"dtmf","digit":"x"}',
    "half a sample": new Uint8Array(3),
  },
  connect: (url) => BrowserCaller.connect(`${url}/browser`),
};
