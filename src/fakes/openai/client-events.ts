// What a client may send on the GA Realtime wire. Sources: resources/realtime/realtime.d.ts of the package openai 7.55.0;
// limits and refusals as reported in its issue threads, read 2026-11.
import {
  anyObject,
  either,
  flag,
  is,
  isObject,
  list,
  nothing,
  number,
  object,
  tagged,
  text,
  type Complaint,
  type Shape,
} from "../shape.ts";

/** Longer ids of items and calls are refused. */
const idText = text(32);
const base64 = text(20 * 2 ** 20);

const format = tagged("type", { "audio/pcm": { "rate!": is(24_000) }, "audio/pcmu": {}, "audio/pcma": {} });

const turnDetection = tagged("type", {
  server_vad: {
    threshold: number(0, 1),
    prefix_padding_ms: number(0, 60_000, true),
    silence_duration_ms: number(0, 60_000, true),
    idle_timeout_ms: either(nothing, number(5_000, 30_000, true)),
    create_response: flag,
    interrupt_response: flag,
  },
  semantic_vad: { eagerness: is("low", "medium", "high", "auto"), create_response: flag, interrupt_response: flag },
});

const transcription = object({
  "model!": text(),
  language: text(),
  prompt: text(1_024),
  languages: list(text()),
  keywords: list(text()),
  delay: is("minimal", "low", "medium", "high", "xhigh"),
});

const voices = ["alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar"] as const;
const voice = either(object({ "id!": text() }), is(...voices));

const audioOutput = object({ format, voice, speed: number(0.25, 1.5) });
const tool = tagged("type", { function: { "name!": text(64), description: text(), parameters: anyObject } });
const toolChoice = either(tagged("type", { function: { "name!": text() } }), is("auto", "none", "required"));
const maxOutputTokens = either(is("inf"), number(1, 4_096, true));
const reasoning = object({ effort: is("minimal", "low", "medium", "high", "xhigh") });
/** Text alone is valid on the real wire too, but no voice server asks for it: this fake only speaks. */
const modalities: Shape = (value, path) =>
  list(is("audio"))(value, path) ??
  (Array.isArray(value) && value.length === 1 ? undefined : { kind: "value", param: path, text: `Invalid modalities for '${path}'.` });

const session = object({
  "type!": is("realtime"),
  output_modalities: modalities,
  instructions: text(),
  audio: object({
    input: object({
      format,
      noise_reduction: either(nothing, object({ "type!": is("near_field", "far_field") })),
      transcription: either(nothing, transcription),
      turn_detection: either(nothing, turnDetection),
    }),
    output: audioOutput,
  }),
  tools: list(tool),
  tool_choice: toolChoice,
  max_output_tokens: maxOutputTokens,
  truncation: either(
    is("auto", "disabled"),
    object({
      "type!": is("retention_ratio"),
      "retention_ratio!": number(0, 1),
      token_limits: object({ post_instructions: number(0, 1e9, true) }),
    }),
  ),
  include: either(nothing, list(is("item.input_audio_transcription.logprobs"))),
  tracing: either(nothing, is("auto"), anyObject),
  prompt: either(nothing, anyObject),
  reasoning,
  parallel_tool_calls: flag,
});

const inputText = tagged("type", { input_text: { "text!": text() } });
const userPart = tagged("type", {
  input_text: { "text!": text() },
  input_audio: { "audio!": base64, transcript: text() },
  input_image: { "image_url!": text(), detail: is("auto", "low", "high") },
});
const outputText = tagged("type", { output_text: { "text!": text() } });

const message = (role: string, part: Shape): Shape =>
  object({ "type!": is("message"), id: idText, "role!": is(role), status: text(), "content!": list(part) });
const messages = new Map<unknown, Shape>([
  ["system", message("system", inputText)],
  ["user", message("user", userPart)],
  ["assistant", message("assistant", outputText)],
]);

const item: Shape = (value, path) => {
  if (isObject(value) && value["type"] === "message") {
    const shape = messages.get(value["role"]);
    return shape === undefined ? { kind: "value", param: `${path}.role`, text: `Invalid value for '${path}.role'.` } : shape(value, path);
  }
  return tagged("type", {
    message: {},
    function_call: { id: idText, "call_id!": idText, "name!": text(64), "arguments!": text(), status: text() },
    function_call_output: { id: idText, "call_id!": idText, "output!": text() },
  })(value, path);
};

const metadata: Shape = (value, path) => {
  if (!isObject(value)) return { kind: "type", param: path, text: `Invalid type for '${path}': expected an object.` };
  const entries = Object.entries(value);
  const fits =
    entries.length <= 16 && entries.every(([key, inner]) => key.length <= 64 && typeof inner === "string" && inner.length <= 512);
  return fits ? undefined : { kind: "value", param: path, text: `Invalid '${path}'.` };
};

const response = object({
  conversation: is("auto", "none"),
  instructions: text(),
  output_modalities: modalities,
  audio: object({ output: audioOutput }),
  tools: list(tool),
  tool_choice: toolChoice,
  max_output_tokens: maxOutputTokens,
  metadata: either(nothing, metadata),
  reasoning,
  parallel_tool_calls: flag,
  input: list(anyObject),
});

const eventId = text(512);
const event = tagged("type", {
  "session.update": { event_id: eventId, "session!": session },
  "input_audio_buffer.append": { event_id: eventId, "audio!": base64 },
  "input_audio_buffer.commit": { event_id: eventId },
  "input_audio_buffer.clear": { event_id: eventId },
  "conversation.item.create": { event_id: eventId, previous_item_id: text(), "item!": item },
  "conversation.item.delete": { event_id: eventId, "item_id!": text() },
  "conversation.item.retrieve": { event_id: eventId, "item_id!": text() },
  "conversation.item.truncate": { event_id: eventId, "item_id!": text(), "content_index!": is(0), "audio_end_ms!": number(0, 1e9, true) },
  "response.create": { event_id: eventId, response },
  "response.cancel": { event_id: eventId, response_id: text() },
});

/** The first thing wrong with a client event. */
export const complaintAbout = (message: unknown): Complaint | undefined => event(message, "");

export const codeOf: Readonly<Record<Complaint["kind"], string>> = {
  missing: "missing_required_parameter",
  unknown: "unknown_parameter",
  type: "invalid_type",
  value: "invalid_value",
  "too-long": "string_above_max_length",
};
