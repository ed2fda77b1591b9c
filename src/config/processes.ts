import { join } from "node:path";
import type { Settings } from "./settings.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The folder of one process's own; the first has that of the machine, as if it were alone. */
export const folderOf = (data: string, number: number): string => (number === 1 ? data : join(data, `process-${number}`));

/**
 * The environment of one of several processes: a folder of its own, its part of the calls, other ids from the same seed. What cannot
 * be shared, a port for SIP and one for AudioSocket, the first has.
 */
export function environmentOf(settings: Settings, environment: Environment, number: number): Environment {
  const of = settings.get("LINEKEEPER_PROCESSES");
  const calls = settings.get("LINEKEEPER_MAX_CALLS");
  const seed = settings.get("LINEKEEPER_SEED");
  const part = Math.floor(calls / of) + (number <= calls % of ? 1 : 0);
  return {
    ...environment,
    LINEKEEPER_DATA: folderOf(settings.get("LINEKEEPER_DATA"), number),
    LINEKEEPER_MAX_CALLS: String(Math.max(1, part)),
    ...(seed !== undefined && { LINEKEEPER_SEED: String((seed + number - 1) % 2 ** 32) }),
    ...(number > 1 && { SIP_PORT: undefined, AUDIOSOCKET_PORT: undefined }),
  };
}
