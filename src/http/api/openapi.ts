// The OpenAPI 3.1 document of the API, made from the same operations that are served. Source: OpenAPI Specification 3.1.1.
import { z } from "zod";
import type { FaultCode } from "../../kernel/fault.ts";
import { statuses } from "../statuses.ts";
import type { Operation } from "./operation.ts";
import { problem } from "./shapes.ts";

type Schema = Readonly<Record<string, unknown>>;

export function openapiOf(operations: readonly Operation[], version: string): Schema {
  const shared: Record<string, Schema> = {};
  const paths: Record<string, Record<string, Schema>> = {};
  for (const operation of operations) {
    (paths[operation.path] ??= {})[operation.method.toLowerCase()] = described(operation, (schema, io) => schemaOf(schema, io, shared));
  }
  schemaOf(problem, "output", shared);
  return {
    openapi: "3.1.1",
    info: {
      title: "Linekeeper",
      version,
      description: "Watches and steers the calls of one node. On the machine itself no key is needed unless one is configured elsewhere.",
    },
    servers: [{ url: "/" }],
    security: [{ key: [] }],
    paths,
    components: {
      securitySchemes: { key: { type: "http", scheme: "bearer", description: "LINEKEEPER_API_KEY; not needed from the machine itself" } },
      schemas: shared,
    },
  };
}

type ToSchema = (schema: z.ZodType, io: "input" | "output") => Schema;

function described(operation: Operation, toSchema: ToSchema): Schema {
  const { answer, body } = operation;
  const parameters = [
    ...[...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: "path", required: true, schema: { type: "string" } })),
    ...Object.entries(operation.query).map(([name, description]) => ({ name, in: "query", description, schema: { type: "string" } })),
  ];
  return {
    operationId: operation.id,
    summary: operation.summary,
    ...(operation.for === "everybody" && { security: [] }),
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && { requestBody: { content: { "application/json": { schema: toSchema(body, "input") } } } }),
    responses: {
      [answer.status]: { description: answer.meaning, content: { [answer.type]: { schema: toSchema(answer.schema, "output") } } },
      ...failuresOf(operation),
    },
  };
}

function failuresOf({ body, faults, for: who }: Operation): Record<string, Schema> {
  const failures: [number, string][] = [
    ...(who === "everybody" ? [] : ([[403, "not served: from elsewhere without a key configured, or a page of another site"]] as const)),
    ...(who === "known" ? ([[401, "the key is missing or wrong"]] as const) : []),
    ...(body === undefined
      ? []
      : ([
          [400, "the body is no JSON"],
          [413, "the body is too long"],
          [422, "a field of the body is wrong"],
        ] as const)),
    ...faults.map((code): [number, string] => [statuses[code], faultMeanings[code] ?? code]),
  ].map(([status, meaning]) => [status, meaning]);
  const content = { "application/json": { schema: { $ref: "#/components/schemas/Problem" } } };
  return Object.fromEntries(failures.map(([status, description]) => [String(status), { description, content }]));
}

const faultMeanings: Readonly<Partial<Record<FaultCode, string>>> = {
  "call-unknown": "no such call is in progress here",
  "call-unable": "the call or its line cannot do that just now; the message says why",
  busy: "too many at once; Retry-After says when to come again",
};

/** What has an id stands once, among the components. */
function schemaOf(schema: z.ZodType, io: "input" | "output", shared: Record<string, Schema>): Schema {
  const { $schema: _, $defs, ...own } = z.toJSONSchema(schema, { io, target: "draft-2020-12" });
  const place = (each: object): Schema =>
    // The text of a JSON document, with its references moved.
    JSON.parse(JSON.stringify(each).replaceAll('"#/$defs/', '"#/components/schemas/')) as Schema;
  for (const [id, each] of Object.entries($defs ?? {})) shared[id] = withoutId(place(each));
  const { id } = own;
  if (typeof id !== "string") return place(own);
  shared[id] = withoutId(place(own));
  return { $ref: `#/components/schemas/${id}` };
}

function withoutId(schema: Schema): Schema {
  const { id: _, ...rest } = schema;
  return rest;
}
