import { connect } from "node:net";
import { expect, test } from "vitest";
import { z } from "zod";
import { answerJson, Problem, type Asked, type Route } from "../../src/http/answer.ts";
import { readJson } from "../../src/http/body.ts";
import { Fault } from "../../src/kernel/fault.ts";
import { openHouse, type House } from "../caller/open-house.ts";

const order = z.object({ item: z.string().min(1), sizes: z.array(z.number()).default([]) });

/** Says which route answered and what it was asked. */
const tells = (path: string, extra: Partial<Route> = {}): Route => ({
  path,
  for: "everybody",
  bodyLimitBytes: 100,
  answers: {
    GET: ({ rest, ids, query }, response) => answerJson(response, 200, { path, rest, ids, query: Object.fromEntries(query) }),
    POST: (asked, response) => answerJson(response, 200, readJson(asked, order)),
  },
  ...extra,
});
const fails = (path: string, error: Error): Route =>
  tells(path, {
    answers: {
      GET: () => {
        throw error;
      },
    },
  });

const open = (routes: readonly Route[], access = {}): Promise<House> => openHouse({ routes, access });
const shelves = ["/", "/shelf/", "/shelf/deep/", "/shelf/{id}", "/shelf/{id}/move/{to}", "/shelf/top"].map((path) => tells(path));

test.each([
  { asked: "/shelf/top", path: "/shelf/top", rest: "", ids: {} },
  { asked: "/shelf/a%20b", path: "/shelf/{id}", rest: "", ids: { id: "a b" } },
  { asked: "/shelf/a/move/%2F", path: "/shelf/{id}/move/{to}", rest: "", ids: { id: "a", to: "/" } },
  { asked: "/shelf/a/b", path: "/shelf/", rest: "a/b", ids: {} },
  { asked: "/shelf/deep/c%20d", path: "/shelf/deep/", rest: "c%20d", ids: {} },
  { asked: "/other", path: "/", rest: "other", ids: {} },
])("$asked is answered by the route $path", async ({ asked, path, rest, ids }) => {
  await using house = await open(shelves);
  const answer = await fetch(`${house.url}${asked}?a=1&b=%26`);
  expect(await answer.json()).toEqual({ path, rest, ids, query: { a: "1", b: "&" } });
});

test("a name in braces that is not escaped as addresses are does not exist", async () => {
  await using house = await open([tells("/shelf/{id}")]);
  expect((await fetch(`${house.url}/shelf/%zz`)).status).toBe(404);
});

test("a method that a route does not have is answered by 405 with those that it has", async () => {
  await using house = await open(shelves);
  for (const method of ["DELETE", "PUT", "PATCH", "OPTIONS"]) {
    const answer = await fetch(`${house.url}/shelf/top`, { method });
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "GET, HEAD, POST"]);
  }
});

const post = (house: House, body: string | Uint8Array<ArrayBuffer>): Promise<Response> =>
  fetch(`${house.url}/shelf/top`, { method: "POST", body });

test("a body comes as what its schema makes of it", async () => {
  await using house = await open(shelves);
  const answer = await post(house, '{"item":"lamp","other":1}');
  expect(await answer.json()).toEqual({ item: "lamp", sizes: [] });
});

test.each([
  { name: "no JSON", body: "{", status: 400, code: "malformed", says: "no JSON" },
  { name: "no UTF-8", body: new Uint8Array([0x22, 0xff, 0x22]), status: 400, code: "malformed", says: "UTF-8" },
  { name: "nothing", body: "", status: 422, code: "unfit", says: "item: " },
  { name: "no object", body: "[]", status: 422, code: "unfit", says: "the body: " },
  { name: "a wrong field deep inside", body: '{"item":"a","sizes":[1,"x"]}', status: 422, code: "unfit", says: "sizes.1: " },
  { name: "more than the route takes", body: `"${"x".repeat(100)}"`, status: 413, code: "too-large", says: "100 bytes" },
])("a body that is $name is answered with $status, saying where", async ({ body, status, code, says }) => {
  await using house = await open(shelves);
  const answer = await post(house, body);
  expect(answer.status).toBe(status);
  expect(await answer.json()).toEqual({ error: { code, message: expect.stringContaining(says) as string } });
});

test("a body without a length is read up to the limit and no further", async () => {
  await using house = await open(shelves);
  const chunked = (parts: readonly string[]): Promise<string> =>
    spoken(
      house,
      [
        "POST /shelf/top HTTP/1.1",
        "host: localhost",
        "transfer-encoding: chunked",
        "connection: close",
        "",
        ...parts.flatMap((part) => [part.length.toString(16), part]),
        "0",
        "",
        "",
      ].join("\r\n"),
    );
  expect(await chunked(['{"item":', '"lamp"}'])).toMatch(/^HTTP\/1\.1 200 [\s\S]*lamp/);
  expect(await chunked(["x".repeat(60), "x".repeat(60)])).toMatch(/^HTTP\/1\.1 413 [\s\S]*100 bytes/);
});

test("no route takes more than two megabytes, whatever it asks for", async () => {
  await using house = await open([tells("/shelf/top", { bodyLimitBytes: 1e9 })]);
  const head = "POST /shelf/top HTTP/1.1\r\nhost: localhost\r\n";
  expect(await spoken(house, `${head}content-length: 2097153\r\n\r\n`)).toMatch(/^HTTP\/1\.1 413 [\s\S]*2097152 bytes/);
});

test("who sends a body drop by drop is cut off in words while others are served", { timeout: 30_000 }, async () => {
  await using house = await open(shelves);
  const slow = spoken(house, 'POST /shelf/top HTTP/1.1\r\nhost: localhost\r\ncontent-length: 50\r\n\r\n{"item":');
  expect((await post(house, '{"item":"lamp"}')).status).toBe(200);
  expect(await slow).toMatch(/^HTTP\/1\.1 408 [\s\S]*too-slow/);
});

test.each([
  { error: new Fault("call-unknown", "no call c1 is in progress"), status: 404, code: "call-unknown", retry: null },
  { error: new Fault("call-unable", "this leg sends no digits"), status: 409, code: "call-unable", retry: null },
  { error: new Fault("caller-refused", "not here"), status: 403, code: "caller-refused", retry: null },
  { error: new Fault("busy", "all lines are busy", { retryAfterMs: 2_500 }), status: 503, code: "busy", retry: "3" },
  { error: new Problem(418, "teapot", "short and stout"), status: 418, code: "teapot", retry: null },
  { error: new Error("password=hunter2"), status: 500, code: "internal", retry: null },
  { error: new Fault("internal", "password=hunter2"), status: 500, code: "internal", retry: null },
])("$error.message becomes $status $code, with nothing of ours inside", async ({ error, status, code, retry }) => {
  await using house = await open([fails("/broken", error)]);
  const answer = await fetch(`${house.url}/broken`);
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([status, retry]);
  const text = await answer.text();
  expect(JSON.parse(text)).toMatchObject({ error: { code } });
  expect(text).not.toContain("hunter2");
});

test("what changes something is not for pages of other sites, though they may come from this machine", async () => {
  await using house = await open([tells("/order", { for: "known" })]);
  const answerTo = async (origin: string | undefined): Promise<number> =>
    (await fetch(`${house.url}/order`, { method: "POST", body: '{"item":"a"}', headers: origin === undefined ? {} : { origin } })).status;
  expect(await answerTo("https://evil.example")).toBe(403);
  expect(await answerTo(house.url)).toBe(200);
  expect(await answerTo(undefined)).toBe(200);
});

test("without the key a route for the known answers 401 and says how to send it", async () => {
  await using house = await open([tells("/order", { for: "known" })], { keys: () => ["sesame"] });
  const from = { "x-forwarded-for": "192.0.2.1" };
  const without = await fetch(`${house.url}/order`, { headers: from });
  expect([without.status, without.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
  expect((await fetch(`${house.url}/order`, { headers: { ...from, authorization: "Bearer sesame" } })).status).toBe(200);
});

test("who is asked knows who asks", async () => {
  const seen: Asked["peer"][] = [];
  const route = tells("/who", { answers: { GET: ({ peer }, response) => (seen.push(peer), answerJson(response, 200, {})) } });
  await using house = await open([route]);
  await fetch(`${house.url}/who`);
  expect(seen).toEqual([{ address: "127.0.0.1", local: true, hasKey: false, origin: undefined, token: undefined }]);
});

/** Everything the server says to these bytes until it closes. */
function spoken(house: House, text: string): Promise<string> {
  return new Promise((resolve) => {
    let heard = "";
    const socket = connect(house.port, "127.0.0.1", () => socket.write(text));
    socket.on("data", (data) => (heard += data.toString()));
    socket.on("error", () => {});
    socket.on("close", () => resolve(heard));
  });
}
