import { readFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { treeOf } from "../../scripts/bench/calls/process-tree.ts";
import { dial, type Caller } from "../../scripts/caller/caller.ts";
import { folderOf } from "../../src/config/processes.ts";
import { TwilioCloud } from "../../src/fakes/carriers/twilio-cloud.ts";
import type { TwilioPhone } from "../../src/fakes/carriers/twilio-phone.ts";
import { fakes, type Fake } from "../../src/fakes/fakes.ts";
import { babble } from "../../src/fakes/voice.ts";
import { startProcess, type ServerProcess } from "./process.ts";

const patient = { timeout: 30_000, interval: 50 };
const authToken = "0123456789abcdef0123456789abcdef";
const publicUrl = "https://voice.example.org";

interface Line {
  readonly event: string;
  readonly process?: number;
  readonly session_id?: string;
  readonly pid?: number;
  readonly url?: string;
  readonly period?: string;
  readonly step?: number;
}

/** What the server's log has of these events so far. */
const logged = (server: ServerProcess, event: string): readonly Line[] =>
  server.log.map((line) => JSON.parse(line) as Line).filter((line) => line.event === event); // The format of the log.

/** The number of the process that has the call. */
async function processOf(server: ServerProcess, callId: string): Promise<number> {
  const found = (): number | undefined =>
    logged(server, "connection_established").findLast(({ session_id }) => session_id === callId)?.process;
  await vi.waitFor(() => expect(found()).toBeDefined(), patient);
  return found() ?? 0;
}

/** The process of that number, once its log says that it has started. */
async function pidOf(server: ServerProcess, number: number): Promise<number> {
  return vi.waitFor(() => {
    const pid = logged(server, "server_started").findLast(({ process }) => process === number)?.pid;
    if (pid === undefined) throw new Error(`process ${number} has not started`);
    return pid;
  }, patient);
}

const json = async (url: string): Promise<Record<string, unknown>> => (await (await fetch(url)).json()) as Record<string, unknown>; // Every answer here is an object.

async function callIds(server: ServerProcess): Promise<readonly string[]> {
  const { calls } = (await json(`${server.url}v1/calls`)) as { calls: { callId: string }[] }; // As the API describes it.
  return calls.map(({ callId }) => callId);
}

async function metric(server: ServerProcess, name: string): Promise<number> {
  const line = (await (await fetch(`${server.url}metrics`)).text()).split("\n").find((each) => each.startsWith(`${name} `));
  return line === undefined ? 0 : Number(line.slice(name.length + 1));
}

describe("two processes behind one port", { timeout: 120_000 }, () => {
  let data: string;
  let fake: Fake;
  beforeEach(async () => {
    data = await mkdtemp(join(tmpdir(), "linekeeper-processes-"));
    const row = fakes.find(({ name }) => name === "openai");
    if (row === undefined) throw new Error("there is no fake of openai");
    fake = await row.start({ port: 0 });
  });
  afterEach(async () => {
    await fake[Symbol.asyncDispose]();
    await rm(data, { recursive: true, force: true });
  });
  const start = (more: Readonly<Record<string, string>> = {}): Promise<ServerProcess> =>
    startProcess({ ...fake.settings, LINEKEEPER_PROCESSES: "2", LINEKEEPER_TIERS: "openai", LINEKEEPER_DATA: data, ...more });

  /** By what was asked, not the next in turn: that could go to another caller's greeting, or to what one who comes back was owed. */
  function answers(asked: string, answer: string): void {
    const otherwise = fake.panel.script;
    fake.panel.script = (told) => {
      const last = told.findLast((item) => item.by === "caller");
      return last !== undefined && "text" in last && last.text === asked ? answer : otherwise(told);
    };
  }

  const isTold = (caller: Caller, words: string): Promise<void> =>
    vi.waitFor(() => expect(caller.turns.map(({ text }) => text).join("\n")).toContain(words), patient);

  /** Two callers, each on a process of its own: the first one's number first. */
  async function onBoth(server: ServerProcess): Promise<readonly [Caller, number, Caller, number]> {
    const one = await dial(server.url);
    const at = await processOf(server, one.callId);
    // Connections go where the fewest calls are, as it was a moment ago.
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const two = await dial(server.url);
      const other = await processOf(server, two.callId);
      if (other !== at) return [one, at, two, other];
      await two.hangsUp();
    }
    throw new Error("twenty calls came to the same process");
  }

  test("calls are spread over both, and whichever is asked answers for all of them", async () => {
    await using server = await start();
    const [one, , two] = await onBoth(server);
    await vi.waitFor(async () => expect((await callIds(server)).toSorted()).toEqual([one.callId, two.callId].toSorted()), patient);
    for (const { callId } of [one, two]) {
      // On new connections, so that either process is asked.
      for (let times = 0; times < 3; times += 1) {
        const answer = await fetch(`${server.url}v1/calls/${callId}`, { headers: { connection: "close" } });
        expect(await answer.json()).toMatchObject({ callId });
      }
    }
    expect(await metric(server, 'voice_calls_active{dialect="browser"}')).toBe(2);
    expect(await metric(server, 'voice_ready{region="default"}')).toBe(1);
    expect(await metric(server, 'circuit_breaker_state{name="openai_provider",provider="openai"}')).toBe(0);
    expect(await json(`${server.url}v1/node`)).toMatchObject({ state: "serving", calls: 2 });
    expect(await json(`${server.url}v1/providers/openai`)).toMatchObject({ provider: "openai", activeSessions: 2 });
    expect(await json(`${server.url}readyz`)).toMatchObject({ status: "ready", processes: { ready: 2, of: 2 } });
    expect(await picturedAt(server)).toEqual([one.callId, two.callId].toSorted());
    for (const { callId } of [one, two]) await fetch(`${server.url}v1/calls/${callId}/hang-up`, { method: "POST", body: "{}" });
    expect((await Promise.all([one.ended, two.ended])).map(({ code }) => code)).toEqual([1000, 1000]);
  });

  test("callers who come at the same moment are spread evenly", async () => {
    await using server = await start();
    const callers = await Promise.all(Array.from({ length: 12 }, () => dial(server.url)));
    const numbers = await Promise.all(callers.map(({ callId }) => processOf(server, callId)));
    expect(Math.abs(numbers.filter((number) => number === 1).length - 6)).toBeLessThanOrEqual(2);
    await Promise.all(callers.map((caller) => caller.hangsUp()));
  });

  /** The calls that a reader of the events is shown, once it is shown two. */
  async function picturedAt(server: ServerProcess): Promise<readonly string[]> {
    const answer = await fetch(`${server.url}v1/events?calls=1`);
    let text = "";
    for await (const part of answer.body ?? []) {
      text += Buffer.from(part as Uint8Array).toString(); // A body's chunks are bytes.
      for (const [, data = ""] of text.matchAll(/event: calls\ndata: (.*)\n\n/g)) {
        const { total, calls } = JSON.parse(data) as { total: number; calls: { callId: string }[] }; // As it is sent.
        if (total === 2) return calls.map(({ callId }) => callId).toSorted();
      }
    }
    throw new Error("the events ended");
  }

  test("a caller who comes back to the wrong process is brought to the one with the call", async () => {
    await using server = await start();
    const [one, at, two] = await onBoth(server);
    // The process with the call has the most, so that whoever comes next comes to the other.
    for (const guest of await Promise.all([1, 2, 3, 4].map(() => dial(server.url)))) {
      if ((await processOf(server, guest.callId)) !== at) await guest.hangsUp();
    }
    let caller = one;
    for (let attempt = 0; attempt < 3; attempt += 1) {
      caller.isCutOff();
      await caller.ended;
      caller = await dial(server.url, { resume: caller.resumeToken });
      expect(caller.callId).toBe(one.callId);
    }
    const handedOn = await vi.waitFor(() => {
      const by = logged(server, "caller_handed_on").map(({ process }) => process);
      expect(by.length).toBeGreaterThan(0);
      return by;
    }, patient);
    expect(handedOn).not.toContain(at);
    answers("Are you there?", "I am still here.");
    caller.types("Are you there?");
    await isTold(caller, "still here");
    await caller.hangsUp();
    await vi.waitFor(async () => expect(await callIds(server)).not.toContain(one.callId), patient);
    await two.hangsUp();
  });

  test("telephone calls come in, are asked about and end, whichever process their carrier reaches", async () => {
    const cloud = new TwilioCloud({ authToken, publicUrl, secondMs: 20 });
    await using server = await start({
      LINEKEEPER_CONFIG: join(import.meta.dirname, "cloud.json"),
      PUBLIC_URL: publicUrl,
      TWILIO_AUTH_TOKEN: authToken,
    });
    await vi.waitFor(() => expect(logged(server, "processes_started")).toHaveLength(1), patient);
    cloud.localUrl = logged(server, "processes_started")[0]?.url?.replace(/\/$/, "") ?? "";
    try {
      const phones: TwilioPhone[] = [];
      const isPlayed = (phone: TwilioPhone): Promise<void> =>
        vi.waitFor(() => expect(phone.streams[0]?.speaker.playedMs).toBeGreaterThan(200), patient);
      const numbers = (): readonly number[] => [
        ...new Set(logged(server, "connection_established").flatMap(({ process }) => process ?? [])),
      ];
      // Streams go where the fewest calls are, webhooks count for a moment as well, and a busy process is slow to say what it has: three
      // at once, and then one after the other until both have some.
      while (phones.length < 3 || (numbers().length < 2 && phones.length < 20)) {
        phones.push(...Array.from({ length: phones.length === 0 ? 3 : 1 }, () => cloud.calls()));
        for (const phone of phones) await isPlayed(phone);
      }
      expect(new Set(numbers())).toEqual(new Set([1, 2]));
      // Each stream breaks off; its call is found again, wherever the webhook asks.
      const before = (await callIds(cloudServer(server, cloud))).toSorted();
      for (const phone of phones) phone.streams[0]?.vanish();
      for (const phone of phones) await vi.waitFor(() => expect(phone.streams).toHaveLength(2), patient);
      for (const phone of phones) {
        phone.says(Buffer.concat([babble("Are you there?", "pcmu@8000"), Buffer.alloc(8_000, 0xff)]));
        await vi.waitFor(() => expect(phone.stream.speaker.playedMs).toBeGreaterThan(100), patient);
      }
      expect((await callIds(cloudServer(server, cloud))).toSorted()).toEqual(before);
      for (const phone of phones) phone.hangUp();
      await Promise.all(phones.map(({ over }) => over));
      await vi.waitFor(async () => expect(await callIds(cloudServer(server, cloud))).toEqual([]), patient);
      expect(cloud.errors).toEqual([]);
    } finally {
      await cloud[Symbol.asyncDispose]();
    }
  });

  /** What it tells people of itself is the public address. */
  const cloudServer = (server: ServerProcess, cloud: TwilioCloud): ServerProcess => ({ ...server, url: `${cloud.localUrl}/` });

  test("a process that is killed is started again and its caller comes back; the other caller notices nothing", async () => {
    await using server = await start();
    const [one, at, two] = await onBoth(server);
    await vi.waitFor(
      async () => expect(await readdir(join(folderOf(data, at), "calls"))).toContainEqual(expect.stringMatching(/json$/)),
      patient,
    );
    const pid = await pidOf(server, at);
    process.kill(pid, "SIGKILL");
    expect((await one.ended).code).toBe(1006);
    const again = await comesBack(server, one);
    expect(again.callId).toBe(one.callId);
    expect(logged(server, "process_died")).toMatchObject([{ process: at }]);
    answers("Did something happen?", "Nothing happened.");
    two.types("Did something happen?");
    await isTold(two, "Nothing happened");
    answers("Here I am again.", "Welcome back.");
    again.types("Here I am again.");
    await isTold(again, "Welcome back");
    await vi.waitFor(async () => expect((await callIds(server)).toSorted()).toEqual([one.callId, two.callId].toSorted()), patient);
    await Promise.all([again.hangsUp(), two.hangsUp()]);
  });

  /** As a page does: while nobody is there to take it, a caller who comes back waits, and asks again. */
  async function comesBack(server: ServerProcess, caller: Caller): Promise<Caller> {
    return vi.waitFor(() => dial(server.url, { resume: caller.resumeToken }), { timeout: 60_000, interval: 50 });
  }

  test("a process that hangs gets no more callers, and goes on when it comes to itself", async () => {
    await using server = await start();
    const [one, at, two] = await onBoth(server);
    const pid = await pidOf(server, at);
    process.kill(pid, "SIGSTOP");
    try {
      await vi.waitFor(() => expect(logged(server, "process_silent")).toMatchObject([{ process: at }]), patient);
      for (let more = 0; more < 3; more += 1) {
        const next = await dial(server.url);
        expect(await processOf(server, next.callId)).not.toBe(at);
      }
    } finally {
      process.kill(pid, "SIGCONT");
    }
    answers("Are you there?", "I was away.");
    one.types("Are you there?");
    await isTold(one, "I was away");
    await Promise.all([one.hangsUp(), two.hangsUp()]);
  });

  test("a carrier that asks a process without room is told where there is room, and busy when there is none", async () => {
    await using server = await start({ LINEKEEPER_MAX_CALLS: "2" });
    const ask = async (): Promise<string> => {
      const form = new URLSearchParams({ CallSid: "CA1", From: "+15550100", To: "+15550101", CallStatus: "ringing" });
      return (await fetch(`${server.url}twilio/voice`, { method: "POST", body: form })).text();
    };
    const askAll = async (): Promise<readonly string[]> => Promise.all(Array.from({ length: 6 }, ask));
    // Six connections, of both processes, which stay open as carriers' proxies keep them.
    await askAll();
    const caller = await dial(server.url);
    await vi.waitFor(async () => expect(await metric(server, "voice_processes_taking_calls")).toBe(1), patient);
    for (const answer of await askAll()) expect(answer).toContain("<Stream");
    const other = await dial(server.url);
    await vi.waitFor(async () => expect(await metric(server, "voice_processes_taking_calls")).toBe(0), patient);
    for (const answer of await askAll()) expect(answer).toContain('<Reject reason="busy"');
    await expect(dial(server.url)).rejects.toMatchObject({ kind: "busy" });
    expect(await metric(server, 'voice_connections_rejected_total{reason="busy"}')).toBe(7);
    await Promise.all([caller.hangsUp(), other.hangsUp()]);
  });

  test("what one process finds out about a provider costs the callers of the other nothing", async () => {
    await using server = await start({ LINEKEEPER_PROBES: "off" });
    fake.panel.refuse(503);
    const opened = (): readonly Line[] => logged(server, "circuit_breaker_opened");
    const callers: Caller[] = [];
    while (callers.length < 20 && opened().length === 0) {
      const caller = await dial(server.url);
      callers.push(caller);
      await vi.waitFor(() => expect(caller.provider).toBe("emergency"), patient);
    }
    await vi.waitFor(() => expect(opened()).toHaveLength(1), patient);
    const [{ process: by } = {}] = opened();
    await vi.waitFor(() => expect(logged(server, "circuit_breaker_followed")[0]?.process).toBe(by === 1 ? 2 : 1), patient);
    const dials = fake.panel.dials;
    const [one, , two] = await onBoth(server);
    expect([one.provider, two.provider]).toEqual(["emergency", "emergency"]);
    expect(fake.panel.dials).toBe(dials);
    expect(await metric(server, 'circuit_breaker_state{name="openai_provider",provider="openai"}')).toBe(2);
    await Promise.all([one, two, ...callers].map((caller) => caller.hangsUp()));
  });

  test("what both spend is one budget: each step is told once, also after a restart, new callers are refused and nobody is cut off", async () => {
    const budget = { LINEKEEPER_BUDGET_DAY_USD: "0.05", LINEKEEPER_BUDGET_SPENT: "refuse", LINEKEEPER_DRAIN_MS: "0" };
    const steps = (of: ServerProcess): readonly unknown[] =>
      logged(of, "cost_budget").map(({ process, period, step }) => [process, period, step]);
    {
      await using server = await start(budget);
      const [one, , two] = await onBoth(server);
      for (let turn = 0; turn < 40 && steps(server).length < 3; turn += 1) {
        answers("And what else?", `Answer ${turn}.`);
        // Now the one, now the other: neither spends it alone.
        const caller = turn % 2 === 0 ? one : two;
        caller.types("And what else?");
        await isTold(caller, `Answer ${turn}.`);
      }
      await vi.waitFor(() => expect(steps(server)).toHaveLength(3), patient);
      const ratio = 'ai_provider_cost_budget_used_ratio{period="day"}';
      await vi.waitFor(async () => expect(await metric(server, ratio)).toBeGreaterThanOrEqual(1), patient);
      // On whichever process: each has heard of the other's costs.
      await vi.waitFor(async () => expect(await metric(server, "voice_processes_taking_calls")).toBe(0), patient);
      for (let times = 0; times < 4; times += 1) await expect(dial(server.url)).rejects.toMatchObject({ kind: "busy" });
      expect(await json(`${server.url}v1/node`)).toMatchObject({
        refuses: expect.stringContaining("budget of this day"),
        cost: { usd: expect.any(Number), budgetUsed: { day: expect.toSatisfy((ratio: number) => ratio >= 1) } },
      });
      for (const caller of [one, two]) {
        answers("Are you still there?", "You I do not leave.");
        caller.types("Are you still there?");
        await isTold(caller, "You I do not leave.");
      }
      expect(steps(server)).toEqual([80, 90, 100].map((step) => [1, "day", step]));
      await Promise.all([one.hangsUp(), two.hangsUp()]);
      server.child.kill("SIGTERM");
      expect(await server.exited).toBe(0);
    }
    for (const processes of ["2", "1"]) {
      await using again = await start({ ...budget, LINEKEEPER_PROCESSES: processes });
      await vi.waitFor(async () => expect((await fetch(`${again.url}readyz`)).status).toBe(503), patient);
      await expect(dial(again.url)).rejects.toMatchObject({ kind: "busy" });
      expect(steps(again)).toEqual([]);
      again.child.kill("SIGTERM");
      expect(await again.exited).toBe(0);
    }
  });

  test("a token lets in once, on whichever process", async () => {
    await using server = await start();
    const minted = await fetch(`${server.url}v1/tokens`, { method: "POST", body: "{}" });
    const { token } = (await minted.json()) as { token: string }; // As the document says.
    const first = await saidTo(server, token);
    expect(first.said["type"]).toBe("started");
    for (let times = 0; times < 3; times += 1) {
      const next = await saidTo(server, token);
      expect(next.said).toMatchObject({ type: "error", code: "caller-refused" });
    }
    first.socket.terminate();
  });

  async function saidTo(server: ServerProcess, token: string): Promise<{ said: Record<string, unknown>; socket: WebSocket }> {
    const socket = new WebSocket(`${server.url.replace("http", "ws")}browser`, ["linekeeper.1", `token.${token}`]);
    socket.once("open", () => socket.send('{"type":"start","version":1,"audio":{"up":"pcm16@16000","down":"pcm16@24000"}}'));
    return new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.once("message", (bytes: Buffer) => resolve({ said: JSON.parse(bytes.toString()) as Record<string, unknown>, socket })); // The wire promises objects.
    });
  }

  test("a drain hands on the calls of both, and whoever comes after, also alone, takes them up", async () => {
    await using server = await start({ LINEKEEPER_DRAIN_MS: "0" });
    const [one, , two] = await onBoth(server);
    server.child.kill("SIGTERM");
    expect((await Promise.all([one.ended, two.ended])).map(({ code }) => code)).toEqual([1012, 1012]);
    expect(await server.exited).toBe(0);
    await using next = await start({ LINEKEEPER_PROCESSES: "1" });
    for (const caller of [one, two]) {
      const again = await dial(next.url, { resume: caller.resumeToken });
      expect(again.callId).toBe(caller.callId);
      await again.hangsUp();
    }
  });

  test("a second signal waits for nobody", async () => {
    await using server = await start({ LINEKEEPER_DRAIN_MS: "600000" });
    const [one, , two] = await onBoth(server);
    server.child.kill("SIGTERM");
    await vi.waitFor(() => expect(logged(server, "drain_started")).toHaveLength(2), patient);
    server.child.kill("SIGTERM");
    expect((await Promise.all([one.ended, two.ended])).map(({ code }) => code)).toEqual([1012, 1012]);
    expect(await server.exited).toBe(0);
  });

  test("a process that is being started when the machine is told to leave, or loses its first, leaves with it", async () => {
    await using server = await start();
    process.kill(await pidOf(server, 2), "SIGKILL");
    await vi.waitFor(() => expect(logged(server, "process_died")).toHaveLength(1), patient);
    server.child.kill("SIGTERM");
    expect(await server.exited).toBe(0);

    await using other = await start();
    process.kill(await pidOf(other, 2), "SIGKILL");
    await vi.waitFor(() => expect(logged(other, "process_died")).toHaveLength(1), patient);
    const all = await vi.waitFor(() => {
      const tree = treeOf(other.child.pid ?? 0);
      expect(tree).toHaveLength(3);
      return tree;
    }, patient);
    const caller = await dial(other.url);
    other.child.kill("SIGKILL");
    expect((await caller.ended).code).toBe(1012);
    await vi.waitFor(() => expect(all.filter(lives)).toEqual([]), patient);
  });

  /** One that ended and that nobody has asked about yet does not. */
  function lives(pid: number): boolean {
    try {
      return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
    } catch {
      return false;
    }
  }

  test("settings that none of them can start with end all, with the word for that", async () => {
    await expect(start({ TWILIO_AUTH_TOKEN: authToken })).rejects.toThrow(/ended with 2:[^]*PUBLIC_URL/);
  });
});
