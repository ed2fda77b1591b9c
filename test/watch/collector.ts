import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A span as a collector gets it. */
interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly string[];
  readonly isError: boolean;
}

/** A collector for OTLP over HTTP as JSON, as far as traces need it. */
export interface Collector extends AsyncDisposable {
  readonly url: string;
  readonly spans: readonly CollectedSpan[];
  /** Everything that was sent, headers too, as text. */
  readonly raw: string;
  /** What is said of the process that sent them. */
  readonly resource: Readonly<Record<string, unknown>>;
  /** What it answers from now on. */
  status: number;
}

export async function openCollector(): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  let raw = "";
  let sender: Record<string, unknown> = {};
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (piece: string) => (body += piece));
    request.on("end", () => {
      raw += `${request.url ?? ""} ${JSON.stringify(request.headers)} ${body}\n`;
      if (collector.status === 200)
        for (const resource of JSON.parse(body).resourceSpans) {
          sender = attributesOf(resource.resource.attributes);
          for (const scope of resource.scopeSpans) spans.push(...scope.spans.map(spanOf));
        }
      response.writeHead(collector.status, { "content-type": "application/json" }).end("{}");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // A server that listens on TCP has an address of this kind.
  const { port } = server.address() as AddressInfo;
  const collector = {
    url: `http://127.0.0.1:${port}`,
    spans,
    status: 200,
    get raw() {
      return raw;
    },
    get resource() {
      return sender;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return collector;
}

// JSON of the wire, read by a test.
// oxlint-disable-next-line typescript/no-explicit-any
function spanOf(wire: any): CollectedSpan {
  const ms = (nanos: string): number => Number(BigInt(nanos) / 1_000n) / 1_000;
  return {
    traceId: wire.traceId,
    spanId: wire.spanId,
    parentSpanId: wire.parentSpanId === "" ? undefined : wire.parentSpanId,
    name: wire.name,
    kind: wire.kind,
    startMs: ms(wire.startTimeUnixNano),
    endMs: ms(wire.endTimeUnixNano),
    attributes: attributesOf(wire.attributes),
    events: wire.events.map((event: { name: string }) => event.name),
    isError: wire.status.code === 2,
  };
}

// oxlint-disable-next-line typescript/no-explicit-any
const attributesOf = (list: any[]): Record<string, unknown> => Object.fromEntries(list.map(({ key, value }) => [key, valueOf(value)]));

// oxlint-disable-next-line typescript/no-explicit-any
const valueOf = (wire: any): unknown =>
  wire.arrayValue === undefined
    ? (wire.stringValue ?? wire.intValue ?? wire.doubleValue ?? wire.boolValue)
    : wire.arrayValue.values.map(valueOf);
