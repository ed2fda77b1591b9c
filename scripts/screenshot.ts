import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { chromium, type Page } from "playwright-core";

// Takes the picture of a live call for the README: the page's own example call against a running server.
//   node scripts/screenshot.ts --url http://localhost:8080/ --out public/images/call.png [--dark] [--phone] [--turns 6]
// With --break that of a call whose provider was just killed, against `scripts/up --fakes`. With --console that of the console, its first call opened; then somebody has to be on the line.

const { values } = parseArgs({
  options: {
    url: { type: "string", default: "http://localhost:8080/" },
    out: { type: "string", default: "public/images/call.png" },
    browser: { type: "string", default: "/usr/bin/chromium" },
    turns: { type: "string", default: "6" },
    dark: { type: "boolean", default: false },
    phone: { type: "boolean", default: false },
    console: { type: "boolean", default: false },
    break: { type: "boolean", default: false },
  },
});

const callLimitMs = 90_000;
/** Into the agent's turn, so that its voice is on the line. */
const poseMs = 900;
const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
];

const browser = await chromium.launch({
  executablePath: values.browser,
  args: [...flags, "--disable-sync", "--autoplay-policy=no-user-gesture-required"],
});
try {
  const page = await browser.newPage({
    viewport: values.phone ? { width: 390, height: 780 } : { width: 1280, height: values.break ? 1_060 : 860 },
    deviceScaleFactor: 2,
    colorScheme: values.dark ? "dark" : "light",
  });
  await (values.console ? poseConsole(page) : values.break ? poseBroken(page) : poseCall(page));
  await mkdir(dirname(values.out), { recursive: true });
  await page.screenshot({ path: values.out });
  process.stdout.write(`${values.out}\n`);
} finally {
  await browser.close();
}

async function poseCall(page: Page): Promise<void> {
  await page.goto(values.url);
  await page.locator(".example").first().click();
  await page
    .locator(".turn")
    .nth(Number(values.turns) - 1)
    .waitFor({ timeout: callLimitMs });
  await page.locator('body[data-state="speaking"]').waitFor({ timeout: callLimitMs });
  await page.waitForTimeout(poseMs);
}

async function poseConsole(page: Page): Promise<void> {
  await page.goto(new URL("console", values.url).href);
  await page.locator(".call-head").first().click({ timeout: callLimitMs });
  await page.locator(".said li").nth(1).waitFor({ timeout: callLimitMs });
  await page.waitForTimeout(poseMs);
}

/** Killed in the middle of an answer; what has the call then speaks. */
async function poseBroken(page: Page): Promise<void> {
  await page.goto(values.url);
  await page.locator(".example").first().click();
  await page.locator(".turn.agent").nth(1).waitFor({ timeout: callLimitMs });
  const provider = await page.locator(".breakable:has(.carrier:not([hidden]))").getAttribute("data-provider");
  await page.locator(`[data-provider="${provider}"]`).getByRole("button", { name: "Kill" }).click();
  await page.locator(".story").getByText(`From ${provider} to`).waitFor({ timeout: callLimitMs });
  await page.locator(".turn.agent").nth(2).waitFor({ timeout: callLimitMs });
  if (values.phone) await page.locator("#break-it").scrollIntoViewIfNeeded();
  await page.waitForTimeout(poseMs);
}
