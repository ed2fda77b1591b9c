import type { Clock } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import type { Random } from "../../kernel/random.ts";
import type { Reception } from "../leg.ts";
import type { Exchange } from "./exchange.ts";
import type { CodecName } from "./rtp/codecs.ts";
import type { LineQuality, MediaParts } from "./rtp/media.ts";
import type { OwnMedia } from "./sdp.ts";
import type { SipCall } from "./sip-call.ts";
import type { Hop } from "./wire/wire.ts";

/** What every call of an endpoint uses. */
export interface CallParts {
  readonly exchange: Exchange;
  readonly media: MediaParts;
  readonly reception: Reception;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly codecs: readonly CodecName[];
  /** How long a caller hears it ring at most while the agent gets ready, ms. */
  readonly answerLimitMs: number;
  /** The address of ours that this peer can reach, and the port we listen on for its transport. */
  ownAddress(hop: Hop): { readonly address: string; readonly port: number };
  /** The call gets the requests of its dialog from now on, until disposed. */
  register(call: SipCall): Disposable;
  /** A line was given up; this is how good it was. */
  ended(quality: LineQuality): void;
}

export const allowedMethods = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, REFER, NOTIFY";
export const supportedExtensions = "timer";

/** The Contact under which this peer reaches us. */
export function contactFor(parts: CallParts, hop: Hop): string {
  const { address, port } = parts.ownAddress(hop);
  const host = address.includes(":") ? `[${address}]` : address;
  return `<sip:linekeeper@${host}:${port}${hop.transport === "udp" ? "" : `;transport=${hop.transport}`}>`;
}

/** What our descriptions of one call say; each differs from the one before. */
export class OwnDescription {
  readonly #parts: CallParts;
  readonly #port: number;
  readonly #sessionId: number;
  readonly #keyAndSalt: Buffer;
  #version = 0;

  constructor(parts: CallParts, port: number, keyAndSalt: Buffer) {
    this.#parts = parts;
    this.#port = port;
    this.#sessionId = Math.floor(parts.random.next() * 2 ** 31);
    this.#keyAndSalt = keyAndSalt;
  }

  next(hop: Hop): OwnMedia {
    this.#version += 1;
    return this.current(hop);
  }

  /** What was said last. */
  current(hop: Hop): OwnMedia {
    return {
      address: this.#parts.ownAddress(hop).address,
      port: this.#port,
      sessionId: this.#sessionId,
      version: this.#version,
      codecs: this.#parts.codecs,
      secure: hop.transport === "tls",
      keyAndSalt: this.#keyAndSalt,
    };
  }
}
