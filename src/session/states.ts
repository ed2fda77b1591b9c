/** The chart's state, region by region, as text: { link: "linked.opening", turn: "listening", ... }. */
export function statesOf(value: unknown): Map<string, string> {
  const states = new Map<string, string>();
  eachState(value, (region, state) => states.set(region, state));
  return states;
}

/** The same, told. */
export function eachState(value: unknown, tell: (region: string, state: string) => void): void {
  if (typeof value === "string") return tell("call", value);
  if (typeof value !== "object" || value === null) return;
  const live: unknown = "live" in value ? value.live : undefined;
  const regions: object = typeof live === "object" && live !== null ? live : value;
  for (const [region, inner] of Object.entries(regions)) tell(region, words(inner));
}

function words(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  return Object.entries(value)
    .map(([name, inner]) => `${name}.${words(inner)}`)
    .join(",");
}
