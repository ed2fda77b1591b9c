// What of the snapshots in the folder named on the command line can be read: one line of JSON.
import { systemClock } from "../../src/kernel/clock.ts";
import type { Log } from "../../src/kernel/log.ts";
import { FileSnapshots } from "../../src/store/file-snapshots.ts";

let unreadable = 0;
const note = (event: string): void => void (unreadable += Number(event === "snapshot_unreadable"));
const log: Log = { debug: note, info: note, warning: note, error: note, with: () => log };
const loaded = await new FileSnapshots({ folder: process.argv[2] ?? "", clock: systemClock, log }).load();
process.stdout.write(JSON.stringify({ turns: loaded.map(({ turns }) => turns.length), unreadable }));
