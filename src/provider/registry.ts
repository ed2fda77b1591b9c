import type { Clock } from "../kernel/clock.ts";
import type { Log } from "../kernel/log.ts";
import type { Provider } from "./contract.ts";

/** What the composition hands to a provider at boot. */
export interface ProviderHouse {
  /** A setting by its environment name, secrets resolved; undefined when not set. Asked again at each `open` where rotation matters. */
  readonly setting: (name: string) => string | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** One row a provider. `needs`: the settings without which it cannot run, of a list inside it any one; all set means configured. */
export interface ProviderRow {
  readonly name: string;
  readonly needs: readonly (string | readonly string[])[];
  /** Where its sessions are opened, for whoever looks on; "on this machine" where nothing is dialled. @throws {Fault} setting-invalid */
  readonly server: ((setting: ProviderHouse["setting"]) => URL) | "on this machine";
  /** @throws {Fault} model-missing or setting-invalid, with what to do. */
  readonly make: (house: ProviderHouse) => Promise<Provider>;
}
