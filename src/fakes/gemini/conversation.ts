import type { ConnectionRecord, ToldItem } from "../panel.ts";
import { Calls } from "./calls.ts";
import type { Family } from "./families.ts";
import { wordsOf, textAt, type Json } from "./json.ts";

/** The conversation of one session as the fake's agent knows it, with its calls. */
export class Conversation {
  readonly calls = new Calls();
  readonly #record: ConnectionRecord;
  #told: ToldItem[] = [];

  constructor(record: ConnectionRecord) {
    this.#record = record;
  }

  get told(): readonly ToldItem[] {
    return this.#told;
  }

  /** What an earlier connection of the session knew. */
  resume(told: readonly ToldItem[]): void {
    this.#told = [...told];
  }

  /** A caller turn that was spoken. */
  heard(words: string): void {
    this.#told.push({ by: "caller", text: words });
  }

  /** What the model is about to say. */
  said(text: string): void {
    if (text !== "") this.#told.push({ by: "agent", text });
  }

  /** A turn of `clientContent`. */
  takeTurn(turn: unknown): void {
    this.takeWords(textAt(turn, "role"), wordsOf(turn));
  }

  /** Words in brackets are read as stage directions, as a model would. */
  takeWords(role: string | undefined, text: string): void {
    this.#record.texts.push(text);
    const by = role === "model" ? "agent" : /^\[.*\]$/s.test(text) ? "system" : "caller";
    this.#told.push({ by, text });
    this.#record.history.push({ by, text });
  }

  called(id: string, name: string, args: Json, blocking: boolean): void {
    const told = { by: "tool" as const, name, arguments: JSON.stringify(args), output: undefined };
    this.#told.push(told);
    this.calls.add(id, blocking, told);
  }

  /** What the results are to bring about, or in words why one is refused. */
  takeResults(responses: readonly unknown[], family: Family | undefined): ReadonlySet<string> | string {
    const wanted = new Set<string>();
    for (const response of responses) {
      const result = this.calls.answer(response, family);
      if (typeof result === "string") return result;
      const { name, output, told, then } = result;
      this.#record.toolResults.push({ name, output });
      this.#record.texts.push(output);
      this.#told = this.#told.map((item) => (item === told ? { ...told, output } : item));
      wanted.add(then);
    }
    return wanted;
  }
}
