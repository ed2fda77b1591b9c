import { z } from "zod";

const count = (most: number) => z.number().int().min(1).max(most);
const ms = (least: number, most: number) => z.number().int().min(least).max(most);
export const probeModes = ["on", "faults", "off"] as const;

const breaker = z.strictObject({
  /** Failures in a row that open it. */
  failures: count(1_000),
  /** Sessions in a row that were accepted and lost at once, within `flapMs`, that open it. */
  flaps: count(1_000),
  flapMs: ms(1_000, 3_600_000),
  /** How long it stays open the first time; every further trip doubles that, up to `longestOpenMs`. */
  openMs: ms(100, 3_600_000),
  longestOpenMs: ms(100, 3_600_000),
  /** Trials at a time while half-open. */
  trials: count(100),
  /** Successes that close it again. */
  successes: count(100),
  /** Good health probes in a row that let a trial through early. */
  probes: count(100),
});

/** How one provider is guarded, as the config file may say under `guards` and the provider's name; what it leaves out has defaults. */
export const guardShape = z.strictObject({
  breaker: breaker.partial().default({}),
  openLimitMs: ms(1_000, 60_000).optional(),
  answerLimitMs: ms(1_000, 120_000).optional(),
  /** The least that opening and answering are given, however fast the provider usually is. */
  shortestLimitMs: ms(100, 60_000).optional(),
  /** What the account may do; left out, only what the provider tells of its limits counts. */
  requestsPerMinute: count(1_000_000).optional(),
  tokensPerMinute: count(1_000_000_000).optional(),
  sessions: count(1_000_000).optional(),
  probes: z.enum(probeModes).optional(),
});
export const breakerKeys: readonly string[] = Object.keys(breaker.shape);

type ProbeMode = (typeof probeModes)[number];

/** How one provider is guarded, complete. */
export interface GuardProfile {
  readonly breaker: Readonly<z.infer<typeof breaker>>;
  readonly openLimitMs: number;
  readonly answerLimitMs: number;
  readonly shortestLimitMs: number;
  readonly limits: {
    readonly requestsPerMinute: number | undefined;
    readonly tokensPerMinute: number | undefined;
    readonly sessions: number | undefined;
  };
  readonly probes: ProbeMode;
}

const usualBreaker = { failures: 5, flaps: 3, flapMs: 60_000, openMs: 60_000, longestOpenMs: 300_000, trials: 3, successes: 2, probes: 2 };
const usual = { breaker: usualBreaker, openLimitMs: 5_000, answerLimitMs: 5_000, shortestLimitMs: 1_000 };

/** Where a provider differs from the usual: speech models that think long, and one whose failures seldom come alone. */
const profiles: Readonly<Record<string, { readonly answerLimitMs: number; readonly breaker?: { readonly failures: number } }>> = {
  openai: { answerLimitMs: 15_000 },
  azure: { answerLimitMs: 15_000 },
  gemini: { answerLimitMs: 10_000, breaker: { failures: 3 } },
  // These go through a chain of language models, or wait for this machine's processor.
  deepgram: { answerLimitMs: 10_000 },
  "deepgram-agent": { answerLimitMs: 10_000 },
  local: { answerLimitMs: 10_000 },
};

/** @param given what the config file says of this provider */
export function guardProfile(provider: string, given: z.infer<typeof guardShape> | undefined, probes: ProbeMode): GuardProfile {
  const own = profiles[provider];
  const { requestsPerMinute, tokensPerMinute, sessions } = given ?? {};
  return {
    breaker: breaker.parse({ ...usual.breaker, ...own?.breaker, ...given?.breaker }),
    openLimitMs: given?.openLimitMs ?? usual.openLimitMs,
    answerLimitMs: given?.answerLimitMs ?? own?.answerLimitMs ?? usual.answerLimitMs,
    shortestLimitMs: given?.shortestLimitMs ?? usual.shortestLimitMs,
    limits: { requestsPerMinute, tokensPerMinute, sessions },
    // What is off for all is off for each; a provider can only be asked less than the rest.
    probes: probeModes[Math.max(probeModes.indexOf(probes), probeModes.indexOf(given?.probes ?? "on"))] ?? probes,
  };
}
