// Genesys Cloud's end of AudioHook: the protocol reference and the reference client, read 2026-11.
import { msOf } from "../../audio/encodings.ts";
import { anyObject, is, list, number, object, tagged, text, type Shape } from "../shape.ts";
import type { FakeCaller, FakeDialect } from "./fake-caller.ts";
import { digitsHeardIn, farEnd, textAt, understood, type Wire } from "./far-end.ts";
import { Speaker } from "./speaker.ts";

const encoding = "pcmu@8000";
const organizationId = "d7934305-0972-4844-938e-9060eef73d05";
const nobody = "00000000-0000-0000-0000-000000000000";
/** Messages a second that are taken from a server; with more it complains. */
const messagesPerSecond = 5;
const burst = 25;

interface GenesysOptions {
  readonly sessionId: string;
  readonly conversationId: string;
  /** What is offered, in this order. */
  readonly channels: readonly (readonly ("external" | "internal")[])[];
  readonly inputVariables: Readonly<Record<string, string>>;
  readonly continuedSessions: readonly object[];
  /** The headers that prove who it is, for the identifying ones. */
  readonly sign: (headers: Readonly<Record<string, string>>) => Readonly<Record<string, string>>;
}

const plain: GenesysOptions = {
  sessionId: "e160e428-53e2-487c-977d-96989bf5c99d",
  conversationId: "090eaa2f-72fa-480a-83e0-8667ff89c0ec",
  channels: [["external", "internal"], ["external"], ["internal"]],
  inputVariables: {},
  continuedSessions: [],
  sign: () => ({}),
};

/** What may be looked at beside the call. */
interface GenesysCaller extends FakeCaller {
  /** The server's messages of these types so far, in order. */
  readonly heardTypes: readonly string[];
  readonly outputVariables: Wire;
  ping(): void;
  /** The client had to throw away so much of the caller's audio. */
  discard(ms: number): void;
  /** The next messages count from here, as no client in order does. */
  skipTo(seq: number): void;
}

export async function callFromGenesys(url: string, options: Partial<GenesysOptions> = {}): Promise<GenesysCaller> {
  const { sessionId, conversationId, channels, inputVariables, continuedSessions, sign } = { ...plain, ...options };
  const isProbe = conversationId === nobody;
  const offered = channels.map((names) => ({ type: "audio", format: "PCMU", channels: names, rate: 8_000 }));
  const expected = expectedFor(sessionId);
  const violations: string[] = [];
  const heardTypes: string[] = [];
  const sentTo: string[] = [];
  const opened = Promise.withResolvers<void>();
  const speaker = new Speaker(encoding, () => {});
  let seq = 0;
  let serverSeq = 0;
  let positionMs = 0;
  let playedMs = 0;
  let outputVariables: Wire = {};
  let budget = burst;
  let channelsChosen = 0;
  const headers = {
    "audiohook-organization-id": organizationId,
    "audiohook-session-id": sessionId,
    "audiohook-correlation-id": "b1c2d3e4-0000-4000-8000-000000000001",
  };
  const end = await farEnd(`${url}/genesys`, hears, { headers: { ...headers, ...sign(headers) } });

  function says(type: string, parameters: object): void {
    seq += 1;
    const position = `PT${(positionMs / 1000).toFixed(2)}S`;
    end.raw(JSON.stringify({ version: "2", id: sessionId, type, seq, serverseq: serverSeq, position, parameters }));
  }

  function hears(message: string | Buffer): void {
    if (typeof message !== "string") {
      // Time passes only when it is told, so what was played gives the server its allowance back.
      budget -= 1;
      if (budget < 0) complain(429, "Too many messages");
      return channelsChosen === 0 ? complain(400, "audio before opened") : speaker.append(message);
    }
    const wire = understood(message, expected, violations);
    if (wire !== undefined) takes(wire);
  }

  function complain(code: number, message: string): void {
    violations.push(message);
    says("error", { code, message });
  }

  function takes(wire: Wire): void {
    const type = textAt(wire, "type");
    heardTypes.push(type);
    if (wire["seq"] !== serverSeq + 1) violations.push(`seq ${String(wire["seq"])} after ${serverSeq}`);
    serverSeq += 1;
    if (Number(wire["clientseq"]) > seq) violations.push(`clientseq ${String(wire["clientseq"])}, and only ${seq} were sent`);
    const parameters = parametersOf(wire);
    if (type === "opened") takesMedia(parameters["media"]);
    else if (type === "event") speaker.clear();
    else if (type === "disconnect") {
      const variables = parameters["outputVariables"];
      if (typeof variables === "object" && variables !== null) outputVariables = { ...variables };
      if (typeof outputVariables["transferTo"] === "string") sentTo.push(outputVariables["transferTo"]);
      says("close", { reason: "disconnect" });
    } else if (type === "closed") end.close(1000);
  }

  function takesMedia(media: unknown): void {
    const chosen: unknown = Array.isArray(media) ? media[0] : undefined;
    const known = offered.find((each) => JSON.stringify(each) === JSON.stringify(chosen));
    if (known === undefined && !isProbe) return void violations.push(`media ${JSON.stringify(chosen)} was not offered`);
    channelsChosen = known?.channels.length ?? 0;
    opened.resolve();
  }

  return {
    ...end,
    uplink: encoding,
    downlink: encoding,
    violations,
    speaker,
    heardTypes,
    sentTo,
    get outputVariables() {
      return outputVariables;
    },
    get digitsHeard() {
      return digitsHeardIn(speaker.received, encoding);
    },
    start() {
      const person = {
        id: isProbe ? nobody : "883efee8-3d6c-4537-b500-6d7ca4b92fa0",
        ani: "+1-555-555-1234",
        aniName: "John Doe",
        dnis: "+1-800",
      };
      const more = continuedSessions.length === 0 ? {} : { continuedSessions };
      says("open", { organizationId, conversationId, participant: person, media: offered, language: "en-US", inputVariables, ...more });
      return opened.promise;
    },
    speak(audio) {
      positionMs += msOf(audio.length, encoding);
      end.raw(channelsChosen === 2 ? interleaved(audio) : audio);
    },
    loseAudio: (ms) => discard(ms),
    discard,
    press: (digit) => says("dtmf", { digit }),
    ping: () => says("ping", { rtt: "PT0.05S" }),
    skipTo: (next) => void (seq = next - 1),
    play(ms) {
      if (speaker.waitingMs > 0 && playedMs === 0) says("playback_started", {});
      playedMs += ms;
      budget = Math.min(burst, budget + (ms * messagesPerSecond) / 1000);
      speaker.play(ms);
    },
    answerTransfer: () => {},
    hangUp: () => says("close", { reason: "end" }),
  };

  function discard(ms: number): void {
    says("discarded", { start: `PT${(positionMs / 1000).toFixed(2)}S`, discarded: `PT${(ms / 1000).toFixed(2)}S` });
    positionMs += ms;
  }
}

const parametersOf = (wire: Wire): Wire => {
  const { parameters } = wire;
  return typeof parameters === "object" && parameters !== null ? { ...parameters } : {};
};

function expectedFor(sessionId: string): Shape {
  const head = { "version!": is("2"), "seq!": number(1, 1e9, true), "clientseq!": number(0, 1e9, true), "id!": is(sessionId) };
  const said = (parameters: Readonly<Record<string, Shape>>): Readonly<Record<string, Shape>> => ({
    ...head,
    "parameters!": object(parameters),
  });
  return tagged("type", {
    opened: said({ "media!": list(anyObject), startPaused: (value, path) => (value === false ? undefined : is("false")(value, path)) }),
    pong: said({}),
    updated: said({}),
    closed: said({ outputVariables: anyObject }),
    disconnect: said({ "reason!": is("completed", "unauthorized", "error"), info: text(256), outputVariables: anyObject }),
    event: said({ "entities!": list(object({ "type!": is("barge_in"), "data!": anyObject })) }),
  });
}

/** The caller on the left, and an agent who says nothing. */
function interleaved(audio: Uint8Array): Uint8Array {
  const both = new Uint8Array(audio.length * 2).fill(0xff);
  for (const [at, byte] of audio.entries()) both[at * 2] = byte;
  return both;
}

export const fakeGenesys: FakeDialect = {
  dialect: "genesys",
  frameMs: 20,
  clocked: true,
  waitsForAnswer: true,
  announced: true,
  closeCodes: true,
  transfer: "none",
  malformed: {
    "two seconds of audio in one frame": new Uint8Array(16_001),
    "a message without a number": `{"version":"2","id":"${plain.sessionId}","type":"ping","parameters":{}}`,
    "a message of another session": '{"version":"2","id":"another","type":"ping","seq":2,"parameters":{}}',
    "a message of another version": `{"version":"1","id":"${plain.sessionId}","type":"ping","seq":2,"parameters":{}}`,
    "half a message": '{"version":"2"',
  },
  connect: (url) => callFromGenesys(url),
};
