// Deepgram listen v1 (Nova). Sources: deepgram-api-specs asyncapi.yml, types of @deepgram/sdk 5.13.0, developers.deepgram.com
// "Endpointing", "Utterance end" and "Finalize", read 2026-11.
import type { DeepgramClient } from "@deepgram/sdk";
import { z } from "zod";
import type { Encoding } from "../../audio/encodings.ts";
import { mediaOf } from "./media.ts";
import type { PipelineSettings } from "./settings.ts";

type Query = NonNullable<Parameters<DeepgramClient["listen"]["v1"]["connect"]>[0]>;

/** A message as the transcriber needs it; times in ms of this socket's audio. */
export type NovaMessage =
  | {
      readonly type: "results";
      readonly startMs: number;
      readonly endMs: number;
      /** No better words come for this span. */
      readonly isFinal: boolean;
      /** The caller has paused after it. */
      readonly speechFinal: boolean;
      readonly fromFinalize: boolean;
      readonly text: string;
      /** Where the first word begins; undefined where the words are not told. */
      readonly firstWordMs: number | undefined;
    }
  | { readonly type: "speech.started"; readonly atMs: number }
  /** `lastWordMs` is undefined where the service does not know (-1). */
  | { readonly type: "utterance.ended"; readonly lastWordMs: number | undefined }
  | { readonly type: "error"; readonly code: string; readonly description: string }
  | { readonly type: "ignored" };

/** `no_delay` keeps formatting from holding words back; it is not in the specification, but sent by others (livekit/agents). */
export function novaQuery(model: string, settings: PipelineSettings, uplink: Encoding, endpointing: "provider" | "manual"): Query {
  const { encoding, rateHz } = mediaOf(uplink);
  const { keyterms, diarize, redact, smartFormat, profanityFilter, endpointingMs, mipOptOut, tag, language } = settings;
  const isNova3 = model.startsWith("nova-3");
  const queryParams = {
    ...(smartFormat ? { no_delay: "true" } : {}),
    ...(redact.length === 0 ? {} : { redact: [...redact] }),
  };
  return {
    model,
    encoding,
    sample_rate: rateHz,
    channels: 1,
    language,
    interim_results: "true",
    vad_events: "true",
    utterance_end_ms: 1_000,
    endpointing: endpointing === "manual" ? "false" : endpointingMs,
    punctuate: "true",
    smart_format: smartFormat ? "true" : "false",
    // Older models know `keywords` instead; a wrong pair is refused.
    ...(keyterms.length === 0 ? {} : isNova3 ? { keyterm: [...keyterms] } : { keywords: [...keyterms] }),
    ...(diarize ? { diarize: "true" } : {}),
    ...(profanityFilter ? { profanity_filter: "true" } : {}),
    ...(mipOptOut ? { mip_opt_out: "true" } : {}),
    ...(tag === undefined ? {} : { tag }),
    queryParams,
  };
}

const seconds = z.number().min(0).max(1e6);
const word = z.object({ word: z.string(), punctuated_word: z.string().optional(), start: seconds, speaker: z.int().min(0).optional() });
const results = z.object({
  start: seconds,
  duration: seconds,
  is_final: z.boolean().optional(),
  speech_final: z.boolean().optional(),
  from_finalize: z.boolean().optional(),
  channel: z.object({ alternatives: z.array(z.object({ transcript: z.string(), words: z.array(word).optional() })) }),
});
const started = z.object({ timestamp: seconds });
const ended = z.object({ last_word_end: z.number().min(-1).max(1e6) });

/** The message, or in words why it is none. */
export function readNova(raw: unknown): NovaMessage | string {
  const type = z.object({ type: z.string() }).safeParse(raw);
  if (!type.success) return "a message of listen that is no object with a type";
  switch (type.data.type) {
    case "Results": {
      const read = results.safeParse(raw);
      if (!read.success) return `Results: ${read.error.issues[0]?.path.join(".") ?? ""} is not understood`;
      const { start, duration, is_final: isFinal, speech_final: speechFinal, from_finalize: fromFinalize, channel } = read.data;
      const [best] = channel.alternatives;
      const words = best?.words ?? [];
      return {
        type: "results",
        startMs: start * 1_000,
        endMs: (start + duration) * 1_000,
        isFinal: isFinal ?? false,
        speechFinal: speechFinal ?? false,
        fromFinalize: fromFinalize ?? false,
        text: bySpeaker(words) ?? best?.transcript.trim() ?? "",
        firstWordMs: words[0] === undefined ? undefined : words[0].start * 1_000,
      };
    }
    case "SpeechStarted": {
      const read = started.safeParse(raw);
      return read.success ? { type: "speech.started", atMs: read.data.timestamp * 1_000 } : "SpeechStarted without a timestamp";
    }
    case "UtteranceEnd": {
      const read = ended.safeParse(raw);
      if (!read.success) return "UtteranceEnd without last_word_end";
      const { last_word_end: at } = read.data;
      return { type: "utterance.ended", lastWordMs: at < 0 ? undefined : at * 1_000 };
    }
    case "Metadata":
      return { type: "ignored" };
    case "Error":
      return { type: "error", code: "Error", description: "" };
    default:
      return `unknown message ${type.data.type.slice(0, 60)} of listen`;
  }
}

/** With several voices on the line, who said what; undefined with one, or where they are not told apart. */
function bySpeaker(words: readonly z.infer<typeof word>[]): string | undefined {
  const speakers = new Set(words.map((one) => one.speaker));
  if (speakers.size < 2) return undefined;
  let [text, last]: [string, number | undefined] = ["", undefined];
  for (const { word: bare, punctuated_word: punctuated, speaker } of words) {
    if (speaker !== last) text += `${text === "" ? "" : " "}[speaker ${(speaker ?? 0) + 1}]`;
    last = speaker;
    text += ` ${punctuated ?? bare}`;
  }
  return text;
}
