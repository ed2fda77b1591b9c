import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

interface Told {
  /** Such as "/chat". */
  readonly path: string;
  readonly body: string;
  /** Unix time, ms. */
  readonly atMs: number;
}

/** Whoever is at the other end of the webhooks. */
export interface People extends AsyncDisposable {
  readonly url: string;
  readonly told: readonly Told[];
}

export async function openPeople(): Promise<People> {
  const told: Told[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", () => {
      told.push({ path: request.url ?? "", body, atMs: Date.now() });
      response.writeHead(request.url?.startsWith("/pager") === true ? 202 : 200, { "content-type": "application/json" });
      response.end("{}");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // A server that listens on TCP has an address of this kind.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    told,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
