import { connect } from "node:net";
import type { ClientOptions } from "ws";
import { Fault } from "../../kernel/fault.ts";
import { resumingOptions } from "../tls-sessions.ts";

/** Audio comes in pieces far smaller; a peer that sends more in one message is not one to listen to. */
const maxMessageBytes = 16 * 2 ** 20;

/** @throws {Fault} setting-invalid */
export function baseUrl(name: string, value: string): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url !== undefined && ["https:", "http:", "wss:", "ws:"].includes(url.protocol)) return url;
  throw new Fault("setting-invalid", `${name} must be an http or https address, such as https://api.openai.com/v1`);
}

/**
 * Options of the client's socket for one connection to `url`. The official client makes every address wss:, so a plain one
 * (a proxy or a fake on this machine) is reached by giving it a plain socket for the same request.
 */
export function socketOptions(url: URL): ClientOptions {
  if (url.protocol === "https:" || url.protocol === "wss:") return { maxPayload: maxMessageBytes, ...resumingOptions(url) };
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = url.port === "" ? 80 : Number(url.port);
  return { maxPayload: maxMessageBytes, createConnection: () => connect({ host, port }) };
}
