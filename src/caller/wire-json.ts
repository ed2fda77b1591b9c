import { Fault } from "../kernel/fault.ts";
import type { CallStart } from "./leg.ts";

/** A JSON object as it came over the wire: nothing in it is known yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

const longestWord = 512;
const parametersLimit = 64;
const base64 = /^[A-Za-z0-9+/]*={0,2}$/;
const dtmf = /^[0-9*#A-D]$/;

export const malformed = (message: string): Fault => new Fault("caller-malformed", message);
export const unsupported = (message: string): Fault => new Fault("caller-unsupported", message);

/** @throws {Fault} caller-malformed */
export function readJson(message: string): JsonObject {
  let wire: unknown;
  try {
    wire = JSON.parse(message);
  } catch (error) {
    throw new Fault("caller-malformed", "the message is no JSON", { cause: error });
  }
  if (!isObject(wire)) throw malformed("the message is no JSON object");
  return wire;
}

export const isObject = (value: unknown): value is JsonObject => typeof value === "object" && value !== null && !Array.isArray(value);

/** What stands at a path of keys, or undefined. */
export function at(wire: JsonObject, ...path: readonly string[]): unknown {
  let value: unknown = wire;
  for (const key of path) {
    if (!isObject(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

/** A name, an id or the like, well-formed; undefined when there is none that could be meant. */
export function maybeWord(wire: JsonObject, ...path: readonly string[]): string | undefined {
  const value = at(wire, ...path);
  return typeof value === "string" && value !== "" && value.length <= longestWord ? value.toWellFormed() : undefined;
}

/** @throws {Fault} caller-malformed, naming the field */
export function word(wire: JsonObject, ...path: readonly string[]): string {
  const value = maybeWord(wire, ...path);
  if (value === undefined) throw malformed(`${path.join(".")}: expected a string of 1 to ${longestWord} characters`);
  return value;
}

/** Not negative; carriers write numbers as strings, too. */
export function maybeNumber(wire: JsonObject, ...path: readonly string[]): number | undefined {
  const value = at(wire, ...path);
  const number = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof number === "number" && number >= 0 && number <= Number.MAX_SAFE_INTEGER ? number : undefined;
}

/** @throws {Fault} caller-malformed, naming the field */
export function number(wire: JsonObject, ...path: readonly string[]): number {
  const value = maybeNumber(wire, ...path);
  if (value === undefined) throw malformed(`${path.join(".")}: expected a number`);
  return value;
}

/**
 * Bytes written in base64.
 * @throws {Fault} caller-unsupported, naming the field: a frame of audio may be bad without the call being so
 */
export function bytes(wire: JsonObject, ...path: readonly string[]): Buffer {
  const value = at(wire, ...path);
  if (typeof value !== "string" || !base64.test(value)) throw unsupported(`${path.join(".")}: expected base64`);
  return Buffer.from(value, "base64");
}

/** @throws {Fault} caller-malformed, naming the field */
export function digit(wire: JsonObject, ...path: readonly string[]): string {
  const value = at(wire, ...path);
  const key = typeof value === "number" ? String(value) : typeof value === "string" ? value.toUpperCase() : "";
  if (!dtmf.test(key)) throw malformed(`${path.join(".")}: expected one of 0-9, *, #, A-D`);
  return key;
}

/** What was given along with a call, as text; what cannot be text is left out. */
export function parametersOf(value: unknown): Record<string, string> {
  const rows = isObject(value) ? Object.entries(value) : [];
  return Object.fromEntries(
    rows
      .filter(([key]) => key !== "" && key.length <= 64)
      .slice(0, parametersLimit)
      .flatMap(([key, given]) => {
        if (typeof given !== "string" && typeof given !== "number" && typeof given !== "boolean") return [];
        const text = String(given).toWellFormed();
        return text.length <= longestWord ? [[key.toWellFormed(), text] as const] : [];
      }),
  );
}

/** A carrier's call: its parameters `agent`, `language` and `resume` mean what they say, wherever the carrier lets us put them. */
export function carrierStart(
  dialect: string,
  call: { readonly id: string | undefined; readonly from: string | undefined; readonly parameters: Readonly<Record<string, string>> },
): CallStart {
  const named = (key: string): string | undefined => (Object.hasOwn(call.parameters, key) ? call.parameters[key] : undefined);
  return {
    dialect,
    carrierCallId: call.id,
    agent: named("agent"),
    language: named("language"),
    resume: named("resume"),
    from: call.from,
    parameters: call.parameters,
  };
}
