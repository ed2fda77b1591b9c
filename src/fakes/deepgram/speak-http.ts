// Speak v1 by a single request. Source: developers.deepgram.com "Text to speech" and "Errors", read 2026-11.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { CallPanel } from "./call-panel.ts";
import { parsed } from "./flux.ts";
import { complaintAbout, encodingOf, speakHttp } from "./query.ts";
import type { Script } from "./voice.ts";

const textLimit = 2_000;

export interface HttpVoice {
  readonly panel: CallPanel;
  readonly script: Script;
  readonly isAuthorized: (request: IncomingMessage) => boolean;
  readonly refusal: (
    status: number,
    message?: string,
  ) => { readonly status: number; readonly body: string; readonly headers?: Readonly<Record<string, string>> };
}

export async function speakOverHttp(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  { panel, script, isAuthorized, refusal }: HttpVoice,
): Promise<void> {
  const refuse = (status: number, message: string): void => {
    panel.violation(`POST /v1/speak: ${message}`);
    const { body, headers = {} } = refusal(status, message);
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);
  };
  const body = await read(request);
  const { opening } = panel;
  if (!isAuthorized(request)) return void response.writeHead(401, { "content-type": "application/json" }).end(refusal(401).body);
  if (opening.type === "refused")
    return void response.writeHead(opening.status, { "content-type": "application/json" }).end(refusal(opening.status).body);
  const complaint = complaintAbout(url.searchParams, speakHttp);
  if (complaint !== undefined) return refuse(400, complaint);
  if (url.searchParams.get("container") !== "none") return refuse(400, "a WAV header is heard as a click");
  if (request.headers["content-type"]?.startsWith("application/json") !== true)
    return refuse(415, "the content type must be application/json");
  const text = parsed(body)?.text;
  if (typeof text !== "string" || text.trim() === "") return refuse(400, "Input text contains no characters.");
  if (text.length > textLimit) return refuse(413, "Input text exceeds maximum character limit of 2000.");
  const record = panel.newRecord(request);
  record.texts.push(text);
  const { audio } = script.next(text, panel.speaking, encodingOf(url.searchParams));
  record.spoken.keep(audio);
  response.writeHead(200, { "content-type": "audio/l16", "dg-request-id": "r", "dg-char-count": String(text.length) });
  // Odd pieces here as well.
  for (let at = 0; at < audio.length; at += 1_601) response.write(audio.subarray(at, at + 1_601));
  response.end();
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  // Without an encoding set, the pieces are buffers.
  for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
}
