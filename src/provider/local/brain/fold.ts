import type { ConversationItem } from "../../contract.ts";
import { whatAsked } from "./asked.ts";
import { formOf, type Guide } from "./guide.ts";
import { without, type Act, type State, type Values } from "./state.ts";
import { understand } from "./understand.ts";

/** The state after one more item of the conversation, whoever said or did it. */
export function fold(guide: Guide, state: State, item: ConversationItem, now: Date): State {
  if (item.type === "caller") return understand(guide, state, item.text, now);
  if (item.type === "agent") return afterWords(guide, state, item.text, item.interrupted);
  if (item.output === undefined) return afterCall(guide, state, item.id, { name: item.name, arguments: item.arguments });
  return afterResult(guide, state, item.id, { name: item.name, arguments: item.arguments }, item.output);
}

function afterWords(guide: Guide, state: State, text: string, interrupted: boolean): State {
  if (text.trim() === "")
    return {
      ...state,
      asked: interrupted ? undefined : state.asked,
      said: { text: "", cut: interrupted },
    };
  return { ...state, asked: whatAsked(guide, state, text), said: { text, cut: interrupted } };
}

function afterCall(guide: Guide, state: State, id: string, call: { name: string; arguments: string }): State {
  const intent = intentOf(guide, call.name);
  const values = { ...state.values, ...valuesIn(guide, call.arguments) };
  const form = intent === undefined ? state.form : { intent, agreed: true };
  return { ...state, form, values, pending: { ...state.pending, [id]: call } };
}

function afterResult(guide: Guide, state: State, id: string, call: { name: string; arguments: string }, output: string): State {
  const pending = Object.fromEntries(Object.entries(state.pending).filter(([other]) => other !== id));
  const known: State = {
    ...state,
    pending,
    again: undefined,
    misses: 0,
    values: { ...state.values, ...valuesIn(guide, call.arguments) },
  };
  const result = record(output);
  const intent = intentOf(guide, call.name);
  const form = formOf(guide, intent);
  if (intent !== undefined && form !== undefined) return afterTask(guide, known, intent, form.retry, result);
  const acts: Act[] = [];
  if (call.name === "end_call") acts.push({ type: "over" });
  if (call.name === "transfer_to_human") acts.push(result === undefined ? { type: "failed" } : { type: "transferred" });
  const status = Object.entries(guide.flow.intents).find(([, one]) => one.kind === "action" && one.does === "status")?.[0];
  if (call.name === "line_status" && status !== undefined)
    acts.push(result === undefined ? { type: "failed" } : { type: "reported", intent: status, result });
  return { ...known, acts };
}

/** A task's tool answered: done, done but not as wished (`problem`, in words), or failed. */
function afterTask(
  guide: Guide,
  state: State,
  intent: string,
  retry: string | undefined,
  result: Readonly<Record<string, unknown>> | undefined,
): State {
  const kept = without(
    state.values,
    Object.keys(state.values).filter((slot) => guide.flow.slots[slot]?.keep !== true),
  );
  if (result === undefined) return { ...state, form: undefined, values: kept, acts: [{ type: "failed" }] };
  if (typeof result["problem"] === "string") {
    // The tool may say which value it refuses; else the flow does.
    const refused = typeof result["field"] === "string" && guide.flow.slots[result["field"]] !== undefined ? result["field"] : retry;
    const values = refused === undefined ? kept : without(state.values, [refused]);
    const form = refused === undefined ? undefined : { intent, agreed: false };
    return { ...state, form, values, acts: [{ type: "problem", text: result["problem"] }] };
  }
  return {
    ...state,
    form: undefined,
    values: kept,
    acts: [{ type: "done", intent, values: state.values, result }],
  };
}

const intentOf = (guide: Guide, tool: string): string | undefined =>
  Object.entries(guide.flow.intents).find(([, intent]) => intent.kind === "form" && intent.tool === tool)?.[0];

/** The slots that a tool's arguments name; another provider's agent read them, so they need no read-back. */
function valuesIn(guide: Guide, args: string): Values {
  const values: Record<string, { value: string | number; checked: boolean }> = {};
  for (const [slot, value] of Object.entries(record(args) ?? {})) {
    const reader = guide.flow.slots[slot]?.reader;
    if (reader === undefined || (typeof value !== "string" && typeof value !== "number")) continue;
    values[slot] = {
      value: reader === "phone" || reader === "code" ? String(value).replace(/\D/g, "") : value,
      checked: true,
    };
  }
  return values;
}

/** A JSON object, or undefined for anything else: a failed tool answers with a sentence. */
function record(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : undefined;
  } catch {
    return undefined;
  }
}
