import type { Method, Route } from "./answer.ts";

export interface Found {
  /** The routes of that path, each with its own methods; at least one. */
  readonly routes: readonly Route[];
  readonly rest: string;
  readonly ids: Readonly<Record<string, string>>;
}

interface Place {
  readonly routes: readonly Route[];
  readonly pattern: RegExp;
}

export const methods: readonly Method[] = ["GET", "POST", "PUT", "DELETE"];

/** Finds the routes of a path: an exact address before one with names in braces, that before a folder, and the longest folder first. */
export class Router {
  readonly #exact: ReadonlyMap<string, readonly Route[]>;
  readonly #others: readonly Place[];

  constructor(routes: readonly Route[]) {
    const places = Map.groupBy(routes, ({ path }) => path);
    this.#exact = new Map([...places].filter(([path]) => kind(path) === 0));
    this.#others = [...places]
      .filter(([path]) => kind(path) > 0)
      .toSorted(([a], [b]) => kind(a) - kind(b) || b.length - a.length)
      .map(([path, group]) => ({ routes: group, pattern: patternOf(path) }));
  }

  find(path: string): Found | undefined {
    const exact = this.#exact.get(path);
    if (exact !== undefined) return { routes: exact, rest: "", ids: {} };
    for (const { routes, pattern } of this.#others) {
      // Every such pattern has at least one name.
      const groups = pattern.exec(path)?.groups;
      if (groups === undefined) continue;
      const { rest = "", ...escaped } = groups;
      const ids = unescaped(escaped);
      return ids && { routes, rest, ids };
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
