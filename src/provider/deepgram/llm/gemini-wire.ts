// Gemini's generateContent: what is asked, and what its stream says. Sources: types of the official client 3.1.0 and ai.google.dev
// ("Thought signatures", "Function calling"), read 2026-11.
import type { Content, GenerateContentConfig, Part, ThinkingConfig } from "@google/genai";
import type { ThinkRequest } from "../stages.ts";
import type { Trouble } from "./faults.ts";
import { callLimit, checkedLength, type ModelCall, type ModelEvent, type ModelSettings } from "./model.ts";
import { countAt, isObject, isTrueAt, listAt, objectAt, objectIn, textAt, type Json } from "./reading.ts";
import { Alternating, argumentsOf, outputOf, turnsOf, type ToolItem } from "./turns.ts";

/** What Gemini wants back with its own calls; a signature is good for the model that gave it only. */
interface GeminiKeepsake {
  readonly model: string;
  /** The same for calls made together. */
  readonly round: string;
  readonly signature: string | undefined;
}

const signs = (model: string): boolean => !/^gemini-[12]/.test(model);

export function geminiConfig(request: ThinkRequest, settings: ModelSettings, abortSignal: AbortSignal): GenerateContentConfig {
  const thinking = thinkingConfig(settings);
  return {
    abortSignal,
    maxOutputTokens: settings.maxOutputTokens,
    ...(request.instructions === "" ? {} : { systemInstruction: request.instructions }),
    ...(thinking === undefined ? {} : { thinkingConfig: thinking }),
    ...(request.tools.length === 0
      ? {}
      : {
          tools: [
            {
              functionDeclarations: request.tools.map(({ name, description, parameters }) => ({
                name,
                description,
                parametersJsonSchema: parameters,
              })),
            },
          ],
        }),
  };
}

function thinkingConfig({ model, effort }: ModelSettings): ThinkingConfig | undefined {
  if (effort === "default") return undefined;
  // The big models of the older family cannot be kept from thinking, only from thinking much.
  const least = model.includes("-pro") ? 128 : 0;
  if (!signs(model)) return { thinkingBudget: { none: least, low: 1_024, medium: 4_096, high: 16_384 }[effort] };
  // The enum's members are these words.
  return { thinkingLevel: effort === "none" ? "MINIMAL" : effort.toUpperCase() } as ThinkingConfig;
}

export function geminiContents(request: ThinkRequest, model: string): Content[] {
  const contents = new Alternating<"user" | "model", Part>();
  for (const turn of turnsOf(request)) {
    if (turn.by === "caller") contents.add("user", { text: turn.text });
    else if (turn.by === "agent") contents.add("model", { text: turn.text });
    else for (const round of roundsOf(turn.calls)) addRound(contents, round, model);
  }
  return contents.messages;
}

/** Calls in a row may be of several rounds, which must not be mixed: each has its own signature. */
function roundsOf(calls: readonly ToolItem[]): ToolItem[][] {
  const rounds: ToolItem[][] = [];
  for (const call of calls) {
    const last = rounds.at(-1);
    if (last?.[0] !== undefined && keepsakeOf(last[0])?.round === keepsakeOf(call)?.round) last.push(call);
    else rounds.push([call]);
  }
  return rounds;
}

function addRound(contents: Alternating<"user" | "model", Part>, round: readonly ToolItem[], model: string): void {
  const keepsakes = round.map(keepsakeOf);
  const isOurs = keepsakes.every((one) => one?.model === model) && (!signs(model) || keepsakes[0]?.signature !== undefined);
  if (!isOurs) {
    // Calls without their signature are refused, so what another model looked up is told as a note.
    const notes = round.map((item) => `(${item.name}(${item.arguments}) returned ${outputOf(item)})`);
    return contents.add("user", { text: notes.join("\n") });
  }
  contents.add(
    "model",
    ...round.map((item, at): Part => {
      const signature = keepsakes[at]?.signature;
      const functionCall = { id: item.id, name: item.name, args: argumentsOf(item) };
      return signature === undefined ? { functionCall } : { functionCall, thoughtSignature: signature };
    }),
  );
  contents.add(
    "user",
    ...round.map((item): Part => ({ functionResponse: { id: item.id, name: item.name, response: { output: parsed(outputOf(item)) } } })),
  );
}

function keepsakeOf(item: ToolItem): GeminiKeepsake | undefined {
  if (item.keepsake?.thinker !== "gemini") return undefined;
  const { value } = item.keepsake;
  const [model, round] = [textAt(value, "model"), textAt(value, "round")];
  return model === undefined || round === undefined ? undefined : { model, round, signature: textAt(value, "signature") };
}

function parsed(output: string): unknown {
  try {
    return JSON.parse(output);
  } catch {
    return output;
  }
}

const garbled = new Set(["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE", "OTHER"]);

/** Reads one answer. */
export class GeminiReader {
  readonly #model: string;
  readonly #nextId: (own: string | undefined) => string;
  readonly #calls: ModelCall[] = [];
  #round: string | undefined;

  constructor(model: string, nextId: (own: string | undefined) => string) {
    [this.#model, this.#nextId] = [model, nextId];
  }

  take(chunk: unknown): ModelEvent[] {
    const events: ModelEvent[] = [];
    const candidate = listAt(chunk, "candidates")[0];
    for (const part of listAt(objectAt(candidate, "content"), "parts")) {
      const text = textAt(part, "text") ?? "";
      const call = objectAt(part, "functionCall");
      if (call !== undefined) {
        this.#call(call, textAt(part, "thoughtSignature"));
        events.push({ type: "writing" });
      } else if (text !== "" && !isTrueAt(part, "thought")) events.push({ type: "text", text });
    }
    const usage = objectAt(chunk, "usageMetadata");
    if (usage !== undefined) events.push({ type: "used", tokens: tokensOf(usage) });
    const finish = textAt(candidate, "finishReason");
    const block = textAt(objectAt(chunk, "promptFeedback"), "blockReason");
    if (finish !== undefined) events.push({ type: "ended", how: howEnded(finish), word: finish, calls: this.#calls });
    else if (block !== undefined) events.push({ type: "ended", how: "blocked", word: `prompt blocked: ${block}`, calls: [] });
    return events;
  }

  #call(call: Json, signature: string | undefined): void {
    const name = textAt(call, "name");
    if (name === undefined || name === "" || this.#calls.length >= callLimit)
      throw new SyntaxError("a call without a name, or one too many");
    const id = this.#nextId(textAt(call, "id"));
    this.#round ??= id;
    const keepsake: GeminiKeepsake = { model: this.#model, round: this.#round, signature };
    this.#calls.push({ id, name, arguments: checkedLength(JSON.stringify(objectAt(call, "args") ?? {})), keepsake });
  }
}

const howEnded = (finish: string): Extract<ModelEvent, { type: "ended" }>["how"] => {
  if (finish === "STOP") return "done";
  if (finish === "MAX_TOKENS") return "length";
  return garbled.has(finish) ? "garbled" : "blocked";
};

const tokensOf = (usage: Json): Extract<ModelEvent, { type: "used" }>["tokens"] => ({
  input: countAt(usage, "promptTokenCount"),
  cached: countAt(usage, "cachedContentTokenCount"),
  output: countAt(usage, "candidatesTokenCount") + countAt(usage, "thoughtsTokenCount"),
});

/** The client's error holds the status and the body as text; headers are not to be had. */
export function geminiTrouble(status: number | undefined, message: string): Trouble {
  // Within a stream, words may stand before the body.
  const from = message.indexOf("{");
  const error = objectAt(objectIn(from < 0 ? "" : message.slice(from)), "error");
  const details = listAt(error, "details").filter(isObject);
  const delay = details.map((one) => textAt(one, "retryDelay")).find((one) => one !== undefined);
  const reason = details.map((one) => textAt(one, "reason")).find((one) => one !== undefined);
  const seconds = Number(/^([\d.]+)s$/.exec(delay ?? "")?.[1] ?? Number.NaN);
  const name = textAt(error, "status");
  const words = textAt(error, "message") ?? message;
  // One name for both: what comes back by itself is told with a delay.
  const spent = name === "RESOURCE_EXHAUSTED" && Number.isNaN(seconds) && /quota|billing/i.test(words) ? "insufficient_quota" : undefined;
  return {
    status,
    names: [spent, reason, name],
    message: words,
    retryAfterMs: Number.isNaN(seconds) ? undefined : seconds * 1_000,
  };
}
