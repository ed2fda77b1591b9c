// What the API says, as schemas: the documents describe it by them, and the tests hold the answers against them.
import { z } from "zod";
import type { GuardView } from "../../guard/view.ts";
import type { FaultCode } from "../../kernel/fault.ts";
import type { CallView, CallWithTurns, TurnView } from "../../session/control.ts";

import { statuses } from "../statuses.ts";

/** A type as JSON keeps it: what may be undefined may be missing. */
type Json<T> = T extends readonly (infer Item)[]
  ? readonly Json<Item>[]
  : T extends object
    ? { readonly [Key in keyof T as undefined extends T[Key] ? never : Key]: Json<T[Key]> } & {
        readonly [Key in keyof T as undefined extends T[Key] ? Key : never]?: Json<Exclude<T[Key], undefined>> | undefined;
      }
    : T;

const ms = z.number().min(0);
const share = z.number().min(0).max(1);

const turnView: z.ZodType<TurnView> = z.object({
  turnId: z.string(),
  role: z.enum(["caller", "agent"]),
  text: z.string(),
  interrupted: z.boolean().meta({ description: "cut off by the caller; then `text` ends where they stopped hearing it" }),
  startMs: ms.meta({ description: "since the call began" }),
  endMs: ms,
});

const sound = z.object({
  levelDb: z.number().optional().meta({ description: "how loud this side speaks, dBFS" }),
  clippedShare: share.meta({ description: "share of samples at the limit" }),
});

const lineQuality = z
  .object({
    mosEstimate: z
      .number()
      .min(1)
      .max(4.5)
      .optional()
      .meta({ description: "an estimate by the E-model (ITU-T G.107) from loss and delay" }),
    lossShare: share.optional(),
    jitterMs: ms.optional(),
    gaps: z.int().min(0),
    filledMs: ms.meta({ description: "caller audio that was missing and made up" }),
    delayMs: ms.optional().meta({ description: "one way, as far as known" }),
    caller: sound,
    agent: sound,
  })
  .meta({ id: "LineQuality", description: "how good the caller's line is; what its wire does not tell is missing" });

const callFields = {
  callId: z.string(),
  agent: z.string(),
  dialect: z.string().meta({ description: "how the caller is attached: browser, twilio, sip …" }),
  language: z.string(),
  from: z.string().optional().meta({ description: "number or name, when the carrier told it" }),
  startedAt: z.iso.datetime(),
  ageMs: ms,
  provider: z.string(),
  tiers: z.array(z.string()),
  phase: z.enum(["connecting", "listening", "thinking", "speaking"]),
  states: z.record(z.string(), z.string()).meta({ description: "the call's state by region" }),
  levels: z.object({ caller: share, agent: share }).meta({ description: "loudness just now, root mean square of 100 ms" }),
  quality: lineQuality.optional(),
  held: z.boolean(),
  muted: z.boolean(),
  replayedMs: ms.meta({ description: "caller audio given to a provider a second time" }),
  lostMs: ms.meta({ description: "audio that never reached the other side" }),
};

/** A call without its words, for lists. */
export type BriefCall = Json<CallView>;
export const briefCall: z.ZodType<BriefCall> = z.object(callFields).meta({ id: "Call" });

export const wholeCall: z.ZodType<Json<CallWithTurns>> = z
  .object({ ...callFields, turns: z.array(turnView) })
  .meta({ id: "CallWithTurns" });

export const calls: z.ZodType<{ readonly calls: readonly BriefCall[] }> = z.object({ calls: z.array(briefCall) });

const percentiles = z.object({ p50: ms.optional(), p95: ms.optional() });

/** How one provider is doing. */
export type ProviderView = Json<GuardView>;
export const providerView: z.ZodType<ProviderView> = z
  .object({
    provider: z.string(),
    health: z.enum(["healthy", "degraded", "unhealthy"]),
    breaker: z.object({
      state: z.enum(["closed", "half_open", "open"]),
      order: z.enum(["auto", "open", "closed"]).meta({ description: "what an operator ordered; it stands until set to auto" }),
      openForMs: ms.optional(),
      retryInMs: ms.optional().meta({ description: "until calls are let through again, while it is open by itself" }),
    }),
    latencyMs: z.object({ open: percentiles, answer: percentiles }).meta({ description: "of the last five minutes, where there were any" }),
    errorRate: share.meta({ description: "share of openings, sessions and turns of the last five minutes that failed" }),
    limits: z.array(
      z.object({
        scope: z.enum(["requests", "tokens", "sessions"]),
        by: z.enum(["setting", "told"]).meta({ description: "told: by the provider itself" }),
        limit: z.number(),
        remaining: z.number(),
        resetsInMs: ms.optional(),
      }),
    ),
    limitedForMs: ms.meta({ description: "how long nothing will be asked of it because a limit is spent" }),
    timeouts: z.object({ openMs: ms, answerMs: ms }),
    activeSessions: z.int().min(0),
    lastFault: z.object({ code: z.enum(Object.keys(statuses) as FaultCode[]), message: z.string(), at: z.string() }).optional(),
  })
  .meta({ id: "Provider" });

export const providers: z.ZodType<{ readonly providers: readonly ProviderView[] }> = z.object({ providers: z.array(providerView) });

const costView = z
  .object({
    day: z.iso.date().meta({ description: "in UTC" }),
    usd: z.number().min(0),
    unpricedCalls: z.int().min(0).meta({ description: "calls whose model has no price in the table; they are not in `usd`" }),
    budgetUsed: z
      .object({ day: z.number().min(0).optional(), month: z.number().min(0).optional() })
      .meta({ description: "share of each budget that is spent, 1: all of it; without a budget there is none" }),
  })
  .meta({ id: "Cost" });
export type CostView = z.infer<typeof costView>;

export const nodeView = z.object({
  version: z.string(),
  state: z.enum(["serving", "draining"]),
  calls: z.int().min(0),
  refuses: z.string().optional().meta({ description: "why a new call would be refused just now; not there while none would" }),
  cost: costView.optional().meta({ description: "today's, when costs are counted" }),
});

export const problem = z
  .object({
    error: z.object({ code: z.string().meta({ description: "for machines" }), message: z.string().meta({ description: "for people" }) }),
  })
  .meta({ id: "Problem" });

export const rating = z.object({ callId: z.string(), stars: z.number().int().min(1).max(5) });
