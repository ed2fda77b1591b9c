// The process: settings in, words for the person who starts it, signals. It is a node of its own, or the first of several.
import { fileURLToPath } from "node:url";
import { leftFolders, takeOver } from "./cluster/leftovers.ts";
import { Place, type PrimaryLine } from "./cluster/place.ts";
import { Primary } from "./cluster/primary.ts";
import { environmentOf } from "./config/processes.ts";
import { loadSettings, type Settings } from "./config/settings.ts";
import { inheritCosts } from "./costs/inherit.ts";
import { makeDataFolder } from "./house/data-folder.ts";
import { beginLife, say } from "./house/life.ts";
import { cannotListen } from "./http/server.ts";
import { systemClock } from "./kernel/clock.ts";
import { Fault, toFault } from "./kernel/fault.ts";
import { systemRandom } from "./kernel/random.ts";
import { openLog } from "./watch/log.ts";

function settingsOrExit(): Settings {
  try {
    return loadSettings();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    say("linekeeper cannot start with these settings:");
    for (const line of error.message.split("\n")) say(`  ${line}`);
    say("Every setting is explained by: npm run config -- --explain");
    process.exit(2);
  }
}

function tellWho(url: string, words: readonly string[]): void {
  say(`\n  Linekeeper is up: ${settings.get("PUBLIC_URL") ?? url}`);
  for (const line of words) say(`  ${line}`);
  say("");
}

/** Ctrl-C ends all calls, a second one the process. */
function onInterrupt(isClosing: () => boolean, close: () => void): void {
  process.on("SIGINT", () => {
    if (isClosing()) process.exit(130);
    say("\n  Hanging up and closing; Ctrl-C once more to leave at once.");
    close();
  });
}

/** Makes the folder of this machine, and gives what is left of processes that there are no more to the first. */
async function takeOverData(of: number): Promise<void> {
  const data = settings.get("LINEKEEPER_DATA");
  try {
    makeDataFolder(data);
  } catch (error) {
    say(`linekeeper cannot start: ${toFault(error, "internal", "making the data folder").message}`);
    process.exit(2);
  }
  const left = await leftFolders(data, of);
  await takeOver(data, left);
  inheritCosts(data, left, (error) => say(`linekeeper: what was spent before could not be taken over: ${String(error)}`));
}

/** A node of its own. SIGTERM: no new call, those in progress may end; a second one, or Ctrl-C, ends them now. */
async function alone(): Promise<void> {
  await takeOverData(1);
  const life = await beginLife(settings);
  tellWho(life.house.url, life.words);
  process.on("SIGTERM", () => void life.drain());
  process.on("SIGHUP", () => life.reload());
  onInterrupt(
    () => life.isClosing,
    () => void life.close(0),
  );
}

/** The first of several: what it is told by signals it tells all of them. */
async function first(of: number): Promise<void> {
  const outlet = openLog({
    level: settings.get("LOG_LEVEL"),
    format: settings.get("LOG_FORMAT"),
    secrets: () => settings.secretValues(),
    dropped: () => {},
  });
  const log = outlet.log.with({ logger: "processes" });
  await takeOverData(of);
  let leaving: "no" | "draining" | "closing" = "no";
  const primary = new Primary({
    of,
    environmentOf: (number) => environmentOf(settings, process.env, number),
    program: fileURLToPath(import.meta.url),
    clock: systemClock,
    random: systemRandom,
    log,
    left: (code) => void outlet.close().then(() => process.exit(code)),
  });
  const close = (): void => {
    leaving = "closing";
    primary.order("close");
  };
  process.on("SIGTERM", () => {
    if (leaving !== "no") return close();
    leaving = "draining";
    primary.order("drain");
  });
  process.on("SIGHUP", () => primary.order("reload"));
  onInterrupt(() => leaving === "closing", close);
  process.on("exit", () => primary.kill());
  const [host, port] = [settings.get("HOST"), settings.get("PORT")];
  try {
    const words = await primary.start(host, port);
    tellWho(primary.url, [...words, `${of} processes share the calls.`]);
    log.info("processes_started", { processes: of, url: primary.url });
  } catch (error) {
    say(`linekeeper cannot start: ${cannotListen(error, host, port).message}`);
    process.exit(2);
  }
}

/** One of several. It hears of signals from the first: a terminal or a service manager sends them to all at once. */
async function oneOfSeveral(): Promise<void> {
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => {});
  const line: PrimaryLine = {
    send: (message) => void process.send?.(message, undefined, undefined, () => {}),
    received: (listener) => void process.on("message", listener),
  };
  // Without the first there are no callers. It may be gone before there is anything to close.
  let end = (): void => process.exit(1);
  process.once("disconnect", () => end());
  const place = await Place.take(line, systemClock);
  const life = await beginLife(settings, place);
  end = () => void life.close(1);
  place.takeOrders((order) => {
    if (order === "drain") void life.drain();
    else if (order === "close") void life.close(0);
    else life.reload();
  });
  place.tell({ type: "ready", words: life.words });
}

// Whoever reads these words may leave; calls go on.
process.stderr.on("error", () => {});
const settings = settingsOrExit();
const processes = settings.get("LINEKEEPER_PROCESSES");
if (process.argv[2] === "process") await oneOfSeveral();
else if (processes > 1) await first(processes);
else await alone();
