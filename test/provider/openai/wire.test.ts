import { expect, test } from "vitest";
import { samples } from "../../../src/fakes/openai/samples.ts";
import { audioAppend, seedEvents } from "../../../src/provider/openai/client-events.ts";
import { readEvent } from "../../../src/provider/openai/server-events.ts";

test.for(samples)("a well-made $type is read", (sample) => {
  expect(readEvent(sample)).toBeTypeOf("object");
});

test.for([undefined, null, 7, "text", [], {}, { type: 7 }, { type: "constructor" }, { type: "__proto__" }, { type: "response.later" }])(
  "what no reader knows is told in words: %j",
  (event) => {
    expect(readEvent(event)).toMatch(/^unknown event /);
  },
);

test("a missing field is told with its path", () => {
  expect(readEvent({ type: "response.output_audio.delta", response_id: "r", item_id: "i" })).toBe(
    "response.output_audio.delta: no text at delta",
  );
});

test("both names of an added item are the same event", () => {
  const item = { id: "item_1" };
  expect(readEvent({ type: "conversation.item.created", item })).toEqual(readEvent({ type: "conversation.item.added", item }));
});

test("a call in a response that did not complete it is none", () => {
  const item = { id: "i", type: "function_call", status: "incomplete", call_id: "c", name: "n", arguments: '{"ni' };
  expect(readEvent({ type: "response.output_item.done", response_id: "r", item })).toEqual({ type: "ignored" });
});

test("cached tokens and spoken seconds are counted", () => {
  const usage = { type: "duration", seconds: 1.5 };
  expect(readEvent({ type: "conversation.item.input_audio_transcription.completed", item_id: "i", transcript: "x", usage })).toMatchObject({
    used: { transcribed_ms: 1_500 },
  });
  const done = samples.find((sample) => sample.type === "response.done");
  expect(readEvent(done)).toMatchObject({ used: { input_text_tokens: 10, cached_text_tokens: 4, output_audio_tokens: 6 } });
});

test("ids that we choose fit the wire's 32 characters", () => {
  const id = "x".repeat(32);
  const events = [
    { type: "caller" as const, id, text: "" },
    { type: "tool" as const, id, name: "n", arguments: "{}", output: "{}" },
  ].flatMap((item, at) => seedEvents(item, 9_999 + at));
  const ids = events.flatMap((event) => Object.entries(Object(event["item"])).filter(([key]) => key.endsWith("id")));
  expect(ids.length).toBeGreaterThan(4);
  for (const [, value] of ids) expect(String(value).length).toBeLessThanOrEqual(32);
});

test("audio is written as the bytes of the frame alone, wherever they lie", () => {
  const frame = Uint8Array.from({ length: 64 }, (_, at) => at).subarray(10, 20);
  const { type, audio } = JSON.parse(audioAppend.around(frame));
  expect(type).toBe("input_audio_buffer.append");
  expect(Buffer.from(audio, "base64")).toEqual(Buffer.from(frame));
});
