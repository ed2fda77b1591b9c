import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { levers } from "./levers.ts";
import type { Panel } from "./panel.ts";

/** A running fake, as far as its levers go. */
interface Controlled {
  readonly name: string;
  readonly panel: Panel;
}

interface Answer {
  readonly status: number;
  readonly body: object;
}

const argumentLimitBytes = 1_024;
const loopback = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

/** How a fake is just now; what a page shows beside its levers. */
export const conditionOf = ({ name, panel }: Controlled): object => ({
  name,
  opening: panel.opening.type,
  slowMs: panel.slowMs,
  hangs: panel.silent,
  alive: panel.open,
  connections: panel.connections,
  violations: panel.violations.length,
});

/**
 * Pulls a lever of a fake by name.
 * @throws {RangeError} naming what there is instead, or what is wrong with the argument
 */
export function pullLever(fakes: readonly Controlled[], name: string, pulled: string, argument: string): Controlled {
  const fake = fakes.find((one) => one.name === name);
  if (fake === undefined) throw new RangeError(`no fake "${name}" runs here; there are ${fakes.map((one) => one.name).join(", ")}`);
  const lever = levers.find((one) => one.name === pulled);
  if (lever === undefined) throw new RangeError(`no lever "${pulled}"; there are ${levers.map((one) => one.name).join(", ")}`);
  if (lever.takes === "" && argument !== "") throw new RangeError(`"${pulled}" takes nothing, not "${argument}"`);
  lever.pull(fake.panel, argument);
  return fake;
}

export interface Control extends AsyncDisposable {
  readonly url: string;
}

/**
 * The levers of running fakes over HTTP, on the loopback and for pages of this machine only. `GET /panel` tells all levers and the
 * condition of every fake; `POST /panel/<fake>/<lever>` pulls one, its argument in the body as text, and tells that fake's condition.
 */
export async function startControl(fakes: readonly Controlled[], port = 0): Promise<Control> {
  const server = createServer((request, response) => {
    answer(fakes, request).then(
      ({ status, body }) => send(request, response, status, body),
      () => response.destroy(),
    );
  });
  await listening(server, port);
  return {
    // Listening on TCP gives an address of this kind.
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/panel`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

const listening = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });

async function answer(fakes: readonly Controlled[], request: IncomingMessage): Promise<Answer> {
  const { method = "", headers } = request;
  // Another site's page, or a name that was bent to this machine, has no say here.
  if (!loopback.test(headers.host ?? "") || !isOurs(headers.origin)) return failed(403, "only pages and programs of this machine may ask");
  const [root, name, lever, ...rest] = new URL(request.url ?? "/", "http://fake").pathname.slice(1).split("/").map(decoded);
  if (root !== "panel" || rest.length > 0 || (name !== undefined && lever === undefined)) return failed(404, "there is only /panel");
  if (method === "OPTIONS") return { status: 204, body: {} };
  if (name === undefined || lever === undefined) {
    if (method !== "GET") return failed(405, "GET /panel, or POST /panel/<fake>/<lever>");
    const known = levers.map((one) => ({ name: one.name, takes: one.takes, does: one.does }));
    return { status: 200, body: { levers: known, fakes: fakes.map(conditionOf) } };
  }
  if (method !== "POST") return failed(405, "a lever is pulled by POST");
  const argument = await textOf(request);
  if (argument === undefined) return failed(413, `an argument has at most ${argumentLimitBytes} bytes`);
  try {
    return { status: 200, body: conditionOf(pullLever(fakes, name, lever, argument)) };
  } catch (error) {
    if (error instanceof RangeError) return failed(400, error.message);
    throw error;
  }
}

const failed = (status: number, error: string): Answer => ({ status, body: { error } });

const isOurs = (origin: string | undefined): boolean =>
  origin === undefined || (URL.canParse(origin) && loopback.test(new URL(origin).host));

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

async function textOf(request: IncomingMessage): Promise<string | undefined> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request) {
    // A request without an encoding gives buffers.
    pieces.push(piece as Buffer);
    bytes += pieces.at(-1)?.length ?? 0;
    if (bytes > argumentLimitBytes) return undefined;
  }
  return Buffer.concat(pieces).toString().trim();
}

function send(request: IncomingMessage, response: ServerResponse, status: number, body: object): void {
  const { origin } = request.headers;
  const shared = origin !== undefined && isOurs(origin) ? { "access-control-allow-origin": origin, vary: "origin" } : {};
  const headers = { ...shared, "cache-control": "no-store", connection: "close" };
  if (status === 204) return void response.writeHead(204, { ...headers, "access-control-allow-methods": "GET, POST" }).end();
  response.writeHead(status, { ...headers, "content-type": "application/json" }).end(JSON.stringify(body));
}
