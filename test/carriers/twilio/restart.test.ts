import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { fakes } from "../../../src/fakes/fakes.ts";
import { TwilioCloud } from "../../../src/fakes/carriers/twilio-cloud.ts";
import { babble } from "../../../src/fakes/voice.ts";
import { loadIsNoMatter } from "../../scenario/server.ts";

const authToken = "0123456789abcdef0123456789abcdef";
const publicUrl = "https://voice.example.org";
const patience = { timeout: 20_000, interval: 50 };
const root = join(import.meta.dirname, "../../..");

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** The process that an operator starts, until it answers. */
async function start(environment: Readonly<Record<string, string>>, url: string): Promise<ChildProcess> {
  const { PATH = "" } = process.env;
  const child = spawn(process.execPath, ["src/main.ts"], {
    cwd: root,
    env: { PATH, ...environment },
    stdio: "ignore",
  });
  await vi.waitFor(async () => expect((await fetch(`${url}/healthz`)).status).toBe(200), patience);
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

test(
  "a telephone call survives kill -9: the process is started again, and the caller is back in the same conversation",
  { timeout: 90_000 },
  async () => {
    const data = await mkdtemp(join(tmpdir(), "linekeeper-"));
    const fake = await fakes.find(({ name }) => name === "openai")?.start({ port: 0 });
    if (fake === undefined) throw new Error("there is no fake OpenAI");
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const environment = {
      ...fake.settings,
      ...loadIsNoMatter,
      PORT: String(port),
      LINEKEEPER_TIERS: "openai",
      LINEKEEPER_DATA: data,
      LINEKEEPER_CONFIG: join(root, "test/scenario/cloud.json"),
      PUBLIC_URL: publicUrl,
      TWILIO_AUTH_TOKEN: authToken,
    };
    const cloud = new TwilioCloud({ authToken, publicUrl, secondMs: 2_500 });
    cloud.localUrl = url;
    let child = await start(environment, url);
    try {
      fake.panel.callerSays("My name is Ada.", "Do you remember me?");
      fake.panel.reply("Good day.", "Pleased to meet you.", "You are Ada.");
      const phone = cloud.calls();
      await vi.waitFor(() => expect(phone.streams[0]?.speaker.playedMs).toBeGreaterThan(300), patience);
      await vi.waitFor(async () => expect((await calls(url))[0]?.phase).toBe("listening"), patience);
      phone.says(Buffer.concat([babble("My name is Ada.", "pcmu@8000"), Buffer.alloc(8_000, 0xff)]));
      await vi.waitFor(() => expect(fake.panel.last.answers).toBe(2), patience);
      await vi.waitFor(async () => expect((await calls(url))[0]?.phase).toBe("listening"), patience);
      const before = await calls(url);
      const heardOutMs = Date.now();
      // Calls are kept soon after each turn, not in the same breath.
      await vi.waitFor(async () => expect(await lastKeptMs(join(data, "calls"))).toBeGreaterThan(heardOutMs), patience);

      const killedMs = Date.now();
      await kill(child);
      child = await start(environment, url);

      await vi.waitFor(() => expect(phone.streams).toHaveLength(2), patience);
      // Of that, the process needs what it needs to start; then the carrier asks again, each 2.5 s here.
      process.stdout.write(`back on a stream ${Date.now() - killedMs} ms after the kill\n`);
      phone.says(Buffer.concat([babble("Do you remember me?", "pcmu@8000"), Buffer.alloc(8_000, 0xff)]));
      await vi.waitFor(() => expect(phone.stream.speaker.playedMs).toBeGreaterThan(200), patience);
      expect((await calls(url)).map(({ callId }) => callId)).toEqual(before.map(({ callId }) => callId));
      expect(fake.panel.historyTold()).toContainEqual({ by: "caller", text: "My name is Ada." });
      // What was answered before is not heard and answered again.
      expect(fake.panel.last.answers).toBe(1);
      // What Twilio only tells, and nobody was there to hear, is told once.
      expect(cloud.errors.filter((each) => !each.includes("/twilio/status"))).toEqual([]);
      expect(phone.stream.violations).toEqual([]);
    } finally {
      await cloud[Symbol.asyncDispose]();
      await kill(child);
      await fake[Symbol.asyncDispose]();
      await rm(data, { recursive: true, force: true });
    }
  },
);

async function lastKeptMs(folder: string): Promise<number> {
  const times = (await readdir(folder)).map(async (name) => (await stat(join(folder, name))).mtimeMs);
  return Math.max(0, ...(await Promise.all(times)));
}

async function calls(url: string): Promise<readonly { readonly callId: string; readonly phase: string }[]> {
  const answer = (await (await fetch(`${url}/v1/calls`)).json()) as { calls: { callId: string; phase: string }[] }; // As the API describes it.
  return answer.calls;
}
