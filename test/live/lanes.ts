import { providers } from "../../src/provider/providers.ts";
import type { ProviderRow } from "../../src/provider/registry.ts";

type Setting = (name: string) => string | undefined;

/** A provider that has a service to be tried against; `missing`: what must be set first, empty when it can run. */
export interface Lane {
  readonly row: ProviderRow;
  readonly missing: readonly string[];
}

/** All providers that need a key or an address: the others have their tests without any. */
export const serviced: readonly ProviderRow[] = providers.filter((row) => row.needs.length > 0);

/** The lanes asked for, in the order of the providers. */
export function lanes(asked: readonly string[] | undefined, setting: Setting): Lane[] {
  return serviced
    .filter((row) => asked?.includes(row.name) ?? true)
    .map((row) => ({ row, missing: row.needs.filter((need) => ![need].flat().some((name) => isSet(setting(name)))).map(words) }));
}

const isSet = (value: string | undefined): boolean => value !== undefined && value !== "";
const words = (need: string | readonly string[]): string => (typeof need === "string" ? need : `one of ${need.join(", ")}`);
