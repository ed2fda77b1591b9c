import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import type { Asked } from "../http/answer.ts";

/** Told at a process's own door: the address of the peer for whom another process asks. */
export const peerHeader = "x-linekeeper-peer";

const answerLimitMs = 15_000;
/** A process that died is there again within a second or two; so long it is waited for. */
export const patienceMs = 10_000;
export const retryMs = 100;

interface Question {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body?: Buffer;
}

/** Nobody listens at a process's own door: it is being started again. Nothing was sent. */
export const isAway = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ECONNREFUSED");

/** Asks a process at its own door, where it answers for itself alone; one that is away is waited for. */
async function askAt(door: string, question: Question, waitMs = patienceMs): Promise<IncomingMessage> {
  for (let waitedMs = 0; ; waitedMs += retryMs) {
    try {
      return await askOnce(door, question);
    } catch (error) {
      if (!isAway(error) || waitedMs >= waitMs) throw error;
      await wait(retryMs);
    }
  }
}

function askOnce(door: string, { method, path, headers, body }: Question): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest({ socketPath: door, method, path, headers, timeout: answerLimitMs }, resolve);
    asked.once("error", reject);
    asked.once("timeout", () => asked.destroy(new Error(`no answer within ${answerLimitMs} ms`)));
    asked.end(body);
  });
}

/** Another process answers: it has the call. */
export async function handOn({ request, body, peer }: Asked, response: ServerResponse, door: string): Promise<void> {
  const { connection: _, "transfer-encoding": __, ...kept } = request.headers;
  const headers = { ...kept, [peerHeader]: peer.address, "content-length": String(body.length) };
  const answer = await askAt(door, { method: request.method ?? "GET", path: request.url ?? "/", headers, body });
  const { connection: ___, "transfer-encoding": ____, ...told } = answer.headers;
  response.writeHead(answer.statusCode ?? 502, told);
  answer.pipe(response);
}

/** What a process says for itself, as this machine's own operator hears it. */
export async function hear(door: string, path: string): Promise<{ readonly status: number; readonly body: string }> {
  const answer = await askAt(door, { method: "GET", path, headers: { host: "localhost", [peerHeader]: "127.0.0.1" } }, 0);
  return { status: answer.statusCode ?? 502, body: await text(answer) };
}
