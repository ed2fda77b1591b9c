// Plivo's end of an audio stream: "Audio Streaming" in Plivo's documentation, read 2026-11. It hangs up by closing the socket.
import { encodings, type Encoding } from "../../audio/encodings.ts";
import { is, object, tagged, text, type Shape } from "../shape.ts";
import type { FakeCaller, FakeDialect } from "./fake-caller.ts";
import { base64, farEnd, textAt, understood } from "./far-end.ts";
import { Speaker } from "./speaker.ts";

interface PlivoOptions {
  readonly encoding: Encoding;
  readonly query: string;
  readonly extraHeaders: string;
}

const streamId = "20170ada-f610-433b-8758-c02a2aab3662";
const callId = "c4b2a6d8-5b1f-4b57-9a0c-1f6c8a9a1a11";

const expectedFor = (encoding: Encoding): Shape => {
  const { codec, rateHz } = encodings[encoding];
  const contentType = is(codec === "pcm16" ? "audio/x-l16" : "audio/x-mulaw");
  return tagged("event", {
    playAudio: { "media!": object({ "contentType!": contentType, "sampleRate!": is(rateHz), "payload!": base64 }) },
    checkpoint: { "streamId!": is(streamId), "name!": text(256) },
    clearAudio: { "streamId!": is(streamId) },
    sendDTMF: { "dtmf!": text(64) },
  });
};

export async function callFromPlivo(url: string, options: Partial<PlivoOptions> = {}): Promise<FakeCaller> {
  const { encoding = "pcmu@8000", query = "", extraHeaders = "" } = options;
  const { codec, rateHz } = encodings[encoding];
  const expected = expectedFor(encoding);
  const violations: string[] = [];
  const speaker = new Speaker(encoding, (name) => says({ event: "playedStream", streamId, name }));
  let sequenceNumber = 0;
  let chunk = 0;
  let digits = "";
  const end = await farEnd(`${url}/plivo${query}`, hears, {}, ["audio.plivo.com"]);

  function says(message: object): void {
    sequenceNumber += 1;
    end.raw(JSON.stringify({ sequenceNumber, ...message }));
  }

  function hears(message: string | Buffer): void {
    const wire = understood(message, expected, violations);
    if (wire === undefined) return;
    const event = textAt(wire, "event");
    if (event === "playAudio") speaker.append(Buffer.from(textAt(wire, "media", "payload"), "base64"));
    else if (event === "checkpoint") speaker.mark(textAt(wire, "name"));
    else if (event === "sendDTMF") digits += textAt(wire, "dtmf");
    else {
      speaker.clear();
      says({ event: "clearedAudio", streamId });
    }
  }

  return {
    ...end,
    uplink: encoding,
    downlink: encoding,
    violations,
    speaker,
    sentTo: [],
    get digitsHeard() {
      return digits;
    },
    async start() {
      says({
        event: "start",
        start: {
          callId,
          streamId,
          accountId: "98765432",
          tracks: ["inbound"],
          mediaFormat: { encoding: codec === "pcm16" ? "audio/x-l16" : "audio/x-mulaw", sampleRate: rateHz },
        },
        extra_headers: extraHeaders,
      });
    },
    speak(audio) {
      chunk += 1;
      const payload = Buffer.from(audio).toString("base64");
      const media = { track: "inbound", timestamp: String(1_764_000_000_000 + chunk * 20), chunk, payload };
      says({ event: "media", streamId, media, extra_headers: extraHeaders });
    },
    loseAudio: () => {},
    press: (digit) => says({ event: "dtmf", streamId, dtmf: { track: "inbound", digit, timestamp: "1764000000000" } }),
    play: (ms) => speaker.play(ms),
    answerTransfer() {
      throw new Error("Plivo tells of transfers by webhook");
    },
    hangUp: () => end.close(1000),
  };
}

export const fakePlivo: FakeDialect = {
  dialect: "plivo",
  frameMs: 20,
  clocked: false,
  waitsForAnswer: false,
  announced: true,
  closeCodes: true,
  transfer: "beside",
  malformed: {
    "a media message without a payload": '{"event":"media","media":{}}',
    "a payload that is no base64": '{"event":"media","media":{"payload":"!!!!"}}',
    "a digit that no keypad has": '{"event":"dtmf","dtmf":{"digit":"x"}}',
    "a mark without a name": '{"event":"playedStream"}',
    "half a message": '{"event":"media","media":{"payl',
    "binary audio": new Uint8Array(160),
  },
  connect: (url) => callFromPlivo(url),
};
