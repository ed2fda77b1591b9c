import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Fault } from "../kernel/fault.ts";

/**
 * Makes the folder in which what is known outlives a restart, if need be. Level by level: where none can be made (`/proc`), Node's own
 * recursive way never comes back. A folder that is there and takes nothing is no reason not to start: it costs records, and no call.
 * @throws {Fault} setting-invalid
 */
export function makeDataFolder(path: string): void {
  const missing: string[] = [];
  for (let at = resolve(path); !existsSync(at); at = dirname(at)) missing.unshift(at);
  try {
    for (const each of missing) mkdirSync(each);
    if (!statSync(path).isDirectory()) throw new Error("there is a file of that name");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Fault("setting-invalid", `LINEKEEPER_DATA: the folder ${path} cannot be made: ${why}`, { cause: error });
  }
}
