// What the API says, as schemas: the documents describe it by them, and the tests hold the answers against them.
import { z } from "zod";
import type { CallView, TurnView } from "../../session/control.ts";

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
  held: z.boolean(),
  muted: z.boolean(),
  replayedMs: ms.meta({ description: "caller audio given to a provider a second time" }),
  lostMs: ms.meta({ description: "audio that never reached the other side" }),
};

/** JSON leaves out what is undefined. */
type WholeCall = Omit<CallView, "from"> & { readonly from?: string | undefined };

/** A call without its words, for lists. */
export type BriefCall = Omit<WholeCall, "turns">;
export const briefCall: z.ZodType<BriefCall> = z.object(callFields).meta({ id: "Call" });

export const wholeCall: z.ZodType<WholeCall> = z.object({ ...callFields, turns: z.array(turnView) }).meta({ id: "CallWithTurns" });

export const calls: z.ZodType<{ readonly calls: readonly BriefCall[] }> = z.object({ calls: z.array(briefCall) });

/** How one provider is doing, as the guard sees it. */
export const providerView = z
  .object({
    name: z.string(),
    level: z.enum(["healthy", "degraded", "down"]),
    breaker: z.object({
      state: z.enum(["closed", "half_open", "open"]),
      order: z.enum(["auto", "open", "closed"]).meta({ description: "what an operator ordered; it stands until set to auto" }),
      retryInMs: ms.optional().meta({ description: "until calls are let through again, when open" }),
    }),
    calls: z.int().min(0).meta({ description: "links open just now" }),
    latencyMs: ms.optional().meta({ description: "95th percentile from the end of speech to the first audio, when measured" }),
    errorRate: share.optional().meta({ description: "of the last attempts, when there were any" }),
    limits: z.array(z.object({ scope: z.string(), limit: z.number(), remaining: z.number(), resetsInMs: ms })),
    timeouts: z.record(z.string(), ms).meta({ description: "limits on waiting, ms, by what is waited for" }),
    message: z.string().optional().meta({ description: "why it is not healthy" }),
  })
  .meta({ id: "Provider" });
export type ProviderView = z.infer<typeof providerView>;

export const providers: z.ZodType<{ readonly providers: readonly ProviderView[] }> = z.object({ providers: z.array(providerView) });

const costView = z
  .object({
    day: z.iso.date().meta({ description: "in UTC" }),
    usd: z.number().min(0),
    unpricedCalls: z.int().min(0).meta({ description: "calls whose model has no price in the table; they are not in `usd`" }),
  })
  .meta({ id: "Cost" });
export type CostView = z.infer<typeof costView>;

export const nodeView = z.object({
  version: z.string(),
  state: z.enum(["serving", "draining"]),
  calls: z.int().min(0),
  cost: costView.optional().meta({ description: "today's, when costs are counted" }),
});

export const problem = z
  .object({
    error: z.object({ code: z.string().meta({ description: "for machines" }), message: z.string().meta({ description: "for people" }) }),
  })
  .meta({ id: "Problem" });
