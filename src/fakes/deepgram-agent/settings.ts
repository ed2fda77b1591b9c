import type { Encoding } from "../../audio/encodings.ts";
import type { ToldItem, ToldSettings } from "../panel.ts";
import { isObject } from "../shape.ts";

export type Json = Readonly<Record<string, unknown>>;

/** `at(json, "audio", "input", 0)`, undefined where the path ends early. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let found = value;
  for (const key of path) {
    if (Array.isArray(found) && typeof key === "number") found = found[key];
    else found = isObject(found) ? found[key] : undefined;
  }
  return found;
}

export const textAt = (value: unknown, ...path: readonly (string | number)[]): string | undefined => {
  const found = at(value, ...path);
  return typeof found === "string" ? found : undefined;
};

/** One element or the first of several: `think` and `speak` may be either. */
const first = (value: unknown): unknown => (Array.isArray(value) ? value[0] : value);
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const encodings: Readonly<Record<string, Encoding>> = {
  "linear16 8000": "pcm16@8000",
  "linear16 16000": "pcm16@16000",
  "linear16 24000": "pcm16@24000",
  "linear16 48000": "pcm16@48000",
  "mulaw 8000": "pcmu@8000",
  "alaw 8000": "pcma@8000",
};

/** Undefined for what the wire knows and this fake does not. */
export function encodingAt(settings: Json, side: "input" | "output"): Encoding | undefined {
  const format = at(settings, "audio", side);
  return encodings[`${textAt(format, "encoding") ?? "linear16"} ${String(at(format, "sample_rate") ?? 24_000)}`];
}

export function toldSettings(settings: Json): ToldSettings {
  const [think, speak] = [first(at(settings, "agent", "think")), first(at(settings, "agent", "speak"))];
  const listen = at(settings, "agent", "listen", "provider");
  const english = textAt(listen, "model") === "flux-general-en" ? "en" : undefined;
  return {
    model: textAt(think, "provider", "model"),
    uplink: encodingAt(settings, "input"),
    downlink: encodingAt(settings, "output"),
    instructions: textAt(think, "prompt") ?? "",
    voice: textAt(speak, "provider", "model"),
    language: textAt(listen, "language") ?? textAt(listen, "language_hints", 0) ?? english,
    toolNames: listOf(at(think, "functions")).flatMap((one) => textAt(one, "name") ?? []),
  };
}

/** Managed models, as listed in 2026-11; behind an endpoint of the client's own any name will do. */
const served = new Set(
  "gpt-5.5 gpt-5.4 gpt-5.4-mini gpt-5.4-nano gpt-5.2 gpt-5.1 gpt-5 gpt-5-mini gpt-5-nano gpt-4.1 gpt-4.1-mini gpt-4.1-nano gpt-4o gpt-4o-mini claude-haiku-4-5 claude-sonnet-5 claude-sonnet-4-6 claude-sonnet-4-5 gemini-3.5-flash gemini-3.1-flash-lite gemini-3-flash-preview gemini-3-pro-preview gemini-2.5-flash nemotron-3-nano-30B-A3B".split(
    " ",
  ),
);

/** The first language model that is asked for and not there. */
export function unservedModel(settings: Json): string | undefined {
  const think = at(settings, "agent", "think");
  const managed = (Array.isArray(think) ? think : [think]).filter((one) => at(one, "endpoint") === undefined);
  return managed.map((one) => textAt(one, "provider", "model")).find((model) => model !== undefined && !served.has(model));
}

export const thinkCount = (settings: Json): number => {
  const think = at(settings, "agent", "think");
  return Array.isArray(think) ? think.length : 1;
};

export const toldHistory = (settings: Json): ToldItem[] => listOf(at(settings, "agent", "context", "messages")).flatMap(toldItems);

function toldItems(message: unknown): ToldItem[] {
  const text = textAt(message, "content");
  if (text !== undefined) return [{ by: textAt(message, "role") === "user" ? "caller" : "agent", text }];
  return listOf(at(message, "function_calls")).map((call) => ({
    by: "tool",
    name: textAt(call, "name") ?? "",
    arguments: textAt(call, "arguments") ?? "",
    output: textAt(call, "response"),
  }));
}
