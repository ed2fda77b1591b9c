import type { Envelope } from "../wire/envelope.ts";
import type { Encoding } from "../audio/encodings.ts";
import type { CallerNotice, CallStart, LegEnd, LegTraits } from "./leg.ts";

/** What the request said with which a caller came, before anything was spoken. */
export interface Knock {
  /** Path and query as they came, for signatures. */
  readonly target: string;
  readonly query: URLSearchParams;
  /** By name in lower case; several of one name are joined with ", ". */
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** One wire format, both ways, as a pure codec: it opens nothing, awaits nothing and reads no clock. */
export interface Dialect {
  readonly name: string;
  /** Where its WebSocket is served, such as "/browser". */
  readonly path: string;
  /** WebSocket sub-protocols that it agrees to, the best first. */
  readonly subprotocols: readonly string[];
  readonly traits: LegTraits;
  /** Longest text and binary messages that a peer may send, bytes. */
  readonly limits: { readonly textBytes: number; readonly binaryBytes: number };
  /**
   * What a peer means that closes its socket in order without a word (codes 1000 and 1005): that the caller hung up, or nothing,
   * because those who hang up say so.
   */
  readonly silentClose: "hung-up" | "lost";
  /** How we end a leg: by closing the socket, or by asking the peer (`encode` of `end`), which says `stop` or closes within 2 s. */
  readonly ending: "close" | "ask";
  /**
   * The caller's audio after the start, where the text from `from` to `end` is such as this wire's peers usually write it, read without the
   * parser. The text is not known to be UTF-8, the audio valid until the next is read. Undefined: anything else, which `decodeText` is given.
   */
  scanText?(text: Buffer, from: number, end: number): CallerAudio | undefined;
  /** Never throws: what is wrong with the request, the first message is refused with. */
  open(knock: Knock): DialectCodec;
}

/** One a connection: it remembers what the format makes it remember (a stream id, the present turn, sequence numbers). */
export interface DialectCodec {
  /** @throws {Fault} caller-malformed or caller-unsupported, naming the field. */
  decodeText(message: string): CallerSignal;
  /** @throws {Fault} caller-malformed when binary is not expected, or not now. */
  decodeBinary(message: Uint8Array): CallerSignal;
  /** The messages it takes, in order; undefined: this dialect has no words for it. */
  encode(command: CallerCommand): WireMessage | readonly WireMessage[] | undefined;
}

/** Text for a string, binary for bytes. */
export type WireMessage = string | Uint8Array;

export type CallerSignal =
  /** `answer` goes out before the reception is asked, where a stream flows only after it. */
  | {
      readonly type: "start";
      readonly start: CallStart;
      readonly uplink: Encoding;
      readonly downlink: Encoding;
      readonly answer?: WireMessage;
      /** What agent audio goes out in, where it is base64 in a text that is else the same each time; else `encode` is asked. */
      readonly envelope?: Envelope;
      /** What the codec keeps outside of the heap for this connection; the shell disposes of it when the connection is over. */
      readonly held?: Disposable;
    }
  /**
   * `atMs`: the caller's media clock, where the dialect tells it, so that gaps can be filled. What a carrier sends out of order the
   * codec puts in order: it holds a frame back (`ignored`) and gives it with the one that was missing.
   */
  | CallerAudio
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "dtmf"; readonly digit: string }
  | { readonly type: "mark"; readonly name: string }
  | { readonly type: "played"; readonly turnId: string; readonly ms: number }
  | { readonly type: "transferred" }
  | { readonly type: "transfer-failed"; readonly why: string }
  /** The peer's buffer is full (`on`), or has room again: in between nothing is played. */
  | { readonly type: "pressure"; readonly on: boolean }
  /** The caller hung up, or (after we asked) the stream is over. */
  | { readonly type: "stop"; readonly answer?: WireMessage }
  /** Answered at once by the shell with `message`, before a start too; so is a probe that wants no call. */
  | { readonly type: "ping"; readonly message: WireMessage }
  /** Known to be of no interest, or unknown: counted. */
  | { readonly type: "ignored"; readonly event: string };

export interface CallerAudio {
  readonly type: "audio";
  readonly bytes: Uint8Array;
  readonly atMs: number | undefined;
}

export type CallerCommand =
  | { readonly type: "audio"; readonly bytes: Uint8Array }
  | { readonly type: "turn"; readonly turnId: string; readonly fromMs: number }
  | { readonly type: "mark"; readonly name: string }
  | { readonly type: "flush" }
  | { readonly type: "dtmf"; readonly digits: string }
  | { readonly type: "transfer"; readonly target: string }
  | { readonly type: "notice"; readonly notice: CallerNotice }
  | { readonly type: "end"; readonly end: LegEnd };
