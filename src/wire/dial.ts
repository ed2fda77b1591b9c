// The opening handshake of RFC 6455, section 4.1, as a client.
import { randomBytes } from "node:crypto";
import { request as ask, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { acceptOf } from "./handshake.ts";
import { WireSocket, type SocketOptions } from "./websocket.ts";

export interface Dial {
  /** wss or https for TLS, ws or http. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly socket: SocketOptions;
  /** Ends the attempt; a socket that is open by then is not touched. */
  readonly signal: AbortSignal;
  /** In place of Node's own; of the options only these are said: host, port and servername. */
  readonly connectTls?: (options: ConnectionOptions) => Socket;
}

/** The other side is no WebSocket, or will not be one for us. */
export class UpgradeRefused extends Error {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Its beginning. */
  readonly body: string;

  constructor(status: number, headers: IncomingHttpHeaders, body: string) {
    super(`the upgrade was answered with status ${status}`);
    this.status = status;
    this.headers = headers;
    this.body = body;
  }
}

const bodyLimit = 4_096;

/**
 * Opens a WebSocket to a server. Neither extensions nor subprotocols are offered, and no redirection is followed. Whoever gets the
 * socket listens to it before anything else is waited for.
 * @throws {UpgradeRefused} for an answer that is no upgrade
 * @throws {Error} for none, for an upgrade that is not ours, and the signal's reason
 */
export async function dial({ url, headers, socket: options, signal, connectTls: tls = connectTls }: Dial): Promise<WireSocket> {
  if (signal.aborted) throw errorOf(signal);
  const { promise, resolve, reject } = Promise.withResolvers<WireSocket>();
  const key = randomBytes(16).toString("base64");
  const upgrade = { upgrade: "websocket", connection: "Upgrade", "sec-websocket-key": key, "sec-websocket-version": "13" };
  let stream: Socket | undefined;
  const request = ask({
    path: `${url.pathname}${url.search}`,
    headers: { host: url.host, ...headers, ...upgrade },
    createConnection: () => (stream = connectionTo(url, tls)),
  });
  const giveUp = (): void => void request.destroy(errorOf(signal));
  signal.addEventListener("abort", giveUp);
  request.on("error", reject);
  request.once("upgrade", (response, upgraded, head) => {
    const wrong = whatIsWrong(response.headers, key);
    if (wrong !== undefined) {
      upgraded.destroy();
      return reject(new Error(wrong));
    }
    // What came in the same breath is read with the rest.
    if (head.length > 0) upgraded.unshift(head);
    resolve(new WireSocket(upgraded, { ...options, peer: "server" }));
  });
  request.once("response", (response) => {
    beginningOf(response, (body) => {
      stream?.destroy();
      reject(new UpgradeRefused(response.statusCode ?? 0, response.headers, body));
    });
  });
  request.end();
  try {
    return await promise;
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

function connectionTo(url: URL, tls: (options: ConnectionOptions) => Socket): Socket {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const isTls = url.protocol === "wss:" || url.protocol === "https:";
  const port = url.port === "" ? (isTls ? 443 : 80) : Number(url.port);
  const to = { host, port };
  const socket = isTls ? tls({ ...to, servername: isIP(host) === 0 ? host : "" }) : connect(to);
  return socket.setNoDelay(true);
}

/** Section 4.1: what a client must look at before it takes the other side for a WebSocket. Undefined: all is well. */
function whatIsWrong(headers: IncomingHttpHeaders, key: string): string | undefined {
  const { upgrade = "", connection = "", "sec-websocket-accept": accept } = headers;
  if (upgrade.toLowerCase() !== "websocket") return "upgrade: expected websocket";
  if (!tokensOf(connection).includes("upgrade")) return "connection: expected upgrade";
  if (accept !== acceptOf(key)) return "sec-websocket-accept: it answers another key";
  if (headers["sec-websocket-extensions"] !== undefined) return "sec-websocket-extensions: none was offered";
  if (headers["sec-websocket-protocol"] !== undefined) return "sec-websocket-protocol: none was offered";
  return undefined;
}

const tokensOf = (header: string): string[] => header.split(",").map((each) => each.trim().toLowerCase());

function beginningOf(response: IncomingMessage, told: (body: string) => void): void {
  let body = "";
  response.setEncoding("utf8");
  response.on("data", (piece: string) => {
    body = (body + piece).slice(0, bodyLimit);
    if (body.length === bodyLimit) told(body);
  });
  // The line may break before all of it has come; what has come says enough.
  response.on("error", () => told(body));
  response.once("end", () => told(body));
}

const errorOf = ({ reason }: AbortSignal): Error => (reason instanceof Error ? reason : new Error("given up"));
