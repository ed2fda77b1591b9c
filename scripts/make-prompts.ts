// Makes the audio of the fixed lines in src/prompts/files that says another text than their catalogue: English by the local
// provider's voice, German, French and Spanish by Debian's espeak-ng. `node scripts/make-prompts.ts [--all] [--reviewed-by NAME]`:
// --all makes every line again but those that were recorded, --reviewed-by notes that NAME has read every text today.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { resampleClip } from "../src/audio/resample.ts";
import { pcmu } from "../src/audio/g711.ts";
import { readWav } from "../src/audio/wav.ts";
import { systemClock } from "../src/kernel/clock.ts";
import { silentLog } from "../src/kernel/log.ts";
import { catalogueSchema, hashOf, type PromptEntry } from "../src/prompts/catalogue.ts";
import { modelFile } from "../src/provider/local/models.ts";
import { createMouth } from "../src/provider/local/mouth/mouth.ts";

const { all, "reviewed-by": reviewer } = parseArgs({ options: { all: { type: "boolean" }, "reviewed-by": { type: "string" } } }).values;
const folder = fileURLToPath(new URL("../src/prompts/files/", import.meta.url));
const catalogue = catalogueSchema.parse(JSON.parse(readFileSync(`${folder}catalogue.json`, "utf8")));
const mouth = await createMouth({ modelPath: await modelFile("flite"), voice: undefined, clock: systemClock, log: silentLog });
const rateHz = 16_000;
const machineVoices = ["flite", "espeak-ng"];

const isMade = (entry: PromptEntry): boolean => machineVoices.some((voice) => entry.spoken.by.startsWith(voice));

async function flite(text: string): Promise<Int16Array> {
  const sentences = text.match(/[^.!?]+[.!?]*/g) ?? [];
  const pieces: Uint8Array[] = [];
  for (const sentence of sentences) pieces.push(await mouth.speak(sentence.trim(), undefined, new AbortController().signal));
  const bytes = Buffer.concat(pieces);
  return new Int16Array(new Uint8Array(bytes).buffer);
}

function espeak(text: string, language: string): Int16Array {
  const wav = execFileSync("espeak-ng", ["-v", language, "-s", "150", "--stdout"], { input: text, maxBuffer: 1 << 24 });
  const { rateHz: foundHz, samples } = readWav(wav);
  return resampleClip(samples, foundHz, rateHz);
}

/** µ-law at 16 kHz: half of what 16 bits take, and as good for a voice. */
function wavOf(samples: Int16Array): Uint8Array {
  const wav = Buffer.alloc(46 + samples.length);
  wav.write("RIFF", 0);
  wav.writeUInt32LE(wav.length - 8, 4);
  wav.write("WAVEfmt ", 8);
  for (const [at, value] of [
    [16, 18],
    [24, rateHz],
    [28, rateHz],
    [42, samples.length],
  ] as const)
    wav.writeUInt32LE(value, at);
  for (const [at, value] of [
    [20, 7],
    [22, 1],
    [32, 1],
    [34, 8],
    [36, 0],
  ] as const)
    wav.writeUInt16LE(value, at);
  wav.write("data", 38);
  wav.set(pcmu.encode(samples), 46);
  return wav;
}

const today = new Date().toISOString().slice(0, 10);
const lines: PromptEntry[] = [];
for (const entry of catalogue.lines) {
  const { text, file, review } = entry;
  const [tag = "en"] = entry.languages;
  const [base = "en"] = tag.split("-");
  let { spoken } = entry;
  if (spoken.text !== hashOf(text) || (all === true && isMade(entry))) {
    const wav = wavOf(base === "en" ? await flite(text) : espeak(text, base));
    writeFileSync(folder + file, wav);
    spoken = { text: hashOf(text), audio: hashOf(wav), by: base === "en" ? `flite ${mouth.voices[0] ?? ""}` : `espeak-ng ${base}` };
    console.log(`${file}: ${text}`);
  }
  lines.push({ ...entry, spoken, review: reviewer === undefined ? review : { text: hashOf(text), by: reviewer, on: today } });
}
writeFileSync(`${folder}catalogue.json`, `${JSON.stringify({ lines }, undefined, 2)}\n`);
await mouth.close();
