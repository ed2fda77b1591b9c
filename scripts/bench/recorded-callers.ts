// Every recorded person calls the local provider, as recorded and by telephone: node scripts/bench/recorded-callers.ts [--lines 6]
// Prints a Markdown table: word errors of what was heard, and the first audio of the last answer after the caller's last sound.
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { loadSettings } from "../../src/config/settings.ts";
import { resampleClip } from "../../src/audio/resample.ts";
import { openHouse } from "../../src/house.ts";
import { silentLog } from "../../src/kernel/log.ts";
import { createMetrics } from "../../src/watch/metrics.ts";
import { byTelephone, recordings, samplesOf, type Recording } from "../../test/provider/local/ears/recordings.ts";
import { wordErrors } from "../../test/wer.ts";
import { dial } from "../caller/caller.ts";
import { percentile, reportOf } from "../caller/report.ts";

interface Result {
  readonly errors: number;
  readonly words: number;
  readonly firstAudioMs: number | undefined;
}

const { values } = parseArgs({ options: { lines: { type: "string", default: "6" } } });
const house = await openHouse(loadSettings({ PORT: "0", LINEKEEPER_TIERS: "local" }), silentLog, createMetrics());

async function call({ file, text }: Recording, telephone: boolean): Promise<Result> {
  await using caller = await dial(house.url, telephone ? { uplink: "pcm16@8000", downlink: "pcmu@8000" } : {});
  await caller.quiet(20_000);
  const samples = samplesOf(file);
  await caller.says(telephone ? resampleClip(byTelephone(samples), 16_000, 8_000) : samples);
  await caller.quiet(30_000);
  const heard = reportOf(caller).turns.filter(({ role }) => role === "caller");
  return { ...wordErrors(text, heard.map((turn) => turn.text).join(" ")), firstAudioMs: caller.firstAudioMs.at(-1) };
}

const rows: { file: string; wide: Result; phone: Result }[] = [];
const waiting = recordings();
const line = async (): Promise<void> => {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const wide = await call(next, false);
    rows.push({ file: basename(next.file), wide, phone: await call(next, true) });
  }
};
await Promise.all(Array.from({ length: Number(values.lines) }, line));
await house.close();

const shown = ({ errors, words, firstAudioMs }: Result): string =>
  `${errors} of ${words} | ${firstAudioMs === undefined ? "-" : `${firstAudioMs} ms`}`;
console.log("| recording | wide: word errors | first audio | telephone: word errors | first audio |\n| --- | --- | --- | --- | --- |");
for (const { file, wide, phone } of rows.toSorted((a, b) => a.file.localeCompare(b.file)))
  console.log(`| ${file} | ${shown(wide)} | ${shown(phone)} |`);
const total = (results: readonly Result[]): string => {
  const errors = results.reduce((sum, result) => sum + result.errors, 0);
  const words = results.reduce((sum, result) => sum + result.words, 0);
  const times = results.flatMap(({ firstAudioMs }) => firstAudioMs ?? []);
  return `${((100 * errors) / words).toFixed(2)} % | p50 ${percentile(times, 0.5)} ms`;
};
console.log(`| **all** | ${total(rows.map(({ wide }) => wide))} | ${total(rows.map(({ phone }) => phone))} |`);
