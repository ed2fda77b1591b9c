import type OpenAI from "openai";
import { buildRealtimeURL } from "openai/realtime/internal-base";
import { Fault } from "../../kernel/fault.ts";

/** Where a session is opened, and as whom. */
export interface Address {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

/** @throws {Fault} setting-invalid */
export function baseUrl(name: string, value: string): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url !== undefined && ["https:", "http:", "wss:", "ws:"].includes(url.protocol)) return url;
  throw new Fault("setting-invalid", `${name} must be an http or https address, such as https://api.openai.com/v1`);
}

/** As the official client has it; what it does not know is that `base` may be plain, of a proxy or a fake on this machine. */
export function addressOf(client: OpenAI, model: string, base: URL, authority: Readonly<Record<string, string>>): Address {
  const url = buildRealtimeURL(client, model);
  if (base.protocol === "http:" || base.protocol === "ws:") {
    url.protocol = "ws:";
    url.port = base.port;
  }
  return { url, headers: client._buildWebSocketHeaders(authority) };
}
