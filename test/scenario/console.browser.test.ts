import { existsSync } from "node:fs";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startCloud } from "./cloud.ts";

const chromiumPath = "/usr/bin/chromium";
const present = existsSync(chromiumPath);
const needed = process.env["LINEKEEPER_TEST_NEEDS"] === "all";
if (!present && !needed) console.warn(`SKIPPED: the console is not tested, there is no ${chromiumPath} (apt-get install chromium)`);

const flags = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update";
const patient = { timeout: 20_000, interval: 50 };

describe.skipIf(!present && !needed)("the console of a whole server", { timeout: 60_000 }, () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath, args: [...flags.split(" "), "--disable-sync"] });
  }, 60_000);

  afterAll(() => browser?.close());

  const text = (page: Page, selector: string): Promise<string> => page.locator(selector).innerText();

  test("a call on the real server is seen with its words, moved to another provider, spoken to and hung up", async () => {
    await using cloud = await startCloud("openai", "gemini");
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    await page.goto(`${cloud.url}console`);
    await expect.poll(() => text(page, "#summary"), patient).toBe("All quiet: nobody is on the line.");
    const caller = await cloud.answers();
    const head = page.locator(".call-head");
    await expect.poll(() => head.innerText(), patient).toContain("openai");
    await head.click();
    await expect.poll(() => text(page, ".said"), patient).toContain("Hello, how can I help you?");
    caller.types("What are your opening hours?");
    await expect.poll(() => text(page, ".said"), patient).toContain("What are your opening hours?");
    await caller.quiet(20_000);

    await page.getByLabel("Move to").selectOption("gemini");
    await page.getByRole("button", { name: "Move" }).click();
    await expect.poll(() => head.innerText(), patient).toContain("gemini");
    await expect.poll(() => text(page, "#event-list"), patient).toMatch(/went from openai to gemini .*as ordered/);

    await page.getByRole("button", { name: "Hang up" }).click();
    await page.getByRole("button", { name: "Press again to hang up" }).click();
    expect((await caller.ended).error).toBeUndefined();
    await expect.poll(() => head.innerText(), patient).toContain("Over");
    expect(await text(page, ".said")).toContain("What are your opening hours?");
    await expect.poll(() => text(page, "#summary"), patient).toBe("All quiet: nobody is on the line.");
    const audits = cloud.log.filter(({ event }) => event === "audit").map(({ fields }) => fields["action"]);
    expect(audits).toEqual(["switchProvider", "hangUp"]);
    expect(errors).toEqual([]);
  });
});
