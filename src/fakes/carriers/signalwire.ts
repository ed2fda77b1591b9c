// SignalWire's end of a <Stream> in cXML: "Stream" in SignalWire's compatibility XML reference, read 2026-11.
import { msOf, type Encoding } from "../../audio/encodings.ts";
import { is, object, tagged, text } from "../shape.ts";
import type { FakeCaller, FakeDialect } from "./fake-caller.ts";
import { base64, digitsHeardIn, farEnd, textAt, understood } from "./far-end.ts";
import { Speaker } from "./speaker.ts";

interface SignalwireOptions {
  /** As the `codec` attribute asked for it: "PCMU", "PCMA", "L16". */
  readonly codec: string;
  readonly encoding: Encoding;
  readonly query: string;
  readonly bearer: string | undefined;
  readonly parameters: Readonly<Record<string, string>>;
}

const streamSid = "5d4f1c2e-8a5b-4a39-9a0e-2f0c7d3f2b11";
const callSid = "8c7a1f7e-2b44-4b3f-8b7d-1a9f9e6a5c22";
const accountSid = "b08dacad-ae29-43e7-b8ac-1a2f3c4d5e6f";

const expected = tagged("event", {
  media: { "streamSid!": is(streamSid), "media!": object({ "payload!": base64 }) },
  mark: { "streamSid!": is(streamSid), "mark!": object({ "name!": text(256) }) },
  clear: { "streamSid!": is(streamSid) },
});

export async function callFromSignalwire(url: string, options: Partial<SignalwireOptions> = {}): Promise<FakeCaller> {
  const { codec = "audio/x-mulaw", encoding = "pcmu@8000", query = "", bearer, parameters = {} } = options;
  const violations: string[] = [];
  const speaker = new Speaker(encoding, (name) => says({ event: "mark", mark: { name } }));
  let sequence = 0;
  let chunk = 0;
  let atMs = 0;
  const upgrade = bearer === undefined ? {} : { headers: { authorization: `Bearer ${bearer}` } };
  const end = await farEnd(`${url}/signalwire${query}`, hears, upgrade);

  function says(message: object): void {
    sequence += 1;
    end.raw(JSON.stringify({ ...message, sequenceNumber: String(sequence), streamSid }));
  }

  function hears(message: string | Buffer): void {
    const wire = understood(message, expected, violations);
    if (wire === undefined) return;
    const event = textAt(wire, "event");
    if (event === "media") speaker.append(Buffer.from(textAt(wire, "media", "payload"), "base64"));
    else if (event === "mark") speaker.mark(textAt(wire, "mark", "name"));
    else speaker.clear();
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
    async start() {
      end.raw(JSON.stringify({ event: "connected", protocol: "Call", version: "0.2.0" }));
      const mediaFormat = { encoding: codec, sampleRate: Number(encoding.split("@")[1]), channels: 1 };
      says({ event: "start", start: { streamSid, accountSid, callSid, tracks: ["inbound"], customParameters: parameters, mediaFormat } });
    },
    speak(audio) {
      chunk += 1;
      const payload = Buffer.from(audio).toString("base64");
      says({ event: "media", media: { track: "inbound", chunk: String(chunk), timestamp: String(Math.round(atMs)), payload } });
      atMs += msOf(audio.length, encoding);
    },
    loseAudio(ms) {
      atMs += ms;
    },
    press: (digit) => says({ event: "dtmf", dtmf: { track: "inbound_track", digit } }),
    play: (ms) => speaker.play(ms),
    answerTransfer() {
      throw new Error("SignalWire tells of transfers by webhook");
    },
    hangUp() {
      says({ event: "stop", stop: { accountSid, callSid } });
      end.close(1000);
    },
  };
}

export const fakeSignalwire: FakeDialect = {
  dialect: "signalwire",
  frameMs: 20,
  clocked: true,
  waitsForAnswer: false,
  announced: true,
  closeCodes: true,
  transfer: "beside",
  malformed: {
    "a media message without a payload": '{"event":"media","media":{}}',
    "a payload that is no base64": '{"event":"media","media":{"payload":"!!!!"}}',
    "a digit that no keypad has": '{"event":"dtmf","dtmf":{"digit":"x"}}',
    "a mark without a name": '{"event":"mark","mark":{}}',
    "half a message": '{"event":"media","media":{"payl',
    "binary audio": new Uint8Array(160),
  },
  connect: (url) => callFromSignalwire(url),
};
