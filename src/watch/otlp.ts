import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { TraceFlags, type Tracer } from "@opentelemetry/api";
import type { SpanProcessor } from "@opentelemetry/sdk-trace-node";

export interface TraceOutlet {
  readonly tracer: Tracer;
  /** The next span without a parent belongs to this trace. */
  beginTrace(traceId: string): void;
  /** Sends what waits, within a limit. */
  close(): Promise<void>;
}

export interface TraceOutletOptions {
  /** The collector's address, without the path. */
  readonly endpoint: string;
  /** "name=value,name=value", values percent-encoded; undefined: none. */
  readonly headers: string | undefined;
  readonly version: string;
  /** The collector took nothing; told once, until it takes spans again. */
  readonly failed: (error: unknown) => void;
  /** So many spans will reach nobody: the collector refused them, or took none for too long. */
  readonly dropped: (spans: number) => void;
}

/** Spans beyond these are dropped while the collector takes none. */
const mostWaiting = 8_192;
const sendLimitMs = 5_000;

/** Traces by OTLP over HTTP. The packages are loaded here and now: whoever sends no traces does not pay for them. */
export async function openTraces({ endpoint, headers, version, failed, dropped }: TraceOutletOptions): Promise<TraceOutlet> {
  const [{ BatchSpanProcessor, NodeTracerProvider, RandomIdGenerator }, { OTLPTraceExporter }] = await Promise.all([
    import("@opentelemetry/sdk-trace-node"),
    import("@opentelemetry/exporter-trace-otlp-http"),
  ]);
  const exporter = new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, headers: headersOf(headers), timeoutMillis: sendLimitMs });
  let isFailing = false;
  /** Spans that ended and are on their way. */
  let waiting = 0;
  const told: Pick<typeof exporter, "export" | "forceFlush" | "shutdown"> = {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const error = result.error;
        waiting -= spans.length;
        if (error !== undefined) dropped(spans.length);
        if (error !== undefined && !isFailing) failed(error);
        isFailing = error !== undefined;
        done(result);
      });
    },
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
  };
  const batch = new BatchSpanProcessor(told, { maxQueueSize: mostWaiting, exportTimeoutMillis: sendLimitMs });
  /** As the batch would, but what it drops is counted. */
  const bounded: SpanProcessor = {
    onStart: (span, within) => batch.onStart(span, within),
    onEnd(span) {
      if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
      if (waiting >= mostWaiting) return dropped(1);
      waiting += 1;
      batch.onEnd(span);
    },
    forceFlush: () => batch.forceFlush(),
    shutdown: () => batch.shutdown(),
  };
  let next: string | undefined;
  const random = new RandomIdGenerator();
  const provider = new NodeTracerProvider({
    idGenerator: {
      generateTraceId() {
        const traceId = next ?? random.generateTraceId();
        next = undefined;
        return traceId;
      },
      generateSpanId: () => random.generateSpanId(),
    },
    resource: resourceOf({
      "service.name": "linekeeper",
      "service.version": version,
      // Several processes of one machine take calls.
      "service.instance.id": randomUUID(),
      "host.name": hostname(),
      "process.pid": process.pid,
    }),
    spanProcessors: [bounded],
  });
  return {
    tracer: provider.getTracer("linekeeper", version),
    beginTrace: (traceId) => void (next = traceId),
    // What goes wrong in sending was told where it was sent.
    close: () => provider.shutdown().catch(() => undefined),
  };
}

/** What the spans say of this process. By hand: the package that makes these detects much more, and would be one more to depend on. */
function resourceOf(attributes: Readonly<Record<string, string | number>>) {
  const resource = { attributes, merge: () => resource, getRawAttributes: () => Object.entries(attributes) };
  return resource;
}

function headersOf(text: string | undefined): Record<string, string> {
  const pairs = (text ?? "").split(",").map((pair) => pair.split("="));
  return Object.fromEntries(pairs.flatMap(([name, ...value]) => (name ? [[name.trim(), decoded(value.join("="))]] : [])));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A key with a stray percent sign is still the key.
    return text;
  }
}
