import { Parser } from "@asyncapi/parser";
import { expect, test } from "vitest";
import { openHouse } from "../caller/open-house.ts";
import { SimulatedClock } from "../simulated-clock.ts";
import { Switchboard } from "./switchboard.ts";

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly requestBody?: unknown;
  readonly responses: Readonly<Record<string, { readonly content: Readonly<Record<string, { readonly schema: object }>> }>>;
}
interface Openapi {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

async function documents() {
  const board = new Switchboard(new SimulatedClock());
  const house = await openHouse({ routes: board.routes, access: { keys: () => ["sesame"] } });
  const read = async (path: string): Promise<unknown> => (await fetch(house.url + path)).json();
  return {
    board,
    house,
    openapi: (await read("/openapi.json")) as Openapi, // What the tests below find out.
    asyncapi: await read("/asyncapi.json"),
    [Symbol.asyncDispose]: async () => {
      board[Symbol.dispose]();
      await house[Symbol.asyncDispose]();
    },
  };
}

test("every route under /v1 is documented with each of its methods, and nothing else is", async () => {
  await using house = await documents();
  const served = house.board.routes
    .filter(({ path }) => path.startsWith("/v1/"))
    .flatMap(({ path, answers }) => Object.keys(answers).map((method) => `${method} ${path}`));
  const documented = Object.entries(house.openapi.paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(documented.toSorted()).toEqual(served.toSorted());
  expect(served.length).toBeGreaterThan(15);
});

test("every documented operation answers, each with a status that it documents", async () => {
  await using house = await documents();
  house.board.calls.add("c1");
  for (const [path, item] of Object.entries(house.openapi.paths)) {
    const real = path.replace("{id}", "c1").replace("{name}", "openai");
    for (const [method, operation] of Object.entries(item)) {
      const leave = new AbortController();
      const answer = await fetch(house.house.url + real, { method: method.toUpperCase(), signal: leave.signal });
      expect([path, Object.keys(operation.responses)]).toEqual([path, expect.arrayContaining([String(answer.status)])]);
      expect([path, answer.status]).not.toEqual([path, 404]);
      const [type] = (answer.headers.get("content-type") ?? "").split(";");
      expect(Object.keys(operation.responses[answer.status]?.content ?? {})).toEqual([type]);
      leave.abort();
      if (path.endsWith("/hang-up")) house.board.calls.add("c1");
    }
  }
});

test("operations have names of their own, and every reference leads somewhere", async () => {
  await using house = await documents();
  const operations = Object.values(house.openapi.paths).flatMap((item) => Object.values(item));
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
  for (const { summary } of operations) expect(summary).toMatch(/^\w.{10,}/);
  const references = [...JSON.stringify(house.openapi).matchAll(/"\$ref":"([^"]+)"/g)].map(([, to]) => to ?? "");
  expect(references.length).toBeGreaterThan(20);
  for (const to of references) expect(Object.keys(house.openapi.components.schemas)).toContain(to.replace("#/components/schemas/", ""));
});

test("the document of the browser's wire is valid AsyncAPI 3.0 and names every message", async () => {
  await using house = await documents();
  const { document, diagnostics } = await new Parser().parse(JSON.stringify(house.asyncapi));
  expect(diagnostics.filter(({ severity }) => severity === 0)).toEqual([]);
  expect(document?.version()).toBe("3.0.0");
  const names = document
    ?.allMessages()
    .all()
    .map((message) => message.id())
    .toSorted();
  expect(names).toEqual(
    [
      ...["audioUp", "start", "text", "played", "dtmf", "ping", "bye"],
      ...["audioDown", "started", "phase", "caption", "caption.withdrawn", "latency", "tool", "handed-over"],
      ...["connection.reconnecting", "connection.reconnected", "connection.failed", "turn", "flush", "pong", "error", "ended"],
    ].toSorted(),
  );
});
