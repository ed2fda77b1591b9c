import { WebSocket, type ClientOptions } from "ws";

/** How a server said no to an upgrade. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly status: number;
  readonly body: string;

  constructor(status: number, body: string) {
    super(`refused with ${status}: ${body.trim()}`);
    this.status = status;
    this.body = body;
  }
}

export interface SocketEnd {
  readonly code: number;
  readonly reason: string;
}

/** The WebSocket of a fake caller: connected, watched, and read only by `heard`. */
export interface CallerSocket {
  readonly socket: WebSocket;
  readonly closed: Promise<SocketEnd>;
}

/** @throws {Refused} */
export function connectSocket(
  url: string,
  heard: (message: string | Buffer) => void,
  options: ClientOptions = {},
  subprotocols: readonly string[] = [],
): Promise<CallerSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, [...subprotocols], { perMessageDeflate: false, ...options });
    const closed = new Promise<SocketEnd>((ended) => {
      socket.once("close", (code, reason) => ended({ code, reason: reason.toString() }));
    });
    socket.on("message", (data, isBinary) => {
      const bytes = data as Buffer; // `binaryType` is left at "nodebuffer".
      heard(isBinary ? bytes : bytes.toString());
    });
    socket.once("open", () => resolve({ socket, closed }));
    socket.on("error", reject);
    socket.once("unexpected-response", (_request, response) => {
      let body = "";
      response.on("data", (part: Buffer) => (body += part.toString()));
      response.once("end", () => reject(new Refused(response.statusCode ?? 0, body)));
      response.once("error", reject);
    });
  });
}
