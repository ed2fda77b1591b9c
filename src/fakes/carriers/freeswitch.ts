// FreeSWITCH's end of mod_audio_fork and mod_audio_stream: the modules' READMEs and sources, read 2026-11.
import type { Encoding } from "../../audio/encodings.ts";
import { is, object, tagged, text, type Shape } from "../shape.ts";
import type { FakeCaller, FakeDialect } from "./fake-caller.ts";
import { base64, digitsHeardIn, farEnd, textAt, understood } from "./far-end.ts";
import { Speaker } from "./speaker.ts";

/** How a build plays what it is sent: binary frames as they come, or JSON that becomes a file, one a message. */
type FreeswitchPlayback = "binary" | "fork" | "stream";

interface FreeswitchOptions {
  readonly encoding: Encoding;
  readonly playback: FreeswitchPlayback;
  /** The first message; none: audio comes first. */
  readonly metadata: string | undefined;
  readonly query: string;
}

const expectedFor = (playback: FreeswitchPlayback, rateHz: number): Shape => {
  const forked = { killAudio: {}, disconnect: {}, error: { "data!": text() }, transfer: { "data!": text() } };
  const played = object({ "audioContentType!": is("raw", "wav"), sampleRate: is(rateHz), "audioContent!": base64 });
  const streamed = object({ "audioDataType!": is("raw", "wav", "mp3", "ogg"), "sampleRate!": is(rateHz), "audioData!": base64 });
  if (playback === "binary") return tagged("type", forked);
  return tagged("type", playback === "fork" ? { ...forked, playAudio: { "data!": played } } : { streamAudio: { "data!": streamed } });
};

export async function callFromFreeswitch(url: string, options: Partial<FreeswitchOptions> = {}): Promise<FakeCaller> {
  const { encoding = "pcm16@16000", playback = "binary", query = "" } = options;
  const metadata = "metadata" in options ? options.metadata : '{"call":"6b7f1a2c-58d4-4f0e-9c43-2f1f8a9b7c55","from":"1001"}';
  const rateHz = Number(encoding.split("@")[1]);
  const expected = expectedFor(playback, rateHz);
  const violations: string[] = [];
  const speaker = new Speaker(encoding, () => {});
  const path = playback === "binary" ? "/freeswitch" : `/freeswitch/${playback}`;
  const end = await farEnd(`${url}${path}?rate=${rateHz}${query}`, hears, {}, playback === "stream" ? [] : ["audio.drachtio.org"]);

  function hears(message: string | Buffer): void {
    if (typeof message !== "string" && playback === "binary") return speaker.append(message);
    const wire = understood(message, expected, violations);
    if (wire === undefined) return;
    const type = textAt(wire, "type");
    if (type === "killAudio") return speaker.clear();
    if (type === "disconnect") return end.close(1000);
    const audio = Buffer.from(textAt(wire, "data", type === "playAudio" ? "audioContent" : "audioData"), "base64");
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
      if (metadata !== undefined) end.raw(metadata);
    },
    speak: (audio) => end.raw(audio),
    loseAudio: () => {},
    press: (digit) => end.raw(JSON.stringify({ event: "dtmf", dtmf: digit, duration: "1600" })),
    play: (ms) => speaker.play(ms),
    answerTransfer() {
      throw new Error("the module does not tell of transfers");
    },
    hangUp: () => end.close(1000),
  };
}

const fakeFreeswitchOf = (dialect: string, playback: FreeswitchPlayback): FakeDialect => ({
  dialect,
  frameMs: 20,
  clocked: false,
  waitsForAnswer: false,
  announced: false,
  closeCodes: true,
  transfer: "none",
  malformed: {
    "half a sample": new Uint8Array(641),
    "two seconds of audio in one frame": new Uint8Array(64_000),
    "a digit that no keypad has": '{"event":"dtmf","dtmf":"x"}',
  },
  connect: (url) => callFromFreeswitch(url, { playback }),
});

export const fakeFreeswitch = fakeFreeswitchOf("freeswitch", "binary");
export const fakeFreeswitchFork = fakeFreeswitchOf("freeswitch-fork", "fork");
export const fakeFreeswitchStream = fakeFreeswitchOf("freeswitch-stream", "stream");
