import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startControl, type Control } from "../../src/fakes/control.ts";
import { fakes, type Fake } from "../../src/fakes/fakes.ts";
import { startServer, type Server } from "./server.ts";
import { chromiumIsThere, chromiumPath, visit } from "./visitor.ts";

const needed = process.env["LINEKEEPER_TEST_NEEDS"] === "all";
if (!chromiumIsThere && !needed) console.warn(`SKIPPED: nobody breaks anything, there is no ${chromiumPath} (apt-get install chromium)`);
const patient = { timeout: 30_000, interval: 50 };

describe.skipIf(!chromiumIsThere && !needed)("the page's levers", { timeout: 90_000 }, () => {
  const running = new Map<string, Fake>();
  let control: Control;
  let server: Server;

  beforeAll(async () => {
    for (const row of fakes) if (["openai", "gemini"].includes(row.name)) running.set(row.name, await row.start({ port: 0 }));
    control = await startControl([...running].map(([name, { panel }]) => ({ name, panel })));
    const settings = [...running.values()].flatMap((fake) => Object.entries(fake.settings));
    server = await startServer({ ...Object.fromEntries(settings), LINEKEEPER_TIERS: "openai,gemini", LINEKEEPER_FAKES_PANEL: control.url });
  }, 60_000);

  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    for (const one of [control, ...running.values()]) await one?.[Symbol.asyncDispose]();
  });

  test("'kill' under a live call: the page shows who has the call and what happened, and the call goes on", async () => {
    await using visitor = await visit(server.url);
    const { page } = visitor;
    const row = (name: string) => page.locator(`[data-provider="${name}"]`);
    const carrier = () => page.locator(".breakable:has(.carrier:not([hidden]))").getAttribute("data-provider");
    await page.getByRole("button", { name: "Start the call" }).click();
    await expect.poll(() => carrier(), patient).toBe("openai");
    await visitor.isIn("listening");
    await row("openai").getByRole("button", { name: "Kill" }).click();
    await expect.poll(() => carrier(), patient).toBe("gemini");
    await expect.poll(() => page.locator("#break-it-story").innerText(), patient).toMatch(/From openai to gemini in .* restored: full/);
    expect(await page.locator("#break-it-story").innerText()).toContain("Openai is lost");
    await expect.poll(() => row("openai").innerText(), patient).toContain("Gone;");
    expect(await row("openai").getByRole("button", { name: "Kill" }).getAttribute("aria-pressed")).toBe("true");
    running.get("gemini")?.panel.reply("I have you now.");
    await page.getByLabel("Type to the agent").fill("Are you still there?");
    await page.getByRole("button", { name: "Send" }).click();
    await expect.poll(async () => (await visitor.turns()).map(({ text }) => text), patient).toContain("I have you now.");
    await row("openai").getByRole("button", { name: "Serve" }).click();
    await expect.poll(() => row("openai").innerText(), patient).toContain("Well;");
    expect(visitor.complaints).toEqual([]);
  });
});

describe.skipIf(!chromiumIsThere && !needed)("without fakes", { timeout: 90_000 }, () => {
  test("an operator on this machine shuts the provider that has the call, which goes to the last tier", async () => {
    await using server = await startServer({ LINEKEEPER_TIERS: "local,emergency" });
    await using visitor = await visit(server.url);
    const { page } = visitor;
    await page.getByRole("button", { name: "Start the call" }).click();
    const local = page.locator('[data-provider="local"]');
    await expect.poll(() => local.locator(".carrier").isVisible(), patient).toBe(true);
    await local.getByRole("button", { name: "Shut" }).click();
    await expect.poll(() => page.locator('[data-provider="emergency"] .carrier').isVisible(), patient).toBe(true);
    expect(await local.innerText()).toContain("Breaker open by order");
    expect(await page.locator('[data-provider="emergency"] button:visible').count()).toBe(0);
    expect(visitor.complaints).toEqual([]);
  });
});
