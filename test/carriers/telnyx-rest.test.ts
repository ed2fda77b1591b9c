import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test, vi } from "vitest";
import { dialects } from "../../src/caller/dialects.ts";
import { ownTicketBox } from "../../src/carriers/tickets.ts";
import { openCarriers } from "../../src/carriers/carriers.ts";
import { hangUpAtTelnyx } from "../../src/carriers/telnyx-rest.ts";
import { callFromTelnyx } from "../../src/fakes/carriers/telnyx.ts";
import { silentLog } from "../../src/kernel/log.ts";
import { openHouse } from "../caller/open-house.ts";
import { SimulatedClock } from "../simulated-clock.ts";

interface Api extends AsyncDisposable {
  readonly url: string;
  readonly asked: { readonly path: string; readonly authorization: string | undefined }[];
}

async function telnyxApi(status: number): Promise<Api> {
  const asked: { path: string; authorization: string | undefined }[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    asked.push({ path: `${request.method} ${request.url}`, authorization: request.headers.authorization });
    response.writeHead(status, { connection: "close" }).end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // Listening on TCP gives an address of this kind.
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    [Symbol.asyncDispose]: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}

test("a call that Call Control has brought is hung up when we end it, and left alone when we only move it", async () => {
  await using api = await telnyxApi(200);
  const settings: Readonly<Record<string, string>> = {
    TELNYX_API_KEY: "KEY1",
    TELNYX_BASE_URL: api.url,
    LINEKEEPER_CARRIER_TOKEN: "carrier-token",
  };
  const { carriers } = openCarriers({
    setting: (name) => settings[name],
    publicUrl: () => "https://voice.example.org",
    refusal: () => undefined,
    rejected: () => {},
    holds: () => false,
    hangUp: () => {},
    answeredBy: () => {},
    machineRule: () => "ignore",
    tickets: ownTicketBox(),
    clock: new SimulatedClock(),
    log: silentLog,
  });
  await using house = await openHouse({ dialects, carriers });
  for (const end of [{ reason: "drained" }, { reason: "done" }] as const) {
    const before = house.reception.guests.length;
    const caller = await callFromTelnyx(`ws://127.0.0.1:${house.port}`, { query: "?token=carrier-token" });
    await caller.start();
    await vi.waitFor(() => expect(house.reception.guests).toHaveLength(before + 1), { timeout: 20_000 });
    expect(house.reception.last.start.parameters).toEqual({});
    house.reception.last.leg.close(end);
    await caller.closed;
  }
  await vi.waitFor(() => expect(api.asked).toHaveLength(1), { timeout: 20_000 });
  expect(api.asked[0]).toMatchObject({
    path: expect.stringMatching(/^POST \/v2\/calls\/v3%3A\w+\/actions\/hangup$/),
    authorization: "Bearer KEY1",
  });
});

test.each([
  { status: 200, warns: 0 },
  { status: 404, warns: 0 },
  { status: 422, warns: 0 },
  { status: 401, warns: 1 },
  { status: 500, warns: 1 },
])("the operator is told of an answer $status: $warns times, and nothing is thrown", async ({ status, warns }) => {
  await using api = await telnyxApi(status);
  const warned: unknown[] = [];
  const log = { ...silentLog, warning: (event: string) => void warned.push(event) };
  await hangUpAtTelnyx("v3:abc", { apiKey: "KEY1", baseUrl: api.url, log });
  expect(warned).toHaveLength(warns);
  expect(api.asked).toHaveLength(1);
});

test("an address where nobody answers is told, and nothing is thrown", async () => {
  const warned: unknown[] = [];
  const log = { ...silentLog, warning: (event: string) => void warned.push(event) };
  await hangUpAtTelnyx("v3:abc", { apiKey: "KEY1", baseUrl: "http://127.0.0.1:1", log });
  expect(warned).toHaveLength(1);
});
