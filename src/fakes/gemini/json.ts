import { isObject } from "../shape.ts";

export type Json = Readonly<Record<string, unknown>>;

/** `at(json, "setup", "tools")`, undefined where the path ends early. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let found = value;
  for (const key of path) found = isObject(found) ? found[key] : undefined;
  return found;
}

export const textAt = (value: unknown, ...path: readonly string[]): string | undefined => {
  const found = at(value, ...path);
  return typeof found === "string" ? found : undefined;
};

export const listAt = (value: unknown, ...path: readonly string[]): readonly unknown[] => {
  const found: unknown = at(value, ...path);
  return Array.isArray(found) ? found : [];
};

/** All text parts of a content, joined. */
export const wordsOf = (content: unknown): string =>
  listAt(content, "parts")
    .map((part) => textAt(part, "text") ?? "")
    .join("");
