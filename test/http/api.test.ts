import { describe, expect, test } from "vitest";
import type { z } from "zod";
import { briefCall, calls, nodeView, providers, providerView, wholeCall } from "../../src/http/api/shapes.ts";
import { openHouse, type House } from "../caller/open-house.ts";
import { SimulatedClock } from "../simulated-clock.ts";
import { Switchboard } from "./switchboard.ts";

interface Desk extends AsyncDisposable {
  readonly board: Switchboard;
  readonly house: House;
  get(path: string): Promise<Said>;
  post(path: string, body?: object): Promise<Said>;
}

interface Said {
  readonly status: number;
  readonly body: unknown;
}

async function open(keys: readonly string[] = []): Promise<Desk> {
  const board = new Switchboard(new SimulatedClock());
  const house = await openHouse({ routes: board.routes, access: { keys: () => keys } });
  const said = async (answer: Response): Promise<Said> => ({ status: answer.status, body: await answer.json() });
  return {
    board,
    house,
    get: (path) => fetch(house.url + path).then(said),
    post: (path, body) => fetch(house.url + path, { method: "POST", ...(body && { body: JSON.stringify(body) }) }).then(said),
    [Symbol.asyncDispose]: async () => {
      board[Symbol.dispose]();
      await house[Symbol.asyncDispose]();
    },
  };
}

test("calls in progress are listed without their words, and one is told with them", async () => {
  await using desk = await open();
  const turn = { turnId: "t1", role: "caller", text: "Hello?", interrupted: false, startMs: 100, endMs: 900 } as const;
  desk.board.calls.add("c1", { from: "+49301234567", turns: [turn] });
  desk.board.calls.add("c2");
  const list = await desk.get("/v1/calls");
  expect(list.status).toBe(200);
  expect(strictly(calls, list.body).calls.map(({ callId, from }) => [callId, from])).toEqual([
    ["c1", "+49301234567"],
    ["c2", undefined],
  ]);
  expect(JSON.stringify(list.body)).not.toContain("Hello?");
  expect(strictly(wholeCall, (await desk.get("/v1/calls/c1")).body).turns).toEqual([turn]);
});

test.each([
  { verb: "hang-up", body: undefined, order: "hang up", action: "hangUp" },
  { verb: "switch", body: {}, order: "switch to the next", action: "switchProvider" },
  { verb: "switch", body: { provider: "local" }, order: "switch to local", action: "switchProvider" },
  { verb: "transfer", body: { target: "+49301234567" }, order: "transfer to +49301234567", action: "transfer" },
  { verb: "transfer", body: { target: "sip:anna@example.org" }, order: "transfer to sip:anna@example.org", action: "transfer" },
  { verb: "say", body: { text: " One moment, please. " }, order: "say One moment, please.", action: "say" },
  { verb: "hold", body: {}, order: "hold true", action: "hold" },
  { verb: "hold", body: { on: false }, order: "hold false", action: "hold" },
  { verb: "mute", body: { on: true }, order: "mute true", action: "mute" },
  { verb: "dtmf", body: { digits: "12#" }, order: "dtmf 12#", action: "sendDtmf" },
])("$verb with $body reaches the call, and the audit says who ordered it", async ({ verb, body, order, action }) => {
  await using desk = await open();
  desk.board.calls.add("c1", { dialect: "twilio" });
  const answer = await desk.post(`/v1/calls/c1/${verb}`, body);
  expect(answer.status).toBe(200);
  expect(strictly(briefCall, answer.body).callId).toBe("c1");
  expect(desk.board.calls.orders).toEqual([`c1: ${order}`]);
  const entry = { event: "audit", actor: "loopback", address: "127.0.0.1", action, target: "c1", result: "done" };
  expect(desk.board.log.lines).toEqual([entry]);
});

test("a call is rated with one to five stars, and what is none says so", async () => {
  await using desk = await open();
  desk.board.calls.add("c1");
  expect(await desk.post("/v1/calls/c1/rating", { stars: 4 })).toEqual({ status: 200, body: { callId: "c1", stars: 4 } });
  expect(desk.board.calls.orders).toEqual(["c1: rate 4"]);
  for (const body of [{}, { stars: 0 }, { stars: 6 }, { stars: 4.5 }, { stars: "4" }]) {
    const answer = await desk.post("/v1/calls/c1/rating", body);
    expect(answer).toMatchObject({ status: 422, body: { error: { code: "unfit", message: expect.stringContaining("stars") as string } } });
  }
  expect(await desk.post("/v1/calls/gone/rating", { stars: 4 })).toMatchObject({ status: 404, body: { error: { code: "call-unknown" } } });
});

test("holding and muting show in the answer", async () => {
  await using desk = await open();
  desk.board.calls.add("c1");
  expect(strictly(briefCall, (await desk.post("/v1/calls/c1/hold")).body)).toMatchObject({ held: true, muted: false });
  expect(strictly(briefCall, (await desk.post("/v1/calls/c1/mute")).body)).toMatchObject({ held: true, muted: true });
});

test.each(["hang-up", "switch", "hold", "mute"])("%s of a call that is over is answered 404, and audited as that", async (verb) => {
  await using desk = await open();
  const answer = await desk.post(`/v1/calls/gone/${verb}`);
  expect(answer).toMatchObject({ status: 404, body: { error: { code: "call-unknown" } } });
  expect(desk.board.log.lines).toMatchObject([{ event: "audit", target: "gone", result: "call-unknown" }]);
  expect((await desk.get("/v1/calls/gone")).status).toBe(404);
});

test.each([
  { verb: "switch", body: { provider: "nobody" }, says: "nobody is not among" },
  { verb: "transfer", body: { target: "+49301234567" }, says: "cannot be sent on" },
  { verb: "dtmf", body: { digits: "1" }, says: "takes no keys" },
])("$verb where the call is unable is answered 409 with the reason", async ({ verb, body, says }) => {
  await using desk = await open();
  desk.board.calls.add("c1");
  const answer = await desk.post(`/v1/calls/c1/${verb}`, body);
  expect(answer).toMatchObject({ status: 409, body: { error: { code: "call-unable", message: expect.stringContaining(says) as string } } });
  expect(desk.board.log.lines).toMatchObject([{ result: "call-unable" }]);
});

test.each([
  { verb: "transfer", body: {}, field: "target" },
  { verb: "transfer", body: { target: "0049301234567" }, field: "target" },
  { verb: "transfer", body: { target: "sip:a b" }, field: "target" },
  { verb: "transfer", body: { target: "tel:+4930" }, field: "target" },
  { verb: "say", body: { text: "   " }, field: "text" },
  { verb: "say", body: { text: "x".repeat(2_001) }, field: "text" },
  { verb: "dtmf", body: { digits: "12x" }, field: "digits" },
  { verb: "dtmf", body: { digits: "1".repeat(65) }, field: "digits" },
  { verb: "hold", body: { on: "yes" }, field: "on" },
  { verb: "switch", body: { provider: 7 }, field: "provider" },
])("$verb with a wrong $field is answered 422 and does nothing", async ({ verb, body, field }) => {
  await using desk = await open();
  desk.board.calls.add("c1", { dialect: "twilio" });
  const answer = await desk.post(`/v1/calls/c1/${verb}`, body);
  expect(answer).toMatchObject({ status: 422, body: { error: { message: expect.stringMatching(`^${field}: `) as string } } });
  expect(desk.board.calls.orders).toEqual([]);
});

test("a provider's breaker is held open, held closed and let go again", async () => {
  await using desk = await open();
  for (const order of ["open", "closed", "auto"] as const) {
    const answer = await desk.post("/v1/providers/openai/breaker", { order });
    expect(strictly(providerView, answer.body).breaker.order).toBe(order);
    expect(strictly(providers, (await desk.get("/v1/providers")).body).providers[1]?.breaker.order).toBe(order);
  }
  expect(desk.board.log.lines.map(({ action, target }) => [action, target])).toEqual(Array(3).fill(["orderBreaker", "openai"]));
  expect(await desk.post("/v1/providers/nobody/breaker", { order: "open" })).toMatchObject({ status: 404 });
  expect(await desk.post("/v1/providers/openai/breaker", { order: "ajar" })).toMatchObject({ status: 422 });
  expect(await desk.get("/v1/providers/gemini")).toMatchObject({ status: 200, body: { provider: "gemini" } });
});

test("the node tells what it is doing and what today cost, and drains when told", async () => {
  await using desk = await open();
  desk.board.calls.add("c1");
  expect(strictly(nodeView, (await desk.get("/v1/node")).body)).toEqual({ version: "1.2.3", state: "serving", calls: 1 });
  desk.board.refuses = "all 1 lines are busy";
  expect((await desk.get("/v1/node")).body).toMatchObject({ refuses: "all 1 lines are busy" });
  desk.board.cost = { day: "2026-11-21", usd: 1.25, unpricedCalls: 0, budgetUsed: { day: 0.5 } };
  expect(await desk.post("/v1/drain")).toMatchObject({ status: 202, body: { state: "draining", calls: 1, cost: { usd: 1.25 } } });
  expect(desk.board.drains).toBe(1);
  expect(desk.board.log.lines).toMatchObject([{ event: "audit", action: "drain", target: "node", result: "done" }]);
});

describe("from another machine", () => {
  const from = { "x-forwarded-for": "192.0.2.1" };

  test("nothing is read or changed without the key, and all with it", async () => {
    await using desk = await open(["sesame"]);
    desk.board.calls.add("c1");
    const ask = async (path: string, method: string, key?: string): Promise<number> => {
      const headers = key === undefined ? from : { ...from, authorization: `Bearer ${key}` };
      return (await fetch(desk.house.url + path, { method, headers })).status;
    };
    for (const path of ["/v1/node", "/v1/calls", "/v1/calls/c1", "/v1/providers", "/v1/events"]) {
      expect([path, await ask(path, "GET"), await ask(path, "GET", "open")]).toEqual([path, 401, 401]);
      expect([path, await ask(path, "HEAD", "sesame")]).toEqual([path, 200]);
    }
    for (const path of ["/v1/calls/c1/hang-up", "/v1/drain", "/v1/tokens"]) expect([path, await ask(path, "POST")]).toEqual([path, 401]);
    expect(desk.board.calls.orders).toEqual([]);
    expect(desk.board.log.lines).toEqual([]);
    expect(await ask("/v1/calls/c1/hang-up", "POST", "sesame")).toBe(200);
    expect(desk.board.log.lines).toMatchObject([{ event: "audit", actor: "key", action: "hangUp" }]);
  });
});

/** As the documents promise it, with no field that they do not. */
function strictly<T>(schema: z.ZodType<T>, body: unknown): T {
  const read = schema.parse(body);
  expect(body).toEqual(read);
  return read;
}
