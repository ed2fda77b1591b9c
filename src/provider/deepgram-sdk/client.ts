import { DeepgramClient } from "@deepgram/sdk";
import { Fault } from "../../kernel/fault.ts";
import type { WsTransport } from "./transport.ts";

/** Where Deepgram is, in the client's terms: recognition and synthesis on one host, the voice agent on another. */
export interface DeepgramAddress {
  readonly base: string;
  readonly production: string;
  readonly agent: string;
  readonly agentRest: string;
}

/**
 * From DEEPGRAM_BASE_URL and DEEPGRAM_AGENT_BASE_URL; the first alone stands for both hosts.
 * @throws {Fault} setting-invalid
 */
export function deepgramAddress(setting: (name: string) => string | undefined): DeepgramAddress {
  const own = httpBase("DEEPGRAM_BASE_URL", setting("DEEPGRAM_BASE_URL"));
  const agent = httpBase("DEEPGRAM_AGENT_BASE_URL", setting("DEEPGRAM_AGENT_BASE_URL")) ?? own ?? "https://agent.deepgram.com";
  const base = own ?? "https://api.deepgram.com";
  return { base, production: socketBase(base), agent: socketBase(agent), agentRest: agent };
}

const socketBase = (base: string): string => base.replace(/^http/, "ws");

function httpBase(name: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !["https:", "http:", "wss:", "ws:"].includes(url.protocol))
    throw new Fault("setting-invalid", `${name} must be an http or https address, such as https://api.eu.deepgram.com`);
  return url.href.replace(/\/$/, "").replace(/^ws/, "http");
}

/** The official client for one connection over `transport`. Neither of them tries anything twice. */
export const deepgramClient = (key: string, address: DeepgramAddress, transport: WsTransport): DeepgramClient =>
  new DeepgramClient({ apiKey: key, environment: address, transportFactory: transport.factory, reconnect: false, maxRetries: 0 });

/** Options that every `connect` is given: the client's own reconnects off, and its timer behind ours. */
export const connectOnce = (openLimitMs: number): { readonly reconnectAttempts: 0; readonly connectionTimeoutInSeconds: number } => ({
  reconnectAttempts: 0,
  connectionTimeoutInSeconds: openLimitMs / 1_000 + 30,
});
