// Telnyx's end of a media stream in mode "rtp": "Media Streaming over WebSockets" in Telnyx's developer documentation, read 2026-11.
import { msOf, type Encoding } from "../../audio/encodings.ts";
import { object, tagged, text } from "../shape.ts";
import type { FakeCaller, FakeDialect } from "./fake-caller.ts";
import { base64, digitsHeardIn, farEnd, textAt, understood } from "./far-end.ts";
import { Speaker } from "./speaker.ts";

const expected = tagged("event", {
  media: { "media!": object({ "payload!": base64 }) },
  mark: { "mark!": object({ "name!": text(256) }) },
  clear: {},
});

interface TelnyxOptions {
  /** "PCMU", "PCMA" or "L16", as the stream was asked for. */
  readonly codec: string;
  readonly encoding: Encoding;
  /** Goes behind the path. */
  readonly query: string;
  /** Every so many messages of audio, two come in the wrong order; 0: never. */
  readonly swapEvery: number;
  /** Every so many messages of audio, one never comes; 0: never. */
  readonly loseEvery: number;
}

const plain: TelnyxOptions = { codec: "PCMU", encoding: "pcmu@8000", query: "", swapEvery: 0, loseEvery: 0 };

export async function callFromTelnyx(url: string, options: Partial<TelnyxOptions> = {}): Promise<FakeCaller> {
  const { codec, encoding, query, swapEvery, loseEvery } = { ...plain, ...options };
  const streamId = "32de0dea-53cb-4b21-89a4-9e1819c043bc";
  const callControlId = "v3:T02llQxIyaRkhfRKxgAP8nY511EhFLizdvdUKJiSw8d6A9BborherQ";
  const violations: string[] = [];
  const speaker = new Speaker(encoding, (name) => says({ event: "mark", mark: { name } }));
  let sequence = 0;
  let chunk = 0;
  let atMs = 0;
  let held: object | undefined;
  const end = await farEnd(`${url}/telnyx${query}`, hears);

  function says(message: object): void {
    sequence += 1;
    end.raw(JSON.stringify({ ...message, sequence_number: String(sequence), stream_id: streamId }));
  }

  function complain(title: string, detail: string, code: number): void {
    violations.push(detail);
    says({ event: "error", payload: { code, title, detail } });
  }

  function hears(message: string | Buffer): void {
    const before = violations.length;
    const wire = understood(message, expected, violations);
    if (wire === undefined) {
      const [found = ""] = violations.splice(before);
      return complain("malformed_frame", found, 100_003);
    }
    const event = textAt(wire, "event");
    if (event === "mark") return speaker.mark(textAt(wire, "mark", "name"));
    if (event === "clear") return speaker.clear();
    const audio = Buffer.from(textAt(wire, "media", "payload"), "base64");
    const ms = msOf(audio.length, encoding);
    if (ms < 20 || ms > 30_000) return complain("invalid_media", `${ms} ms of audio in one message`, 100_004);
    speaker.append(audio);
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
      end.raw(JSON.stringify({ event: "connected", version: "1.0.0" }));
      const format = { encoding: codec, sample_rate: Number(encoding.split("@")[1]), channels: 1 };
      says({
        event: "start",
        start: {
          user_id: "3e6f995f-85f7-4705-9741-53b116d28237",
          call_control_id: callControlId,
          call_session_id: "ff55a038-6f5d-11ef-9692-02420aeffb1f",
          client_state: null,
          from: "+13122010094",
          to: "+13122123456",
          media_format: format,
        },
      });
    },
    speak(audio) {
      chunk += 1;
      const payload = Buffer.from(audio).toString("base64");
      const message = { event: "media", media: { track: "inbound", chunk: String(chunk), timestamp: String(Math.round(atMs)), payload } };
      atMs += msOf(audio.length, encoding);
      if (loseEvery > 0 && chunk % loseEvery === 0) return;
      if (swapEvery > 0 && chunk % swapEvery === 0 && held === undefined) {
        held = message;
        return;
      }
      says(message);
      if (held !== undefined) says(held);
      held = undefined;
    },
    loseAudio(ms) {
      atMs += ms;
    },
    press: (digit) => says({ event: "dtmf", occurred_at: "2026-11-21T12:00:00.000000Z", dtmf: { digit } }),
    play: (ms) => speaker.play(ms),
    answerTransfer() {
      throw new Error("Telnyx tells of transfers by webhook");
    },
    hangUp() {
      says({ event: "stop", stop: { user_id: "3e6f995f-85f7-4705-9741-53b116d28237", call_control_id: callControlId } });
      end.close(1000);
    },
  };
}

export const fakeTelnyx: FakeDialect = {
  dialect: "telnyx",
  frameMs: 20,
  clocked: true,
  waitsForAnswer: false,
  announced: true,
  closeCodes: true,
  transfer: "beside",
  malformed: {
    "a media message without a payload": '{"event":"media","media":{"chunk":"1"}}',
    "a payload that is no base64": '{"event":"media","media":{"chunk":"1","payload":"!!!!"}}',
    "a chunk that is no number": '{"event":"media","media":{"chunk":"first","payload":"//8="}}',
    "a digit that no keypad has": '{"event":"dtmf","dtmf":{"digit":"x"}}',
    "half a message": '{"event":"media","media":{"payl',
    "binary audio": new Uint8Array(160),
  },
  connect: (url) => callFromTelnyx(url),
};
