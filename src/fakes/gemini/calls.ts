import type { ToldItem } from "../panel.ts";
import type { Family } from "./families.ts";
import { at, textAt } from "./json.ts";

type ToolItem = Extract<ToldItem, { by: "tool" }>;

interface Call {
  readonly name: string;
  readonly blocking: boolean;
  readonly told: ToolItem;
  state: "pending" | "answered" | "cancelled";
}

/** One accepted result, and what it is to bring about. */
export interface Result {
  readonly name: string;
  readonly output: string;
  readonly told: ToolItem;
  readonly then: "go-on" | "interrupt" | "speak" | "nothing";
}

/** The function calls of one session, by id. */
export class Calls {
  readonly #calls = new Map<string, Call>();

  add(id: string, blocking: boolean, told: ToolItem): void {
    this.#calls.set(id, { name: told.name, blocking, told, state: "pending" });
  }

  get pending(): boolean {
    return [...this.#calls.values()].some((call) => call.state === "pending");
  }

  /** The model stands still. */
  get blocked(): boolean {
    return this.#blocking.length > 0;
  }

  get #blocking(): [string, Call][] {
    return [...this.#calls].filter(([, call]) => call.blocking && call.state === "pending");
  }

  /** Withdraws the calls for which the model stands still; those that run beside the talk go on. */
  withdraw(): readonly string[] {
    return this.#blocking.map(([id, call]) => {
      call.state = "cancelled";
      return id;
    });
  }

  /** One entry of `functionResponses`, or in words why it is refused. */
  answer(response: unknown, family: Family | undefined): Result | string {
    const id = textAt(response, "id") ?? "";
    const call = this.#calls.get(id);
    const scheduling = textAt(response, "scheduling");
    if (call === undefined) return `No function call with id ${id}.`;
    if (call.state !== "pending") return `The function call ${id} was ${call.state}.`;
    if (call.name !== textAt(response, "name")) return `The function call ${id} is one of ${call.name}.`;
    if (scheduling !== undefined && (family?.toolBehaviors.length === 0 || call.blocking)) {
      return "Request contains an invalid argument. scheduling";
    }
    const more = at(response, "willContinue") === true;
    if (!more) call.state = "answered";
    const then = more || scheduling === "SILENT" ? "nothing" : scheduling === "INTERRUPT" ? "interrupt" : call.blocking ? "go-on" : "speak";
    return { name: call.name, output: JSON.stringify(at(response, "response")), told: call.told, then };
  }
}
