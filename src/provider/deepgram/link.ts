import { Fault, toFault } from "../../kernel/fault.ts";
import type { Begin, ConversationItem, Link, LinkNotice, OpenRequest, ToolResult } from "../contract.ts";
import { Pipeline, type PipelineHost } from "./pipeline.ts";
import type { HeardNotice, Speaker, Thinker, Transcriber, Transcription } from "./stages.ts";

export interface LinkStages {
  readonly transcriber: Transcriber;
  readonly thinker: Thinker;
  /** Begins to open at once. */
  readonly speaker: (report: (notice: LinkNotice) => void) => Speaker;
}

const doing = "opening deepgram";

/** @throws {Fault} see `Provider.open`. */
export async function openLink(request: OpenRequest, stages: LinkStages): Promise<Link> {
  if (request.signal.aborted) throw new Fault("provider-dropped", `${doing}: given up before it began`);
  const link = new PipelineLink(request, stages);
  await link.open(stages.transcriber);
  return link;
}

/** One call on three stages: opened together, ended together. */
class PipelineLink implements Link, PipelineHost {
  readonly request: OpenRequest;
  readonly #speaker: Speaker;
  readonly #pipeline: Pipeline;
  /** Ends ears that are still opening when nobody wants them any more. */
  readonly #opening = new AbortController();
  #ears: Transcription | undefined;
  #fault: Fault | undefined;
  #state: "opening" | "waiting" | "open" | "closed" = "opening";

  constructor(request: OpenRequest, stages: LinkStages) {
    this.request = request;
    this.#speaker = stages.speaker((notice) => this.notice(notice));
    this.#pipeline = new Pipeline(this, stages.thinker, this.#speaker);
    request.signal.addEventListener("abort", this.#aborted, { once: true });
  }

  async open(transcriber: Transcriber): Promise<void> {
    const { agent, openLimitMs, clock, log, uplink, endpointing } = this.request;
    const report = (notice: HeardNotice): void => this.#hears(notice);
    const opening = { agent, openLimitMs, clock, log, uplink, endpointing, report, signal: this.#opening.signal };
    // Whichever fails first, what comes of the other must not be left open.
    const ears = transcriber.open(opening).then((opened) => {
      if (this.#state === "closed") opened.close();
      else this.#ears = opened;
    });
    try {
      await Promise.all([ears, this.#speaker.ready]);
    } catch (error) {
      this.#end();
      throw this.#fault ?? toFault(error, "internal", doing);
    }
    if (this.#fault !== undefined) throw this.#fault;
    if (this.#state !== "opening") throw new Fault("provider-dropped", `${doing}: given up by the call`);
    const { begin } = this.request;
    if (begin === "wait") {
      this.#state = "waiting";
      this.#speaker.rest();
    } else {
      this.#state = "open";
      this.#pipeline.begin(begin);
    }
  }

  get #isReady(): boolean {
    return this.#state === "waiting" || this.#state === "open";
  }

  readonly #aborted = (): void => this.#end();

  #hears(notice: HeardNotice): void {
    if (this.#state === "open") this.#pipeline.hears(notice);
    else if (notice.type === "stage.lost") this.lost(notice.fault);
    else if (notice.type === "link.used") this.notice(notice);
  }

  // What the session wants

  hear(frame: Uint8Array): boolean {
    return this.#state === "open" && this.#ears?.hear(frame) === true;
  }

  takeOver(since: readonly ConversationItem[], begin: Begin): void {
    if (this.#state !== "waiting") return;
    this.#state = "open";
    this.#speaker.expect();
    this.#pipeline.begin(begin, since);
  }

  takeText(text: string): void {
    if (this.#state === "open") this.#pipeline.takeText(text);
  }

  commitTurn(): void {
    if (this.#state === "open" && this.request.endpointing === "manual") this.#ears?.commit();
  }

  interrupt({ turnId, heardMs }: { readonly turnId: string; readonly heardMs: number }): void {
    if (this.#state === "open") this.#pipeline.interrupt(turnId, heardMs);
  }

  answerTool(result: ToolResult): void {
    if (this.#state === "open") this.#pipeline.answerTool(result);
  }

  close(): void {
    this.#end();
  }

  // What the pipeline wants

  notice(notice: LinkNotice): void {
    if (this.#isReady || notice.type === "link.used") this.request.report.notice(notice);
  }

  audio(bytes: Uint8Array, turnId: string): void {
    if (this.#state === "open") this.request.report.audio(bytes, turnId);
  }

  lost(fault: Fault): void {
    if (this.#state === "closed") return;
    this.#fault = fault;
    const isReady = this.#isReady;
    // What was used comes first: nothing follows the loss.
    this.#end();
    if (isReady) this.request.report.notice({ type: "link.lost", fault });
  }

  #end(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.request.signal.removeEventListener("abort", this.#aborted);
    this.#pipeline.close();
    this.#opening.abort();
    this.#speaker.close();
    this.#ears?.close();
  }
}
