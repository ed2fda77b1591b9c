/** What `line_status` returned, read out field by field whatever the fields are: "Provider local. Call seconds 42." */
export function spokenStatus(result: Readonly<Record<string, unknown>>): string {
  const lines = Object.entries(result).flatMap(([field, value]) => {
    const told = spokenField(field, value);
    return told === undefined ? [] : [`${told}.`];
  });
  return lines.length === 0 ? "I know nothing about the line just now." : lines.slice(0, 10).join(" ");
}

const endings: readonly (readonly [RegExp, string])[] = [
  [/Ms$/, "milliseconds"],
  [/Seconds$/, "seconds"],
  [/Bytes$/, "bytes"],
  [/Percent$/, "percent"],
];

function spokenField(field: string, value: unknown): string | undefined {
  if (value === null || value === undefined || value === "") return undefined;
  const unit = endings.find(([ending]) => ending.test(field));
  const name = words(unit === undefined ? field : field.replace(unit[0], ""));
  if (typeof value === "number" && unit?.[1] === "milliseconds" && value >= 1000)
    return `${name}: ${counted(Math.round(value / 1000), "seconds")}`;
  if (typeof value === "number")
    return `${name}: ${unit === undefined ? String(Math.round(value * 100) / 100) : counted(Math.round(value), unit[1])}`;
  if (typeof value === "boolean") return `${name}: ${value ? "yes" : "no"}`;
  if (typeof value === "string") return `${name}: ${value.replaceAll(/[-_]/g, " ").slice(0, 80)}`;
  return undefined;
}

const counted = (count: number, unit: string): string => `${count} ${count === 1 ? unit.replace(/s$/, "") : unit}`;

function words(field: string): string {
  const spaced = field
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .replaceAll(/[-_]/g, " ")
    .toLowerCase();
  return spaced.slice(0, 1).toUpperCase() + spaced.slice(1);
}
