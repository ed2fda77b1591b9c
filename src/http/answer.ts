import type { IncomingMessage, ServerResponse } from "node:http";

/** One address, or everything under one when it ends in "/". */
export interface Route {
  readonly path: string;
  /** Whether a stranger may read it, only those who are served at all, or only those with a key. */
  readonly for: "everybody" | "served" | "known";
  /** GET and HEAD; `path` is what follows `route.path`. */
  answer(request: IncomingMessage, response: ServerResponse, path: string): void | Promise<void>;
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
