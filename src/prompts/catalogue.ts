import { createHash } from "node:crypto";
import { z } from "zod";

/** What a line is for. */
export const promptIds = ["bridge", "greeting", "trouble", "callback", "later", "transfer", "goodbye", "still-there", "crisis"] as const;
export type PromptId = (typeof promptIds)[number];

const language = z.string().regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'must be a language tag such as "de" or "de-AT"');
const hash = z.string().regex(/^[0-9a-f]{16}$/, "must be 16 hexadecimal digits");
const day = z.iso.date();

const entry = z.strictObject({
  id: z.enum(promptIds),
  /** The tags it serves; a caller with "de-CH" gets the line of "de-CH", else that of "de". */
  languages: z.array(language).min(1),
  text: z.string().min(1).max(500),
  /** A WAV file beside the catalogue. */
  file: z.string().regex(/^[a-z0-9][A-Za-z0-9.-]*\.wav$/, "must be the name of a WAV file beside the catalogue"),
  /** Which text the audio says, by its hash, and which bytes the file had when it was made. */
  spoken: z.strictObject({ text: hash, audio: hash, by: z.string().min(1) }),
  /** Who read which text, and when. */
  review: z.strictObject({ text: hash, by: z.string().min(1), on: day }),
});

/** One line in one language, with what is known of its audio and its review. */
export type PromptEntry = z.infer<typeof entry>;

export const catalogueSchema = z.strictObject({ lines: z.array(entry).max(1_000) });

export const hashOf = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("hex").slice(0, 16);

/** A review older than this is to be done again: numbers to call and what is offered change. */
export const reviewLimitDays = 365;

const dayMs = 86_400_000;

/** What makes an entry not fit to be shipped, in words; the audio's own hash is compared where it is read. */
export function stalenessOf({ id, languages, text, spoken, review }: PromptEntry, wallMs: number): readonly string[] {
  const name = `${id} in ${languages.join(", ")}`;
  const now = hashOf(text);
  const ageDays = Math.floor((wallMs - Date.parse(review.on)) / dayMs);
  return [
    ...(spoken.text === now ? [] : [`${name}: its audio says another text; run node scripts/make-prompts.ts, or record it again`]),
    ...(review.text === now ? [] : [`${name}: its text was changed after ${review.by} had read it on ${review.on}`]),
    ...(ageDays <= reviewLimitDays ? [] : [`${name}: its review by ${review.by} is ${ageDays} days old, ${reviewLimitDays} are allowed`]),
  ];
}
