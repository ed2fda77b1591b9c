/** The chart's state, region by region, as text: { link: "linked.opening", turn: "listening", ... }. */
export function statesOf(value: unknown, path = ""): Map<string, string> {
  const regions = new Map<string, string>();
  if (typeof value === "string") return regions.set("call", value);
  if (typeof value !== "object" || value === null) return regions;
  for (const [top, inner] of Object.entries(value)) {
    if (path === "" && top === "live" && typeof inner === "object") return statesOf(inner, "live");
    regions.set(top, words(inner));
  }
  return regions;
}

function words(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  return Object.entries(value)
    .map(([name, inner]) => `${name}.${words(inner)}`)
    .join(",");
}
