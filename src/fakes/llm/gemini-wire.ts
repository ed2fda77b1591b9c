// Gemini's streamGenerateContent. Sources: request and stream as the official client 3.1.0 speaks them; error bodies and the rules of
// thought signatures from ai.google.dev, read 2026-11.
import type { IncomingMessage } from "node:http";
import { anyObject, either, flag, is, list, number, object, text } from "../shape.ts";
import type { ToldItem } from "../panel.ts";
import type { LlmAnswer, RefusalKind } from "./script.ts";
import { refusalWords, type LlmAsked, type LlmComplaint, type LlmFrame, type LlmWire } from "./wire.ts";

const part = object({
  text: text(),
  thought: flag,
  thoughtSignature: text(),
  functionCall: object({ id: text(64), "name!": text(64), args: anyObject }),
  functionResponse: object({ id: text(64), "name!": text(64), "response!": anyObject }),
});
const content = object({ "role!": is("user", "model"), "parts!": list(part) });
const body = object({
  "contents!": list(content),
  systemInstruction: object({ role: is("user", "system"), "parts!": list(part) }),
  tools: list(
    object({
      "functionDeclarations!": list(
        object({ "name!": text(64), "description!": text(), parameters: anyObject, parametersJsonSchema: anyObject }),
      ),
    }),
  ),
  toolConfig: object({
    "functionCallingConfig!": object({ mode: is("AUTO", "ANY", "NONE", "VALIDATED"), allowedFunctionNames: list(text()) }),
  }),
  generationConfig: object({
    maxOutputTokens: number(1, 65_536, true),
    temperature: number(0, 2),
    topP: number(0, 1),
    seed: number(-(2 ** 31), 2 ** 31, true),
    stopSequences: list(text()),
    thinkingConfig: either(
      object({ "thinkingLevel!": is("MINIMAL", "LOW", "MEDIUM", "HIGH"), includeThoughts: flag }),
      object({ "thinkingBudget!": number(-1, 32_768, true), includeThoughts: flag }),
    ),
  }),
});

const models = /^gemini-(2\.5|3|3\.\d)-(flash|pro)(-lite|-preview)?$/;
const route = /^\/(?:v1|v1beta)\/models\/([^/:]+):streamGenerateContent$/;
const statuses: Readonly<Record<RefusalKind | "no-route", readonly [number, string]>> = {
  key: [401, "UNAUTHENTICATED"],
  forbidden: [403, "PERMISSION_DENIED"],
  model: [404, "NOT_FOUND"],
  quota: [429, "RESOURCE_EXHAUSTED"],
  limited: [429, "RESOURCE_EXHAUSTED"],
  overloaded: [503, "UNAVAILABLE"],
  invalid: [400, "INVALID_ARGUMENT"],
  filtered: [400, "INVALID_ARGUMENT"],
  broken: [500, "INTERNAL"],
  "too-long": [400, "INVALID_ARGUMENT"],
  "no-route": [404, "NOT_FOUND"],
};

interface Part {
  readonly text?: string;
  readonly thoughtSignature?: string;
  readonly functionCall?: { readonly id?: string; readonly name: string; readonly args?: Readonly<Record<string, unknown>> };
  readonly functionResponse?: { readonly id?: string; readonly name: string; readonly response: Readonly<Record<string, unknown>> };
}

export function geminiWire(key: string): LlmWire {
  /** What was signed: the call's id, then the model and signature that must come back with it. */
  const signed = new Map<string, { readonly model: string; readonly signature: string | undefined }>();
  let count = 0;

  function* frames(answer: LlmAnswer, { model }: LlmAsked): Generator<LlmFrame> {
    const tokens = answer.tokens === undefined ? { input: 60, cached: 0, output: 12 } : answer.tokens;
    const usage = (share: number): object =>
      tokens === null
        ? {}
        : {
            usageMetadata: {
              promptTokenCount: tokens.input,
              cachedContentTokenCount: tokens.cached,
              candidatesTokenCount: Math.ceil((tokens.output * share) / 2),
              thoughtsTokenCount: Math.floor((tokens.output * share) / 2),
              totalTokenCount: tokens.input + tokens.output,
            },
          };
    const chunk = (parts: readonly object[], finishReason?: string): LlmFrame => ({
      sse: frame({
        candidates: [{ index: 0, content: { role: "model", parts }, ...(finishReason === undefined ? {} : { finishReason }) }],
        ...usage(finishReason === undefined ? 0.5 : 1),
        modelVersion: model,
        responseId: "r1",
      }),
    });
    if (answer.end === "prompt-filtered") {
      yield { sse: frame({ promptFeedback: { blockReason: "PROHIBITED_CONTENT" }, ...usage(1), modelVersion: model }) };
      return;
    }
    let isFirstCall = true;
    for (const one of answer.parts) {
      if (one.type === "text" || one.type === "refusal") yield chunk([{ text: one.text }]);
      else if (one.type === "thought") yield chunk([{ text: one.text, thought: true }]);
      else if (one.type === "hold") yield "hold";
      else if (one.type === "raw") yield { sse: one.sse };
      else if (one.type === "keep-alive") yield { sse: ": keep-alive\n\n" };
      else {
        count += 1;
        const id = one.id ?? `fc_${count}`;
        const signature =
          isFirstCall && !model.startsWith("gemini-2") ? Buffer.from(`${model}/${id}/${count * 7919}`).toString("base64") : undefined;
        signed.set(id, { model, signature });
        isFirstCall = false;
        yield chunk([
          {
            // This wire has calls as objects, so what is not JSON cannot be said on it.
            functionCall: { ...(id === "" ? {} : { id }), name: one.name, args: JSON.parse(one.arguments) as unknown },
            ...(signature === undefined ? {} : { thoughtSignature: signature }),
          },
        ]);
      }
    }
    const finishReason = { done: "STOP", length: "MAX_TOKENS", filtered: "SAFETY" }[answer.end ?? "done"];
    // The last thing said is often an empty text that only carries a signature.
    if (answer.then === undefined || answer.then === "complete") yield chunk([{ text: "", thoughtSignature: "c2lnbg==" }], finishReason);
  }

  const read = (json: unknown, _request: IncomingMessage, url: URL): LlmAsked | LlmComplaint => {
    const complaint = body(json, "");
    if (complaint !== undefined) return { complaint: complaint.text };
    // The shape was found to hold.
    const request = json as {
      contents: { role: string; parts: Part[] }[];
      systemInstruction?: { parts: Part[] };
      generationConfig?: { thinkingConfig?: { thinkingBudget?: number; thinkingLevel?: string } };
      tools?: { functionDeclarations: { name: string; parameters?: unknown; parametersJsonSchema?: unknown }[] }[];
    };
    const model = route.exec(url.pathname)?.[1] ?? "";
    const declared = (request.tools ?? []).flatMap((tool) => tool.functionDeclarations);
    if (declared.some((one) => one.parameters !== undefined && one.parametersJsonSchema !== undefined))
      return { complaint: "parameters and parametersJsonSchema must not both be set." };
    const thinking = request.generationConfig?.thinkingConfig;
    if (model === "gemini-2.5-pro" && thinking?.thinkingBudget === 0)
      return { complaint: "Budget 0 is invalid. This model only works in thinking mode." };
    if (model.startsWith("gemini-2") && thinking?.thinkingLevel !== undefined)
      return { complaint: "Thinking level is not supported for this model." };
    const history = historyOf(request.contents, (id, signature, isFirst) => {
      const known = signed.get(id);
      if (
        known?.signature === signature &&
        (known?.model ?? model) === model &&
        (signature !== undefined || !isFirst || model.startsWith("gemini-2"))
      )
        return undefined;
      return signature === undefined
        ? "Function call is missing a thought_signature in functionCall parts."
        : "Invalid/Corrupted thought signature.";
    });
    if (typeof history === "string") return { complaint: history };
    const instructions = (request.systemInstruction?.parts ?? []).map((one) => one.text ?? "").join("");
    return { model, instructions, history, toolNames: declared.map(({ name }) => name) };
  };

  return {
    key,
    admit(request, url) {
      const model = route.exec(url.pathname)?.[1];
      if (request.method !== "POST" || model === undefined || url.searchParams.get("alt") !== "sse") return "no-route";
      if (request.headers["x-goog-api-key"] !== key) return "key";
      return models.test(model) ? undefined : "model";
    },
    read,
    frames,
    refusal(kind, words) {
      const [status, name] = statuses[kind];
      return { status, body: JSON.stringify(errorObject(kind, status, name, words)) };
    },
    failure: (kind) => frame(errorObject(kind, statuses[kind][0], statuses[kind][1], undefined)),
    unknownFrame: frame({ laterField: { any: 1 } }),
    frame: (message) => `data: ${message}\n\n`,
    typeKey: undefined,
    samples: [
      {
        candidates: [{ index: 0, content: { role: "model", parts: [{ text: "Friday " }] } }],
        usageMetadata: { promptTokenCount: 61, candidatesTokenCount: 1, totalTokenCount: 62 },
        modelVersion: "gemini-3.8-flash",
        responseId: "r1",
      },
      {
        candidates: [
          {
            index: 0,
            content: {
              role: "model",
              parts: [{ functionCall: { id: "c1", name: "find", args: { day: "Fri" } }, thoughtSignature: "c2lnbg==" }],
            },
            finishReason: "STOP",
          },
        ],
        usageMetadata: {
          promptTokenCount: 61,
          candidatesTokenCount: 14,
          thoughtsTokenCount: 20,
          cachedContentTokenCount: 0,
          totalTokenCount: 95,
        },
      },
      { promptFeedback: { blockReason: "SAFETY" } },
      { error: { code: 503, message: "The model is overloaded.", status: "UNAVAILABLE" } },
    ],
  };
}

const frame = (message: object): string => `data: ${JSON.stringify(message)}\n\n`;

function errorObject(kind: RefusalKind | "no-route", code: number, status: string, words: string | undefined): object {
  const retryInfo = { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "7s" };
  return {
    error: { code, message: words ?? refusalWords[kind], status, ...(kind === "limited" ? { details: [retryInfo] } : {}) },
  };
}

/** The conversation, or what is wrong with it. */
function historyOf(
  contents: readonly { readonly role: string; readonly parts: readonly Part[] }[],
  signatureFault: (id: string, signature: string | undefined, isFirst: boolean) => string | undefined,
): ToldItem[] | string {
  const items: ToldItem[] = [];
  let owed: { id: string; name: string; arguments: string }[] = [];
  if (contents[0]?.role !== "user") return "Please ensure that the first content is of role user.";
  if (contents.at(-1)?.role !== "user") return "Please ensure that the last content is of role user.";
  for (const [at, { role, parts }] of contents.entries()) {
    if (parts.length === 0) return `contents[${at}].parts must not be empty.`;
    if (contents[at - 1]?.role === role) return "Please ensure that multiturn requests alternate between user and model.";
    const answers = parts.flatMap((one) => (one.functionResponse === undefined ? [] : [one.functionResponse]));
    const calls = parts.flatMap((one) =>
      one.functionCall === undefined ? [] : [{ ...one.functionCall, signature: one.thoughtSignature }],
    );
    if (
      answers.length !== owed.length ||
      answers.some((answer, which) => owed[which]?.id !== (answer.id ?? "") || owed[which].name !== answer.name)
    )
      return "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.";
    for (const [which, call] of owed.entries()) {
      items.push({ by: "tool", name: call.name, arguments: call.arguments, output: JSON.stringify(answers[which]?.response["output"]) });
    }
    if (calls.length > 0 && role === "user") return "Function calls belong to the model.";
    for (const [which, call] of calls.entries()) {
      const fault = signatureFault(call.id ?? "", call.signature, which === 0);
      if (fault !== undefined) return fault;
    }
    owed = calls.map((call) => ({ id: call.id ?? "", name: call.name, arguments: JSON.stringify(call.args ?? {}) }));
    for (const one of parts) if (one.text !== undefined) items.push({ by: role === "user" ? "caller" : "agent", text: one.text });
  }
  return owed.length > 0 ? "Function calls without their responses." : items;
}
