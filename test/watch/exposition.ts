/**
 * A strict reader of the Prometheus text format 0.0.4 ("Exposition formats" in the Prometheus documentation, read 2026-11).
 * @throws what a scraper or `promtool check metrics` would complain about, with the line
 */
export function readExposition(text: string): readonly Family[] {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  const families = new Map<string, Family>();
  const seen = new Set<string>();
  let current: Family | undefined;
  for (const line of text.split("\n").slice(0, -1)) {
    if (line === "") continue;
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line);
    if (comment !== null) {
      const [, kind, name = "", rest = ""] = comment;
      if (kind === "HELP") {
        if (families.has(name)) throw new Error(`a second family: ${line}`);
        current = { name, help: rest, type: "", samples: [] };
        families.set(name, current);
      } else {
        if (current?.name !== name || current.type !== "" || current.samples.length > 0) throw new Error(`a type out of place: ${line}`);
        if (!["counter", "gauge", "histogram", "summary"].includes(rest)) throw new Error(`no such type: ${line}`);
        current.type = rest;
      }
      continue;
    }
    if (line.startsWith("#")) throw new Error(`no comment that we write: ${line}`);
    const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[^\n]*\})? (\S+)$/.exec(line);
    if (sample === null || current === undefined) throw new Error(`no sample: ${line}`);
    const [, name = "", braces = "", number = ""] = sample;
    const suffixes =
      current.type === "histogram" ? ["_bucket", "_sum", "_count"] : current.type === "summary" ? ["", "_sum", "_count"] : [""];
    if (!suffixes.some((suffix) => name === `${current?.name}${suffix}`)) throw new Error(`a sample outside its family: ${line}`);
    const value = number === "+Inf" ? Infinity : number === "-Inf" ? -Infinity : number === "NaN" ? Number.NaN : Number(number);
    if (number !== "NaN" && Number.isNaN(value)) throw new Error(`no number: ${line}`);
    const labels = braces === "" ? [] : readLabels(braces.slice(1, -1), line);
    const identity = `${name} ${JSON.stringify(labels.toSorted(([one], [other]) => (one < other ? -1 : 1)))}`;
    if (seen.has(identity)) throw new Error(`twice: ${line}`);
    seen.add(identity);
    current.samples.push({ name, labels, value, line: line.slice(0, line.lastIndexOf(" ")) });
  }
  for (const family of families.values()) check(family);
  return [...families.values()];
}

/** Values by series as written, `name{label="value"}`. */
export function samplesOf(text: string): Map<string, number> {
  return new Map(readExposition(text).flatMap(({ samples }) => samples.map(({ line, value }) => [line, value] as const)));
}

export interface Family {
  readonly name: string;
  readonly help: string;
  type: string;
  readonly samples: {
    readonly name: string;
    readonly labels: readonly (readonly [string, string])[];
    readonly value: number;
    readonly line: string;
  }[];
}

function readLabels(text: string, line: string): readonly (readonly [string, string])[] {
  const labels: (readonly [string, string])[] = [];
  const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y;
  while (label.lastIndex < text.length) {
    const match = label.exec(text);
    if (match === null) throw new Error(`no labels: ${line}`);
    if (labels.some(([name]) => name === match[1])) throw new Error(`a label twice: ${line}`);
    labels.push([match[1] ?? "", match[2] ?? ""]);
  }
  return labels;
}

function check(family: Family): void {
  if (family.type === "") throw new Error(`${family.name} has no type`);
  if (family.type === "counter" && family.samples.some(({ value }) => !(value >= 0))) throw new Error(`${family.name} is below zero`);
  if (family.type !== "histogram") return;
  const groups = Map.groupBy(family.samples, ({ labels }) => JSON.stringify(labels.filter(([name]) => name !== "le")));
  for (const [group, samples] of groups) {
    const buckets = samples
      .filter(({ name }) => name.endsWith("_bucket"))
      .map(({ labels, value }) => ({ le: labels.find(([name]) => name === "le")?.[1], value }));
    const count = samples.find(({ name }) => name.endsWith("_count"))?.value;
    const rising = buckets.every(
      ({ le, value }, at) =>
        at === 0 || (Number(le?.replace("+Inf", "Infinity")) > Number(buckets[at - 1]?.le) && value >= (buckets[at - 1]?.value ?? 0)),
    );
    if (!rising || buckets.at(-1)?.le !== "+Inf" || buckets.at(-1)?.value !== count)
      throw new Error(`${family.name}${group}: the buckets do not add up`);
    if (!samples.some(({ name }) => name.endsWith("_sum"))) throw new Error(`${family.name}${group} has no sum`);
  }
}
