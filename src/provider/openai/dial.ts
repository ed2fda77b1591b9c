import type OpenAI from "openai";
import { buildRealtimeURL } from "openai/realtime/internal-base";
import { Fault } from "../../kernel/fault.ts";
import { dial, UpgradeRefused } from "../../wire/dial.ts";
import type { WireSocket } from "../../wire/websocket.ts";
import type { OpenRequest } from "../contract.ts";
import { connectResuming } from "../tls-sessions.ts";
import { refusedUpgrade } from "./faults.ts";

/** Audio comes in pieces far smaller; a peer that sends more in one message is not one to listen to. */
const messageBytes = 16 * 2 ** 20;
const fragments = 16_384;
/** A peer that does not answer the close frame is not waited for. */
const closeLimitMs = 2_000;

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

/**
 * A socket to the service, on which nothing was said yet. Whoever gets it listens before anything else is waited for.
 * @throws {Fault} see `Provider.open`
 */
export async function dialService(
  { url, headers }: Address,
  { clock, openLimitMs, signal }: OpenRequest,
  doing: string,
  secret: string,
): Promise<WireSocket> {
  const given = new AbortController();
  const timer = clock.setTimeout(
    () => given.abort(new Fault("provider-silent", `${doing}: still connecting after ${openLimitMs} ms`)),
    openLimitMs,
  );
  const aborted = (): void => given.abort(new Fault("provider-dropped", `${doing}: given up by the call`));
  signal.addEventListener("abort", aborted);
  if (signal.aborted) aborted();
  try {
    const socket = { messageBytes, fragments, clock, closeLimitMs };
    return await dial({ url, headers, socket, signal: given.signal, connectTls: connectResuming });
  } catch (error) {
    if (error instanceof Fault) throw error;
    if (error instanceof UpgradeRefused) throw refusedUpgrade(error.status, error.body, error.headers["retry-after"], doing, secret);
    const found = error instanceof Error ? error.message.replaceAll(secret, "[key]") : "no reason given";
    throw new Fault("provider-unreachable", `${doing}: ${found}`);
  } finally {
    clock.clearTimeout(timer);
    signal.removeEventListener("abort", aborted);
  }
}
