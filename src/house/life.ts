import type { Place } from "../cluster/place.ts";
import type { Settings } from "../config/settings.ts";
import { openHouse, type House } from "../house.ts";
import { Fault } from "../kernel/fault.ts";
import { yieldHelpers } from "../kernel/priority.ts";
import { openLog, type LogOutlet } from "../watch/log.ts";
import { createMetrics } from "../watch/metrics.ts";

/** One node, from its start to its exit. */
export interface Life {
  readonly house: House;
  /** What whoever started it wants to know, a line each. */
  readonly words: readonly string[];
  /** No new call, those in progress may end, then the process exits; a second time it ends them now. */
  drain(): Promise<void>;
  /** Ends every call and the process. */
  close(code: number): Promise<void>;
  readonly isClosing: boolean;
  /** Reads config file and secrets again. */
  reload(): void;
}

export const say = (line: string): void => void process.stderr.write(`${line}\n`);

const drainTellsEveryMs = 5_000;
/** Longer writes of several processes to one pipe would come mixed: POSIX promises no more than this, bytes. */
const wholeWriteBytes = 4_096;

/** Starts a node, or says why not and exits. @param place undefined: it is the only one on this machine */
export async function beginLife(settings: Settings, place?: Place): Promise<Life> {
  yieldHelpers();
  const metrics = createMetrics();
  const outlet = openLog({
    level: settings.get("LOG_LEVEL"),
    format: settings.get("LOG_FORMAT"),
    secrets: () => settings.secretValues(),
    dropped: () => metrics.logsDropped.inc(),
    ...(place !== undefined && { writeBytes: wholeWriteBytes }),
  });
  const log = place === undefined ? outlet.log : outlet.log.with({ process: place.number });
  for (const warning of settings.warnings()) log.warning("setting_warning", { message: warning });
  const house = await openOrExit(() => openHouse(settings, log, metrics, place), outlet);
  const secrets = settings.watch(log, ({ secret, result }) => metrics.secretRotations.inc({ secret, result }));
  log.info("server_started", { url: house.url, pid: process.pid, providers: [...house.providers.keys()] });
  let leaving: "no" | "draining" | "closing" = "no";

  const life: Life = {
    house,
    words: wordsOf(house, settings),
    get isClosing() {
      return leaving === "closing";
    },
    async close(code) {
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
    },
    async drain() {
      if (leaving !== "no") return life.close(0);
      leaving = "draining";
      log.info("drain_started", { calls: house.roster.size, deadline: settings.get("LINEKEEPER_DRAIN_MS") });
      const progress = setInterval(() => log.info("drain_progress", { calls: house.roster.size }), drainTellsEveryMs);
      await house.drain();
      clearInterval(progress);
      const [cut] = (await metrics.drainForced.get()).values;
      log.info("drain_finished", { calls: house.roster.size, forced: cut?.value ?? 0 });
      if (leaving === "draining") await life.close(0);
    },
    reload() {
      try {
        log.info("settings_reloaded", { changed: settings.reload() });
      } catch (error) {
        log.error("settings_rejected", { message: error instanceof Error ? error.message : String(error) });
      }
    },
  };
  process.on("uncaughtException", (error) => {
    log.error("uncaught_exception", { message: error.message, err: error });
    void life.close(1);
  });
  return life;
}

async function openOrExit(open: () => Promise<House>, outlet: LogOutlet): Promise<House> {
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    say(`linekeeper cannot start: ${error.message}`);
    await outlet.close();
    process.exit(error.code === "setting-invalid" ? 2 : 1);
  }
}

const wordsOf = (house: House, settings: Settings): readonly string[] => [
  ...house.sipUris.map((uri) => `Phones call ${uri}`),
  `Calls are answered by ${[...house.providers.keys()].join(", then ")}.`,
  "Open the page and speak, or place a call from here: scripts/call fixtures/speech/ast_privacy-prompt.wav",
  settings.get("LINEKEEPER_FAKES_PANEL") === undefined
    ? "To break providers under a live call, with stand-ins for them: scripts/up --fakes"
    : "The page has levers to break the stand-ins under your call.",
  'Try "What are your opening hours?", "Book a table for four tomorrow at seven", "Repeat after me: one two three".',
];
