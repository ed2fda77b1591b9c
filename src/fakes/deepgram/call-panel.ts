import type { IncomingMessage } from "node:http";
import {
  Panel,
  type ConnectionRecord,
  type FaultPoint,
  type PanelConnection,
  type ScriptedReply,
  type ToldItem,
  type ToldSettings,
} from "../panel.ts";

type Kind = "listen" | "speak" | "think";
const kindOf = ({ asked }: ConnectionRecord): Kind => {
  const path = asked.url.split("?")[0] ?? "";
  return path.endsWith("/listen") ? "listen" : path.endsWith("/speak") ? "speak" : "think";
};

/** Long enough for a finished response to be read before everything falls. */
const afterResponseMs = 50;

/**
 * The panel of a pipeline, whose call is several connections: its evidence is theirs put together, and what strikes one strikes all.
 * Calls are told apart by the moments at which no connection is alive, so as evidence it serves one call at a time.
 */
export class CallPanel extends Panel {
  #call: ConnectionRecord[] = [];
  /** What the language model says just now, for the voice that speaks it. */
  speaking: ScriptedReply | undefined;

  override newRecord(request: IncomingMessage): ConnectionRecord {
    const record = super.newRecord(request);
    if (this.open === 0) this.#call = [];
    this.#call.push(record);
    return record;
  }

  override get last(): ConnectionRecord {
    const last = super.last;
    const [listen, think] = [this.#lastOf("listen"), this.#lastOf("think")];
    const speak = this.#call.filter((record) => kindOf(record) === "speak" && record.spoken.bytes > 0).at(-1) ?? this.#lastOf("speak");
    return {
      asked: (listen ?? last).asked,
      heard: (listen ?? last).heard,
      spoken: (speak ?? last).spoken,
      history: think?.history ?? [],
      texts: this.#call.flatMap((record) => record.texts),
      settings: this.#settings(listen, speak ?? this.#lastOf("speak"), think),
      metadata: [],
      toolResults: think?.toolResults ?? [],
      cuts: [],
      answers: this.#call.reduce((sum, record) => sum + record.answers, 0),
      closeCode: (listen ?? last).closeCode,
    };
  }

  /** The voice stops where a script says so, not the words. */
  override nextReply(told: readonly ToldItem[]): ScriptedReply {
    this.speaking = super.nextReply(told);
    const { holdAtMs: _, ...reply } = this.speaking;
    return reply;
  }

  override strikes(at: FaultPoint, connection: Pick<PanelConnection, "drop">): boolean {
    const all = { drop: (how: Parameters<PanelConnection["drop"]>[0]) => this.drop(how) };
    const record = "record" in connection ? (connection as PanelConnection).record : undefined;
    const kind = record === undefined ? "listen" : kindOf(record);
    if (kind === "think") {
      // Its answer is still read; then the line is gone.
      if (at === "tool-called") super.strikes(at, { drop: (how) => setTimeout(() => this.drop(how), afterResponseMs) });
      return false;
    }
    if (kind === "speak" && at !== "answering") return false;
    return super.strikes(at, all);
  }

  #lastOf(kind: Kind): ConnectionRecord | undefined {
    return this.#call.findLast((record) => kindOf(record) === kind);
  }

  #settings(
    listen: ConnectionRecord | undefined,
    speak: ConnectionRecord | undefined,
    think: ConnectionRecord | undefined,
  ): ToldSettings | undefined {
    if (listen?.settings === undefined) return undefined;
    return {
      ...listen.settings,
      downlink: speak?.settings?.downlink,
      voice: speak?.settings?.voice,
      instructions: think?.settings?.instructions ?? "",
      toolNames: think?.settings?.toolNames ?? [],
    };
  }
}
