import type { IncomingMessage } from "node:http";
import type { z } from "zod";
import { Problem, type Asked } from "./answer.ts";

/** No route takes more, whatever it asks for. */
const ceilingBytes = 2 * 1024 * 1024;

/**
 * The whole body. How slowly it may come is limited by the server (`requestTimeout`), for headers and body together.
 * @throws {Problem} too-large
 */
export async function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  if (!hasBody(request)) return Buffer.alloc(0);
  const limit = Math.min(limitBytes, ceilingBytes);
  if (Number(request.headers["content-length"] ?? 0) > limit) throw tooLarge(limit);
  const parts: Buffer[] = [];
  let bytes = 0;
  // A request without an encoding set yields buffers. It is kept when it is too long, so that it can be answered.
  for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > limit) throw tooLarge(limit);
    parts.push(part);
  }
  return Buffer.concat(parts, bytes);
}

/**
 * The body as JSON of that shape; none at all counts as {}.
 * @throws {Problem} malformed, or unfit with the path of the first field that is
 */
export function readJson<T>(asked: Asked, schema: z.ZodType<T>): T {
  const result = schema.safeParse(json(asked.body));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = issue === undefined || issue.path.length === 0 ? "the body" : issue.path.join(".");
  throw new Problem(422, "unfit", `${field}: ${issue?.message ?? "not understood"}`);
}

function json(body: Buffer): unknown {
  if (body.length === 0) return {};
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (error) {
    throw new Problem(400, "malformed", "the body is no JSON in UTF-8", { cause: error });
  }
}

export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;

const tooLarge = (limit: number): Problem =>
  new Problem(413, "too-large", limit === 0 ? "nothing here takes a request body" : `the body is longer than ${limit} bytes`);
