import { expect, test } from "vitest";
import { Moonshine } from "../../../../src/provider/local/ears/moonshine.ts";
import { loadRuntime } from "../../../../src/provider/local/ears/runtime.ts";
import { modelFile } from "../../../../src/provider/local/models.ts";

// WebAssembly: safe within the test's own process.
const [encoder, decoder] = await Promise.all([modelFile("moonshine-tiny-encoder"), modelFile("moonshine-tiny-decoder")]);
const moonshine = await Moonshine.load(await loadRuntime("wasm"), "tiny", { encoder, decoder }, { beforeMs: 200, afterMs: 300 });
const goOn = (): boolean => false;
const silence = new Int16Array(16_000);

test("silence in which no voice was counted has no words", async () => {
  expect(await moonshine.transcribe({ samples: silence, voicedMs: 0 }, goOn)).toBe("");
});

test("an empty answer where voice was counted is not believed", async () => {
  expect(await moonshine.transcribe({ samples: silence, voicedMs: 300 }, goOn)).not.toBe("");
});

test("a decode that is stopped has no answer", async () => {
  let asked = 0;
  expect(await moonshine.transcribe({ samples: silence, voicedMs: 300 }, () => (asked += 1) > 1)).toBeUndefined();
});

test("less audio than the network has a frame for is heard all the same", async () => {
  expect(await moonshine.transcribe({ samples: new Int16Array(16), voicedMs: 0 }, goOn)).toBe("");
});
