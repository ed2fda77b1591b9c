import { CallRefused } from "./caller/caller.ts";
import { readOptions, usage, WrongUse, type CallOptions } from "./caller/options.ts";
import { placeCall } from "./caller/place-call.ts";
import { loadVoice, saveHeard } from "./caller/recording.ts";
import { reportOf, summary } from "./caller/report.ts";

const exits = { refused: 1, busy: 3, unreachable: 4 } as const;

/** The exit code. */
async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2), process.env["PORT"]);
  if (options === undefined) {
    console.log(usage);
    return 0;
  }
  const voice = options.file === undefined ? undefined : await loadVoice(options.file, options.rateHz);
  return options.calls === 1 ? placeOne(options, voice) : placeMany(options, voice);
}

const key = process.env["LINEKEEPER_API_KEY"];

async function placeOne(options: CallOptions, voice: Int16Array | undefined): Promise<number> {
  const screen = options.json ? process.stderr : process.stdout;
  const caller = await placeCall(options, voice, key, options.quiet ? undefined : screen);
  if (options.save !== undefined) await saveHeard(options.save, caller.playback);
  if (options.json) console.log(JSON.stringify(reportOf(caller)));
  const { error } = await caller.ended;
  if (error === undefined) return 0;
  console.error(`${error.code}: ${error.message}`);
  return 1;
}

async function placeMany(options: CallOptions, voice: Int16Array | undefined): Promise<number> {
  const outcomes = await Promise.allSettled(Array.from({ length: options.calls }, () => placeCall(options, voice, key)));
  const callers = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  const failures = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason as unknown] : []));
  const reports = callers.map(reportOf);
  (options.json ? console.error : console.log)(summary(reports, failures.map(wordsFor)));
  if (options.json) console.log(JSON.stringify(reports));
  if (failures.length === 0) return 0;
  return callers.length > 0 && failures.every((failure) => failure instanceof CallRefused && failure.kind === "busy")
    ? 0
    : exitFor(failures[0]);
}

const wordsFor = (error: unknown): string => (error instanceof CallRefused && error.kind === "busy" ? "busy" : messageOf(error));
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function exitFor(error: unknown): number {
  if (error instanceof WrongUse) return 2;
  return error instanceof CallRefused ? exits[error.kind] : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`${error instanceof CallRefused && error.kind === "busy" ? "busy: " : ""}${messageOf(error)}`);
  if (error instanceof CallRefused && error.kind === "unreachable") console.error("Is the server running? Start it with scripts/up.");
  if (error instanceof WrongUse) console.error("scripts/call --help says what there is.");
  process.exitCode = exitFor(error);
}
