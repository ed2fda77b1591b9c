// What comes from a network is not what the types of a client say: every field is asked for.

export type Json = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

const at = (from: unknown, name: string): unknown => (isObject(from) && Object.hasOwn(from, name) ? from[name] : undefined);

export const objectAt = (from: unknown, name: string): Json | undefined => {
  const value = at(from, name);
  return isObject(value) ? value : undefined;
};

export const listAt = (from: unknown, name: string): readonly unknown[] => {
  const value = at(from, name);
  return Array.isArray(value) ? value : [];
};

export const textAt = (from: unknown, name: string): string | undefined => {
  const value = at(from, name);
  return typeof value === "string" ? value : undefined;
};

/** A count; anything else is none. */
export const countAt = (from: unknown, name: string): number => {
  const value = at(from, name);
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : 0;
};

export const isTrueAt = (from: unknown, name: string): boolean => at(from, name) === true;

/** The object that a text holds; undefined when it holds none. */
export function objectIn(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
