/** One stretch of a scripted answer, in no wire's terms. */
export type LlmPart =
  | { readonly type: "text"; readonly text: string }
  /** Reasoning that must never be spoken. */
  | { readonly type: "thought"; readonly text: string }
  /** The model's own words of refusal, on wires that tell them from text. */
  | { readonly type: "refusal"; readonly text: string }
  | { readonly type: "call"; readonly name: string; readonly arguments: string; readonly id?: string }
  /** A sign of life without content. */
  | { readonly type: "keep-alive" }
  /** The answer stands still here until its panel is told to `release`. */
  | { readonly type: "hold" }
  /** Written as it is, for what no server should send. */
  | { readonly type: "raw"; readonly sse: string };

interface LlmTokens {
  readonly input: number;
  /** Part of `input`. */
  readonly cached: number;
  readonly output: number;
}

export interface LlmAnswer {
  readonly type: "answer";
  readonly parts: readonly LlmPart[];
  /** What the terminal marker says; `filtered`: cut by a content filter, `prompt-filtered`: nothing was generated at all. */
  readonly end?: "done" | "length" | "filtered" | "prompt-filtered";
  /** `null`: never told. */
  readonly tokens?: LlmTokens | null;
  /** How the stream ends: in order, without its marker, by a reset, by silence, or by an error object. */
  readonly then?: "complete" | "unmarked" | "reset" | "hang" | RefusalKind;
  /** Characters of each fragment of a call's arguments, on wires that send them in fragments; by default all at once. */
  readonly fragmentChars?: number;
}

/** Why a request is refused; each wire has its own status and words for it. */
export type RefusalKind =
  | "key"
  | "forbidden"
  | "model"
  | "quota"
  | "limited"
  | "overloaded"
  | "invalid"
  | "filtered"
  | "broken"
  | "too-long";

/** What becomes of one request. */
export type LlmTurn =
  | LlmAnswer
  | { readonly type: "refuse"; readonly kind: RefusalKind; readonly status?: number; readonly retryAfterS?: number }
  /** `request`: not even a status; `headers`: a status and nothing more. */
  | { readonly type: "stall"; readonly after: "request" | "headers" }
  | { readonly type: "reset" };

export const says = (...texts: readonly string[]): LlmAnswer => ({ type: "answer", parts: texts.map((text) => ({ type: "text", text })) });

/** Text cut as tokens are: words with the space before them. */
export const tokensOf = (text: string): string[] => text.match(/\s*\S+|\s+$/g) ?? [];

export const piecesOf = (text: string, chars: number | undefined): string[] => {
  if (chars === undefined || text.length <= chars) return [text];
  return Array.from({ length: Math.ceil(text.length / chars) }, (_, at) => text.slice(at * chars, (at + 1) * chars));
};
