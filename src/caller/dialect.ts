import type { Encoding } from "../audio/encodings.ts";
import type { CallerNotice, CallStart, LegEnd, LegTraits } from "./leg.ts";

/** One wire format, both ways, as a pure codec: it opens nothing, awaits nothing and reads no clock. */
export interface Dialect {
  readonly name: string;
  /** Where its WebSocket is served, such as "/browser". */
  readonly path: string;
  /** WebSocket sub-protocol to agree to, or undefined. */
  readonly subprotocol: string | undefined;
  readonly traits: LegTraits;
  /** Longest text and binary messages that a peer may send, bytes. */
  readonly limits: { readonly textBytes: number; readonly binaryBytes: number };
  open(): DialectCodec;
}

/** One a connection: it remembers what the format makes it remember (a stream id, the present turn). */
export interface DialectCodec {
  /** @throws {Fault} caller-malformed or caller-unsupported, naming the field. */
  decodeText(message: string): CallerSignal;
  /** @throws {Fault} caller-malformed when binary is not expected, or not now. */
  decodeBinary(message: Uint8Array): CallerSignal;
  /** Undefined: this dialect has no words for it. */
  encode(command: CallerCommand): string | Uint8Array | undefined;
}

export type CallerSignal =
  | { readonly type: "start"; readonly start: CallStart; readonly uplink: Encoding; readonly downlink: Encoding }
  /** `atMs`: the caller's media clock, where the dialect tells it, so that gaps can be filled. */
  | { readonly type: "audio"; readonly bytes: Uint8Array; readonly atMs: number | undefined }
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "dtmf"; readonly digit: string }
  | { readonly type: "mark"; readonly name: string }
  | { readonly type: "played"; readonly turnId: string; readonly ms: number }
  | { readonly type: "transferred" }
  | { readonly type: "transfer-failed"; readonly why: string }
  | { readonly type: "stop" }
  /** Answered at once by the shell with `message`. */
  | { readonly type: "ping"; readonly message: string }
  /** Known to be of no interest, or unknown: counted. */
  | { readonly type: "ignored"; readonly event: string };

export type CallerCommand =
  | { readonly type: "audio"; readonly bytes: Uint8Array }
  | { readonly type: "turn"; readonly turnId: string }
  | { readonly type: "mark"; readonly name: string }
  | { readonly type: "flush" }
  | { readonly type: "dtmf"; readonly digits: string }
  | { readonly type: "transfer"; readonly target: string }
  | { readonly type: "notice"; readonly notice: CallerNotice }
  | { readonly type: "end"; readonly end: LegEnd };
