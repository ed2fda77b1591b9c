// A call in real time from a carrier or an engine that is played on this machine: scripts/node scripts/dialect-call.ts asterisk FILE.wav
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { bytesOf, encodings, type Encoding } from "../src/audio/encodings.ts";
import { pcma, pcmu } from "../src/audio/g711.ts";
import { writeWav } from "../src/audio/wav.ts";
import { fakeCallers } from "../src/fakes/carriers/callers.ts";
import { loadVoice } from "./caller/recording.ts";

const names = fakeCallers.map(({ dialect }) => dialect);
const usage = `usage: scripts/node scripts/dialect-call.ts ${names.join("|")} [FILE.wav] [--url ws://127.0.0.1:8080] [--save OUT.wav]
For audiosocket the port is that of AUDIOSOCKET_PORT. The server must serve this machine, so without LINEKEEPER_CARRIER_TOKEN.`;
const quietMs = 3_000;
const longestMs = 300_000;

const { values, positionals } = parseArgs({
  options: { url: { type: "string", default: "ws://127.0.0.1:8080" }, save: { type: "string" } },
  allowPositionals: true,
});
const [name, file] = positionals;
const fake = fakeCallers.find(({ dialect }) => dialect === name);
if (fake === undefined || positionals.length > 2) {
  console.error(usage);
  process.exit(2);
}

const caller = await fake.connect(values.url.replace(/^http/, "ws").replace(/\/+$/, "")).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
});
const { uplink, downlink, speaker } = caller;
const voice = file === undefined ? Buffer.alloc(0) : written(await loadVoice(file, encodings[uplink].rateHz), uplink);
const frameBytes = bytesOf(fake.frameMs, uplink);
const beganMs = performance.now();
let sentMs = 0;
let left: Buffer | undefined;
let quietSinceMs = beganMs;
/** The agent greets, then the recording is spoken, then whoever has said all and hears nothing more hangs up. */
const ticking = setInterval(() => {
  for (; sentMs <= performance.now() - beganMs; sentMs += fake.frameMs) {
    const frame = Buffer.alloc(frameBytes, encodings[uplink].silence);
    left?.copy(frame, 0, 0, frameBytes);
    if (left !== undefined) left = left.subarray(Math.min(frameBytes, left.length));
    caller.speak(frame);
    caller.play(fake.frameMs);
  }
  const now = performance.now();
  if (speaker.playedMs === 0 || speaker.waitingMs > 0 || (left?.length ?? 0) > 0) quietSinceMs = now;
  if (now - beganMs > longestMs || (left !== undefined && now - quietSinceMs > quietMs)) caller.hangUp();
  else if (now - quietSinceMs > quietMs) {
    console.log(`${seconds()} heard ${(speaker.playedMs / 1000).toFixed(1)} s, speaking ${file ?? "nothing"}`);
    left = voice;
    quietSinceMs = now;
  }
}, 10);

await caller.start();
console.log(`${seconds()} ${name} calls, ${uplink} up, ${downlink} down`);
const { code } = await caller.closed;
clearInterval(ticking);
console.log(`${seconds()} over (${code}), heard ${(speaker.playedMs / 1000).toFixed(1)} s in all, flushed ${speaker.clears} times`);
if (values.save !== undefined) {
  await writeFile(values.save, writeWav({ rateHz: encodings[downlink].rateHz, samples: linear(speaker.played, downlink) }));
}
for (const violation of caller.violations) console.error(violation);
process.exitCode = caller.violations.length === 0 && speaker.playedMs > 0 ? 0 : 1;

function written(samples: Int16Array, encoding: Encoding): Buffer {
  const { codec } = encodings[encoding];
  if (codec === "pcm16") return Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
  return Buffer.from((codec === "pcmu" ? pcmu : pcma).encode(samples));
}

function linear(audio: Buffer, encoding: Encoding): Int16Array {
  const { codec } = encodings[encoding];
  if (codec === "pcm16") return new Int16Array(Uint8Array.from(audio).buffer);
  return (codec === "pcmu" ? pcmu : pcma).decode(audio);
}

function seconds(): string {
  return `${((performance.now() - beganMs) / 1000).toFixed(1).padStart(5)} s`;
}
