// Twilio's end of a bidirectional media stream: www.twilio.com/docs/voice/media-streams/websocket-messages, read 2026-11-21.
import type { ClientOptions } from "ws";
import { msOf } from "../../audio/encodings.ts";
import { pcmu } from "../../audio/g711.ts";
import { is, object, tagged, text, type Shape } from "../shape.ts";
import { connectSocket, type CallerSocket, type SocketEnd } from "./caller-socket.ts";
import type { FakeCaller, FakeDialect } from "./fake-caller.ts";
import { Speaker } from "./speaker.ts";
import { digitsIn } from "./tone-ear.ts";

const encoding = "pcmu@8000";

const base64: Shape = (value, path) =>
  typeof value === "string" && value !== "" && Buffer.from(value, "base64").toString("base64") === value
    ? undefined
    : { kind: "value", param: path, text: `Invalid '${path}': expected audio in base64.` };

const expected = tagged("event", {
  media: { "streamSid!": text(), "media!": object({ "payload!": base64, track: is("outbound") }) },
  mark: { "streamSid!": text(), "mark!": object({ "name!": text(256) }) },
  clear: { "streamSid!": text() },
});

/** Who calls, and what the TwiML said about the stream. */
export interface TwilioStream {
  readonly accountSid: string;
  readonly callSid: string;
  readonly streamSid: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** The caller at the telephone, as far as the stream knows: Twilio's words in Twilio's order. */
export class TwilioCaller implements FakeCaller {
  readonly uplink = encoding;
  readonly downlink = encoding;
  readonly violations: string[] = [];
  readonly speaker = new Speaker(encoding, (mark) => this.#says({ event: "mark", mark: { name: mark } }));
  readonly sentTo: readonly string[] = [];
  /** All audio that went to the server. */
  readonly spoken: Buffer[] = [];
  readonly stream: TwilioStream;
  #line: CallerSocket | undefined;
  #sequence = 0;
  #chunk = 0;
  #atMs = 0;
  #started = false;

  private constructor(stream: TwilioStream) {
    this.stream = stream;
  }

  /**
   * @param url the Stream's, as written in the TwiML
   * @throws {Refused} error 31920 to Twilio
   */
  static async connect(url: string, stream: TwilioStream, options: ClientOptions = {}): Promise<TwilioCaller> {
    const caller = new TwilioCaller(stream);
    caller.#line = await connectSocket(url, (message) => caller.#hears(message), options);
    return caller;
  }

  get closed(): Promise<SocketEnd> {
    return this.#connected.closed;
  }

  get digitsHeard(): string {
    return digitsIn(pcmu.decode(this.speaker.received), 8_000);
  }

  async start(): Promise<void> {
    const { accountSid, callSid, streamSid, parameters } = this.stream;
    this.raw(JSON.stringify({ event: "connected", protocol: "Call", version: "1.0.0" }));
    this.#started = true;
    this.#says({
      event: "start",
      start: {
        accountSid,
        streamSid,
        callSid,
        tracks: ["inbound"],
        mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8_000, channels: 1 },
        customParameters: parameters,
      },
    });
  }

  speak(audio: Uint8Array): void {
    this.#chunk += 1;
    this.spoken.push(Buffer.from(audio));
    const payload = Buffer.from(audio).toString("base64");
    this.#says({
      event: "media",
      media: { track: "inbound", chunk: String(this.#chunk), timestamp: String(Math.round(this.#atMs)), payload },
    });
    this.#atMs += msOf(audio.length, encoding);
  }

  loseAudio(ms: number): void {
    this.#atMs += ms;
  }

  press(digit: string): void {
    this.#says({ event: "dtmf", dtmf: { track: "inbound_track", digit } });
  }

  answerTransfer(): void {
    throw new Error("Twilio tells of transfers by webhook");
  }

  play(ms: number): void {
    this.speaker.play(ms);
  }

  /** Also what Twilio does when the call is led elsewhere. */
  hangUp(): void {
    const { accountSid, callSid } = this.stream;
    this.#says({ event: "stop", stop: { accountSid, callSid } });
    this.close(1000);
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

  #says(message: object): void {
    this.#sequence += 1;
    this.raw(JSON.stringify({ ...message, sequenceNumber: String(this.#sequence), streamSid: this.stream.streamSid }));
  }

  /** Twilio answers nothing to what it cannot use: it is gone, and an error stands in the debugger. */
  #hears(message: string | Buffer): void {
    if (typeof message !== "string") return void this.violations.push("a binary message on a wire of text");
    let wire: unknown;
    try {
      wire = JSON.parse(message);
    } catch {
      return void this.violations.push("a message that is no JSON");
    }
    const complaint = expected(wire, "");
    if (complaint !== undefined) return void this.violations.push(complaint.text);
    this.#takes(wire as ServerMessage); // Its shape was checked the line before.
  }

  #takes(wire: ServerMessage): void {
    if (!this.#started) return void this.violations.push(`${wire.event} before the stream started`);
    if (wire.streamSid !== this.stream.streamSid) return void this.violations.push(`${wire.event} for the stream ${wire.streamSid}`);
    if (wire.event === "media") this.speaker.append(Buffer.from(wire.media.payload, "base64"));
    else if (wire.event === "mark") this.speaker.mark(wire.mark.name);
    else this.speaker.clear();
  }

  get #connected(): CallerSocket {
    if (this.#line === undefined) throw new Error("not connected yet");
    return this.#line;
  }
}

type ServerMessage = { readonly streamSid: string } & (
  | { readonly event: "media"; readonly media: { readonly payload: string } }
  | { readonly event: "mark"; readonly mark: { readonly name: string } }
  | { readonly event: "clear" }
);

const stream: TwilioStream = {
  accountSid: `AC${"0".repeat(32)}`,
  callSid: `CA${"1".repeat(32)}`,
  streamSid: `MZ${"2".repeat(32)}`,
  parameters: {},
};

export const fakeTwilio: FakeDialect = {
  dialect: "twilio",
  frameMs: 20,
  clocked: true,
  waitsForAnswer: false,
  announced: true,
  closeCodes: true,
  transfer: "beside",
  malformed: {
    "a media message without a payload": '{"event":"media","media":{}}',
    "a payload that is no base64": '{"event":"media","media":{"payload":"!!!!"}}',
    "a time stamp that is none": '{"event":"media","media":{"payload":"//8=","timestamp":"soon"}}',
    "a digit that no keypad has": '{"event":"dtmf","dtmf":{"digit":"x"}}',
    "a mark without a name": '{"event":"mark","mark":{}}',
    "half a message": '{"event":"media","media":{"payl',
    "binary audio": new Uint8Array(160),
  },
  connect: (url) => TwilioCaller.connect(`${url}/twilio`, stream),
};
