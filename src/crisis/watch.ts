import type { ToolSpec } from "../provider/contract.ts";
import type { Crisis, CrisisDetector } from "./detector.ts";

/** More calls than one node holds; the one flagged first is forgotten, should their ends never be told. */
const callsRemembered = 10_000;

/** Which calls on this node are crises, and from which of their turns on. */
export class CrisisWatch {
  readonly #detect: CrisisDetector;
  /** The turns that were flagged, by call. */
  readonly #flagged = new Map<string, Set<string>>();

  constructor(detect: CrisisDetector) {
    this.#detect = detect;
  }

  /**
   * What the caller said in a turn, or said so far: ask with each transcript, partial ones too.
   * @returns what it is, once for each turn that calls for help; undefined otherwise
   */
  heard(callId: string, turnId: string, text: string): Crisis | undefined {
    if (this.#flagged.get(callId)?.has(turnId) === true) return undefined;
    const crisis = this.#detect(text);
    if (crisis !== undefined) this.#flag(callId, turnId);
    return crisis;
  }

  /** The agent itself says that the caller is in need. @returns as `heard` */
  reported(callId: string, turnId: string, language: string): Crisis | undefined {
    if (this.#flagged.get(callId)?.has(turnId) === true) return undefined;
    this.#flag(callId, turnId);
    return { category: "reported", language };
  }

  /** Such a call passes by breakers, limits and budgets. */
  isCrisis(callId: string): boolean {
    return this.#flagged.has(callId);
  }

  forget(callId: string): void {
    this.#flagged.delete(callId);
  }

  #flag(callId: string, turnId: string): void {
    const turns = this.#flagged.get(callId) ?? new Set<string>();
    if (turns.size === 0 && this.#flagged.size >= callsRemembered) {
      const [oldest] = this.#flagged.keys();
      if (oldest !== undefined) this.#flagged.delete(oldest);
    }
    turns.add(turnId);
    this.#flagged.set(callId, turns);
  }
}

/** The agent's own way to say that its caller is in need; the second source beside the transcripts. */
export function reportCrisis(report: (reason: string) => void): { readonly spec: ToolSpec; run(args: unknown): Promise<unknown> } {
  return {
    spec: {
      name: "report_crisis",
      description:
        "The caller, or somebody with them, may be in danger: suicide, violence, a medical emergency. Tells people at once. Use it at the first sign, then stay with the caller.",
      parameters: {
        type: "object",
        properties: { reason: { type: "string", description: "In a few words, what the danger is" } },
        required: ["reason"],
        additionalProperties: false,
      },
    },
    async run(args) {
      const reason = typeof args === "object" && args !== null && "reason" in args ? String(args.reason) : "not said";
      report(reason.slice(0, 200));
      return { told: true, message: "People have been told and are coming to the line. Stay calm, give no medical advice." };
    },
  };
}
