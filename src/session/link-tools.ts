import type { Call } from "./call.ts";

/** The tools that one link calls, and by which ids it knows the calls. */
export class LinkTools {
  readonly #call: Call;
  readonly #runaway: () => void;
  /** The link's ids of tool calls by our ids. */
  readonly #ids = new Map<string, string>();

  /** @param runaway told when the link calls one tool after the other and never answers */
  constructor(call: Call, runaway: () => void) {
    this.#call = call;
    this.#runaway = runaway;
  }

  /** `id` is ours; a link that did not make the call knows it by that id from the conversation it opened with. */
  idOf(id: string): string {
    return this.#ids.get(id) ?? id;
  }

  /** The link wants no result any more. */
  cancel(linkCallId: string): void {
    for (const [id, linkId] of this.#ids) if (linkId === linkCallId) this.#call.tools.cancel(id);
  }

  /** Runs what the link calls, once, and gives the result to whichever link is there when it is done: the one that asked may be gone. */
  async run(linkCallId: string, name: string, args: string): Promise<void> {
    if ([...this.#ids.values()].includes(linkCallId)) return;
    const call = this.#call;
    const id = call.nextTurnId();
    const startedMs = call.house.clock.now();
    this.#ids.set(id, linkCallId);
    call.conversation.callTool(id, name, args);
    call.answer.toolUsed();
    call.answer.timer.toolBegan(startedMs);
    call.tell({ type: "tool.began", name, toolCallId: id });
    call.notify({ type: "tool", name, state: "running" });
    call.send({ type: "tool.began" });
    const { status, output } = await call.tools.run(id, name, args);
    call.answer.timer.toolEnded(call.house.clock.now());
    if (call.tools.isRunaway) {
      // Whoever answers instead may need one itself.
      call.tools.beginAnswer();
      this.#runaway();
    }
    call.conversation.toolAnswered(id, output);
    call.tell({ type: "tool.ended", name, status, durationMs: call.house.clock.now() - startedMs, toolCallId: id });
    if (status !== "cancelled") {
      call.notify({ type: "tool", name, state: status === "ok" ? "done" : "failed" });
      call.board.answerTool(id, name, output, status !== "ok");
    }
    call.send({ type: "tool.finished" });
  }
}
