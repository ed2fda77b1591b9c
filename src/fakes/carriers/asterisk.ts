// Asterisk's end of chan_websocket: channels/chan_websocket.c and "WebSocket Channel" in Asterisk's documentation, read 2026-11.
import { bytesOf, type Encoding } from "../../audio/encodings.ts";
import { is, object, text, type Shape } from "../shape.ts";
import type { FakeCaller, FakeDialect } from "./fake-caller.ts";
import { digitsHeardIn, farEnd, understood } from "./far-end.ts";
import { Speaker } from "./speaker.ts";

interface AsteriskOptions {
  /** As the dial string's `c()` asks for it. */
  readonly format: "ulaw" | "alaw" | "slin" | "slin16" | "slin24" | "slin48";
  /** Control messages as JSON, `f(json)`; else in lines, as older versions have it. */
  readonly json: boolean;
  /** The dial string's `v()`. */
  readonly variables: Readonly<Record<string, string>>;
  readonly basic: string | undefined;
}

const encodingOf: Readonly<Record<AsteriskOptions["format"], Encoding>> = {
  ulaw: "pcmu@8000",
  alaw: "pcma@8000",
  slin: "pcm16@8000",
  slin16: "pcm16@16000",
  slin24: "pcm16@24000",
  slin48: "pcm16@48000",
};
const longestCommandBytes = 128;
const longestMessageBytes = 65_500;
/** Frames that wait: above the first it asks for a pause, below the second it goes on, above the third it throws away. */
const queue = { high: 900, low: 800, full: 1_000 };
const verbs = "ANSWER HANGUP START_MEDIA_BUFFERING STOP_MEDIA_BUFFERING FLUSH_MEDIA PAUSE_MEDIA CONTINUE_MEDIA MARK_MEDIA GET_STATUS";
const expected: Shape = object({ "command!": is(...verbs.split(" ")), correlation_id: text(64) });

/** What may be looked at beside the call. */
interface AsteriskCaller extends FakeCaller {
  readonly answered: boolean;
}

export async function callFromAsterisk(url: string, options: Partial<AsteriskOptions> = {}): Promise<AsteriskCaller> {
  const { format = "ulaw", json = true, variables = {}, basic } = options;
  const encoding = encodingOf[format];
  const frameBytes = bytesOf(20, encoding);
  const violations: string[] = [];
  const speaker = new Speaker(encoding, (id) => says("MEDIA_MARK_PROCESSED", { correlation_id: id }));
  let answered = false;
  let pressing = false;
  const upgrade = basic === undefined ? {} : { headers: { authorization: `Basic ${Buffer.from(basic).toString("base64")}` } };
  const end = await farEnd(`${url}/asterisk`, hears, upgrade, ["media"]);

  function says(event: string, fields: Readonly<Record<string, string | number | object>> = {}): void {
    const line = Object.entries(fields).map(([key, value]) => ` ${key}:${String(value)}`);
    end.raw(json ? JSON.stringify({ event, channel_id: "1764000000.12", ...fields }) : `${event}${line.join("")}`);
  }

  const framesWaiting = (): number => Math.ceil(speaker.waitingMs / 20);

  function hears(message: string | Buffer): void {
    if (typeof message !== "string") return plays(message);
    if (Buffer.byteLength(message) > longestCommandBytes) return void violations.push(`a command of ${Buffer.byteLength(message)} bytes`);
    const command = read(message);
    if (command === undefined) return;
    const [verb, id] = command;
    if (verb === "ANSWER") answered = true;
    else if (verb === "HANGUP") end.close(1000);
    else if (verb === "FLUSH_MEDIA") speaker.clear();
    else if (verb === "MARK_MEDIA") speaker.mark(id);
  }

  function read(message: string): readonly [verb: string, id: string] | undefined {
    if (json) {
      const wire = understood(message, expected, violations);
      return wire && [String(wire["command"]), String(wire["correlation_id"] ?? "")];
    }
    const [verb = "", id = ""] = message.split(" ");
    if (verbs.split(" ").includes(verb)) return [verb, id];
    violations.push(`the command ${verb}`);
    return undefined;
  }

  function plays(audio: Buffer): void {
    if (audio.length > longestMessageBytes) {
      violations.push(`a message of ${audio.length} bytes, which ends the call`);
      return end.vanish();
    }
    const odd = audio.length % frameBytes;
    if (odd !== 0) violations.push(`${odd} bytes fill no frame and are dropped`);
    if (framesWaiting() >= queue.full) return void violations.push("more than the queue holds");
    const before = framesWaiting();
    speaker.append(audio.subarray(0, audio.length - odd));
    if (before < queue.high && framesWaiting() >= queue.high) {
      pressing = true;
      says("MEDIA_XOFF");
    }
  }

  return {
    ...end,
    uplink: encoding,
    downlink: encoding,
    violations,
    speaker,
    sentTo: [],
    get answered() {
      return answered;
    },
    get digitsHeard() {
      return digitsHeardIn(speaker.received, encoding);
    },
    async start() {
      const frames = { format, optimal_frame_size: frameBytes, ptime: 20 };
      const names = {
        connection_id: "media_connection1",
        channel: "WebSocket/linekeeper/0x7f",
        ...(!json && { channel_id: "1764000000.12" }),
      };
      says("MEDIA_START", { ...names, ...frames, ...(json && { channel_variables: variables }) });
    },
    speak: (audio) => end.raw(audio),
    loseAudio: () => {},
    press: (digit) => says("DTMF_END", { digit, duration_ms: 120 }),
    play(ms) {
      speaker.play(ms);
      if (!pressing || framesWaiting() >= queue.low) return;
      pressing = false;
      says("MEDIA_XON");
    },
    answerTransfer() {
      throw new Error("chan_websocket knows no transfer");
    },
    hangUp: () => end.close(1000),
  };
}

export const fakeAsterisk: FakeDialect = {
  dialect: "asterisk",
  frameMs: 20,
  clocked: false,
  waitsForAnswer: false,
  announced: true,
  closeCodes: true,
  transfer: "none",
  malformed: {
    "a second of audio in one frame": new Uint8Array(8_000),
    "a digit that no keypad has": '{"event":"DTMF_END","digit":"x"}',
    "a mark without an id": '{"event":"MEDIA_MARK_PROCESSED"}',
    "a message that says not what it is": '{"digit":"1"}',
    "half a message": '{"event":"DTMF',
    "a line of small letters": "media_xoff",
  },
  connect: (url) => callFromAsterisk(url),
};
