import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { expect, test } from "vitest";
import { fakes } from "../../src/fakes/fakes.ts";
import { startServer } from "./server.ts";
import { chromiumIsThere, chromiumPath } from "./visitor.ts";

const needed = process.env["LINEKEEPER_TEST_NEEDS"] === "all";
const patient = { timeout: 60_000, interval: 100 };
const key = "a-key-that-stays-in-the-back-end";
const flags = "--no-sandbox --disable-gpu --use-fake-ui-for-media-stream --use-fake-device-for-media-stream".split(" ");
const publicFolder = join(import.meta.dirname, "../../public");

/** Somebody's own site: our files as they are, with the two lines of `embed.js` set as it says, and a back end that knows the key. */
async function openShop(): Promise<AsyncDisposable & { readonly origin: string; readonly minted: unknown[]; linekeeper: string }> {
  const minted: unknown[] = [];
  const shop = { linekeeper: "" };
  const serve = async ({ url = "" }: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = new URL(url, origin).pathname;
    if (path === "/call-token") {
      const headers = { authorization: `Bearer ${key}`, "x-forwarded-for": "192.0.2.7" };
      const body = JSON.stringify({ origin, user: "visitor-7" });
      const answer = await fetch(`${shop.linekeeper}v1/tokens`, { method: "POST", headers, body });
      const said = (await answer.json()) as { token: string }; // As the document says.
      minted.push(said);
      return void response.end(said.token);
    }
    if (!/^\/(?:embed\.html|embed\.js|icon\.svg|linekeeper-client\.js|client\/[\w-]+\.js)$/.test(path))
      return void response.writeHead(404).end();
    const type = path.endsWith(".html") ? "text/html" : path.endsWith(".svg") ? "image/svg+xml" : "text/javascript";
    const file = readFileSync(join(publicFolder, path), "utf8")
      .replace('new URL("browser", location.href.replace(/^http/, "ws"))', `new URL("${shop.linekeeper.replace(/^http/, "ws")}browser")`)
      .replace("const token = undefined;", 'const token = () => fetch("/call-token").then((answer) => answer.text());');
    response.writeHead(200, { "content-type": type }).end(file);
  };
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // A TCP server has one.
  return Object.assign(shop, {
    origin,
    minted,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  });
}

test.skipIf(!chromiumIsThere && !needed)("a page of somebody's own calls with the example's code and tokens of its back end", async () => {
  const fake = await fakes.find(({ name }) => name === "openai")?.start({ port: 0 });
  if (fake === undefined) throw new Error("there is no fake OpenAI");
  fake.panel.reply("Good day.");
  await using shop = await openShop();
  await using server = await startServer({
    ...fake.settings,
    LINEKEEPER_TIERS: "openai",
    LINEKEEPER_CONFIG: join(import.meta.dirname, "cloud.json"),
    LINEKEEPER_API_KEY: key,
    LINEKEEPER_ORIGINS: shop.origin,
  });
  shop.linekeeper = server.url;
  await using browser = await chromium.launch({ executablePath: chromiumPath, args: flags });
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => void complaints.push(String(error)));
  page.on("console", (message) => void (message.type() === "error" && complaints.push(message.text())));
  await page.goto(`${shop.origin}/embed.html`);
  const button = page.getByRole("button");
  await button.click();
  await expect.poll(() => page.locator("#words").innerText(), patient).toBe("Good day.");
  expect(server.house.roster.calls()).toMatchObject([{ dialect: "browser" }]);
  await button.click();
  await expect.poll(() => page.locator("#state").innerText(), patient).toBe("The call is over.");
  // A second call asks for a second token.
  await button.click();
  await expect.poll(() => server.house.roster.calls().length, patient).toBe(1);
  expect(shop.minted).toHaveLength(2);
  await button.click();
  await expect.poll(() => server.house.roster.calls(), patient).toEqual([]);
  expect(complaints).toEqual([]);
  await fake[Symbol.asyncDispose]();
});
