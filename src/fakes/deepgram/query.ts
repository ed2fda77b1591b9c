// What the queries of listen v1, listen v2 and speak v1 may hold. Sources: deepgram-api-specs asyncapi.yml, types of @deepgram/sdk
// 5.13.0, developers.deepgram.com "Flux: configuration", read 2026-11. What is not here is refused with 400, as the service does.
import type { Encoding } from "../../audio/encodings.ts";

type Check = (value: string) => boolean;

const flag: Check = (value) => value === "true" || value === "false";
const word: Check = (value) => value !== "";
const oneOf =
  (...values: readonly string[]): Check =>
  (value) =>
    values.includes(value);
const number =
  (min: number, max: number): Check =>
  (value) =>
    /^\d+(\.\d+)?$/.test(value) && Number(value) >= min && Number(value) <= max;

export interface QueryShape {
  readonly keys: Readonly<Record<string, Check>>;
  /** Keys that may come more than once. */
  readonly repeated: readonly string[];
  readonly rates: (encoding: string) => readonly string[];
}

const novaModel: Check = (value) => /^(nova-3(-general|-medical)?|nova-2(-[a-z]+)?|enhanced(-[a-z]+)?|base(-[a-z]+)?)$/.test(value);
const voice: Check = (value) => /^aura(-2)?-[a-z]+-[a-z]{2}$/.test(value);
const rates = (encoding: string): readonly string[] =>
  encoding === "linear16" ? ["8000", "16000", "24000", "44100", "48000"] : ["8000", "16000"];

export const listenV1: QueryShape = {
  keys: {
    model: novaModel,
    encoding: oneOf("linear16", "mulaw", "alaw"),
    sample_rate: word,
    channels: oneOf("1"),
    multichannel: flag,
    language: word,
    interim_results: flag,
    endpointing: (value) => value === "false" || number(0, 10_000)(value),
    utterance_end_ms: number(1_000, 5_000),
    vad_events: flag,
    smart_format: flag,
    punctuate: flag,
    numerals: flag,
    dictation: flag,
    profanity_filter: flag,
    filler_words: flag,
    no_delay: flag,
    keyterm: word,
    keywords: word,
    diarize: flag,
    detect_entities: flag,
    redact: oneOf("true", "pci", "numbers", "aggressive_numbers", "ssn"),
    mip_opt_out: flag,
    tag: (value) => value !== "" && value.length <= 128,
    version: word,
  },
  repeated: ["keyterm", "keywords", "redact", "tag"],
  rates,
};

export const listenV2: QueryShape = {
  keys: {
    model: oneOf("flux-general-en", "flux-general-multi"),
    encoding: oneOf("linear16", "mulaw", "alaw"),
    sample_rate: word,
    eot_threshold: number(0.5, 0.9),
    eager_eot_threshold: number(0.3, 0.9),
    eot_timeout_ms: number(500, 10_000),
    keyterm: word,
    language_hint: word,
    profanity_filter: flag,
    numerals: flag,
    redact: oneOf("numbers", "aggressive_numbers"),
    mip_opt_out: flag,
    tag: word,
  },
  repeated: ["keyterm", "language_hint", "redact", "tag"],
  rates,
};

const speakRates = (encoding: string): readonly string[] =>
  encoding === "linear16" ? ["8000", "16000", "24000", "32000", "48000"] : ["8000", "16000"];

export const speakSocket: QueryShape = {
  keys: {
    model: voice,
    encoding: oneOf("linear16", "mulaw", "alaw"),
    sample_rate: word,
    speed: number(0.7, 1.5),
    container: oneOf("none"),
    mip_opt_out: flag,
  },
  repeated: [],
  rates: speakRates,
};

export const speakHttp: QueryShape = {
  keys: { ...speakSocket.keys, container: oneOf("none", "wav"), tag: word },
  repeated: ["tag"],
  rates: speakRates,
};

/** What the service finds wrong, in words; undefined when the query is in order. */
export function complaintAbout(query: URLSearchParams, shape: QueryShape): string | undefined {
  for (const [key, value] of query) {
    const check = Object.hasOwn(shape.keys, key) ? shape.keys[key] : undefined;
    if (check === undefined) return `unknown query parameter ${key}`;
    if (!check(value)) return key === "model" ? `No such model: ${value}` : `${key}: ${value} is not allowed`;
    if (query.getAll(key).length > 1 && !shape.repeated.includes(key)) return `${key} may come only once`;
  }
  const encoding = query.get("encoding") ?? "";
  if (!query.has("model")) return "model is required";
  if (!shape.rates(encoding).includes(query.get("sample_rate") ?? "")) return `sample_rate does not go with encoding ${encoding}`;
  if (query.has("keywords") && (query.get("model") ?? "").startsWith("nova-3")) return "keywords is not known to nova-3, use keyterm";
  if (query.has("language_hint") && query.get("model") !== "flux-general-multi") return "language_hint goes with flux-general-multi only";
  const eager = query.get("eager_eot_threshold");
  if (eager !== null && Number(eager) > Number(query.get("eot_threshold") ?? 0.7)) return "eager_eot_threshold is above eot_threshold";
  return query.has("utterance_end_ms") && query.get("interim_results") !== "true" ? "utterance_end_ms needs interim_results" : undefined;
}

const codecs: Readonly<Record<string, string>> = { linear16: "pcm16", mulaw: "pcmu", alaw: "pcma" };

export const encodingOf = (query: URLSearchParams): Encoding =>
  // Rates that no encoding of ours has are refused above or never asked for.
  `${codecs[query.get("encoding") ?? ""] ?? ""}@${query.get("sample_rate") ?? ""}` as Encoding;
