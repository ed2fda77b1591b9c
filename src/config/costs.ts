import { z } from "zod";

const usd = z.number().nonnegative().max(1_000_000).optional();
/** What a model costs: tokens by the million, transcription and sessions by the minute, spoken characters by the thousand. */
export const price = z.strictObject({
  model: z.string().min(1, 'must be a model\'s name, or its beginning and "*"').max(200),
  providers: z
    .array(z.string().regex(/^[a-z][a-z0-9-]*$/, "must be lower-case letters, digits and hyphens"))
    .min(1, "must name at least one provider"),
  usd: z.strictObject({
    input_text_tokens: usd,
    input_audio_tokens: usd,
    cached_text_tokens: usd,
    cached_audio_tokens: usd,
    output_text_tokens: usd,
    output_audio_tokens: usd,
    transcribed_ms: usd,
    spoken_characters: usd,
    session_ms: usd,
  }),
  source: z.string().max(200).default("config file"),
  date: z.string().regex(/^\d{4}(-\d{2}){0,2}$/, 'must be a date such as "2026-11-21"'),
});

/** One price of the operator's own; it stands before those that come along. */
export type PriceSettings = z.infer<typeof price>;

/** How the file may set what calls cost at most; checked by the settings that these stand for. */
export const budget = z.strictObject({ dayUsd: z.number().optional(), monthUsd: z.number().optional(), whenSpent: z.string().optional() });
