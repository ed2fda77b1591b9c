// Deepgram listen v2 (Flux). Sources: types of @deepgram/sdk 5.13.0 and developers.deepgram.com, "Flux: configuration", "state machine"
// and "close stream", read 2026-11.
import type { DeepgramClient } from "@deepgram/sdk";
import { z } from "zod";
import type { Encoding } from "../../audio/encodings.ts";
import { mediaOf } from "./media.ts";
import type { PipelineSettings } from "./settings.ts";

type Query = NonNullable<Parameters<DeepgramClient["listen"]["v2"]["connect"]>[0]>;

/** A message as the transcriber needs it; times in ms of this socket's audio. */
export type FluxMessage =
  | { readonly type: "connected" }
  | {
      readonly type: "turn";
      readonly event: "Update" | "StartOfTurn" | "EagerEndOfTurn" | "TurnResumed" | "EndOfTurn";
      readonly index: number;
      readonly startMs: number;
      readonly endMs: number;
      readonly text: string;
      /** Where the first word begins; undefined where the words are not told. */
      readonly firstWordMs: number | undefined;
    }
  | { readonly type: "warning"; readonly code: string }
  | { readonly type: "error"; readonly code: string; readonly description: string }
  | { readonly type: "ignored" };

/** Turns ended by hand: the model is to end as few as it can, its own are joined again. */
const manualTurns = { eot_threshold: 0.9, eot_timeout_ms: 10_000 };

/** `keyterm`, `redact` and `language_hint` go as repeated keys. There is no language, diarisation or formatting here: each is refused. */
export function fluxQuery(model: string, settings: PipelineSettings, uplink: Encoding, endpointing: "provider" | "manual"): Query {
  const { encoding, rateHz } = mediaOf(uplink);
  const { eotThreshold, eagerEotThreshold, eotTimeoutMs, keyterms, profanityFilter, redact, mipOptOut, tag, language } = settings;
  const redacted = redact.filter((kind) => kind === "numbers" || kind === "aggressive_numbers");
  return {
    model,
    encoding,
    sample_rate: rateHz,
    ...(endpointing === "manual" ? manualTurns : { eot_threshold: eotThreshold, eot_timeout_ms: eotTimeoutMs }),
    ...(eagerEotThreshold === undefined ? {} : { eager_eot_threshold: eagerEotThreshold }),
    ...(keyterms.length === 0 ? {} : { keyterm: [...keyterms] }),
    ...(model.endsWith("-multi") ? { language_hint: [language] } : {}),
    ...(profanityFilter ? { profanity_filter: "true" } : {}),
    ...(mipOptOut ? { mip_opt_out: "true" } : {}),
    ...(tag === undefined ? {} : { tag }),
    ...(redacted.length === 0 ? {} : { queryParams: { redact: redacted } }),
  };
}

const seconds = z.number().min(0).max(1e6);
const turn = z.object({
  event: z.enum(["Update", "StartOfTurn", "EagerEndOfTurn", "TurnResumed", "EndOfTurn"]),
  turn_index: z.int().min(0),
  audio_window_start: seconds,
  audio_window_end: seconds,
  transcript: z.string(),
  words: z.array(z.object({ start: seconds.optional() })).optional(),
});
const coded = z.object({ code: z.string(), description: z.string().optional() });

/** The message, or in words why it is none. */
export function readFlux(raw: unknown): FluxMessage | string {
  const type = z.object({ type: z.string() }).safeParse(raw);
  if (!type.success) return "a message of Flux that is no object with a type";
  const what = type.data.type;
  switch (what) {
    case "Connected":
      return { type: "connected" };
    case "TurnInfo": {
      const read = turn.safeParse(raw);
      if (!read.success) return `TurnInfo: ${read.error.issues[0]?.path.join(".") ?? ""} is not understood`;
      const { event, turn_index: index, audio_window_start: start, audio_window_end: end, transcript, words } = read.data;
      const first = words?.[0]?.start;
      return {
        type: "turn",
        event,
        index,
        startMs: start * 1_000,
        endMs: end * 1_000,
        text: transcript.trim(),
        firstWordMs: first === undefined ? undefined : first * 1_000,
      };
    }
    case "Warning":
    case "Error": {
      const read = coded.safeParse(raw);
      const { code, description } = read.success ? { description: "", ...read.data } : { code: "no code", description: "" };
      return what === "Warning" ? { type: "warning", code } : { type: "error", code, description: description ?? "" };
    }
    case "ConfigureSuccess":
    case "ConfigureFailure":
      return { type: "ignored" };
    default:
      return `unknown message ${what.slice(0, 60)} of Flux`;
  }
}
