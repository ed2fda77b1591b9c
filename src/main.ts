// The process: settings in, words for the person who starts it, signals, exit codes. What it runs is built in house.ts.
import { loadSettings, type Settings } from "./config/settings.ts";
import { openHouse, type House } from "./house.ts";
import { Fault } from "./kernel/fault.ts";
import { openLog, type LogOutlet } from "./watch/log.ts";
import { createMetrics } from "./watch/metrics.ts";

const say = (line: string): void => void process.stderr.write(`${line}\n`);

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

async function houseOrExit(settings: Settings, outlet: LogOutlet, metrics: ReturnType<typeof createMetrics>): Promise<House> {
  try {
    return await openHouse(settings, outlet.log, metrics);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    say(`linekeeper cannot start: ${error.message}`);
    await outlet.close();
    process.exit(error.code === "setting-invalid" ? 2 : 1);
  }
}

const settings = settingsOrExit();
const metrics = createMetrics();
const outlet = openLog({
  level: settings.get("LOG_LEVEL"),
  format: settings.get("LOG_FORMAT"),
  secrets: () => settings.secretValues(),
  dropped: () => metrics.logsDropped.inc(),
});
const { log } = outlet;
for (const warning of settings.warnings()) log.warning("setting_warning", { message: warning });
const house = await houseOrExit(settings, outlet, metrics);
const secrets = settings.watch(log, ({ secret, result }) => metrics.secretRotations.inc({ secret, result }));

say(`\n  Linekeeper is up: ${settings.get("PUBLIC_URL") ?? house.url}`);
for (const uri of house.sipUris) say(`  Phones call ${uri}`);
say(`  Calls are answered by ${[...house.providers.keys()].join(", then ")}.`);
say("  Open the page and speak, or place a call from here: scripts/call fixtures/speech/ast_privacy-prompt.wav");
if (settings.get("LINEKEEPER_FAKES_PANEL") !== undefined) say("  The page has levers to break the stand-ins under your call.");
else say("  To break providers under a live call, with stand-ins for them: scripts/up --fakes");
say('  Try "What are your opening hours?", "Book a table for four tomorrow at seven", "Repeat after me: one two three".\n');
log.info("server_started", { url: house.url, providers: [...house.providers.keys()] });

let leaving: "no" | "draining" | "closing" = "no";

async function close(code: number): Promise<void> {
  if (leaving === "closing") return;
  leaving = "closing";
  secrets[Symbol.dispose]();
  try {
    await house.close();
    log.info("server_stopped", {});
  } catch (error) {
    log.error("close_failed", { err: error });
  }
  await outlet.close();
  process.exit(code);
}

const drainTellsEveryMs = 5_000;

/** SIGTERM: no new call, those in progress may end; a second one, or Ctrl-C, ends them now. */
async function drain(): Promise<void> {
  if (leaving !== "no") return close(0);
  leaving = "draining";
  log.info("drain_started", { calls: house.roster.size, deadline: settings.get("LINEKEEPER_DRAIN_MS") });
  const progress = setInterval(() => log.info("drain_progress", { calls: house.roster.size }), drainTellsEveryMs);
  await house.drain();
  clearInterval(progress);
  log.info("drain_finished", { calls: house.roster.size });
  if (leaving === "draining") await close(0);
}

function reload(): void {
  try {
    log.info("settings_reloaded", { changed: settings.reload() });
  } catch (error) {
    log.error("settings_rejected", { message: error instanceof Error ? error.message : String(error) });
  }
}

process.on("SIGTERM", () => void drain());
process.on("SIGINT", () => {
  if (leaving === "closing") process.exit(130);
  say("\n  Hanging up and closing; Ctrl-C once more to leave at once.");
  void close(0);
});
process.on("SIGHUP", reload);
process.on("uncaughtException", (error) => {
  log.error("uncaught_exception", { message: error.message, err: error });
  void close(1);
});
