import type { Route } from "./answer.ts";

export interface Found {
  readonly route: Route;
  readonly rest: string;
  readonly ids: Readonly<Record<string, string>>;
}

/** Finds the route of a path: an exact address before one with names in braces, that before a folder, and the longest folder first. */
export class Router {
  readonly #exact: ReadonlyMap<string, Route>;
  readonly #others: readonly { readonly route: Route; readonly pattern: RegExp }[];

  constructor(routes: readonly Route[]) {
    this.#exact = new Map(routes.filter(({ path }) => kind(path) === 0).map((route) => [route.path, route]));
    this.#others = routes
      .filter(({ path }) => kind(path) > 0)
      .toSorted((a, b) => kind(a.path) - kind(b.path) || b.path.length - a.path.length)
      .map((route) => ({ route, pattern: patternOf(route.path) }));
  }

  find(path: string): Found | undefined {
    const exact = this.#exact.get(path);
    if (exact !== undefined) return { route: exact, rest: "", ids: {} };
    for (const { route, pattern } of this.#others) {
      const groups = pattern.exec(path)?.groups;
      if (groups === undefined) continue;
      const { rest = "", ...escaped } = groups;
      const ids = unescaped(escaped);
      return ids && { route, rest, ids };
    }
    return undefined;
  }
}

/** 0: an address, 1: one with names in braces, 2: a folder. */
const kind = (path: string): number => (path.endsWith("/") ? 2 : path.includes("{") ? 1 : 0);

function patternOf(path: string): RegExp {
  const literal = path.replace(/[.*+?^$()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${literal.replace(/\{(\w+)\}/g, "(?<$1>[^/]{1,200})")}${path.endsWith("/") ? "(?<rest>.*)" : ""}$`, "s");
}

/** Undefined: not escaped as addresses are. */
function unescaped(parts: Readonly<Record<string, string>>): Record<string, string> | undefined {
  try {
    return Object.fromEntries(Object.entries(parts).map(([name, text]) => [name, decodeURIComponent(text)]));
  } catch {
    return undefined;
  }
}
