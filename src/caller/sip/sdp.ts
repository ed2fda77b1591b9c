// Offer and answer: RFC 3264, RFC 8866, keys by RFC 4568.
import { isIP } from "node:net";
import { parse, write, type MediaDescription, type SessionDescription } from "sdp-transform";
import { Fault } from "../../kernel/fault.ts";
import { codecNames, codecs, type CodecName, type CodecRow } from "./rtp/codecs.ts";
import { srtpKeyBytes, srtpSuites, type SrtpSuite } from "./rtp/srtp.ts";

/** What both sides have agreed on for the audio. */
export interface Agreed {
  readonly codec: CodecRow;
  readonly payloadType: number;
  /** Telephone events; undefined: the peer knows none. */
  readonly dtmf: { readonly payloadType: number; readonly clockHz: number } | undefined;
  readonly remote: { readonly address: string; readonly port: number; readonly rtcpPort: number };
  readonly rtcpMux: boolean;
  /** Our own, as the description says it. */
  readonly direction: "sendrecv" | "sendonly" | "recvonly" | "inactive";
  /** Whether we may send, and whether what comes is the caller: one who holds sends music, or nothing. */
  readonly sends: boolean;
  readonly receives: boolean;
  /** How much audio the peer wants in a packet, ms. */
  readonly packetMs: number;
  readonly srtp: { readonly suite: SrtpSuite; readonly ours: Buffer; readonly theirs: Buffer } | undefined;
}

/** Our side of a description. */
export interface OwnMedia {
  readonly address: string;
  readonly port: number;
  readonly sessionId: number;
  /** Rises with every description that differs from the one before. */
  readonly version: number;
  /** Best first. */
  readonly codecs: readonly CodecName[];
  /** The signalling is encrypted, so that keys may travel in it. */
  readonly secure: boolean;
  /** Our master key and salt. */
  readonly keyAndSalt: Buffer;
}

const firstDynamic = 96;
const eventPayloadType = 101;
const packetChoicesMs: readonly number[] = [10, 20, 30, 40, 60];
const unable = (why: string): Fault => new Fault("call-unable", why);

/**
 * Our answer to an offer, and what it makes of the media. The codec is `current`'s where the offer still has it, else the first of the
 * offer that we know.
 * @throws {Fault} caller-malformed (400), or call-unable (488) when there is nothing in it that we can do
 */
export function answerOffer(text: string, own: OwnMedia, current: CodecName | undefined): { agreed: Agreed; answer: string } {
  const offer = read(text);
  const chosen = offer.media.findIndex((media) => isUsable(media, own));
  const media = offer.media[chosen];
  if (media === undefined) throw unable("the offer has no audio that we can do");
  const { codec, payloadType } = pickCodec(media, own, current);
  const crypto = pickCrypto(media);
  const dtmf = eventsOf(media, codec);
  const agreed = agreedOf(offer, media, { codec, payloadType, dtmf, srtp: crypto && { ...crypto, ours: own.keyAndSalt } });
  const described = offer.media.map((each, at) => (at === chosen ? answered(each, agreed, own, crypto?.id) : { ...refusedMedia(each) }));
  return { agreed, answer: write(session(own, described)) };
}

/** An offer of ours: for a call that we place, or for one that came without. */
export function makeOffer(own: OwnMedia, direction: "sendrecv" | "recvonly" | "inactive" = "sendrecv"): string {
  const rows = own.codecs.map((name, at) => ({ row: codecs[name], payloadType: codecs[name].payloadType ?? firstDynamic + at }));
  const events = [...new Set(rows.map(({ row }) => row.clockHz))].map((clockHz, at) => ({ clockHz, payloadType: eventPayloadType + at }));
  const media: MediaDescription = {
    type: "audio",
    port: own.port,
    protocol: own.secure ? "RTP/SAVP" : "RTP/AVP",
    payloads: [...rows, ...events].map((each) => each.payloadType).join(" "),
    rtp: [
      ...rows.map(({ row, payloadType }) => rtpMap(row, payloadType)),
      ...events.map(({ clockHz, payloadType }) => ({ payload: payloadType, codec: "telephone-event", rate: clockHz })),
    ],
    fmtp: events.map(({ payloadType }) => ({ payload: payloadType, config: "0-15" })),
    ptime: 20,
    direction,
    ...(own.secure ? { crypto: srtpSuites.map((suite, at) => cryptoLine(at + 1, suite, own.keyAndSalt)) } : {}),
  };
  return write(session(own, [media]));
}

/**
 * What their answer to our offer makes of the media.
 * @throws {Fault} caller-malformed or call-unable
 */
export function readAnswer(text: string, own: OwnMedia): Agreed {
  const answer = read(text);
  const media = answer.media.find((each) => isUsable(each, own));
  if (media === undefined) throw unable("the answer has no audio that we can do");
  const { codec, payloadType } = pickCodec(media, own, undefined);
  const crypto = pickCrypto(media);
  if (own.secure && crypto === undefined) throw unable("the answer has no key for the encrypted audio that was offered");
  return agreedOf(answer, media, { codec, payloadType, dtmf: eventsOf(media, codec), srtp: crypto && { ...crypto, ours: own.keyAndSalt } });
}

type Description = Pick<SessionDescription, "media" | "connection" | "direction">;

function read(text: string): Description {
  if (!/^v=0\r?\n/.test(text)) throw new Fault("caller-malformed", "the session description is malformed");
  try {
    const { media, connection, direction } = parse(text);
    return { media: media.slice(0, 16), connection, direction } as Description; // exactOptionalPropertyTypes tells absent from undefined; we do not.
  } catch (error) {
    throw new Fault("caller-malformed", "the session description is malformed", { cause: error });
  }
}

function isUsable(media: MediaDescription, own: OwnMedia): boolean {
  if (media.type !== "audio" || !(media.port > 0 && media.port <= 65_535) || knownIn(media, own).length === 0) return false;
  return media.protocol === "RTP/AVP" || (media.protocol === "RTP/SAVP" && own.secure && pickCrypto(media) !== undefined);
}

interface Mapped {
  readonly codec: CodecRow;
  readonly payloadType: number;
}

/** The codecs of a description that we know, in its order. */
function knownIn(media: MediaDescription, own: OwnMedia): Mapped[] {
  const mapped: Mapped[] = [];
  for (const text of String(media.payloads ?? "")
    .split(" ")
    .slice(0, 64)) {
    const payloadType = Number(text);
    const line = (media.rtp ?? []).find((each) => each.payload === payloadType);
    const name = own.codecs.find((each) =>
      line === undefined
        ? codecs[each].payloadType === payloadType
        : each.toLowerCase() === codecName(line) && codecs[each].clockHz === line.rate,
    );
    if (name !== undefined && payloadType >= 0 && payloadType <= 127) mapped.push({ codec: codecs[name], payloadType });
  }
  return mapped;
}

function pickCodec(media: MediaDescription, own: OwnMedia, current: CodecName | undefined): Mapped {
  const known = knownIn(media, own);
  const chosen = known.find(({ codec }) => codec.name === current) ?? known[0];
  if (chosen === undefined) throw unable(`none of the offered codecs is served; ${codecNames.join(", ")} are`);
  return chosen;
}

function pickCrypto(media: MediaDescription): { id: number; suite: SrtpSuite; theirs: Buffer } | undefined {
  for (const { id, suite, config } of media.crypto ?? []) {
    const known = srtpSuites.find((each) => each === suite);
    const theirs = Buffer.from(/^inline:([A-Za-z0-9+/=]+)(?:\||$)/.exec(config)?.[1] ?? "", "base64");
    if (known !== undefined && theirs.length === srtpKeyBytes) return { id, suite: known, theirs };
  }
  return undefined;
}

function eventsOf(media: MediaDescription, codec: CodecRow): Agreed["dtmf"] {
  const lines = (media.rtp ?? []).filter((line) => codecName(line) === "telephone-event");
  const line = lines.find((each) => each.rate === codec.clockHz) ?? lines[0];
  return line === undefined ? undefined : { payloadType: line.payload, clockHz: line.rate ?? codec.clockHz };
}

function agreedOf(session: Description, media: MediaDescription, parts: Pick<Agreed, "codec" | "payloadType" | "dtmf" | "srtp">): Agreed {
  const address = media.connection?.ip ?? session.connection?.ip ?? "";
  if (isIP(address) === 0) throw new Fault("caller-malformed", "the session description has no usable address");
  const theirs = media.direction ?? session.direction ?? "sendrecv";
  // RFC 2543 put a caller on hold by an address of zeros.
  const isZero = address === "0.0.0.0" || address === "::";
  const direction = mirrored[theirs];
  const rtcpMux = media.rtcpMux !== undefined;
  return {
    ...parts,
    remote: { address, port: media.port, rtcpPort: rtcpMux ? media.port : rtcpPortOf(media) },
    rtcpMux,
    direction,
    sends: !isZero && (direction === "sendrecv" || direction === "sendonly"),
    receives: !isZero && direction === "sendrecv",
    packetMs: packetMsOf(media),
  };
}

/** The named one, else the next (RFC 3605). */
function rtcpPortOf({ port, rtcp }: MediaDescription): number {
  const named = rtcp?.port ?? 0;
  return Number.isInteger(named) && named > 0 && named <= 65_535 ? named : Math.min(port + 1, 65_535);
}

const mirrored = { sendrecv: "sendrecv", sendonly: "recvonly", recvonly: "sendonly", inactive: "inactive" } as const;

function packetMsOf({ ptime, maxptime }: MediaDescription): number {
  const wanted = packetChoicesMs.includes(Number(ptime)) ? Number(ptime) : 20;
  return Number(maxptime) >= 10 && Number(maxptime) < wanted ? 10 : wanted;
}

function answered(offer: MediaDescription, agreed: Agreed, own: OwnMedia, cryptoId: number | undefined): MediaDescription {
  const { codec, payloadType, dtmf, direction, srtp } = agreed;
  return {
    type: "audio",
    port: own.port,
    protocol: offer.protocol,
    payloads: [payloadType, ...(dtmf === undefined ? [] : [dtmf.payloadType])].join(" "),
    rtp: [
      rtpMap(codec, payloadType),
      ...(dtmf === undefined ? [] : [{ payload: dtmf.payloadType, codec: "telephone-event", rate: dtmf.clockHz }]),
    ],
    fmtp: dtmf === undefined ? [] : [{ payload: dtmf.payloadType, config: "0-15" }],
    ptime: agreed.packetMs,
    direction,
    ...(agreed.rtcpMux ? { rtcpMux: "rtcp-mux" } : {}),
    ...(srtp === undefined || cryptoId === undefined ? {} : { crypto: [cryptoLine(cryptoId, srtp.suite, srtp.ours)] }),
  };
}

/** A medium that we do not take keeps its place with port 0 (RFC 3264 section 6). */
function refusedMedia({ type, protocol, payloads }: MediaDescription): MediaDescription {
  return { type, port: 0, protocol, payloads: String(payloads ?? "0"), rtp: [], fmtp: [] };
}

function rtpMap({ name, clockHz, channels }: CodecRow, payload: number): MediaDescription["rtp"][number] {
  return { payload, codec: name, rate: clockHz, ...(channels === undefined ? {} : { encoding: channels }) };
}

const cryptoLine = (id: number, suite: SrtpSuite, key: Buffer): { id: number; suite: string; config: string } => ({
  id,
  suite,
  config: `inline:${key.toString("base64")}`,
});

function session(own: OwnMedia, media: readonly MediaDescription[]): SessionDescription {
  const ipVer = own.address.includes(":") ? 6 : 4;
  return {
    version: 0,
    origin: { username: "-", sessionId: own.sessionId, sessionVersion: own.version, netType: "IN", ipVer, address: own.address },
    name: "-",
    connection: { version: ipVer, ip: own.address },
    timing: { start: 0, stop: 0 },
    media: [...media],
  };
}

/** The parser makes a number of a name that looks like one, whatever its types say. */
const codecName = ({ codec }: { readonly codec: unknown }): string => String(codec).toLowerCase();
