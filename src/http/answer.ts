import type { IncomingMessage, ServerResponse } from "node:http";
import type { Peer } from "./peer.ts";

/** One address with what it does for each method. */
export interface Route {
  /** An address; everything under one when it ends in "/"; with a name in braces for a part that differs: "/v1/calls/{id}/hang-up". */
  readonly path: string;
  /** Whether a stranger may use it, only those who are served at all, or only those with a key. */
  readonly for: "everybody" | "served" | "known";
  /** HEAD is answered by GET, any other method by 405. */
  readonly answers: Readonly<Partial<Record<Method, Handler>>>;
  /** The longest body that POST, PUT and DELETE take; 0: none. At most 2 MB, whatever is asked for here. */
  readonly bodyLimitBytes: number;
}

export type Method = "GET" | "POST" | "PUT" | "DELETE";

/** Answers, now or later. A Fault that it throws is answered with the status of its code (`statuses.ts`), a Problem with its own. */
export type Handler = (asked: Asked, response: ServerResponse) => void | Promise<void>;

/** A request whose sender was let through and whose body has arrived. */
export interface Asked {
  readonly request: IncomingMessage;
  /** What follows a path that ends in "/", not unescaped; else empty. */
  readonly rest: string;
  /** The parts in braces by their names, unescaped. */
  readonly ids: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Empty for GET and HEAD. */
  readonly body: Buffer;
  readonly peer: Peer;
}

/** What is wrong with a request where no Fault has words for it. `code` is for machines, `message` for people. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
    this.code = code;
  }
}

export function answerJson(response: ServerResponse, status: number, body: object): void {
  answerText(response, status, "application/json; charset=utf-8", `${JSON.stringify(body)}\n`);
}

export function answerText(response: ServerResponse, status: number, type: string, text: string): void {
  const bytes = Buffer.from(text);
  response.writeHead(status, { "content-type": type, "content-length": bytes.length, "cache-control": "no-store" });
  response.end(response.req.method === "HEAD" ? undefined : bytes);
}

export function answerProblem(response: ServerResponse, status: number, code: string, message: string): void {
  answerJson(response, status, { error: { code, message } });
}
