import { expect, test } from "vitest";
import { seededRandom, type Random } from "../../../src/kernel/random.ts";
import { readAudioDelta } from "../../../src/provider/openai/audio-delta.ts";
import { readMessage, type ServerEvent } from "../../../src/provider/openai/server-events.ts";
import { mutated } from "../../mutations.ts";

function delta(random: Random): string {
  const bytes = Uint8Array.from({ length: Math.floor(random.next() * 8) * 20 + 1 }, () => Math.floor(random.next() * 256));
  const fields: [string, unknown][] = [
    ["type", "response.output_audio.delta"],
    ["event_id", "event_CXAoV1"],
    ["response_id", "resp_CXAoU-9"],
    ["item_id", "item_CXAoU_8"],
    ["output_index", 0],
    ["content_index", 0],
    ["delta", Buffer.from(bytes).toString("base64")],
  ];
  // The service has been seen to write the id of the event before its type.
  if (random.next() < 0.5) fields.unshift(...fields.splice(1, 1));
  return JSON.stringify(Object.fromEntries(fields));
}

test("audio as the service writes it is read without the parser, whatever the order of its keys", () => {
  for (let seed = 0; seed < 8; seed += 1) {
    const message = delta(seededRandom(seed));
    expect(scanned(message)).toEqual(readMessage(message));
  }
});

test("of 100,000 messages, most of them damaged, none is read otherwise than by the parser", { timeout: 60_000 }, () => {
  const random = seededRandom(11);
  let unparsed = 0;
  for (let left = 100_000; left > 0; left -= 1) {
    const message = mutated(delta(random), random);
    const audio = scanned(message);
    if (audio === undefined) continue;
    unparsed += 1;
    const [short, long] = [written(audio), written(readMessage(message))];
    if (short !== long) expect.fail(`${JSON.stringify(message)} is ${short}, by the parser ${long}`);
  }
  expect(unparsed).toBeGreaterThan(25_000);
});

/** As it lies between other bytes in a socket's buffer, read by who knows the ids of the undamaged. */
function scanned(message: string): ServerEvent | undefined {
  const text = Buffer.from(`"}${message}"}`);
  return readAudioDelta(text, 2, text.length - 2, "resp_CXAoU-9", "item_CXAoU_8");
}

const written = (event: ServerEvent | string): string =>
  typeof event === "object" && event.type === "response.audio"
    ? `${event.responseId} ${event.itemId} ${Buffer.from(event.bytes).toString("base64")}`
    : JSON.stringify(event);
