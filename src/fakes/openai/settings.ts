import type { Encoding } from "../../audio/encodings.ts";
import type { ToldSettings } from "../panel.ts";
import { isObject } from "../shape.ts";

export type Json = Readonly<Record<string, unknown>>;

/** The session of `session.created`, before any update. */
export const freshSession = (id: string, model: string, expiresAt: number): Json => ({
  type: "realtime",
  object: "realtime.session",
  id,
  model,
  expires_at: expiresAt,
  output_modalities: ["audio"],
  instructions: "Your knowledge cutoff is 2025-10. You are a helpful assistant.",
  tools: [],
  tool_choice: "auto",
  max_output_tokens: "inf",
  tracing: null,
  truncation: "auto",
  prompt: null,
  include: null,
  audio: {
    input: {
      format: { type: "audio/pcm", rate: 24_000 },
      transcription: null,
      noise_reduction: null,
      turn_detection: {
        type: "server_vad",
        threshold: 0.5,
        prefix_padding_ms: 300,
        silence_duration_ms: 200,
        idle_timeout_ms: null,
        create_response: true,
        interrupt_response: true,
      },
    },
    output: { format: { type: "audio/pcm", rate: 24_000 }, voice: "alloy", speed: 1 },
  },
});

/** What is absent keeps its value, at any depth; but a turn detection of another type, like every tagged object, comes whole. */
export function merged(old: Json, update: Json): Json {
  const result: Record<string, unknown> = { ...old };
  for (const [key, value] of Object.entries(update)) {
    const before = result[key];
    const sameKind = isObject(before) && isObject(value) && before["type"] === value["type"];
    result[key] = sameKind ? merged(before, value) : value;
  }
  return result;
}

/** `at(json, "audio", "input", "format")`, undefined where the path ends early. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let found = value;
  for (const key of path) found = isObject(found) ? found[key] : undefined;
  return found;
}

export const textAt = (value: unknown, ...path: readonly string[]): string | undefined => {
  const found = at(value, ...path);
  return typeof found === "string" ? found : undefined;
};

const formats: Readonly<Record<string, Encoding>> = { "audio/pcm": "pcm16@24000", "audio/pcmu": "pcmu@8000", "audio/pcma": "pcma@8000" };
export const formatAt = (session: Json, side: "input" | "output"): Encoding =>
  formats[textAt(session, "audio", side, "format", "type") ?? ""] ?? "pcm16@24000";

export function toldSettings(session: Json): ToldSettings {
  const tools = session["tools"];
  return {
    model: textAt(session, "model"),
    uplink: formatAt(session, "input"),
    downlink: formatAt(session, "output"),
    instructions: textAt(session, "instructions") ?? "",
    voice: textAt(session, "audio", "output", "voice"),
    language: textAt(session, "audio", "input", "transcription", "language"),
    toolNames: Array.isArray(tools) ? tools.flatMap((tool) => textAt(tool, "name") ?? []) : [],
  };
}

export interface Detection {
  readonly silenceMs: number;
  readonly prefixMs: number;
  readonly answers: boolean;
  readonly interrupts: boolean;
}

/** The voice activity detection in force; undefined when the client ends its turns by hand. */
export function detectionOf(session: Json): Detection | undefined {
  const detection = at(session, "audio", "input", "turn_detection");
  if (!isObject(detection)) return undefined;
  const number = (key: string, otherwise: number): number => (typeof detection[key] === "number" ? detection[key] : otherwise);
  return {
    silenceMs: number("silence_duration_ms", 500),
    prefixMs: number("prefix_padding_ms", 300),
    answers: detection["create_response"] !== false,
    interrupts: detection["interrupt_response"] !== false,
  };
}
