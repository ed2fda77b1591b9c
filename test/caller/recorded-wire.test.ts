import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readServerMessage } from "../../scripts/caller/wire.ts";
import { bytesOf } from "../../src/audio/encodings.ts";
import { browser } from "../../src/caller/dialects/browser.ts";
import { bareKnock } from "./knock.ts";

interface Line {
  readonly from: "caller" | "server";
  readonly text?: string;
  readonly bytes?: number;
  readonly times?: number;
}

const lines: readonly Line[] = readFileSync(join(import.meta.dirname, "../../fixtures/wire/browser-call.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line): Line => JSON.parse(line));

test("everything that Chromium sent in a recorded call is read, and nothing is ignored", () => {
  const codec = browser.open(bareKnock);
  const seen = new Map<string, number>();
  for (const { text, bytes = 0 } of lines.filter(({ from }) => from === "caller")) {
    const signal = text === undefined ? codec.decodeBinary(new Uint8Array(bytes)) : codec.decodeText(text);
    seen.set(signal.type, (seen.get(signal.type) ?? 0) + 1);
  }
  expect([...seen.keys()].toSorted()).toEqual(["audio", "ping", "played", "start", "stop", "text"]);
  expect(seen.get("start")).toBe(1);
});

test("in the recorded call every sound belonged to a turn that was announced, and nobody claims to have heard more than was sent", () => {
  const sentBytes = new Map<string, number>();
  let turnId = "";
  for (const { from, text, bytes = 0, times = 1 } of lines) {
    if (from === "server" && text !== undefined) {
      const message = readServerMessage(text);
      if (message.type === "turn") turnId = message.turnId;
    } else if (from === "server") {
      expect(turnId).not.toBe("");
      sentBytes.set(turnId, (sentBytes.get(turnId) ?? 0) + bytes * times);
    } else if (text !== undefined) {
      const signal = browser.open(bareKnock).decodeText(text);
      if (signal.type === "played") expect(bytesOf(signal.ms, "pcm16@24000")).toBeLessThanOrEqual(sentBytes.get(signal.turnId) ?? 0);
    }
  }
  expect(sentBytes.size).toBe(3);
});

test("the recorded call still reads as a conversation", () => {
  const captions = new Map<string, string>();
  for (const { from, text } of lines) {
    if (from !== "server" || text === undefined) continue;
    const message = readServerMessage(text);
    if (message.type === "caption" && message.final) captions.set(message.turnId, `${message.role}: ${message.text}`);
  }
  expect([...captions.values()]).toEqual(
    expect.arrayContaining([
      expect.stringContaining("agent: Good day, this is the Blue Lantern."),
      "caller: My phone number is 435-306-2962.",
      expect.stringMatching(/^agent: .*4 3 5, 3 0 6, 2 9 6 2/),
      "caller: What are your opening hours?",
    ]),
  );
});
