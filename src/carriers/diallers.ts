import { readFileSync } from "node:fs";
import type { Dialler } from "../caller/outbound.ts";
import type { Clock } from "../kernel/clock.ts";
import { Fault, toFault } from "../kernel/fault.ts";
import { jambonzOrders, plivoOrders, privateKeyOf, signalwireOrders, vonageOrders } from "./order-manners.ts";
import { RestDialler, type OrderManners } from "./rest-dialler.ts";

export interface DiallerParts {
  /** By name, as the operator set it; undefined: not set. A secret's present value. */
  readonly setting: (name: string) => string | undefined;
  readonly publicUrl: () => string;
  /** What carriers and engines without signatures show. */
  readonly token: () => string | undefined;
  readonly clock: Clock;
}

/**
 * Through whom calls can be placed by REST: those of whom all settings are there.
 * @throws {Fault} setting-invalid for a carrier of whom only some are
 */
export function openDiallers({ setting, publicUrl, token, clock }: DiallerParts): readonly Dialler[] {
  /** Undefined: its first setting is not there, and calls are not placed through it. */
  const open = (names: readonly string[], signs: boolean, manners: (...values: string[]) => OrderManners): RestDialler | undefined => {
    const values = names.map((name) => setting(name));
    const missing = [...names.filter((_, at) => values[at] === undefined), ...(setting("PUBLIC_URL") === undefined ? ["PUBLIC_URL"] : [])];
    const [first = ""] = names;
    if (values[0] === undefined) return undefined;
    if (missing.length > 0) throw new Fault("setting-invalid", `${first} is set, but not ${missing.join(", ")}: calls cannot be placed`);
    const orders = manners(...values.map((value) => value ?? ""));
    return new RestDialler(orders, {
      number: () => setting(orders.numberSetting),
      publicUrl,
      token: signs ? () => undefined : token,
    });
  };
  const present = (name: string) => (): string => setting(name) ?? "";
  return [
    open(["SIGNALWIRE_SPACE_URL", "SIGNALWIRE_PROJECT_ID", "SIGNALWIRE_API_TOKEN"], true, (url = "", project = "") =>
      signalwireOrders(url, project, present("SIGNALWIRE_API_TOKEN")),
    ),
    open(["PLIVO_AUTH_ID", "PLIVO_AUTH_TOKEN"], true, (id = "") =>
      plivoOrders(setting("PLIVO_BASE_URL") ?? "https://api.plivo.com", id, present("PLIVO_AUTH_TOKEN")),
    ),
    open(["VONAGE_APPLICATION_ID", "VONAGE_PRIVATE_KEY"], true, (id = "", path = "") =>
      vonageOrders(setting("VONAGE_BASE_URL") ?? "https://api.nexmo.com", id, privateKeyOf("VONAGE_PRIVATE_KEY", pem(path)), clock),
    ),
    open(["JAMBONZ_API_URL", "JAMBONZ_ACCOUNT_SID", "JAMBONZ_API_KEY"], false, (url = "", account = "") =>
      jambonzOrders(url, account, present("JAMBONZ_API_KEY")),
    ),
  ].filter((each) => each !== undefined);
}

function pem(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw toFault(error, "setting-invalid", "VONAGE_PRIVATE_KEY");
  }
}
