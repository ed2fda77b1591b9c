// A telephone call through a Twilio that runs on this machine: webhook, signature, stream, what follows. For trying a server that
// really waits for Twilio: scripts/node scripts/carrier-call.ts FILE.wav [--url U] [--save OUT.wav]
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { pcmu } from "../src/audio/g711.ts";
import { writeWav } from "../src/audio/wav.ts";
import { TwilioCloud } from "../src/fakes/carriers/twilio-cloud.ts";
import { loadVoice } from "./caller/recording.ts";

const usage = `usage: scripts/node scripts/carrier-call.ts [FILE.wav] [--url http://127.0.0.1:8080] [--save OUT.wav]
The server's PUBLIC_URL and TWILIO_AUTH_TOKEN, where it has them, are taken from the environment.`;
const rateHz = 8_000;
const quietMs = 1_500;
const longestMs = 600_000;

const { values, positionals } = parseArgs({
  options: { url: { type: "string" }, save: { type: "string" }, help: { type: "boolean" } },
  allowPositionals: true,
});
if (values.help === true || positionals.length > 1) {
  console.log(usage);
  process.exit(values.help === true ? 0 : 2);
}
const localUrl = (values.url ?? `http://127.0.0.1:${process.env["PORT"] ?? "8080"}`).replace(/\/+$/, "");
const [file] = positionals;
const voice = file === undefined ? undefined : await loadVoice(file, rateHz);

const cloud = new TwilioCloud({
  authToken: process.env["TWILIO_AUTH_TOKEN"] ?? "none",
  publicUrl: (process.env["PUBLIC_URL"] ?? localUrl).replace(/\/+$/, ""),
});
cloud.localUrl = localUrl;
const phone = cloud.calls();
const beganMs = performance.now();
process.once("SIGINT", () => phone.hangUp());

let told = 0;
let spoke = voice === undefined;
let quietSinceMs = beganMs;
/** The agent greets, then the recording is spoken, then whoever has said all and hears nothing more hangs up. */
const look = setInterval(() => {
  for (; told < phone.history.length; told += 1) console.log(`${seconds()} ${phone.history[told]}`);
  const stream = phone.streams.at(-1);
  const busy = stream === undefined || stream.speaker.playedMs === 0 || stream.speaker.waitingMs > 0 || phone.isSpeaking;
  if (busy) quietSinceMs = performance.now();
  if (performance.now() - beganMs > longestMs) phone.hangUp();
  if (performance.now() - quietSinceMs < quietMs) return;
  if (spoke) return phone.hangUp();
  spoke = true;
  console.log(`${seconds()} speaking ${file ?? ""}`);
  phone.says(pcmu.encode(voice ?? new Int16Array(0)));
}, 50);

await phone.over;
clearInterval(look);
for (; told < phone.history.length; told += 1) console.log(`${seconds()} ${phone.history[told]}`);
const played = Buffer.concat(phone.streams.map(({ speaker }) => speaker.played));
console.log(`heard ${(played.length / rateHz).toFixed(1)} s on ${phone.streams.length} stream(s)`);
if (values.save !== undefined) await writeFile(values.save, writeWav({ rateHz, samples: pcmu.decode(played) }));
const wrong = [...cloud.errors, ...phone.streams.flatMap(({ violations }) => violations)];
for (const each of wrong) console.error(each);
process.exitCode = wrong.length === 0 && phone.streams.length > 0 ? 0 : 1;

function seconds(): string {
  return `${((performance.now() - beganMs) / 1000).toFixed(1).padStart(6)} s`;
}
