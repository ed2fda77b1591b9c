import { expect, test, type TestContext } from "vitest";
import type { FaultCode } from "../../src/kernel/fault.ts";
import type { FaultPoint, Panel } from "../../src/fakes/panel.ts";
import { pause, type Bench } from "./bench.ts";
import { Line } from "./line.ts";

/** How a provider must take what goes wrong on the other side. Everything here pulls a lever of a fake. */
export function survivesFaults(make: () => Promise<Bench>): void {
  const refusals: { name: string; arrange: (panel: Panel) => void; code: FaultCode; retryAfterMs?: number }[] = [
    { name: "a key that the service does not know", arrange: (panel) => (panel.opening = { type: "bad-key" }), code: "provider-key" },
    { name: "a model that the service does not have", arrange: (panel) => (panel.opening = { type: "bad-model" }), code: "provider-model" },
    { name: "a spent quota", arrange: (panel) => panel.quota(), code: "provider-quota" },
    { name: "401", arrange: (panel) => panel.refuse(401), code: "provider-key" },
    { name: "403", arrange: (panel) => panel.refuse(403), code: "provider-key" },
    {
      name: "429 with a retry-after",
      arrange: (panel) => panel.refuse(429, { retryAfterS: 7 }),
      code: "provider-limited",
      retryAfterMs: 7_000,
    },
    { name: "500", arrange: (panel) => panel.refuse(500), code: "provider-overloaded" },
    {
      name: "503 with a retry-after",
      arrange: (panel) => panel.refuse(503, { retryAfterS: 3 }),
      code: "provider-overloaded",
      retryAfterMs: 3_000,
    },
    {
      name: "a peer that takes the connection and says nothing",
      arrange: (panel) => (panel.opening = { type: "never-upgraded" }),
      code: "provider-silent",
    },
    {
      name: "a peer that opens and never becomes ready",
      arrange: (panel) => (panel.opening = { type: "never-ready" }),
      code: "provider-silent",
    },
  ];
  test.for(refusals)("opening against $name ends in $code, with nothing left open", async ({ arrange, code, retryAfterMs }, context) => {
    await using bench = await make();
    const panel = lever(context, bench);
    arrange(panel);
    await using line = new Line(bench, { openLimitMs: code === "provider-silent" ? 300 : 5_000 });
    const fault = await line.refused();
    expect(fault.code, fault.message).toBe(code);
    expect(fault.retryAfterMs).toBe(retryAfterMs);
    await line.becomes(() => panel.open === 0, "nothing left open");
    expect(line.all("link.lost")).toEqual([]);
    keepsSecrets(line);
  });

  const breaks: { name: string; arrange: (panel: Panel) => void }[] = [
    { name: "reset in the handshake", arrange: (panel) => (panel.opening = { type: "reset" }) },
    { name: "closed just after the handshake", arrange: (panel) => panel.acceptThenClose(0) },
    { name: "reset just after the handshake", arrange: (panel) => panel.drop("rst", "upgraded") },
    { name: "reset before the session is ready", arrange: (panel) => panel.drop("rst", "before-ready") },
  ];
  test.for(breaks)("a connection $name is a fault worth another try", async ({ arrange }, context) => {
    await using bench = await make();
    arrange(lever(context, bench));
    await using line = new Line(bench);
    const fault = await line.refused();
    expect(fault.row, fault.message).toMatchObject({ blame: "provider", remedy: "retry" });
    expect(line.all("link.lost")).toEqual([]);
    keepsSecrets(line);
  });

  test("a peer that takes a call and then drops it is a fault worth another try", async (context) => {
    await using bench = await make();
    lever(context, bench).acceptThenClose(100);
    await using line = new Line(bench);
    // On a busy machine the end can come before the opening is through.
    const fault = await line.fails();
    expect(fault.row, fault.message).toMatchObject({ blame: "provider", remedy: "retry" });
  });

  test.for([{ at: "upgraded" }, { at: "before-ready" }] satisfies { at: FaultPoint }[])(
    "an opening given up by the caller leaves nothing open ($at)",
    async ({ at }, context) => {
      await using bench = await make();
      const panel = lever(context, bench);
      panel.opening = { type: at === "upgraded" ? "never-upgraded" : "never-ready" };
      await using line = new Line(bench, { openLimitMs: 600_000 });
      let ended = false;
      const opening = line.open().catch(() => (ended = true));
      await line.becomes(() => panel.connections > 0, "the connection");
      line.abort();
      await line.becomes(() => ended, "the end of the opening");
      await opening;
      await line.becomes(() => panel.open === 0, "nothing left open");
      expect(line.notices).toEqual([]);
    },
  );

  test("an opening given up before it began makes no connection", async (context) => {
    await using bench = await make();
    const panel = lever(context, bench);
    await using line = new Line(bench);
    line.abort();
    await expect(line.open()).rejects.toThrow();
    expect(panel.connections).toBe(0);
  });

  test.for([1001, 1011, 1012, 1013, "rst"] as const)("a link closed with %s is lost once, and worth another try", async (how, context) => {
    await using bench = await make();
    const panel = lever(context, bench);
    await using line = await new Line(bench).open();
    const { connections } = panel;
    panel.drop(how);
    const { fault } = await line.hears("link.lost");
    expect(fault.row, fault.message).toMatchObject({ blame: "provider", remedy: "retry" });
    expect(line.ends.hear(bench.speech(line.request.uplink))).toBe(false);
    await line.becomes(() => panel.open === 0, "the fake sees the end");
    expect(line.all("link.lost")).toHaveLength(1);
    expect(line.notices.at(-1)?.type).toBe("link.lost");
    // Who tries again is the session; a client of the provider's that does so by itself would be in its way.
    expect(panel.connections).toBe(connections);
    keepsSecrets(line);
  });

  test("a link lost while the caller speaks has told that they do", async (context) => {
    await using bench = await make();
    const panel = lever(context, bench);
    context.skip(!bench.provider.traits.endpointing.includes("provider"), "by trait");
    await using line = await new Line(bench, { endpointing: "provider" }).open();
    panel.drop("rst", "caller-speaking");
    const speaking = line.says(bench.speech(line.request.uplink)).catch(() => {});
    const { fault } = await line.hears("link.lost");
    expect(fault.row.remedy).toBe("retry");
    await line[Symbol.asyncDispose]();
    await speaking;
  });

  test("a link lost in mid-answer is lost once, after what was said of it", async (context) => {
    await using bench = await make();
    const panel = lever(context, bench);
    context.skip(!bench.provider.traits.text, "by trait");
    await using line = await new Line(bench).open();
    panel.drop("rst", "answering");
    panel.reply({ text: "There are a great many things to be said about that.", ms: 4_000 });
    line.ends.takeText("tell me all");
    await line.hears("link.lost");
    expect(line.notices.filter((notice) => notice.type === "link.lost")).toHaveLength(1);
    expect(line.notices.at(-1)?.type).toBe("link.lost");
  });

  test("a link lost while the conversation is told was never open", async (context) => {
    await using bench = await make();
    const panel = lever(context, bench);
    context.skip(bench.provider.traits.seeding === "instructions", "by trait");
    context.skip(bench.tells !== "at-opening", "nothing is told at the opening");
    panel.drop("rst", "seeding");
    await using line = new Line(bench, { conversation: [{ type: "caller", id: "c1", text: "I need two nights." }] });
    const fault = await line.refused();
    expect(fault.row, fault.message).toMatchObject({ blame: "provider", remedy: "retry" });
    expect(line.notices).toEqual([]);
  });

  test("a link lost between a tool's call and its result has told the call", async (context) => {
    await using bench = await make();
    const panel = lever(context, bench);
    const { tools, text } = bench.provider.traits;
    context.skip(tools === "none" || !text, "by trait");
    await using line = await new Line(bench).open();
    panel.drop("rst", "tool-called");
    line.ends.takeText(bench.cue("tool") ?? "");
    await line.hears("link.lost");
    const told = line.notices.map((notice) => notice.type);
    expect(told.filter((type) => type === "tool.called" || type === "link.lost")).toEqual(["tool.called", "link.lost"]);
    line.ends.answerTool({ toolCallId: "any", name: "find_room", output: "{}", failed: false });
    expect(line.notices.at(-1)?.type).toBe("link.lost");
  });

  test("an answer that fails on the other side ends as failed, and the next one comes", async (context) => {
    await using bench = await make();
    const panel = lever(context, bench);
    context.skip(!bench.provider.traits.text, "by trait");
    await using line = await new Line(bench).open();
    panel.reply({ text: "", fails: true }, "I am back.");
    line.ends.takeText("first");
    await line.becomes(
      () => line.all("agent.ended").some((notice) => notice.outcome === "failed") || line.all("link.lost").length > 0,
      "the failure",
    );
    if (line.all("link.lost").length > 0) return;
    line.ends.takeText("second");
    await line.becomes(() => line.all("agent.ended").some((notice) => notice.outcome === "complete"), "the next answer");
  });

  test("the coming end of a session is told ahead", async (context) => {
    await using bench = await make();
    const panel = lever(context, bench);
    context.skip(!Number.isFinite(bench.provider.traits.sessionLimitMs), "by trait");
    context.skip(!panel.announcesEnd, "the wire has no words for it");
    panel.endsIn(60_000);
    await using line = await new Line(bench).open();
    panel.endsIn(60_000);
    const { inMs } = await line.hears("link.expiring");
    expect(inMs).toBeGreaterThan(0);
    expect(inMs).toBeLessThanOrEqual(60_000);
    expect(line.all("link.lost")).toEqual([]);
  });

  test("a session that has ended by its time limit is lost, and worth another", async (context) => {
    await using bench = await make();
    const panel = lever(context, bench);
    context.skip(!Number.isFinite(bench.provider.traits.sessionLimitMs), "by trait");
    await using line = await new Line(bench).open();
    panel.expire();
    const { fault } = await line.hears("link.lost");
    expect(fault.code, fault.message).toBe("provider-expired");
    expect(line.all("link.lost")).toHaveLength(1);
  });

  test("a quota spent in mid-call is told as such", async (context) => {
    await using bench = await make();
    const panel = lever(context, bench);
    await using line = await new Line(bench).open();
    panel.quota();
    const { fault } = await line.hears("link.lost");
    expect(fault.code, fault.message).toBe("provider-quota");
    expect(line.all("link.lost")).toHaveLength(1);
  });

  test("2,000 broken messages end no call and are counted; the talk goes on", async (context) => {
    await using bench = await make();
    const panel = lever(context, bench);
    context.skip(!bench.provider.traits.text, "by trait");
    await using line = await new Line(bench).open();
    const seed = 4_711;
    const { sent, unreadable } = await panel.garbage(2_000, seed);
    expect(sent).toBeGreaterThanOrEqual(2_000);
    await line.becomes(() => line.all("link.puzzled").length >= unreadable, `${unreadable} puzzles of ${sent}, seed ${seed}`);
    const before = line.notices.length;
    expect(line.all("link.lost")).toEqual([]);
    panel.reply({ text: "Still here.", ms: 1_000 });
    line.ends.takeText("are you still there?");
    await line.becomes(
      () => line.said(line.all("agent.began", before).at(-1)?.turnId ?? "").trim() === "Still here.",
      `an answer after seed ${seed}`,
    );
    expect(line.all("link.puzzled").length).toBeLessThanOrEqual(sent);
  });

  test("messages of unknown types and messages in many fragments change nothing", async (context) => {
    await using bench = await make();
    const panel = lever(context, bench);
    context.skip(!bench.provider.traits.text, "by trait");
    panel.unknownEvents = panel.splitFrames = true;
    await using line = await new Line(bench).open();
    panel.reply({ text: "All the same.", ms: 1_000 });
    line.ends.takeText("hello");
    const ended = await line.hears("agent.ended");
    expect(line.said(ended.turnId).trim()).toBe("All the same.");
    expect(line.all("link.puzzled").length).toBeGreaterThan(0);
    expect(line.all("link.lost")).toEqual([]);
  });

  test("a slow peer is waited for within the limit", async (context) => {
    await using bench = await make();
    const panel = lever(context, bench);
    panel.slow(60);
    await using line = await new Line(bench, { begin: "greet" }).open();
    await line.hears("agent.ended");
    expect(line.all("link.lost")).toEqual([]);
  });

  test("a peer that stops reading fills a bounded queue: then no more is taken", async (context) => {
    await using bench = await make();
    const panel = lever(context, bench);
    await using line = await new Line(bench).open();
    panel.goDeaf();
    const second = bench.speech(line.request.uplink);
    let seconds = 0;
    // Sockets of the system take a few MB by themselves; ten minutes of any encoding is more than they and the link may hold.
    while (seconds < 6_000 && line.ends.hear(second)) {
      seconds += 1;
      if (seconds % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(seconds).toBeLessThan(6_000);
    panel.serve();
    await line.becomes(() => line.all("link.lost").length > 0 || line.ends.hear(second), "audio is taken again");
  });

  test("nothing that a whole call tells or logs holds a key", async (context) => {
    await using bench = await make();
    const panel = lever(context, bench);
    context.skip(!bench.provider.traits.endpointing.includes("provider"), "by trait");
    await using line = await new Line(bench, { endpointing: "provider" }).open();
    await line.says(bench.speech(line.request.uplink), pause(bench.provider, line.request.uplink));
    await line.hears("agent.ended");
    panel.drop(1011);
    await line.hears("link.lost");
    keepsSecrets(line);
  });
}

/** The fake's levers; skips the test where there are none. */
function lever(context: TestContext, bench: Bench): Panel {
  return bench.panel ?? context.skip("needs a fake");
}

function keepsSecrets(line: Line): void {
  const told = line.diary.join("\n");
  for (const secret of line.bench.secrets) expect(told).not.toContain(secret);
}
