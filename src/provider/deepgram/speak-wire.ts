// Deepgram speak v1 (Aura). Sources: deepgram-api-specs asyncapi.yml, types of @deepgram/sdk 5.13.0, developers.deepgram.com "Streaming
// text to speech", "Flush" and "Clear", read 2026-11. Audio is binary, without id or header.
import type { DeepgramClient } from "@deepgram/sdk";
import { z } from "zod";
import type { Encoding } from "../../audio/encodings.ts";
import { mediaOf } from "./media.ts";
import type { PipelineSettings } from "./settings.ts";

type Query = NonNullable<Parameters<DeepgramClient["speak"]["v1"]["connect"]>[0]>;
type HttpRequest = Parameters<DeepgramClient["speak"]["v1"]["audio"]["generate"]>[0];

/** Characters that one request may hold. Pages say 2,000 and 2,400. */
export const textLimit = 2_000;
/** `Flush` messages that one socket may send in a window; more are not processed. */
export const flushLimit = 20;
export const flushWindowMs = 60_000;
/** How long a socket lives. */
export const socketLimitMs = 60 * 60_000;

export type SpeakMessage =
  | { readonly type: "ready" }
  | { readonly type: "flushed" }
  | { readonly type: "cleared" }
  | { readonly type: "warning"; readonly text: string }
  | { readonly type: "error"; readonly code: string; readonly description: string };

export function speakQuery(settings: PipelineSettings, downlink: Encoding): Query {
  const { encoding, rateHz } = mediaOf(downlink);
  const { voice, speed, mipOptOut } = settings;
  return {
    model: voice,
    encoding,
    sample_rate: String(rateHz),
    ...(speed === undefined ? {} : { speed }),
    ...(mipOptOut ? { mip_opt_out: "true" } : {}),
  };
}

/** `container: "none"`, for the header of a WAV is heard as a click. */
export function speakRequest(text: string, settings: PipelineSettings, downlink: Encoding): HttpRequest {
  const { encoding, rateHz } = mediaOf(downlink);
  const { voice, speed, mipOptOut, tag } = settings;
  return {
    text,
    model: voice,
    encoding,
    sample_rate: rateHz,
    container: "none",
    ...(speed === undefined ? {} : { speed }),
    ...(mipOptOut ? { mip_opt_out: true } : {}),
    ...(tag === undefined ? {} : { tag }),
  };
}

const textual = z.object({
  code: z.string().optional(),
  description: z.string().optional(),
  warn_msg: z.string().optional(),
});

/** The message, or in words why it is none. */
export function readSpeak(raw: unknown): SpeakMessage | string {
  const type = z.object({ type: z.string() }).safeParse(raw);
  if (!type.success) return "a message of speak that is no object with a type";
  switch (type.data.type) {
    case "Metadata":
      return { type: "ready" };
    case "Flushed":
      return { type: "flushed" };
    case "Cleared":
      return { type: "cleared" };
    case "Warning":
    case "Error": {
      const read = textual.safeParse(raw);
      const { code = "", description = "", warn_msg: older = "" } = read.success ? read.data : {};
      if (type.data.type === "Error") return { type: "error", code, description };
      return { type: "warning", text: [code, description, older].filter((part) => part !== "").join(" ") };
    }
    default:
      return `unknown message ${type.data.type.slice(0, 60)} of speak`;
  }
}
