import type { FaultCode } from "../kernel/fault.ts";
import type { Usage } from "../provider/contract.ts";

/** What happens to a call, told once by the code that does it, to whoever watches (metrics, logs, records). */
export type CallEvent = { readonly callId: string } & (
  | { readonly type: "call.started"; readonly dialect: string }
  | {
      readonly type: "call.ended";
      readonly dialect: string;
      readonly outcome: CallOutcome;
      readonly cause: FaultCode | undefined;
      readonly durationMs: number;
    }
  | { readonly type: "link.opened"; readonly provider: string; readonly setupMs: number; readonly attempt: number }
  | {
      readonly type: "link.failed";
      readonly provider: string;
      readonly code: FaultCode;
      readonly message: string;
      readonly attempt: number;
    }
  | { readonly type: "link.lost"; readonly provider: string; readonly code: FaultCode; readonly message: string; readonly livedMs: number }
  | { readonly type: "link.closed"; readonly provider: string; readonly livedMs: number }
  | {
      readonly type: "link.retrying";
      readonly provider: string;
      readonly attempt: number;
      readonly attemptLimit: number;
      readonly backoffMs: number;
    }
  | { readonly type: "link.recovered"; readonly provider: string; readonly attempts: number; readonly durationMs: number }
  | { readonly type: "link.gave-up"; readonly provider: string; readonly attempts: number; readonly code: FaultCode }
  | { readonly type: "link.puzzled"; readonly provider: string; readonly what: string }
  | { readonly type: "link.used"; readonly provider: string; readonly usage: Usage }
  | {
      readonly type: "call.handed-over";
      readonly from: string;
      readonly to: string;
      readonly mode: "planned" | "failover";
      readonly cause: FaultCode | "asked";
      readonly durationMs: number;
      readonly items: number;
      readonly replayedChunks: number;
    }
  | { readonly type: "audio.replayed"; readonly provider: string; readonly chunks: number; readonly buffered: number }
  /** Counted since the last such event; told at turn ends and at the end of the call. */
  | { readonly type: "audio.flowed"; readonly provider: string; readonly sentChunks: number; readonly receivedChunks: number }
  | {
      readonly type: "audio.lost";
      readonly direction: "uplink" | "downlink";
      readonly cause: string;
      readonly ms: number;
      readonly provider: string;
    }
  | { readonly type: "turn.answered"; readonly provider: string; readonly kind: TurnKind; readonly responseStartMs: number }
  | {
      readonly type: "turn.ended";
      readonly provider: string;
      readonly outcome: "complete" | "interrupted" | "failed";
      readonly kind: TurnKind;
    }
  | { readonly type: "tool.ended"; readonly name: string; readonly status: "ok" | "failed" | "timeout"; readonly durationMs: number }
  /** A person is wanted: the agent or the caller asked. */
  | { readonly type: "human.asked"; readonly reason: "crisis" | "caller"; readonly ticket: string }
  | { readonly type: "state.changed"; readonly region: string; readonly from: string; readonly to: string; readonly reason: string }
);

export type CallOutcome = "completed" | "failed" | "abandoned";
export type TurnKind = "plain" | "tool" | "text";

export interface SessionWatch {
  tell(event: CallEvent): void;
}
