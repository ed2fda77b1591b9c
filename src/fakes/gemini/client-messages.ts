// What a client may send on the Live wire (BidiGenerateContent, v1beta). Sources: the types of @google/genai 2.32.0 and 3.1.0, the Live
// API guide, and issue threads of python-genai, js-genai, livekit/agents and pipecat for what is refused; read 2026-11. The real server
// also reads snake_case and may let some unknown fields pass; this one takes what the official client writes and nothing else.
import { anyObject, flag, is, isObject, list, number, object, text, type Complaint, type Shape } from "../shape.ts";

/** int64 travels as text; numbers are read too. */
const int64: Shape = (value, path) =>
  typeof value === "string" && /^\d{1,18}$/.test(value) ? undefined : number(0, Number.MAX_SAFE_INTEGER, true)(value, path);

const wrong = (param: string, found: string): Complaint => ({ kind: "value", param, text: `Invalid value, ${found}.` });

const filled: Shape = (value, path) => text()(value, path) ?? (value === "" ? wrong(path, "must not be empty") : undefined);

/** Present is true: these signals have no other value. */
const yes: Shape = (value, path) => (value === true ? undefined : wrong(path, "expected true"));
const empty = object({});

const voices = (
  "Zephyr Puck Charon Kore Fenrir Leda Orus Aoede Callirrhoe Autonoe Enceladus Iapetus Umbriel Algieba Despina Erinome Algenib " +
  "Rasalgethi Laomedeia Achernar Alnilam Schedar Gacrux Pulcherrima Achird Zubenelgenubi Vindemiatrix Sadachbia Sadaltager Sulafat"
).split(" ");

/** Native audio models speak and do nothing else; two modalities are refused by all. */
const modalities: Shape = (value, path) =>
  list(is("AUDIO"))(value, path) ?? (Array.isArray(value) && value.length === 1 ? undefined : wrong(path, "exactly one modality"));

const generationConfig = object({
  responseModalities: modalities,
  temperature: number(0, 2),
  topP: number(0, 1),
  topK: number(1, 1_000),
  maxOutputTokens: number(1, 65_536, true),
  seed: number(-(2 ** 31), 2 ** 31 - 1, true),
  mediaResolution: text(),
  enableAffectiveDialog: flag,
  speechConfig: object({
    voiceConfig: object({ "prebuiltVoiceConfig!": object({ "voiceName!": is(...voices) }) }),
    languageCode: text(16),
  }),
  thinkingConfig: object({
    thinkingBudget: number(-1, 32_768, true),
    thinkingLevel: is("MINIMAL", "LOW", "MEDIUM", "HIGH"),
    includeThoughts: flag,
  }),
});

/** Seeds are words: calls and results as parts are refused, and so is a system role. */
const textPart = object({ "text!": text() });
const turn = object({ "role!": is("user", "model"), "parts!": list(textPart) });
const instruction = object({ role: is("user", "system"), "parts!": list(textPart) });

const declaration = object({
  "name!": text(128),
  description: text(),
  parameters: anyObject,
  parametersJsonSchema: anyObject,
  behavior: is("BLOCKING", "NON_BLOCKING"),
});
const tools = list(object({ functionDeclarations: list(declaration), googleSearch: anyObject }));
const transcription = object({ languageCodes: list(text(16)), customVocabulary: list(text()) });

const setup = object({
  "model!": filled,
  generationConfig,
  systemInstruction: instruction,
  tools,
  realtimeInputConfig: object({
    automaticActivityDetection: object({
      disabled: flag,
      startOfSpeechSensitivity: is("START_SENSITIVITY_HIGH", "START_SENSITIVITY_LOW"),
      endOfSpeechSensitivity: is("END_SENSITIVITY_HIGH", "END_SENSITIVITY_LOW"),
      prefixPaddingMs: number(0, 10_000, true),
      silenceDurationMs: number(0, 10_000, true),
    }),
    activityHandling: is("START_OF_ACTIVITY_INTERRUPTS", "NO_INTERRUPTION"),
    turnCoverage: is("TURN_INCLUDES_ONLY_ACTIVITY", "TURN_INCLUDES_ALL_INPUT", "TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO"),
  }),
  // `transparent` is for Vertex only, so it is unknown here; and null is no handle.
  sessionResumption: object({ handle: filled }),
  contextWindowCompression: object({ triggerTokens: int64, slidingWindow: object({ targetTokens: int64 }) }),
  inputAudioTranscription: transcription,
  outputAudioTranscription: transcription,
  historyConfig: object({ initialHistoryInClientContent: flag }),
  proactivity: object({ proactiveAudio: yes }),
});

const mime: Shape = (value, path) =>
  typeof value === "string" && /^audio\/pcm;rate=(8000|16000|24000|48000)$/.test(value) ? undefined : wrong(path, JSON.stringify(value));

/** Canonical base64 of whole samples; nothing is not audio. */
const samples: Shape = (value, path) => {
  if (typeof value !== "string") return wrong(path, "expected a string");
  const bytes = Buffer.from(value, "base64");
  if (bytes.toString("base64") !== value) return wrong(path, "Base64 decoding failed");
  return bytes.length > 0 && bytes.length % 2 === 0 ? undefined : wrong(path, `${bytes.length} bytes are no whole samples`);
};

/** Exactly one of the fields. */
const oneOf = (fields: Readonly<Record<string, Shape>>): Shape => {
  const shape = object(fields);
  return (value, path) =>
    shape(value, path) ?? (isObject(value) && Object.keys(value).length === 1 ? undefined : wrong(path, "exactly one field at a time"));
};

const message = oneOf({
  setup,
  // `mediaChunks` is the old name of audio and refused by this service.
  realtimeInput: oneOf({
    audio: object({ "data!": samples, "mimeType!": mime }),
    text: text(),
    audioStreamEnd: yes,
    activityStart: empty,
    activityEnd: empty,
  }),
  clientContent: object({ turns: list(turn), turnComplete: flag }),
  toolResponse: object({
    "functionResponses!": list(
      object({
        "id!": filled,
        "name!": filled,
        "response!": anyObject,
        scheduling: is("SILENT", "WHEN_IDLE", "INTERRUPT"),
        willContinue: flag,
      }),
    ),
  }),
  contextUpdate: object({ systemInstruction: instruction, tools: object({ "tools!": tools }) }),
});

/** The first thing wrong with a client message, as the service would say it. */
export function complaintAbout(received: unknown): string | undefined {
  const complaint = message(received, "");
  if (complaint === undefined) return undefined;
  if (complaint.kind === "unknown") {
    const name = complaint.param.split(".").at(-1) ?? "";
    return `Invalid JSON payload received. Unknown name "${name}" at '${complaint.param.split(".").slice(0, -1).join(".")}': Cannot find field.`;
  }
  return `* BidiGenerateContentRequest.${complaint.param}: ${complaint.text}`;
}
