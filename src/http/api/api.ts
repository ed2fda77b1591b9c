import type { Dialler } from "../../caller/outbound.ts";
import type { Log } from "../../kernel/log.ts";
import type { CallControl } from "../../session/control.ts";
import { answerJson, type Route } from "../answer.ts";
import type { CallerTokens } from "../tokens.ts";
import { browserAsyncapi } from "./asyncapi.ts";
import { callOperations } from "./calls.ts";
import { eventOperation, type EventFeed } from "./events.ts";
import { nodeOperations, type NodeControl } from "./node.ts";
import { outboundOperations } from "./outbound.ts";
import { openapiOf } from "./openapi.ts";
import { routesOf } from "./operation.ts";
import { ratingOperations } from "./ratings.ts";
import { providerOperations, type ProviderDesk } from "./providers.ts";
import { tokenOperations } from "./tokens.ts";

export interface ApiParts {
  readonly control: CallControl;
  readonly providers: ProviderDesk;
  /** Who can place calls, the one that is asked first standing first. */
  readonly diallers: readonly Dialler[];
  readonly node: NodeControl;
  readonly tokens: CallerTokens;
  readonly feed: EventFeed;
  /** How the caller found a call, 1 to 5; false: none that is known. */
  readonly rate: (callId: string, stars: number) => boolean;
  /** Takes the audit of everything that was changed. */
  readonly log: Log;
}

/** The routes under /v1, and the documents that describe them and the browser's wire. */
export function apiRoutes({ control, providers, diallers, node, tokens, feed, rate, log }: ApiParts): readonly Route[] {
  const operations = [
    ...nodeOperations(node),
    ...callOperations(control),
    ...ratingOperations(rate),
    ...outboundOperations(diallers),
    ...providerOperations(providers),
    eventOperation(feed),
    ...tokenOperations(tokens),
  ];
  return [
    ...routesOf(operations, log),
    document("/openapi.json", openapiOf(operations, node.version)),
    document("/asyncapi.json", browserAsyncapi(node.version)),
  ];
}

/** The documents say nothing that the source does not. */
const document = (path: string, content: object): Route => ({
  path,
  for: "everybody",
  bodyLimitBytes: 0,
  answers: { GET: (_asked, response) => answerJson(response, 200, content) },
});
