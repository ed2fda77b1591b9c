import { toFault } from "../../kernel/fault.ts";
import type { Begin, ConversationItem, Link, OpenRequest, ToolResult } from "../contract.ts";
import { joined } from "../since.ts";

type State = { readonly name: "waiting" | "lost" | "closed" } | { readonly name: "working"; readonly link: Link };

/**
 * A link that waits holds the conversation and nothing else: no ear, no mind, no place among the calls that this machine can hear. It
 * takes them when it takes over; with none left by then it is lost.
 */
export class WaitingLink implements Link {
  readonly #request: OpenRequest;
  readonly #start: (request: OpenRequest) => Link;
  #state: State = { name: "waiting" };

  /** @param start opens the link that does the work; throws a Fault when there is no place for it */
  constructor(request: OpenRequest, start: (request: OpenRequest) => Link) {
    [this.#request, this.#start] = [request, start];
  }

  takeOver(since: readonly ConversationItem[], begin: Begin): void {
    const { conversation, report, signal } = this.#request;
    if (this.#state.name !== "waiting" || signal.aborted) return;
    try {
      const link = this.#start({ ...this.#request, conversation: joined(conversation, since), begin });
      this.#state = { name: "working", link };
    } catch (error) {
      const fault = toFault(error, "internal", "taking over with local");
      this.#state = { name: "lost" };
      // Not from within the call: whoever asks for it is about to give this link the caller's audio.
      queueMicrotask(() => {
        if (this.#state.name === "lost" && !signal.aborted) report.notice({ type: "link.lost", fault });
      });
    }
  }

  hear(frame: Uint8Array): boolean {
    return this.#link?.hear(frame) === true;
  }

  takeText(text: string): void {
    this.#link?.takeText(text);
  }

  commitTurn(): void {
    this.#link?.commitTurn();
  }

  interrupt(heard: { readonly turnId: string; readonly heardMs: number }): void {
    this.#link?.interrupt(heard);
  }

  answerTool(result: ToolResult): void {
    this.#link?.answerTool(result);
  }

  close(): void {
    this.#link?.close();
    this.#state = { name: "closed" };
  }

  get #link(): Link | undefined {
    return this.#state.name === "working" ? this.#state.link : undefined;
  }
}
