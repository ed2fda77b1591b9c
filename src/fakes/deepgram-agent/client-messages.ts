// What a client may send on the Voice Agent wire. Sources: types of the package @deepgram/sdk 5.13.0 and developers.deepgram.com,
// "Voice Agent: configuration", read 2026-11.
import { anyObject, either, flag, is, isObject, list, number, object, tagged, text, type Complaint, type Shape } from "../shape.ts";

const rates = is(8_000, 16_000, 24_000, 32_000, 44_100, 48_000);
const headers: Shape = (value, path) => {
  if (isObject(value) && Object.values(value).every((inner) => typeof inner === "string")) return undefined;
  return { kind: "type", param: path, text: `Invalid type for '${path}': expected headers.` };
};
const endpoint = object({ "url!": text(), headers });

const listenV1 = {
  "type!": is("deepgram"),
  "version!": is("v1"),
  "model!": text(),
  language: text(),
  keyterms: list(text()),
  smart_format: flag,
};
const listenV2 = {
  "type!": is("deepgram"),
  "version!": is("v2"),
  "model!": is("flux-general-en", "flux-general-multi"),
  eot_threshold: number(0.5, 1),
  eager_eot_threshold: number(0.3, 0.9),
  eot_timeout_ms: number(500, 60_000, true),
  keyterms: list(text()),
  language_hints: list(text()),
};
const listenProvider: Shape = (value, path) =>
  object(isObject(value) && value["version"] === "v2" ? listenV2 : listenV1)(value, path) ?? eagerFits(value, path);

function eagerFits(value: unknown, path: string): Complaint | undefined {
  const [eager, final] = isObject(value) ? [value["eager_eot_threshold"], value["eot_threshold"]] : [];
  if (typeof eager !== "number" || typeof final !== "number" || eager <= final) return undefined;
  return { kind: "value", param: `${path}.eager_eot_threshold`, text: `'${path}.eager_eot_threshold' must not be above eot_threshold.` };
}

const thinkProvider = tagged("type", {
  open_ai: { "model!": text(), temperature: number(0, 2), reasoning_mode: text(), version: text() },
  anthropic: { "model!": text(), temperature: number(0, 1), version: text() },
  google: { "model!": text(), temperature: number(0, 2), version: text() },
  nvidia: { "model!": text(), temperature: number(0, 2) },
  groq: { "model!": text(), temperature: number(0, 2), reasoning_mode: text() },
  aws_bedrock: { "model!": text(), temperature: number(0, 2), "credentials!": anyObject },
});
const calledFunction = object({
  "name!": text(64),
  description: text(),
  parameters: anyObject,
  defer_until_eot: flag,
  endpoint: object({ "url!": text(), method: text(), headers }),
});
const thinkOne = object({
  "provider!": thinkProvider,
  endpoint,
  prompt: text(),
  functions: list(calledFunction),
  context_length: either(is("max"), number(1, 1e7, true)),
});
const think = either(list(thinkOne), thinkOne);

const speakProvider = tagged("type", {
  deepgram: { "model!": text(), version: is("v1", "v2"), speed: number(0.5, 1.5), expressivity: number(-2, 2) },
  eleven_labs: { "model_id!": text(), language: text(), language_code: text() },
  cartesia: { "model_id!": text(), "voice!": anyObject, language: text(), volume: number(0.5, 2) },
  open_ai: { "model!": text(), "voice!": text() },
  aws_polly: { "voice!": text(), "language!": text(), "engine!": text(), "credentials!": anyObject },
});
const speakOne: Shape = (value, path) => {
  const complaint = object({ "provider!": speakProvider, endpoint })(value, path);
  if (complaint !== undefined || !isObject(value) || value["endpoint"] !== undefined) return complaint;
  const own = isObject(value["provider"]) && value["provider"]["type"] === "deepgram";
  return own ? undefined : { kind: "missing", param: `${path}.endpoint`, text: `Missing required parameter: '${path}.endpoint'.` };
};
const speak = either(list(speakOne), speakOne);

const message = object({ "type!": is("History"), "role!": is("user", "assistant"), "content!": text() });
/** A language model is told past calls as it made them. */
const jsonText: Shape = (value, path) => {
  try {
    if (typeof value === "string" && isObject(JSON.parse(value))) return undefined;
  } catch {
    // Told below.
  }
  return { kind: "value", param: path, text: `Invalid value for '${path}': expected a JSON object as text.` };
};
const pastCall = object({
  "id!": text(),
  "name!": text(),
  "client_side!": flag,
  "arguments!": jsonText,
  "response!": text(),
  thought_signature: text(),
});
const history = either(object({ "type!": is("History"), "function_calls!": list(pastCall) }), message);

const settings = {
  tags: list(text(128)),
  experimental: flag,
  mip_opt_out: flag,
  flags: object({ history: flag }),
  "audio!": object({
    input: object({ "encoding!": is("linear16", "mulaw", "alaw"), "sample_rate!": rates }),
    output: object({
      encoding: is("linear16", "mulaw", "alaw"),
      sample_rate: rates,
      bitrate: number(1, 1e6),
      // A header of a container would be heard as a click in the middle of a call.
      container: is("none"),
    }),
  }),
  "agent!": object({
    language: text(),
    context: object({ messages: list(history) }),
    listen: object({ "provider!": listenProvider }),
    think,
    speak,
    greeting: text(),
  }),
};

const clientMessage = tagged("type", {
  Settings: settings,
  KeepAlive: {},
  InjectUserMessage: { "content!": text() },
  InjectAgentMessage: { "message!": text(), behavior: is("default", "queue", "interrupt") },
  FunctionCallResponse: { "id!": text(), "name!": text(), "content!": text() },
  UpdateListen: { "listen!": object({ "provider!": listenProvider }) },
  UpdateThink: { "think!": think },
  UpdateSpeak: { "speak!": speak },
  UpdatePrompt: { "prompt!": text() },
  ForceEndTurn: {},
});

/** The first thing wrong with a client's message. */
export const complaintAbout = (value: unknown): Complaint | undefined => clientMessage(value, "");
