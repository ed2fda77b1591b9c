import { encodings, type Encoding } from "../src/audio/encodings.ts";
import type { ProviderTraits, UsageUnit } from "../src/provider/contract.ts";
import type { ProviderRow } from "../src/provider/registry.ts";

export interface Described {
  readonly name: string;
  readonly needs: ProviderRow["needs"];
  readonly traits: ProviderTraits;
}

/** What people compare, a line each, in words made of nothing but the traits. */
const lines: readonly (readonly [title: string, words: (provider: Described) => string])[] = [
  ["hears", ({ traits }) => audio(traits.hears)],
  ["speaks", ({ traits }) => audio(traits.speaks)],
  [
    "ends the caller's turn",
    ({ traits }) => traits.endpointing.map((who) => ({ provider: "itself", manual: "when told" })[who]).join(", "),
  ],
  ["the caller's words", ({ traits }) => ({ partial: "while spoken", final: "after the turn", none: "not told" })[traits.callerTranscript]],
  ["typed turns", ({ traits }) => yes(traits.text)],
  ["tools", ({ traits }) => ({ parallel: "several at once", single: "one at a time", none: "none" })[traits.tools]],
  [
    "takes over a conversation",
    ({ traits }) =>
      ({ items: "item by item, with tool calls", turns: "turn by turn", instructions: "in its instructions" })[traits.seeding],
  ],
  [
    "of an answer cut off, it remembers",
    ({ traits }) => ({ "cut-to-heard": "what was heard", "as-generated": "all it made" })[traits.memoryAfterInterrupt],
  ],
  ["takes up its own session again", ({ traits }) => yes(traits.resumable)],
  [
    "a connection lasts",
    ({ traits }) => (Number.isFinite(traits.sessionLimitMs) ? duration(traits.sessionLimitMs) : "as long as the call"),
  ],
  ["a replay runs", ({ traits }) => (Number.isFinite(traits.replayPace) ? `${traits.replayPace} times real time` : "at once")],
  ["silence it needs after one", ({ traits }) => `${traits.trailingSilenceMs} ms`],
  ["languages", ({ traits }) => (traits.languages === "any" ? "any" : traits.languages.join(", "))],
  ["voices", ({ traits }) => (traits.voices === "any" ? "any" : String(traits.voices.length))],
  ["tells how much was used", ({ traits }) => traits.usage.map((unit) => units[unit]).join(", ")],
  ["offline", ({ traits }) => yes(traits.offline)],
  ["settings it needs", ({ needs }) => (needs.length === 0 ? "none" : needs.map(setting).join("<br>"))],
];

const units: Readonly<Record<UsageUnit, string>> = {
  input_text_tokens: "text in",
  input_audio_tokens: "audio in",
  cached_text_tokens: "cached text",
  cached_audio_tokens: "cached audio",
  output_text_tokens: "text out",
  output_audio_tokens: "audio out",
  transcribed_ms: "time transcribed",
  spoken_characters: "characters spoken",
  session_ms: "time connected",
};

/** All providers side by side, as a Markdown table. */
export function parityTable(providers: readonly Described[]): string {
  const rows = [
    ["", ...providers.map(({ name }) => `\`${name}\``)],
    ["---", ...providers.map(() => "---")],
    ...lines.map(([title, words]) => [title, ...providers.map(words)]),
  ];
  return rows.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** "PCM 24, 16 kHz; µ-law, A-law": best first within each kind. */
function audio(all: readonly Encoding[]): string {
  const rates = all.filter((each) => encodings[each].codec === "pcm16").map((each) => encodings[each].rateHz / 1_000);
  const laws = [...new Set(all.map((each) => encodings[each].codec))].filter((codec) => codec !== "pcm16");
  const lawNames = { pcmu: "µ-law", pcma: "A-law" } as const;
  return [...(rates.length > 0 ? [`PCM ${rates.join(", ")} kHz`] : []), ...laws.map((codec) => lawNames[codec])].join("; ");
}

const yes = (is: boolean): string => (is ? "yes" : "no");
const duration = (ms: number): string => (ms % 3_600_000 === 0 ? `${ms / 3_600_000} h` : `${Math.round(ms / 60_000)} min`);
const code = (name: string): string => `\`${name}\``;
const setting = (need: string | readonly string[]): string =>
  typeof need === "string" ? code(need) : `one of ${need.map(code).join(", ")}`;
