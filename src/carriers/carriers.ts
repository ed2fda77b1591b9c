import type { Carrier } from "../caller/carrier.ts";
import type { Dialler } from "../caller/outbound.ts";
import type { Route } from "../http/answer.ts";
import type { Clock } from "../kernel/clock.ts";
import { Fault } from "../kernel/fault.ts";
import type { Log } from "../kernel/log.ts";
import { TwilioRest } from "./twilio/rest.ts";
import { Twilio } from "./twilio/twilio.ts";
import { twilioRoutes } from "./twilio/webhooks.ts";

export interface CarrierParts {
  /** By name, as the operator set it; undefined: not set. A secret's present value. */
  readonly setting: (name: string) => string | undefined;
  /** How carriers reach this server; the address it listens on where nothing is set. */
  readonly publicUrl: () => string;
  /** Why no new call would be taken just now; undefined: it would. */
  readonly refusal: () => Fault | undefined;
  /** Ends a call whose caller is known to be gone; nothing happens if it is over. */
  readonly hangUp: (callId: string) => void;
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
  const all = [openTwilio(parts)];
  return {
    carriers: all.flatMap(({ carriers }) => carriers),
    routes: all.flatMap(({ routes }) => routes),
    diallers: all.flatMap(({ diallers }) => diallers),
  };
}

/** Without a token only this machine is served: enough to try it with `scripts/carrier-call.ts`. */
function openTwilio({ setting, ...parts }: CarrierParts): Carriers {
  const log = parts.log.with({ logger: "twilio" });
  const authTokens = (): readonly string[] => ["TWILIO_AUTH_TOKEN", "TWILIO_AUTH_TOKEN_PREVIOUS"].flatMap((name) => setting(name) ?? []);
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
        });
  const twilio = new Twilio({ ...parts, authTokens, log });
  return { carriers: [twilio], routes: twilioRoutes(twilio, rest), diallers: rest === undefined ? [] : [rest] };
}
