/** What a strict server finds wrong with a message; `param` is the dotted path. */
export interface Complaint {
  readonly kind: "missing" | "unknown" | "type" | "value" | "too-long";
  readonly param: string;
  readonly text: string;
}

/** Checks one value; undefined when it is in order. */
export type Shape = (value: unknown, path: string) => Complaint | undefined;

const wrong = (kind: Complaint["kind"], param: string, text: string): Complaint => ({ kind, param, text });
const join = (path: string, key: string): string => (path === "" ? key : `${path}.${key}`);

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Keys that end in "!" must be there; others may be; no further ones. */
export function object(fields: Readonly<Record<string, Shape>>): Shape {
  const shapes = new Map(Object.entries(fields).map(([key, shape]) => [key.replace("!", ""), shape]));
  const required = Object.keys(fields).flatMap((key) => (key.endsWith("!") ? [key.slice(0, -1)] : []));
  return (value, path) => {
    if (!isObject(value)) return wrong("type", path, `Invalid type for '${path}': expected an object.`);
    for (const key of required) {
      if (!Object.hasOwn(value, key)) return wrong("missing", join(path, key), `Missing required parameter: '${join(path, key)}'.`);
    }
    for (const [key, inner] of Object.entries(value)) {
      const shape = shapes.get(key);
      if (shape === undefined) return wrong("unknown", join(path, key), `Unknown parameter: '${join(path, key)}'.`);
      const complaint = shape(inner, join(path, key));
      if (complaint !== undefined) return complaint;
    }
    return undefined;
  };
}

/** An object whose field `tag` says which of `variants` it is; the variants do not list the tag. */
export function tagged(tag: string, variants: Readonly<Record<string, Readonly<Record<string, Shape>>>>): Shape {
  const shapes = new Map(Object.entries(variants).map(([name, fields]) => [name, object({ [`${tag}!`]: is(name), ...fields })]));
  return (value, path) => {
    if (!isObject(value)) return wrong("type", path, `Invalid type for '${path}': expected an object.`);
    const name = value[tag];
    if (name === undefined) return wrong("missing", join(path, tag), `Missing required parameter: '${join(path, tag)}'.`);
    const shape = typeof name === "string" ? shapes.get(name) : undefined;
    if (shape !== undefined) return shape(value, path);
    return wrong(
      "value",
      join(path, tag),
      `Invalid value: ${JSON.stringify(name)}. Supported values are: ${[...shapes.keys()].join(", ")}.`,
    );
  };
}

export const is = (...values: readonly (string | number)[]): Shape => {
  const known = new Set<unknown>(values);
  return (value, path) =>
    known.has(value)
      ? undefined
      : wrong("value", path, `Invalid value for '${path}': ${JSON.stringify(value)}. Supported: ${values.join(", ")}.`);
};

export const text =
  (maxLength = Number.POSITIVE_INFINITY): Shape =>
  (value, path) => {
    if (typeof value !== "string") return wrong("type", path, `Invalid type for '${path}': expected a string.`);
    if (value.length <= maxLength) return undefined;
    return wrong(
      "too-long",
      path,
      `Invalid '${path}': string too long. Expected a string with maximum length ${maxLength}, but got a string with length ${value.length} instead.`,
    );
  };

export const number =
  (min: number, max: number, whole = false): Shape =>
  (value, path) => {
    if (typeof value !== "number" || (whole && !Number.isInteger(value)))
      return wrong("type", path, `Invalid type for '${path}': expected ${whole ? "an integer" : "a number"}.`);
    return value >= min && value <= max
      ? undefined
      : wrong("value", path, `Invalid value for '${path}': ${value} is not within ${min} and ${max}.`);
  };

export const flag: Shape = (value, path) =>
  typeof value === "boolean" ? undefined : wrong("type", path, `Invalid type for '${path}': expected a boolean.`);

export const list =
  (item: Shape): Shape =>
  (value, path) => {
    if (!Array.isArray(value)) return wrong("type", path, `Invalid type for '${path}': expected an array.`);
    for (const [at, inner] of value.entries()) {
      const complaint = item(inner, `${path}[${at}]`);
      if (complaint !== undefined) return complaint;
    }
    return undefined;
  };

export const either =
  (...shapes: readonly Shape[]): Shape =>
  (value, path) => {
    const complaints = shapes.map((shape) => shape(value, path));
    return complaints.includes(undefined) ? undefined : complaints.at(-1);
  };

export const nothing: Shape = (value, path) =>
  value === null ? undefined : wrong("type", path, `Invalid type for '${path}': expected null.`);

/** An object that is not looked into, such as a JSON Schema. */
export const anyObject: Shape = (value, path) =>
  isObject(value) ? undefined : wrong("type", path, `Invalid type for '${path}': expected an object.`);
