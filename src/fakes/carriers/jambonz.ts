// jambonz' end of a `listen` verb, both ways, streaming: "listen" in jambonz's documentation, read 2026-11.
import type { Encoding } from "../../audio/encodings.ts";
import { object, tagged, text } from "../shape.ts";
import type { FakeCaller, FakeDialect } from "./fake-caller.ts";
import { digitsHeardIn, farEnd, textAt, understood } from "./far-end.ts";
import { Speaker } from "./speaker.ts";

const expected = tagged("type", { killAudio: {}, disconnect: {}, clearMarks: {}, mark: { "data!": object({ "name!": text(256) }) } });

interface JambonzOptions {
  readonly encoding: Encoding;
  /** The verb's `wsAuth`, user and password. */
  readonly basic: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly query: string;
}

export async function callFromJambonz(url: string, options: Partial<JambonzOptions> = {}): Promise<FakeCaller> {
  const { encoding = "pcm16@8000", basic, metadata = {}, query = "" } = options;
  const violations: string[] = [];
  let clearing = false;
  const speaker = new Speaker(encoding, (name) => says({ type: "mark", data: { name, event: clearing ? "cleared" : "playout" } }));
  const upgrade = basic === undefined ? {} : { headers: { authorization: `Basic ${Buffer.from(basic).toString("base64")}` } };
  const end = await farEnd(`${url}/jambonz${query}`, hears, upgrade, ["audio.jambonz.org"]);

  const says = (message: object): void => end.raw(JSON.stringify(message));

  function hears(message: string | Buffer): void {
    if (typeof message !== "string") {
      if (message.length % 2 !== 0) violations.push(`${message.length} bytes of audio end inside a sample`);
      else speaker.append(message);
      return;
    }
    const wire = understood(message, expected, violations);
    if (wire === undefined) return;
    const type = textAt(wire, "type");
    if (type === "mark") speaker.mark(textAt(wire, "data", "name"));
    else if (type === "disconnect") leaves();
    else {
      clearing = true;
      speaker.clear();
      clearing = false;
    }
  }

  /** An empty frame comes before the close. */
  function leaves(): void {
    end.raw(new Uint8Array(0));
    end.close(1000);
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
    start: async () =>
      says({
        sampleRate: Number(encoding.split("@")[1]),
        mixType: "mono",
        callSid: "df09e8d4-7ffd-492b-94d9-51a60318552c",
        direction: "inbound",
        from: "+15083084809",
        to: "+15083728299",
        callId: "f0414693-bdb6-1238-6185-06d91d68c9b0",
        sipStatus: 200,
        callStatus: "in-progress",
        accountSid: "fef61e75-cec3-496c-a7bc-8368e4d02a04",
        applicationSid: "0e0681b0-d49f-4fb8-b973-b5a3c6758de1",
        ...metadata,
      }),
    speak: (audio) => end.raw(audio),
    loseAudio: () => {},
    press: (digit) => says({ event: "dtmf", dtmf: digit, duration: "1600" }),
    play: (ms) => speaker.play(ms),
    answerTransfer() {
      throw new Error("jambonz tells of transfers by hook");
    },
    hangUp: leaves,
  };
}

export const fakeJambonz: FakeDialect = {
  dialect: "jambonz",
  frameMs: 20,
  clocked: false,
  waitsForAnswer: false,
  announced: true,
  closeCodes: true,
  transfer: "beside",
  malformed: {
    "half a sample": new Uint8Array(321),
    "two seconds of audio in one frame": new Uint8Array(32_000),
    "a digit that no keypad has": '{"event":"dtmf","dtmf":"x"}',
    "a mark without a name": '{"type":"mark","data":{}}',
    "half a message": '{"type":"ma',
  },
  connect: (url) => callFromJambonz(url),
};
