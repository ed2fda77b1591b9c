import { z } from "zod";
import { isNetwork } from "../networks.ts";
import type { CallerTokens } from "../tokens.ts";
import { changing, type Operation } from "./operation.ts";

const word = z.string().min(1).max(64);

const grant = z.object({
  agent: word.optional().meta({ description: "the agent that answers, whatever the caller asks for" }),
  language: z.string().min(2).max(35).optional().meta({ description: "such as en-US" }),
  user: word.optional().meta({ description: "who the caller is, for the records" }),
  origin: z
    .string()
    .regex(/^https?:\/\/[^/\s]{1,255}$/, "expected an origin such as https://example.org")
    .optional()
    .meta({ description: "the page's origin; no other page can use the token" }),
  from: z
    .string()
    .refine(isNetwork, "expected an address or a network such as 192.0.2.0/24")
    .optional()
    .meta({ description: "the caller's address or network" }),
});

const minted = z.object({ token: z.string(), expiresAt: z.iso.datetime() });

/** Keys stay in back ends; pages get tokens. */
export function tokenOperations(tokens: CallerTokens): readonly Operation[] {
  return [
    changing("/v1/tokens", {
      id: "mintToken",
      summary: "A token with which a page may place one call within a minute",
      body: grant,
      status: 201,
      meaning: "give it to the page, which sends it as `token` in start, or as WebSocket sub-protocol token.…",
      schema: minted,
      target: () => "caller token",
      run: (_asked, { agent, language, user, origin, from }) => tokens.mint({ agent, language, user, origin, from }),
    }),
  ];
}
