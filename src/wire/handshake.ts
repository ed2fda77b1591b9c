// The opening handshake of RFC 6455, section 4.2, on a server.
import { hash } from "node:crypto";

/** The request, as far as it matters here; what Node's HTTP server gives is one. */
export interface UpgradeRequest {
  readonly method?: string | undefined;
  readonly httpVersion: string;
  /** By name in lower case; several of one name are joined with ", ". */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** The answer to who may come in: all of it up to the first frame. */
export interface Welcome {
  readonly head: string;
}

export interface Refusal {
  readonly status: 400 | 405 | 426;
  readonly message: string;
  /** Lines of the answer that say what would be right. */
  readonly headers: readonly string[];
}

const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** What answers a key: the proof that the other side knows what it is asked for. */
export const acceptOf = (key: string): string => hash("sha1", key + guid, "base64");
/** Sixteen bytes in base64. */
const keyForm = /^[A-Za-z0-9+/]{21}[AQgw]==$/;
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Of the subprotocols that the peer offers it gets the first that stands in `spoken`, or none. */
export function answerUpgrade({ method, httpVersion, headers }: UpgradeRequest, spoken: readonly string[]): Welcome | Refusal {
  const { upgrade, host, "sec-websocket-key": key, "sec-websocket-version": version } = headers;
  if (method !== "GET") return refusal(405, "a WebSocket is opened with GET", ["allow: GET"]);
  if (httpVersion !== "1.1") return refusal(400, "a WebSocket is opened with HTTP/1.1");
  // What comes next would be a body to whoever stands between, and frames to us.
  if (hasBody(headers)) return refusal(400, "a WebSocket is opened without a body");
  if (host === undefined) return refusal(400, "host: there is none");
  if (typeof upgrade !== "string" || upgrade.toLowerCase() !== "websocket") return refusal(400, "upgrade: expected websocket");
  if (typeof key !== "string" || !keyForm.test(key)) return refusal(400, "sec-websocket-key: expected sixteen bytes in base64");
  if (version !== "13") return refusal(426, "sec-websocket-version: expected 13", ["sec-websocket-version: 13", "upgrade: websocket"]);
  const offered = offeredIn(headers["sec-websocket-protocol"]);
  if (offered === undefined) return refusal(400, "sec-websocket-protocol: expected different names with commas between them");
  const protocol = spoken.find((each) => offered.includes(each));
  const lines = ["HTTP/1.1 101 Switching Protocols", "upgrade: websocket", "connection: Upgrade", `sec-websocket-accept: ${acceptOf(key)}`];
  if (protocol !== undefined) lines.push(`sec-websocket-protocol: ${protocol}`);
  return { head: `${lines.join("\r\n")}\r\n\r\n` };
}

const refusal = (status: Refusal["status"], message: string, headers: readonly string[] = []): Refusal => ({ status, message, headers });

const hasBody = ({ "content-length": length, "transfer-encoding": coding }: UpgradeRequest["headers"]): boolean =>
  coding !== undefined || (length !== undefined && length !== "0");

/** Undefined: not written as it should be. */
function offeredIn(header: string | readonly string[] | undefined): readonly string[] | undefined {
  if (header === undefined) return [];
  if (typeof header !== "string") return undefined;
  const names = header.split(",").map((each) => each.trim());
  return names.every((each) => token.test(each)) && new Set(names).size === names.length ? names : undefined;
}
