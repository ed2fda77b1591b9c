import type { Clock } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import type { Random } from "../../kernel/random.ts";
import type { LegEnd, Reception } from "../leg.ts";
import type { AgentOf } from "./agents.ts";
import type { Exchange } from "./exchange.ts";
import type { CodecName } from "./rtp/codecs.ts";
import type { LineQuality, MediaParts } from "./rtp/media.ts";
import type { OwnMedia } from "./sdp.ts";
import type { Dialog } from "./dialog.ts";
import type { Incoming } from "./exchange.ts";
import type { SipRequest } from "./message/message.ts";
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
  readonly agentOf: AgentOf;
  /** How long a caller hears it ring at most while the agent gets ready, ms. */
  readonly answerLimitMs: number;
  /** The address of ours that this peer can reach, and the port we listen on for its transport. */
  ownAddress(hop: Hop): { readonly address: string; readonly port: number };
  /** The call gets the requests of its dialog from now on, until disposed. */
  register(call: DialogOwner): Disposable;
  /** A line was given up; this is how good it was. */
  ended(quality: LineQuality): void;
  /** Calls somebody to tell them something before a caller comes; undefined: this house cannot speak. */
  readonly consult: ((order: ConsultOrder, ear: ConsultEar) => Consult) | undefined;
}

/** A call that has a dialog, as the endpoint sees it. */
export interface DialogOwner {
  readonly dialog: Dialog;
  /** A request of this dialog, ACK and CANCEL excepted. */
  request(incoming: Incoming): void;
  acknowledged(request: SipRequest): void;
  close(end: LegEnd): void;
  /** Nothing more can be sent: the house is closed. */
  abandon(): void;
}

export interface ConsultOrder {
  /** As it was asked for, and the SIP URI that the caller would be sent to. */
  readonly target: string;
  readonly uri: string;
  readonly text: string;
  readonly language: string | undefined;
}

export interface ConsultEar {
  /** They heard it all, and wait. */
  told(): void;
  /** `isFinal`: they are not to be had; else it is only that they could not be told. */
  failed(why: string, isFinal: boolean): void;
}

/** A person who is being told. */
export interface Consult {
  /** For Refer-To: how the caller takes our place with them; undefined: their telephone cannot do that. */
  readonly place: string | undefined;
  end(): void;
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
