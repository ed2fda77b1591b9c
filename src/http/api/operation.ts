import type { ServerResponse } from "node:http";
import type { z } from "zod";
import type { FaultCode } from "../../kernel/fault.ts";
import type { Log } from "../../kernel/log.ts";
import { answerJson, Problem, type Asked, type Method, type Route } from "../answer.ts";
import { readJson } from "../body.ts";

/** One thing that the API does: served by `routesOf`, described by `openapiOf`, both from here. */
export interface Operation {
  /** Its name in client libraries, and in the audit log where it changes something. */
  readonly id: string;
  readonly method: Method;
  /** As a Route's. */
  readonly path: string;
  readonly for: Route["for"];
  readonly summary: string;
  /** What POST takes; undefined: no body. */
  readonly body: z.ZodType | undefined;
  readonly query: Readonly<Record<string, string>>;
  readonly answer: Answer;
  /** How it may fail, beyond a wrong key or a wrong body. */
  readonly faults: readonly FaultCode[];
  readonly answers: (asked: Asked, response: ServerResponse, log: Log) => void | Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly meaning: string;
  readonly type: string;
  readonly schema: z.ZodType;
}

const jsonType = "application/json";
const bodyLimitBytes = 16 * 1024;

/** Something to read: asked with GET. */
export function reading<T extends object>(
  path: string,
  {
    id,
    summary,
    schema,
    faults = [],
    run,
    ...more
  }: {
    id: string;
    summary: string;
    schema: z.ZodType<T>;
    faults?: readonly FaultCode[];
    for?: Route["for"];
    run: (asked: Asked) => T;
  },
): Operation {
  return {
    id,
    method: "GET",
    path,
    for: more.for ?? "known",
    summary,
    body: undefined,
    query: {},
    answer: { status: 200, meaning: "as it is just now", type: jsonType, schema },
    faults,
    answers: (asked, response) => answerJson(response, 200, run(asked)),
  };
}

/** Something that changes what goes on: asked with POST, and written to the audit log with who asked and what came of it. */
export function changing<Body, T extends object>(
  path: string,
  {
    id,
    summary,
    body,
    status = 200,
    meaning,
    schema,
    faults = [],
    target,
    run,
  }: {
    id: string;
    summary: string;
    body: z.ZodType<Body>;
    status?: number;
    meaning: string;
    schema: z.ZodType<T>;
    faults?: readonly FaultCode[];
    /** What is changed, for the audit. */
    target: (asked: Asked) => string;
    run: (asked: Asked, body: Body) => T | Promise<T>;
  },
): Operation {
  return {
    id,
    method: "POST",
    path,
    for: "known",
    summary,
    body,
    query: {},
    answer: { status, meaning, type: jsonType, schema },
    faults,
    async answers(asked, response, log) {
      const entry = { actor: asked.peer.hasKey ? "key" : "loopback", address: asked.peer.address, action: id, target: target(asked) };
      let answer: T;
      try {
        answer = await run(asked, readJson(asked, body));
      } catch (error) {
        log.info("audit", { ...entry, result: resultOf(error) });
        throw error;
      }
      log.info("audit", { ...entry, result: "done" });
      answerJson(response, status, answer);
    },
  };
}

/** A route for each path, with what it does for each method. */
export function routesOf(operations: readonly Operation[], log: Log): readonly Route[] {
  return [...Map.groupBy(operations, ({ path }) => path)].map(([path, all]) => ({
    path,
    // Who may use an address does not hang on the method.
    for: all[0]?.for ?? "known",
    bodyLimitBytes: all.some(({ body }) => body !== undefined) ? bodyLimitBytes : 0,
    answers: Object.fromEntries(
      all.map(({ method, answers }) => [method, (asked: Asked, response: ServerResponse) => answers(asked, response, log)]),
    ),
  }));
}

function resultOf(error: unknown): string {
  if (error instanceof Problem) return error.code;
  return error instanceof Error && "code" in error ? String(error.code) : "internal";
}
