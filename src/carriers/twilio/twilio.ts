import type { Admitted, Carrier } from "../../caller/carrier.ts";
import type { Knock } from "../../caller/dialect.ts";
import type { CallStart } from "../../caller/leg.ts";
import type { Clock } from "../../kernel/clock.ts";
import { Fault } from "../../kernel/fault.ts";
import type { Log } from "../../kernel/log.ts";
import { Book } from "../book.ts";
import { isSigned, spellings } from "../signature.ts";
import { Tickets, type TicketBox } from "../tickets.ts";

export interface TwilioParts {
  /** The account's tokens that are good just now (two while one is being replaced), newest first. None: only this machine is served. */
  readonly authTokens: () => readonly string[];
  /** How Twilio reaches us, such as "https://voice.example.org"; what it signs is made of this. */
  readonly publicUrl: () => string;
  /** Why no new call would be taken just now; undefined: it would. */
  readonly refusal: () => Fault | undefined;
  readonly rejected: (code: Fault["code"]) => void;
  /** The call is in progress on this node, with or without its caller. */
  readonly holds: (callId: string) => boolean;
  /** Ends a call whose caller is known to be gone. */
  readonly hangUp: (callId: string) => void;
  /** Who answered a call that we placed. `isReady`: a machine takes a message now. */
  readonly answeredBy: (callId: string, who: "person" | "machine", isReady: boolean) => void;
  readonly tickets: TicketBox;
  readonly clock: Clock;
  readonly log: Log;
}

/** Where the dialect serves its WebSocket; see `caller/dialects/twilio.ts`. */
const streamPath = "/twilio";

/** Twilio as the one who answers for its callers: its streams, and what its webhooks and streams know of each other. */
export class Twilio implements Carrier {
  readonly dialect = "twilio";
  readonly parts: TwilioParts;
  readonly book: Book;
  readonly tickets: Tickets;

  constructor(parts: TwilioParts) {
    this.parts = parts;
    this.book = new Book(parts.clock);
    const { ownSecret, used } = parts.tickets;
    this.tickets = new Tickets(() => (parts.authTokens().length > 0 ? parts.authTokens() : [ownSecret]), parts.clock, used);
  }

  /** The address of the WebSocket, as it stands in the TwiML: signatures are made of it to the letter. */
  get streamUrl(): string {
    return `${this.parts.publicUrl().replace(/^http/, "ws")}${streamPath}`;
  }

  /** Some of Twilio's machines sign a slash that was not there. */
  mayConnect({ headers }: Knock, local: boolean): void {
    this.mustBeTwilio(headers["x-twilio-signature"], [this.streamUrl, `${this.streamUrl}/`].flatMap(spellings), undefined, local);
  }

  /** @throws {Fault} caller-refused */
  mustBeTwilio(signature: string | undefined, urls: readonly string[], form: URLSearchParams | undefined, local: boolean): void {
    const tokens = this.parts.authTokens();
    if (tokens.length === 0) {
      if (local) return;
      throw new Fault("caller-refused", "only Twilio may come in here, and its signature cannot be checked: set TWILIO_AUTH_TOKEN");
    }
    if (isSigned(signature, tokens, urls, form)) return;
    const found = signature === undefined ? "no X-Twilio-Signature" : "an X-Twilio-Signature";
    throw new Fault("caller-refused", `${found} that fits this address: check TWILIO_AUTH_TOKEN, and PUBLIC_URL against what Twilio calls`);
  }

  /** Twilio's own machines, and a ticket that one of our answers gave out for this very call. */
  admit(start: CallStart): Admitted {
    const { ticket, ...parameters } = start.parameters;
    const { carrierCallId: callSid = "", agent, language, from, resume } = start;
    this.tickets.take(ticket, { callSid, agent, language, from, resume });
    const call = this.book.at(callSid);
    call.state = { name: "streaming" };
    // What stays to be said to Twilio is said when it asks, see `webhooks.ts`.
    return { start: { ...start, parameters }, line: this.book.lineOf(callSid, true) };
  }
}
