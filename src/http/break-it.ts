import type { ServerResponse } from "node:http";
import { z } from "zod";
import { answerJson, Problem, type Asked, type Route } from "./answer.ts";
import { readJson } from "./body.ts";

export interface BreakItParts {
  /** Where the levers of running fakes are, on this machine; undefined: nothing here is a fake. */
  readonly panelUrl: string | undefined;
  /** No call here can be anybody's but a visitor's: every provider is a fake or runs in this process. */
  readonly isDemo: boolean;
}

const patienceMs = 2_000;
const argumentLimitBytes = 1_024;
const condition = z.object({ name: z.string(), opening: z.string(), slowMs: z.number(), hangs: z.boolean(), alive: z.number() });
const panel = z.object({ fakes: z.array(condition) });
const pulled = z.object({ argument: z.string().max(500).default("") });
const refusal = z.object({ error: z.string() });

/**
 * What the demo page lets its visitors break: the fakes behind this server, by their own levers, and whether a provider without levers
 * may be shut instead. Only for visitors on this machine, and through the server: the page talks to nobody else.
 */
export function breakIt({ panelUrl, isDemo }: BreakItParts): readonly Route[] {
  return [
    { path: "/break-it", for: "served", bodyLimitBytes: 0, answers: { GET: tell } },
    { path: "/break-it/{fake}/{lever}", for: "known", bodyLimitBytes: argumentLimitBytes, answers: { POST: pull } },
  ];

  async function tell({ peer }: Asked, response: ServerResponse): Promise<void> {
    const fakes = peer.local && panelUrl !== undefined ? (await ask(panelUrl, panel)).fakes : [];
    answerJson(response, 200, { fakes, mayShut: peer.local && isDemo });
  }

  async function pull(asked: Asked, response: ServerResponse): Promise<void> {
    const { peer, ids } = asked;
    if (!peer.local || panelUrl === undefined) throw new Problem(404, "not-found", "there is nothing to break here");
    const at = `${panelUrl}/${encodeURIComponent(ids["fake"] ?? "")}/${encodeURIComponent(ids["lever"] ?? "")}`;
    answerJson(response, 200, await ask(at, condition, readJson(asked, pulled).argument));
  }
}

/** @throws {Problem} in the fakes' own words, or that they are not there */
async function ask<T>(url: string, shape: z.ZodType<T>, argument?: string): Promise<T> {
  const request = { method: argument === undefined ? "GET" : "POST", body: argument ?? null, signal: AbortSignal.timeout(patienceMs) };
  const answer = await fetch(url, request).catch((cause: unknown) => {
    throw new Problem(502, "fakes-gone", "the fakes do not answer; are they still running?", { cause });
  });
  const said: unknown = await answer.json().catch(() => undefined);
  if (!answer.ok) throw new Problem(answer.status, "fakes-refused", refusal.safeParse(said).data?.error ?? "the fakes refused");
  const known = shape.safeParse(said);
  if (!known.success) throw new Problem(502, "fakes-unknown", `${url} is no panel of fakes`);
  return known.data;
}
