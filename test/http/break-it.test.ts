import { describe, expect, test } from "vitest";
import { startControl } from "../../src/fakes/control.ts";
import { fakes } from "../../src/fakes/fakes.ts";
import { startServer } from "../scenario/server.ts";

async function startBreakable(more: Readonly<Record<string, string>> = {}) {
  const row = fakes.find(({ name }) => name === "openai");
  if (row === undefined) throw new Error("there is no fake of openai");
  const fake = await row.start({ port: 0 });
  const control = await startControl([{ name: "openai", panel: fake.panel }]);
  const server = await startServer({ ...fake.settings, LINEKEEPER_TIERS: "openai", LINEKEEPER_FAKES_PANEL: control.url, ...more });
  return {
    panel: fake.panel,
    control,
    offer: async (headers: Readonly<Record<string, string>> = {}): Promise<unknown> =>
      (await fetch(`${server.url}break-it`, { headers })).json(),
    pull: (lever: string, body: object = {}, headers: Readonly<Record<string, string>> = {}) =>
      fetch(`${server.url}break-it/openai/${lever}`, { method: "POST", body: JSON.stringify(body), headers }),
    async [Symbol.asyncDispose]() {
      for (const one of [server, control, fake]) await one[Symbol.asyncDispose]();
    },
  };
}

describe("what visitors of the page may break", () => {
  test("is the fakes behind the server, by their levers", async () => {
    await using house = await startBreakable();
    expect(await house.offer()).toMatchObject({ fakes: [{ name: "openai", opening: "served" }], mayShut: true });
    expect((await house.pull("slow", { argument: "700" })).status).toBe(200);
    expect(house.panel.slowMs).toBe(700);
    expect(await (await house.pull("kill")).json()).toMatchObject({ opening: "refused" });
    const unknown = await house.pull("tickle");
    expect([unknown.status, await unknown.json()]).toMatchObject([400, { error: { message: expect.stringContaining("there are kill") } }]);
  });

  test("is nothing for who is not on this machine, key or not, nor for pages of others", async () => {
    const key = "key-of-this-test";
    await using house = await startBreakable({ LINEKEEPER_API_KEY: key });
    const away = { "x-forwarded-for": "203.0.113.7", authorization: `Bearer ${key}` };
    expect(await house.offer(away)).toEqual({ fakes: [], mayShut: false });
    expect((await house.pull("kill", {}, away)).status).toBe(404);
    expect((await house.pull("kill", {}, { origin: "https://shop.example" })).status).toBe(403);
    expect(house.panel.opening.type).toBe("served");
  });

  test("is told in words when the fakes are gone", async () => {
    await using house = await startBreakable();
    await house.control[Symbol.asyncDispose]();
    const gone = await house.pull("kill");
    expect([gone.status, await gone.json()]).toMatchObject([502, { error: { code: "fakes-gone" } }]);
  });

  test("is nothing where providers are real, and to shut one where all are on this machine", async () => {
    await using real = await startServer({
      LINEKEEPER_TIERS: "openai,emergency",
      OPENAI_API_KEY: "key-of-this-test",
      LINEKEEPER_PROBES: "off",
    });
    expect(await (await fetch(`${real.url}break-it`)).json()).toEqual({ fakes: [], mayShut: false });
    await using own = await startServer({ LINEKEEPER_TIERS: "emergency" });
    expect(await (await fetch(`${own.url}break-it`)).json()).toEqual({ fakes: [], mayShut: true });
  });
});
