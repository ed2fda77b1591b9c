import { existsSync } from "node:fs";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { openPaperConsole, type PaperConsole } from "../http/paper-console.ts";

const chromiumPath = "/usr/bin/chromium";
const present = existsSync(chromiumPath);
const needed = process.env["LINEKEEPER_TEST_NEEDS"] === "all";
if (!present && !needed) console.warn(`SKIPPED: the console is not tested, there is no ${chromiumPath} (apt-get install chromium)`);

const flags = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update";
const patient = { timeout: 20_000, interval: 50 };

describe.skipIf(!present && !needed)("the console in Chromium", { timeout: 60_000 }, () => {
  let browser: Browser;
  let paper: PaperConsole | undefined;
  /** What the pages threw or complained of; a refused or lost connection is no such thing. */
  const errors: string[] = [];

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath, args: [...flags.split(" "), "--disable-sync"] });
  }, 60_000);

  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
    await paper?.[Symbol.asyncDispose]();
    paper = undefined;
    expect(errors.splice(0)).toEqual([]);
  });

  afterAll(() => browser?.close());

  async function visit(url: string, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await (await browser.newContext(options)).newPage();
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("console", (line) => {
      if (line.type() === "error" && !/Failed to load resource|net::ERR/.test(line.text())) errors.push(line.text());
    });
    await page.goto(url);
    return page;
  }

  async function openPaper(access: Parameters<typeof openPaperConsole>[0] = {}): Promise<PaperConsole> {
    paper = await openPaperConsole(access);
    return paper;
  }

  const text = (page: Page, selector: string): Promise<string> => page.locator(selector).innerText();

  test("a provider is kept away by order and let through again, and the page says what follows", async () => {
    const { board, url } = await openPaper();
    const page = await visit(url);
    const gemini = page.locator(".provider").first();
    await gemini.getByRole("button", { name: "Keep away" }).click();
    await expect.poll(() => text(page, "#summary"), patient).toBe("Nobody is on the line, gemini kept away.");
    expect(await text(page, "#advice")).toBe("Calls are answered by openai, then local.");
    expect(board.providers.views()[0]?.breaker.order).toBe("open");
    await expect.poll(() => gemini.innerText(), patient).toContain("Calls are kept away, by order");
    await expect.poll(() => text(page, "#event-list"), patient).toContain("Gemini is healthy, calls are kept away by order");
    await gemini.getByRole("button", { name: "Automatic" }).click();
    await expect.poll(() => text(page, "#summary"), patient).toBe("All quiet: nobody is on the line.");
  });

  test("who called for help and who is moved to another provider are seen at once, and what goes without saying is not", async () => {
    const { board, url } = await openPaper();
    board.calls.add("c1", { phase: "speaking", states: { need: "inNeed", move: "none", turn: "speaking", node: "serving" } });
    board.calls.add("c2", { phase: "listening", states: { need: "calm", move: "underway", turn: "listening" } });
    const page = await visit(url);
    await expect.poll(() => text(page, "#summary"), patient).toBe("Two calls, one caller in need.");
    const heads = page.locator(".call-head");
    expect(await heads.nth(0).innerText()).toContain("Called for help, speaking");
    expect(await heads.nth(1).innerText()).toContain("Moving to another provider");
    await heads.nth(0).click();
    await expect.poll(() => text(page, ".call-more:not([hidden]) .facts-list"), patient).toContain("need inNeed · turn speaking");
  });

  test("the levels of both sides move, a held call says so, and words are spoken to the caller", async () => {
    const { board, url } = await openPaper();
    board.calls.add("c1", { levels: { caller: 0.3, agent: 0 } });
    const page = await visit(url);
    const heights = (): Promise<number[]> =>
      page.locator(".voice").evaluateAll((voices) => voices.map((voice) => voice.getBoundingClientRect().height));
    await vi.waitFor(async () => {
      const [caller = 0, agent = 0] = await heights();
      expect(caller).toBeGreaterThan(15);
      expect(agent).toBeLessThan(4);
    }, patient);
    board.calls.change("c1", { levels: { caller: 0, agent: 0.3 } });
    await vi.waitFor(async () => {
      const [caller = 0, agent = 0] = await heights();
      expect(agent).toBeGreaterThan(15);
      expect(caller).toBeLessThan(4);
    }, patient);
    await page.locator(".call-head").click();
    await page.getByRole("button", { name: "Hold" }).click();
    await expect.poll(() => text(page, ".call .phase"), patient).toBe("On hold");
    await page.getByLabel("Say").fill("One moment, please.");
    await page.keyboard.press("Enter");
    await expect.poll(() => text(page, ".said"), patient).toContain("One moment, please.");
    expect(await page.getByLabel("Say").inputValue()).toBe("");
    expect(board.calls.orders).toEqual(["c1: hold true", "c1: say One moment, please."]);
  });

  test("what a call cannot do is said where it was asked for, and nothing typed is lost", async () => {
    const { board, url } = await openPaper();
    board.calls.add("c1");
    const page = await visit(url);
    await page.locator(".call-head").click();
    await page.getByLabel("Send on to").fill("+49301234567");
    await page.getByRole("button", { name: "Transfer" }).click();
    await expect.poll(() => text(page, ".complaint"), patient).toBe("A browser cannot be sent on to a telephone");
    expect(await page.getByLabel("Send on to").inputValue()).toBe("+49301234567");
  });

  test("one press of the red button hangs nobody up", async () => {
    const { board, url } = await openPaper();
    board.calls.add("c1");
    const page = await visit(url);
    await page.locator(".call-head").click();
    await page.getByRole("button", { name: "Hang up" }).click();
    await page.getByRole("button", { name: "Press again to hang up" }).waitFor();
    await page.getByRole("button", { name: "Hang up", exact: true }).waitFor();
    expect(board.calls.orders).toEqual([]);
  });

  test("who called for help comes first, then who waits for a provider, and nothing moves while a call is open", async () => {
    const { board, url } = await openPaper();
    board.calls.add("call_000001", { phase: "listening" });
    board.calls.add("call_000002", { phase: "connecting" });
    const page = await visit(url);
    const ids = (): Promise<string[]> => page.locator(".call-id").allInnerTexts();
    await expect.poll(ids, patient).toEqual(["…000002", "…000001"]);
    board.calls.add("call_000003", { phase: "speaking", states: { need: "inNeed" } });
    await expect.poll(ids, patient).toEqual(["…000003", "…000002", "…000001"]);
    await page.locator(".call-head").nth(2).click();
    board.calls.add("call_000004", { phase: "speaking", states: { need: "inNeed" } });
    await expect.poll(ids, patient).toEqual(["…000003", "…000002", "…000001", "…000004"]);
    await page.locator(".call-head").nth(2).click();
    await expect.poll(ids, patient).toEqual(["…000003", "…000004", "…000002", "…000001"]);
  });

  test("a call that is not where it should be says so", async () => {
    const { board, url } = await openPaper();
    board.calls.add("c1", { provider: "gemini", tiers: ["openai", "gemini"] });
    board.calls.add("c2", { provider: "openai", tiers: ["openai", "gemini"] });
    const page = await visit(url);
    await expect.poll(() => page.locator(".on").allInnerTexts(), patient).toEqual(["gemini\ninstead of openai", "openai"]);
  });

  test("a server that refuses callers says so first, and why; so does a budget that is nearly spent", async () => {
    const { board, url } = await openPaper();
    board.refuses = "the budget of this day is spent; new calls begin with the next one";
    board.cost = { day: "2026-11-21", usd: 10.2, unpricedCalls: 0, budgetUsed: { day: 1.02 } };
    const page = await visit(url);
    await expect.poll(() => text(page, "#summary"), patient).toBe("Nobody is on the line, new callers refused.");
    await expect.poll(() => text(page, "#advice"), patient).toContain("New callers are told: the budget of this day is spent");
    expect(await text(page, "#advice")).toContain("102 % of the day's budget is spent.");
    expect([await text(page, "#cost"), await text(page, "#budget")]).toEqual(["$10.20 today", "102 % of the budget"]);
    board.refuses = undefined;
    board.cost = { day: "2026-11-21", usd: 4, unpricedCalls: 0, budgetUsed: { day: 0.4 } };
    await expect.poll(() => text(page, "#summary"), { ...patient, timeout: 20_000 }).toBe("All quiet: nobody is on the line.");
  });

  test("today's cost is shown when it is counted, and no empty place where not", async () => {
    const { board, url } = await openPaper();
    const page = await visit(url);
    await page.locator("#node").waitFor();
    expect(await page.locator("#cost").isVisible()).toBe(false);
    board.cost = { day: "2026-11-21", usd: 4.816, unpricedCalls: 2, budgetUsed: {} };
    await expect.poll(() => text(page, "#cost"), patient).toBe("$4.82 today and two calls without a price");
  });

  test("from elsewhere the key is asked for, a wrong one is told, and the right one stays with the tab", async () => {
    // As through a proxy on this machine, which makes a stranger of everybody.
    const elsewhere = { extraHTTPHeaders: { "x-forwarded-for": "192.0.2.1" } };
    const { board, url } = await openPaper({ keys: () => ["sesame"] });
    board.calls.add("c1", { from: "+49301234567" });
    const page = await visit(url, elsewhere);
    await expect.poll(() => text(page, "#summary"), patient).toBe("Who is there?");
    expect(await page.locator("#calls").isVisible()).toBe(false);
    await page.keyboard.type("open");
    await page.keyboard.press("Enter");
    await expect.poll(() => text(page, "#key-why"), patient).toContain("not accepted");
    await page.getByLabel("Key of this server").fill("sesame");
    await page.keyboard.press("Enter");
    await expect.poll(() => text(page, ".who"), patient).toBe("+49301234567");
    await page.reload();
    await expect.poll(() => text(page, ".who"), patient).toBe("+49301234567");
    expect(page.url()).not.toContain("sesame");
  });

  test("a server that is gone is told, and when it is back so is the page", async () => {
    const before = await openPaper();
    before.board.calls.add("c1");
    const page = await visit(before.url);
    await page.locator(".call").waitFor();
    await before[Symbol.asyncDispose]();
    await expect.poll(() => text(page, "#summary"), patient).toMatch(/^No word from the server since/);
    paper = await openPaperConsole({}, before.house.port);
    await expect.poll(() => text(page, "#summary"), patient).toBe("All quiet: nobody is on the line.");
    expect(await text(page, "#link")).toBe("Live");
  });

  test("on a phone nothing is wider than the screen and every control can be hit with a thumb", async () => {
    const { board, url } = await openPaper();
    board.calls.add("c1", { from: "a-very-long-name-indeed@a-very-long-host-name.example.org", dialect: "sip" });
    board.cost = { day: "2026-11-21", usd: 1_234.56, unpricedCalls: 7, budgetUsed: { day: 0.97 } };
    board.refuses = "all 12 lines are busy; call again in a moment";
    const page = await visit(url, { viewport: { width: 360, height: 740 } });
    await page.locator("#cost").waitFor();
    await page.locator(".call-head").click();
    await page.getByLabel("Say").waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    const controls = page.locator("main button:visible, main input:visible, main select:visible");
    const heights = await controls.evaluateAll((all) => all.map((each) => each.getBoundingClientRect().height));
    expect(heights.length).toBeGreaterThan(10);
    expect(Math.min(...heights)).toBeGreaterThanOrEqual(40);
  });

  test.each(["light", "dark"] as const)("by keyboard a call is opened, and %s text stands out enough to be read", async (colorScheme) => {
    const { board, url } = await openPaper();
    board.calls.add("c1");
    board.providers.change("gemini", { health: "unhealthy" });
    board.providers.change("openai", { health: "degraded" });
    const page = await visit(url, { colorScheme });
    await page.locator(".call-head").waitFor();
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Skip to the calls");
    await page.locator(".call-head").focus();
    await page.keyboard.press("Enter");
    await page.getByLabel("Say").waitFor();
    expect(await page.locator(".call-head").getAttribute("aria-expanded")).toBe("true");
    const unnamed = page.locator("button:visible, input:visible, select:visible");
    for (const control of await unnamed.all()) {
      expect(
        await control.evaluate((each) => each.textContent?.trim() || (each as HTMLInputElement).labels?.[0]?.textContent),
      ).toBeTruthy();
    }
    const words = ".phase, .age, .advice, .health, .provider-facts, .provider-breaker, .count, .facts-list dt, .nothing, .link, .act";
    const contrasts = await page.locator(words).evaluateAll((all) => {
      const paint = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
      const luminance = (colour: string): number => {
        if (paint === null) throw new Error("no canvas");
        paint.fillStyle = colour;
        paint.fillRect(0, 0, 1, 1);
        const [r = 0, g = 0, b = 0] = [...paint.getImageData(0, 0, 1, 1).data.slice(0, 3)].map((part) => {
          const share = part / 255;
          return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const behind = (node: Element): string => {
        const colour = getComputedStyle(node).backgroundColor;
        return colour !== "rgba(0, 0, 0, 0)" || node.parentElement === null ? colour : behind(node.parentElement);
      };
      return all.map((node) => {
        const [light = 0, dark = 0] = [luminance(getComputedStyle(node).color), luminance(behind(node))].toSorted((a, b) => b - a);
        return { name: node.className, contrast: (light + 0.05) / (dark + 0.05) };
      });
    });
    expect(contrasts.filter(({ contrast }) => contrast < 4.5)).toEqual([]);
    expect(contrasts.length).toBeGreaterThan(12);
  });
});
