// Vonage's end of an NCCO's WebSocket endpoint: "Voice API: WebSockets" in Vonage's developer documentation, read 2026-11.
import { bytesOf, type Encoding } from "../../audio/encodings.ts";
import { object, tagged, text } from "../shape.ts";
import type { FakeCaller, FakeDialect } from "./fake-caller.ts";
import { digitsHeardIn, farEnd, textAt, understood, type Wire } from "./far-end.ts";
import { Speaker } from "./speaker.ts";

/** A minute, in units of 20 ms; what comes on top is thrown away. */
const bufferMs = 3_072 * 20;

const expected = tagged("action", { clear: {}, notify: { "payload!": object({ "mark!": text(256) }) } });

interface VonageOptions {
  readonly encoding: Encoding;
  /** The endpoint's `headers`, as the NCCO gave them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly query: string;
  readonly authorization: string | undefined;
}

export async function callFromVonage(url: string, options: Partial<VonageOptions> = {}): Promise<FakeCaller> {
  const { encoding = "pcm16@16000", headers = { call: "63f61863-4a51-4f6b-86e1-46edebcf9356", from: "447700900000" } } = options;
  const rateHz = Number(encoding.split("@")[1]);
  const violations: string[] = [];
  const speaker = new Speaker(encoding, (name) => says({ event: "websocket:notify", payload: { mark: name } }));
  const upgrade = options.authorization === undefined ? {} : { headers: { authorization: options.authorization } };
  const end = await farEnd(`${url}/vonage${options.query ?? ""}`, hears, upgrade);

  const says = (message: Wire): void => end.raw(JSON.stringify(message));

  function hears(message: string | Buffer): void {
    if (typeof message !== "string") return plays(message);
    const wire = understood(message, expected, violations);
    if (wire === undefined) return;
    if (wire["action"] === "notify") return speaker.mark(textAt(wire, "payload", "mark"));
    speaker.clear();
    says({ event: "websocket:cleared" });
  }

  function plays(audio: Buffer): void {
    const unit = bytesOf(20, encoding);
    if (audio.length !== unit) violations.push(`a message of ${audio.length} bytes, and one of ${unit} was expected`);
    else if (speaker.waitingMs >= bufferMs) violations.push("more audio than the buffer holds");
    else speaker.append(audio);
  }

  return {
    ...end,
    uplink: encoding,
    downlink: encoding,
    violations,
    speaker,
    sentTo: [],
    get digitsHeard() {
      return digitsHeardIn(speaker.received, encoding);
    },
    start: async () => says({ event: "websocket:connected", "content-type": `audio/l16;rate=${rateHz}`, ...headers }),
    speak: (audio) => end.raw(audio),
    loseAudio: () => {},
    press: (digit) => says({ event: "websocket:dtmf", digit, duration: 260 }),
    play: (ms) => speaker.play(ms),
    answerTransfer() {
      throw new Error("Vonage tells of transfers by event");
    },
    hangUp: () => end.close(1000),
  };
}

export const fakeVonage: FakeDialect = {
  dialect: "vonage",
  frameMs: 20,
  clocked: false,
  waitsForAnswer: false,
  announced: true,
  closeCodes: true,
  transfer: "beside",
  malformed: {
    "half a sample": new Uint8Array(641),
    "a second of audio in one frame": new Uint8Array(32_002),
    "a digit that no keypad has": '{"event":"websocket:dtmf","digit":"x"}',
    "a message that says not what it is": '{"digit":"1"}',
    "half a message": '{"event":"websock',
  },
  connect: (url) => callFromVonage(url),
};
