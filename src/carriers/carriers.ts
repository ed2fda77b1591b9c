import type { Carrier } from "../caller/carrier.ts";
import type { CallOrder, Dialler } from "../caller/outbound.ts";
import type { Route } from "../http/answer.ts";
import type { Clock } from "../kernel/clock.ts";
import { Fault } from "../kernel/fault.ts";
import type { Log } from "../kernel/log.ts";
import { AskingCarrier, type Manners } from "./asking-carrier.ts";
import { openDiallers } from "./diallers.ts";
import { genesysCarrier, type GenesysKey } from "./genesys.ts";
import { jambonzManners } from "./jambonz.ts";
import { plivoManners } from "./plivo.ts";
import { signalwireManners } from "./signalwire.ts";
import { hangUpAtTelnyx } from "./telnyx-rest.ts";
import { telnyxManners } from "./telnyx.ts";
import { tokenCarrier } from "./token-carrier.ts";
import { TwilioRest } from "./twilio/rest.ts";
import type { TicketBox } from "./tickets.ts";
import { Twilio } from "./twilio/twilio.ts";
import { twilioRoutes } from "./twilio/webhooks.ts";
import { vonageManners } from "./vonage.ts";

export interface CarrierParts {
  /** By name, as the operator set it; undefined: not set. A secret's present value. */
  readonly setting: (name: string) => string | undefined;
  /** How carriers reach this server; the address it listens on where nothing is set. */
  readonly publicUrl: () => string;
  /** Why no new call would be taken just now; undefined: it would. */
  readonly refusal: () => Fault | undefined;
  /** Told of each call that is not taken. */
  readonly rejected: (code: Fault["code"]) => void;
  /** The call is in progress on this node, with or without its caller. */
  readonly holds: (callId: string) => boolean;
  /** Ends a call whose caller is known to be gone; nothing happens if it is over. */
  readonly hangUp: (callId: string) => void;
  /** A carrier knows who answered a call that we placed. `isReady`: a machine takes a message now. */
  readonly answeredBy: (callId: string, who: "person" | "machine", isReady: boolean) => void;
  /** What an agent's settings say of machines that answer; the first agent's without a name. */
  readonly machineRule: (agent: string | undefined) => NonNullable<CallOrder["machine"]>;
  readonly tickets: TicketBox;
  readonly clock: Clock;
  readonly log: Log;
}

/** Everything that the carriers add to a server. */
export interface Carriers {
  readonly carriers: readonly Carrier[];
  readonly routes: readonly Route[];
  readonly diallers: readonly Dialler[];
}

/** @throws {Fault} setting-invalid, in words for the operator */
export function openCarriers(parts: CarrierParts): Carriers {
  const all = [openTwilio(parts), openOthers(parts)];
  return {
    carriers: all.flatMap(({ carriers }) => carriers),
    routes: all.flatMap(({ routes }) => routes),
    diallers: all.flatMap(({ diallers }) => diallers),
  };
}

/** Without a token only this machine is served: enough to try it with `scripts/carrier-call.ts`. */
function openTwilio({ setting, ...parts }: CarrierParts): Carriers {
  const log = parts.log.with({ logger: "twilio" });
  const authTokens = goodNow(setting, "TWILIO_AUTH_TOKEN");
  const accountSid = setting("TWILIO_ACCOUNT_SID");
  if (authTokens().length > 0 && setting("PUBLIC_URL") === undefined) {
    throw new Fault("setting-invalid", "TWILIO_AUTH_TOKEN is set, but not PUBLIC_URL: Twilio signs the address that it calls");
  }
  if (accountSid !== undefined && setting("TWILIO_AUTH_TOKEN") === undefined) {
    throw new Fault("setting-invalid", "TWILIO_ACCOUNT_SID is set, but not TWILIO_AUTH_TOKEN: calls cannot be placed without it");
  }
  const rest =
    accountSid === undefined
      ? undefined
      : new TwilioRest({
          accountSid,
          authToken: () => setting("TWILIO_AUTH_TOKEN") ?? "",
          number: setting("TWILIO_NUMBER"),
          baseUrl: setting("TWILIO_BASE_URL"),
          publicUrl: parts.publicUrl,
          machineRule: parts.machineRule,
        });
  const twilio = new Twilio({ ...parts, authTokens, log });
  return { carriers: [twilio], routes: twilioRoutes(twilio, rest), diallers: rest === undefined ? [] : [rest] };
}

/** The values of a secret that are good just now, two while it is being replaced, the newest first. */
const goodNow =
  (setting: CarrierParts["setting"], name: string): (() => readonly string[]) =>
  () =>
    [name, `${name}_PREVIOUS`].flatMap((each) => setting(each) ?? []);

/** A key that is being replaced may keep its secret, or have another. */
function genesysKeys(setting: CarrierParts["setting"]): readonly GenesysKey[] {
  const clientSecret = setting("GENESYS_CLIENT_SECRET");
  const [apiKey, previous] = [setting("GENESYS_API_KEY"), setting("GENESYS_API_KEY_PREVIOUS")];
  return [
    ...(apiKey === undefined ? [] : [{ apiKey, clientSecret }]),
    ...(previous === undefined ? [] : [{ apiKey: previous, clientSecret: setting("GENESYS_CLIENT_SECRET_PREVIOUS") ?? clientSecret }]),
  ];
}

/** A carrier that asks by webhook. */
interface AskingRow {
  readonly manners: Manners;
  /** Ends a call that goes on without our stream; undefined: none does, or its carrier cannot be told. */
  readonly hangUpThere: ((carrierCallId: string, log: Log) => void) | undefined;
}

const telnyxHangUp =
  (setting: CarrierParts["setting"]): AskingRow["hangUpThere"] =>
  (id, log) => {
    const apiKey = setting("TELNYX_API_KEY");
    if (apiKey !== undefined) void hangUpAtTelnyx(id, { apiKey, baseUrl: setting("TELNYX_BASE_URL"), log });
  };

/** Dialects of engines and applets that are told our address themselves, and prove who they are with a token. */
const tokenDialects = ["exotel", "freeswitch", "freeswitch-fork", "freeswitch-stream", "asterisk"];

function openOthers({ setting, ...parts }: CarrierParts): Carriers {
  const { clock } = parts;
  const tokens = goodNow(setting, "LINEKEEPER_CARRIER_TOKEN");
  const values = (name: string): (() => readonly string[]) => goodNow(setting, name);
  const rows: readonly AskingRow[] = [
    { manners: telnyxManners(values("TELNYX_PUBLIC_KEY"), clock), hangUpThere: telnyxHangUp(setting) },
    { manners: vonageManners(values("VONAGE_SIGNATURE_SECRET"), clock), hangUpThere: undefined },
    { manners: plivoManners(values("PLIVO_AUTH_TOKEN")), hangUpThere: undefined },
    { manners: signalwireManners(values("SIGNALWIRE_SIGNING_KEY")), hangUpThere: undefined },
    { manners: jambonzManners, hangUpThere: undefined },
  ];
  const asking = rows.map(({ manners, hangUpThere }) => {
    const log = parts.log.with({ logger: manners.dialect });
    return new AskingCarrier(manners, { ...parts, tokens, hangUpThere: (id) => hangUpThere?.(id, log), log });
  });
  const genesys = genesysCarrier({ keys: () => genesysKeys(setting), clock });
  return {
    carriers: [...asking, genesys, ...tokenDialects.map((dialect) => tokenCarrier(dialect, tokens))],
    routes: asking.flatMap(({ routes }) => routes),
    diallers: openDiallers({ setting, publicUrl: parts.publicUrl, token: () => tokens()[0], clock }),
  };
}
