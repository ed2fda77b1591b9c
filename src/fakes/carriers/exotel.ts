// Exotel's end of an AgentStream: "AgentStream (Voicebot applet)" in Exotel's developer documentation, read 2026-11.
import { msOf, type Encoding } from "../../audio/encodings.ts";
import { is, object, tagged, text } from "../shape.ts";
import type { FakeCaller, FakeDialect } from "./fake-caller.ts";
import { base64, digitsHeardIn, farEnd, textAt, understood } from "./far-end.ts";
import { Speaker } from "./speaker.ts";

const pieceBytes = 320;
const longestMessageBytes = 100_000;
const streamSid = "0e7a7b7d4e6f4d1c8b1f1c2d3e4f5a6b";
const callSid = "2f9b8a7c6d5e4f3a2b1c0d9e8f7a6b5c";

const expected = tagged("event", {
  media: { "stream_sid!": is(streamSid), "media!": object({ "payload!": base64 }) },
  mark: { "stream_sid!": is(streamSid), "mark!": object({ "name!": text(256) }) },
  clear: { "stream_sid!": is(streamSid) },
});

interface ExotelOptions {
  readonly encoding: Encoding;
  /** User and password, as written in the stream's address. */
  readonly basic: string | undefined;
}

export async function callFromExotel(url: string, options: Partial<ExotelOptions> = {}): Promise<FakeCaller> {
  const { encoding = "pcm16@8000", basic } = options;
  const rateHz = Number(encoding.split("@")[1]);
  const violations: string[] = [];
  const speaker = new Speaker(encoding, (name) => says({ event: "mark", mark: { name } }));
  let sequence = 0;
  let chunk = 0;
  let atMs = 0;
  const upgrade = basic === undefined ? {} : { headers: { authorization: `Basic ${Buffer.from(basic).toString("base64")}` } };
  const end = await farEnd(`${url}/exotel?sample-rate=${rateHz}`, hears, upgrade);

  function says(message: object): void {
    sequence += 1;
    end.raw(JSON.stringify({ ...message, sequence_number: sequence, stream_sid: streamSid }));
  }

  function hears(message: string | Buffer): void {
    const wire = understood(message, expected, violations);
    if (wire === undefined) return;
    const event = textAt(wire, "event");
    if (event === "mark") return speaker.mark(textAt(wire, "mark", "name"));
    if (event === "clear") return speaker.clear();
    const audio = Buffer.from(textAt(wire, "media", "payload"), "base64");
    if (audio.length % pieceBytes !== 0) violations.push(`${audio.length} bytes of audio, which is no multiple of ${pieceBytes}`);
    else if (audio.length > longestMessageBytes) violations.push(`${audio.length} bytes of audio in one message`);
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
    async start() {
      end.raw(JSON.stringify({ event: "connected" }));
      const format = { encoding: "base64", sample_rate: String(rateHz), bit_rate: `${(rateHz * 16) / 1000}kbps` };
      says({
        event: "start",
        start: {
          stream_sid: streamSid,
          call_sid: callSid,
          account_sid: "exotel1",
          from: "09876543210",
          to: "08047112233",
          custom_parameters: {},
          media_format: format,
        },
      });
    },
    speak(audio) {
      chunk += 1;
      const payload = Buffer.from(audio).toString("base64");
      says({ event: "media", media: { chunk, timestamp: String(Math.round(atMs)), payload } });
      atMs += msOf(audio.length, encoding);
    },
    loseAudio(ms) {
      atMs += ms;
    },
    press: (digit) => says({ event: "dtmf", dtmf: { duration: "150", digit } }),
    play: (ms) => speaker.play(ms),
    answerTransfer() {
      throw new Error("Exotel's applets do not tell of transfers");
    },
    hangUp() {
      says({ event: "stop", stop: { call_sid: callSid, account_sid: "exotel1", reason: "callended" } });
      end.close(1000);
    },
  };
}

export const fakeExotel: FakeDialect = {
  dialect: "exotel",
  frameMs: 100,
  clocked: true,
  waitsForAnswer: false,
  announced: true,
  closeCodes: true,
  transfer: "none",
  malformed: {
    "a media message without a payload": '{"event":"media","media":{}}',
    "a payload that is no base64": '{"event":"media","media":{"payload":"!!!!"}}',
    "a digit that no keypad has": '{"event":"dtmf","dtmf":{"digit":"x"}}',
    "a mark without a name": '{"event":"mark","mark":{}}',
    "half a message": '{"event":"media","media":{"payl',
    "binary audio": new Uint8Array(160),
  },
  connect: (url) => callFromExotel(url),
};
