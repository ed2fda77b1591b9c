import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { resampleClip } from "../audio/resample.ts";
import { readWav } from "../audio/wav.ts";
import { catalogueSchema, hashOf, stalenessOf, type PromptEntry, type PromptId } from "./catalogue.ts";
import shipped from "./files/catalogue.json" with { type: "json" };
import { attentionTone } from "./tone.ts";

/** A line to be played. */
interface PromptLine {
  readonly text: string;
  /** pcm16@16000, whole samples; shared, not to be written to. */
  readonly audio: Uint8Array;
  /** `hit`: the audio says the text. `miss`: its file is missing or broken, the audio is a tone. */
  readonly cache: "hit" | "miss";
}

interface TakenLine {
  readonly callId: string;
  readonly id: PromptId;
  readonly cache: PromptLine["cache"];
}

/** Fixed lines with their audio, in memory, for when nothing else can speak. */
export interface Prompts {
  /**
   * The line in the caller's language ("de-CH"), else in its base language ("de"), else in English. Always gives one, at once.
   * @param callId for which call, for those who follow
   */
  line(id: PromptId, language: string, callId: string): PromptLine;
  /** The languages in which something can be said: "en", "de-AT". */
  readonly languages: readonly string[];
  /** What is wrong with the files, in words for the operator; empty when every line can be played as reviewed. */
  readonly problems: readonly string[];
  /** Told of each line that is taken, until disposed; for the metrics. */
  follow(listener: (taken: TakenLine) => void): Disposable;
}

const rateHz = 16_000;
const shippedFolder = fileURLToPath(new URL("./files/", import.meta.url));

const opened = new Map<string, Promise<Prompts>>();

/**
 * The lines that come along, and before them those of the operator's own `folder` (a `catalogue.json` with its WAV files).
 * Read once a process and folder. Never fails: what cannot be read is among `problems`.
 * @param wallMs today, to find reviews that are too old
 */
export function openPrompts(folder: string | undefined, wallMs: number): Promise<Prompts> {
  const known = opened.get(folder ?? "");
  if (known !== undefined) return known;
  const reading = readPrompts(folder === undefined ? [shippedFolder] : [folder, shippedFolder], wallMs);
  opened.set(folder ?? "", reading);
  return reading;
}

/** As `openPrompts`, from these folders and each time anew. */
export async function readPrompts(folders: readonly string[], wallMs: number): Promise<Prompts> {
  const problems: string[] = [];
  const lines = new Map<string, PromptLine>();
  const languages = new Set<string>();
  for (const folder of folders) {
    for (const entry of await catalogueOf(folder, problems)) {
      problems.push(...stalenessOf(entry, wallMs));
      const line = await lineOf(folder, entry, problems);
      for (const language of entry.languages) {
        languages.add(language);
        const place = placeOf(entry.id, language);
        if (lines.get(place)?.cache !== "hit") lines.set(place, line);
      }
    }
  }
  const listeners = new Set<(taken: TakenLine) => void>();
  return {
    languages: [...languages],
    problems,
    line(id, language, callId) {
      const line = pick(lines, id, language);
      for (const told of listeners) told({ callId, id, cache: line.cache });
      return line;
    },
    follow(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
}

const placeOf = (id: PromptId, language: string): string => `${id} ${language.toLowerCase()}`;

/** A line that can be heard before one that cannot; of those that cannot, the one in the caller's own language, to be read. */
function pick(lines: ReadonlyMap<string, PromptLine>, id: PromptId, language: string): PromptLine {
  const [base = ""] = language.split("-");
  const chain = [language, base, "en"].flatMap((tag) => lines.get(placeOf(id, tag)) ?? []);
  return chain.find((line) => line.cache === "hit") ?? chain[0] ?? silentLine;
}

const tone = attentionTone();
const silentLine: PromptLine = { text: "", audio: tone, cache: "miss" };

/** Our own catalogue is code, and its texts are there whatever became of the audio files. */
async function catalogueOf(folder: string, problems: string[]): Promise<readonly PromptEntry[]> {
  const path = join(folder, "catalogue.json");
  try {
    const content: unknown = folder === shippedFolder ? shipped : JSON.parse(await readFile(path, "utf8"));
    const result = catalogueSchema.safeParse(content);
    if (result.success) return result.data.lines;
    problems.push(...result.error.issues.map((issue) => `${path}: ${issue.path.join(".")}: ${issue.message}`));
  } catch (error) {
    problems.push(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return [];
}

async function lineOf(folder: string, { text, file, spoken }: PromptEntry, problems: string[]): Promise<PromptLine> {
  const path = join(folder, file);
  try {
    const bytes = await readFile(path);
    if (hashOf(bytes) !== spoken.audio) throw new Error("is not the file that was made for its text; make or fetch it again");
    return { text, audio: pcm16(bytes), cache: "hit" };
  } catch (error) {
    problems.push(`${path}: ${error instanceof Error ? error.message : String(error)}; callers hear a tone`);
    return { text, audio: tone, cache: "miss" };
  }
}

function pcm16(wav: Uint8Array): Uint8Array {
  const recording = readWav(wav);
  const samples = recording.rateHz === rateHz ? recording.samples : resampleClip(recording.samples, recording.rateHz, rateHz);
  return new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
}
