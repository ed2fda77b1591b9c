import { expect, test } from "vitest";
import { samples } from "../../../src/fakes/gemini/samples.ts";
import { audioInput, readMessage, toolResponse, type ServerEvent } from "../../../src/provider/gemini/wire.ts";

const read = (message: unknown) => readMessage(JSON.stringify(message));
const typesOf = (events: readonly ServerEvent[]): string[] => events.map((event) => event.type);

test.for(samples)("a well-made message is read: %j", (sample) => {
  expect(read(sample).puzzle).toBeUndefined();
});

test.for(["{", "", "null", "7", '"text"', "[]", '{"laterThing":{}}', '{"constructor":{}}', '{"__proto__":{}}'])(
  "what no reader knows is told in words: %s",
  (json) => {
    expect(readMessage(json)).toEqual({ events: [], puzzle: expect.any(String) });
  },
);

test("an empty message and an unknown key beside a known one are no puzzle", () => {
  expect(read({})).toEqual({ events: [], puzzle: undefined });
  expect(read({ setupComplete: {}, laterThing: { of: 1 } })).toEqual({ events: [{ type: "ready" }], puzzle: undefined });
});

test("every key and every part of one message is read, the caller's doing first", () => {
  const data = Buffer.from([1, 2, 3, 4]).toString("base64");
  const part = { inlineData: { mimeType: "audio/pcm;rate=24000", data } };
  const { events, puzzle } = read({
    usageMetadata: { promptTokenCount: 1, responseTokenCount: 1 },
    sessionResumptionUpdate: { newHandle: "h", resumable: true },
    goAway: { timeLeft: "9.5s" },
    serverContent: {
      turnComplete: true,
      generationComplete: true,
      modelTurn: { parts: [part, { text: "aside" }, part] },
      outputTranscription: { text: "Yes." },
      inputTranscription: { text: " no" },
      interrupted: true,
    },
    toolCall: { functionCalls: [{ id: "f", name: "n", args: { a: 1 } }] },
  });
  expect(puzzle).toBeUndefined();
  expect(typesOf(events)).toEqual("heard interrupted words audio audio generated complete calls used resumable leaving".split(" "));
});

test("a broken part does not take the rest of its message along", () => {
  const { events, puzzle } = read({
    serverContent: { modelTurn: { parts: [{ inlineData: { mimeType: "audio/pcm;rate=24000", data: "AA==" } }] }, turnComplete: true },
    goAway: { timeLeft: "soon" },
    toolCall: null,
  });
  expect(typesOf(events)).toEqual(["complete"]);
  expect(puzzle).toEqual(expect.any(String));
});

test("what the model thinks is not said", () => {
  expect(read({ serverContent: { modelTurn: { parts: [{ text: "The caller is cross.", thought: true }] } } }).events).toEqual([]);
});

test.for([
  [{ newHandle: "h", resumable: false }, []],
  [{ newHandle: "", resumable: true }, []],
  [{ newHandle: null, resumable: true }, []],
  [{ resumable: true }, []],
  [{}, []],
  [{ newHandle: "h", resumable: true }, [{ type: "resumable", handle: "h" }]],
] as const)("a handle counts only when it is one: %j", ([update, events]) => {
  expect(read({ sessionResumptionUpdate: update }).events).toEqual(events);
});

test.for([
  ["50s", 50_000],
  ["3.25s", 3_250],
  ["0s", 0],
  ["-1s", undefined],
  ["1m", undefined],
  ["", undefined],
  [50, undefined],
] as const)("the time left %j is %s ms", ([timeLeft, inMs]) => {
  expect(read({ goAway: { timeLeft } }).events).toEqual(inMs === undefined ? [] : [{ type: "leaving", inMs }]);
});

test("tokens that no modality accounts for, and thoughts, count as text; audio and cached are told apart", () => {
  const { events } = read({
    usageMetadata: {
      promptTokenCount: 525,
      toolUsePromptTokenCount: 10,
      responseTokenCount: 45,
      thoughtsTokenCount: 136,
      promptTokensDetails: [
        { modality: "TEXT", tokenCount: 332 },
        { modality: "AUDIO", tokenCount: 190 },
      ],
      responseTokensDetails: [{ modality: "AUDIO", tokenCount: "42" }],
      cachedContentTokenCount: 100,
      cacheTokensDetails: [{ modality: "AUDIO", tokenCount: 30 }],
    },
  });
  expect(events).toEqual([
    {
      type: "used",
      quantities: {
        input_text_tokens: 345,
        input_audio_tokens: 190,
        cached_text_tokens: 70,
        cached_audio_tokens: 30,
        output_text_tokens: 139,
        output_audio_tokens: 42,
      },
    },
  ]);
});

test.for([{ promptTokenCount: -1 }, { promptTokenCount: 1e300 }, { promptTokenCount: "many" }, { promptTokensDetails: [null, 7, {}] }])(
  "counts that cannot be are not counted: %j",
  (usageMetadata) => {
    expect(read({ usageMetadata }).events).toEqual([]);
  },
);

test("audio is written as the bytes of the frame alone, wherever they lie", () => {
  const frame = Uint8Array.from({ length: 64 }, (_, at) => at).subarray(10, 20);
  const { audio } = JSON.parse(audioInput.around(frame)).realtimeInput;
  expect(audio.mimeType).toBe("audio/pcm;rate=16000");
  expect(Buffer.from(audio.data, "base64")).toEqual(Buffer.from(frame));
});

test.for([
  ['{"rooms":3}', { output: { rooms: 3 } }],
  ["three rooms", { output: "three rooms" }],
  ["3", { output: 3 }],
] as const)("a tool's result is an object, whatever it was: %s", ([output, response]) => {
  const message = JSON.parse(toolResponse({ id: "f", name: "n" }, { output, failed: false }, undefined));
  expect(message).toEqual({ toolResponse: { functionResponses: [{ id: "f", name: "n", response }] } });
});
