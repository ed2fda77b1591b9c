import { Fault } from "../kernel/fault.ts";
import { loadSettings, shownUrl, type Settings, type Source } from "./settings.ts";
import { settingNames, table } from "./table.ts";

export interface SettingLine {
  readonly name: string;
  readonly meaning: string;
  readonly expects: string;
  readonly default: string;
  /** The present value; of a secret only whether it is set. */
  readonly value: string;
  readonly source: Source;
}

/** Every setting, in the table's order, fit to be shown to anybody. */
export function explain(settings: Settings): readonly SettingLine[] {
  return settingNames.map((name) => {
    const { field, fallback, meaning } = table[name];
    const [value, source] = [settings.lookup(name), settings.sourceOf(name)];
    const shown = value === undefined || value === "" ? "not set" : field.secret ? `set (${source})` : shownUrl(value);
    return { name, meaning, expects: field.expects, default: fallback?.toString() ?? "", value: shown, source };
  });
}

/** For a terminal. */
export function asText(lines: readonly SettingLine[]): string {
  const columns = (line: SettingLine): string[] => [
    line.name,
    line.value,
    line.source,
    line.default === "" ? "-" : line.default,
    line.meaning,
  ];
  const rows = [["setting", "value", "from", "default", "meaning"], ...lines.map(columns)];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** For the README: what each setting means, without this machine's values. */
export function asMarkdown(lines: readonly SettingLine[]): string {
  const cell = (text: string): string => text.replaceAll("|", "\\|");
  const rows = lines.map(
    (line) => `| \`${line.name}\` | ${line.default === "" ? "" : `\`${cell(line.default)}\``} | ${cell(line.meaning)} |`,
  );
  return ["| setting | default | meaning |", "| --- | --- | --- |", ...rows].join("\n");
}

/** `--explain` (or nothing): the table; `--json`: the same for programs; `--markdown`: the README's table. */
function main(flags: readonly string[]): number {
  const unknown = flags.filter((flag) => !["--explain", "--json", "--markdown"].includes(flag));
  if (unknown.length > 0) {
    process.stderr.write(`unknown ${unknown.join(" ")}; known are --explain, --json, --markdown\n`);
    return 2;
  }
  try {
    const settings = flags.includes("--markdown") ? loadSettings({}) : loadSettings();
    const lines = explain(settings);
    const text = flags.includes("--json")
      ? JSON.stringify(lines, undefined, 2)
      : flags.includes("--markdown")
        ? asMarkdown(lines)
        : asText(lines);
    process.stdout.write(`${text}\n`);
    for (const warning of settings.warnings()) process.stderr.write(`${warning}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2));
