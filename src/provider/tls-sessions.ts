import { isIP } from "node:net";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";

/** Addresses of providers are few; a set-up that names more begins each of the oldest ones anew. */
const sessionsLimit = 64;
/** The last session that each peer gave, by its name and port. */
const sessions = new Map<string, Buffer>();

/** Options for a WebSocket to `url`: over TLS its dial takes up the peer's last session, else nothing. */
export const resumingOptions = (url: string | URL): { readonly createConnection?: typeof connectResuming } =>
  /^(wss|https):/.test(String(url)) ? { createConnection: connectResuming } : {};

/**
 * A TLS connection that takes up the last session of the same peer, as an HTTPS agent does and a WebSocket does not: no certificates are
 * sent and checked, which with hundreds of calls dialling anew is a good part of the work (`node scripts/bench/set-up.ts`); with TLS 1.2
 * it saves a round trip too. A session that the peer does not know any more costs nothing.
 */
export function connectResuming(requested: unknown): TLSSocket {
  const options = requested as ConnectionOptions; // Those of the HTTPS request, which are more.
  const host = options.host ?? "";
  const servername = options.servername ?? (isIP(host) === 0 ? host : "");
  const peer = `${host}:${options.port ?? 443}/${servername}`;
  const session = sessions.get(peer);
  // The path is that of the request, and would be taken for that of a Unix socket.
  const socket = connect({ ...options, path: undefined, servername, ...(session !== undefined && { session }) });
  socket.on("session", (given: Buffer) => {
    sessions.delete(peer);
    sessions.set(peer, given);
    const [oldest] = sessions.keys();
    if (sessions.size > sessionsLimit && oldest !== undefined) sessions.delete(oldest);
  });
  return socket;
}
