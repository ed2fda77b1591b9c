import type { ConnectionRecord, ToldItem } from "../panel.ts";
import { isObject } from "../shape.ts";
import type { GeneratedItem } from "./answer.ts";
import { at, textAt, type Json } from "./settings.ts";

type Item = { readonly kind: "seeded" | "heard" | "result" } | (GeneratedItem & { cutMs: number | undefined });
type ToolItem = Extract<ToldItem, { by: "tool" }>;

/** Why an event about an item is refused, in the service's words. */
export interface ItemRefusal {
  readonly code: string;
  readonly param: string;
  readonly text: string;
}

/** An event that tells the client of it. */
export interface ItemEvent {
  readonly type: string;
  readonly fields: Json;
}

const refusal = (code: string, param: string, text: string): ItemRefusal => ({ code, param, text });

/** The items of one session by their ids, its calls, and the conversation as the fake's agent knows it. */
export class Conversation {
  readonly #record: ConnectionRecord;
  readonly #items = new Map<string, Item>();
  /** By call id, with whether they were answered. */
  readonly #calls = new Map<string, { readonly told: ToolItem; answered: boolean }>();
  #told: ToldItem[] = [];

  constructor(record: ConnectionRecord) {
    this.#record = record;
  }

  get told(): readonly ToldItem[] {
    return this.#told;
  }

  get lastId(): string | null {
    return [...this.#items.keys()].at(-1) ?? null;
  }

  get hasOpenCalls(): boolean {
    return [...this.#calls.values()].some((call) => !call.answered);
  }

  // What the session adds

  heard(itemId: string, words: string): void {
    this.#items.set(itemId, { kind: "heard" });
    this.#told.push({ by: "caller", text: words });
  }

  /** What the agent is about to say. */
  said(text: string): void {
    if (text !== "") this.#told.push({ by: "agent", text });
  }

  generated(item: GeneratedItem): void {
    this.#items.set(item.id, Object.assign(item, { cutMs: undefined }));
    if (item.callId === undefined) return;
    const told = { by: "tool" as const, name: item.name, arguments: item.text, output: undefined };
    this.#told.push(told);
    this.#calls.set(item.callId, { told, answered: false });
  }

  // What the client asks for

  /** `newId`: the item's, if the client gives it none. */
  create(event: Json, newId: () => string): readonly ItemEvent[] | ItemRefusal {
    const item = at(event, "item");
    if (!isObject(item)) return [];
    const id = textAt(item, "id") ?? newId();
    const previous = textAt(event, "previous_item_id");
    if (this.#items.has(id)) return refusal("invalid_value", "item.id", `Item with id '${id}' already exists.`);
    if (previous !== undefined && previous !== "root" && !this.#items.has(previous))
      return refusal("invalid_value", "previous_item_id", `Previous item with id '${previous}' not found.`);
    const complaint = this.#take(item);
    if (complaint !== undefined) return refusal("invalid_value", "item.call_id", complaint);
    this.#items.set(id, { kind: item["type"] === "function_call_output" ? "result" : "seeded" });
    const fields = { previous_item_id: previous ?? null, item: { object: "realtime.item", status: "completed", ...item, id } };
    return [
      { type: "conversation.item.added", fields },
      { type: "conversation.item.done", fields },
    ];
  }

  remove(event: Json): readonly ItemEvent[] | ItemRefusal {
    const id = textAt(event, "item_id") ?? "";
    const item = this.#items.get(id);
    if (item === undefined)
      return refusal("item_delete_invalid_item_id", "item_id", `Error deleting item: the item with id '${id}' does not exist.`);
    this.#items.delete(id);
    if (item.kind === "message") this.#record.cuts.push(0);
    return [{ type: "conversation.item.deleted", fields: { item_id: id } }];
  }

  retrieve(event: Json): readonly ItemEvent[] | ItemRefusal {
    const id = textAt(event, "item_id") ?? "";
    if (!this.#items.has(id)) return refusal("item_retrieve_invalid_item_id", "item_id", `Item with id '${id}' not found.`);
    const item = { id, object: "realtime.item", type: "message", status: "completed", role: "user", content: [] };
    return [{ type: "conversation.item.retrieved", fields: { item } }];
  }

  truncate(event: Json): readonly ItemEvent[] | ItemRefusal {
    const id = textAt(event, "item_id") ?? "";
    const endMs = Number(event["audio_end_ms"]);
    const item = this.#items.get(id);
    if (item === undefined) return refusal("item_truncate_invalid_item_id", "item_id", `Item with id '${id}' not found.`);
    if (item.kind !== "message") return refusal("invalid_value", "item_id", "Only model output audio messages can be truncated");
    const hasMs = item.cutMs ?? item.sentMs;
    if (endMs > hasMs)
      return refusal("invalid_value", "audio_end_ms", `Audio content of ${Math.floor(hasMs)}ms is already shorter than ${endMs}ms`);
    item.cutMs = endMs;
    this.#record.cuts.push(endMs);
    return [{ type: "conversation.item.truncated", fields: { item_id: id, content_index: 0, audio_end_ms: endMs } }];
  }

  /** In words, why it cannot be taken. */
  #take(item: Json): string | undefined {
    const callId = textAt(item, "call_id") ?? "";
    if (item["type"] === "message") this.#takeMessage(item);
    else if (item["type"] === "function_call") {
      const told = { by: "tool" as const, name: textAt(item, "name") ?? "", arguments: textAt(item, "arguments") ?? "", output: undefined };
      this.#calls.set(callId, { told, answered: false });
      this.#tell(told);
    } else {
      const call = this.#calls.get(callId);
      if (call === undefined) return `No tool call found for function call output with call_id ${callId}.`;
      if (call.answered) return `The call ${callId} has an output already.`;
      call.answered = true;
      this.#answer(call.told, textAt(item, "output") ?? "");
    }
    return undefined;
  }

  #takeMessage(item: Json): void {
    const by = item["role"] === "assistant" ? "agent" : item["role"] === "system" ? "system" : "caller";
    const content = item["content"];
    const text = Array.isArray(content) ? content.map((part) => textAt(part, "text") ?? "").join("") : "";
    this.#record.texts.push(text);
    this.#tell({ by, text });
  }

  #tell(item: ToldItem): void {
    this.#told.push(item);
    this.#record.history.push(item);
  }

  #answer(told: ToolItem, output: string): void {
    const { history, toolResults, texts } = this.#record;
    const answered = { ...told, output };
    this.#told = this.#told.map((item) => (item === told ? answered : item));
    const place = history.indexOf(told);
    if (place >= 0) history[place] = answered;
    else toolResults.push({ name: told.name, output });
    texts.push(output);
  }
}
