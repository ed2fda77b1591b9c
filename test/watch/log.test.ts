import { spawn } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import type { Log } from "../../src/kernel/log.ts";
import { openLog, type LogOptions } from "../../src/watch/log.ts";
import { known, planted, replaced } from "./planted.ts";

/** What a log writes to a real file, line by line. */
async function written(write: (log: Log) => void, options: Partial<LogOptions> = {}): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "linekeeper-log-"));
  const file = join(folder, "log");
  const fd = openSync(file, "w");
  const outlet = openLog({
    level: "debug",
    format: "json",
    secrets: () => [],
    dropped: () => expect.fail("no line may be dropped"),
    fd,
    ...options,
  });
  write(outlet.log);
  await outlet.close();
  const lines = readFileSync(file, "utf8").split("\n");
  expect(lines.pop()).toBe("");
  rmSync(folder, { recursive: true });
  return lines;
}

/** A line as the object that it is. */
function parsed(line: string | undefined): Record<string, unknown> {
  const found: unknown = JSON.parse(line ?? "");
  if (typeof found !== "object" || found === null) throw new Error(`no object: ${line}`);
  return { ...found };
}

/** As `expect.stringMatching`, without its `any`. */
const matching = (pattern: RegExp): unknown => expect.stringMatching(pattern);

test("an event is one JSON object on one line, with the names that operators' tools know", async () => {
  const [line, ...more] = await written((log) =>
    log.with({ callId: "c1", provider: "local" }).warning("audio_overflow", { lost_ms: 5, message: "two\nlines" }),
  );
  expect(more).toEqual([]);
  expect(parsed(line)).toEqual({
    level: "WARNING",
    timestamp: matching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    logger: "linekeeper",
    event: "audio_overflow",
    session_id: "c1",
    trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
    provider: "local",
    lost_ms: 5,
    message: "two\\u000alines",
  });
});

test("levels have the names of the contract, and lines below the chosen one are left out", async () => {
  const all = (log: Log): void => {
    log.debug("a");
    log.info("b");
    log.warning("c");
    log.error("d");
  };
  const levels = (lines: string[]): unknown[] => lines.map((line) => parsed(line)["level"]);
  expect(levels(await written(all))).toEqual(["DEBUG", "INFO", "WARNING", "ERROR"]);
  expect(levels(await written(all, { level: "warning" }))).toEqual(["WARNING", "ERROR"]);
});

test("fields of a narrower log win, and none can take the place of level or timestamp", async () => {
  const [line] = await written((log) =>
    log.with({ logger: "ears", callId: "c1" }).with({ callId: "c2" }).info("x", { level: 3, timestamp: "never" }),
  );
  expect(parsed(line)).toMatchObject({
    logger: "ears",
    session_id: "c2",
    level: "INFO",
    field_level: 3,
    field_timestamp: "never",
  });
  expect(line?.match(/"level"|"timestamp"/g)).toHaveLength(2);
});

test("an error is written with its causes and its stack", async () => {
  const [line] = await written((log) => log.error("x", { error: new Error("outer", { cause: new TypeError("inner") }) }));
  expect(parsed(line)["error"]).toMatchObject({
    name: "Error",
    message: "outer",
    stack: matching(/^Error: outer\n    at /),
    cause: { message: "inner" },
  });
});

test("for people an event is readable, and no text can draw on the terminal", async () => {
  const lines = await written((log) => log.info("call_started", { message: "hello \x1b[2J\u009b31m" }), { format: "pretty" });
  expect(lines.join("\n")).toContain("call_started hello \\u001b[2J\\u009b31m");
  expect(lines.join("\n")).not.toContain("\x1b[2J");
});

test.each(["json", "pretty"] as const)("no planted secret gets into the log as %s, wherever it stands", async (format) => {
  const lines = await written(
    (log) => {
      for (const { given } of planted) {
        log.info("x", { field: given });
        log.with({ bound: given }).error("x", { error: new Error("failed", { cause: given }) });
        if (typeof given === "string") log.warning(given, { message: given });
      }
    },
    { format, secrets: () => [known, replaced] },
  );
  expect(planted.length).toBeGreaterThanOrEqual(25);
  expect(lines.length).toBeGreaterThan(2 * planted.length);
  expect(lines.filter((line) => /canary/i.test(line))).toEqual([]);
});

test("whatever is thrown at it becomes a bounded line", async () => {
  const loop: Record<string, unknown> = {
    when: new Date(0),
    never: new Date(Number.NaN),
    bytes: new Uint8Array(9),
    big: 10n,
    run: () => 1,
    not: Number.NaN,
  };
  loop["self"] = loop;
  loop["bad"] = Object.defineProperty({}, "boom", {
    enumerable: true,
    get: () => {
      throw new Error("no");
    },
  });
  const [line] = await written((log) =>
    log.info("x", { loop, map: new Map([["a", new Set([1])]]), long: "y".repeat(100_000), many: Array(1_000).fill(1) }),
  );
  expect(parsed(line)).toMatchObject({
    loop: {
      when: "1970-01-01T00:00:00.000Z",
      never: "[no date]",
      bytes: "[9 bytes]",
      big: "10",
      run: "[function]",
      not: "NaN",
      self: "[circular]",
      bad: { boom: "[unreadable]" },
    },
    map: { a: [1] },
  });
  expect(parsed(line)["many"]).toHaveLength(100);
  expect(line?.length).toBeLessThan(10_000);
});

test("a reader that does not read costs lines, counted to the last one, and never the calls' time", { timeout: 60_000 }, async () => {
  const script = `
    import { openLog } from ${JSON.stringify(join(import.meta.dirname, "../../src/watch/log.ts"))};
    let dropped = 0;
    const outlet = openLog({ level: "info", format: "json", secrets: () => [], dropped: () => { dropped += 1; } });
    for (let n = 0; n < 4000; n += 1) outlet.log.info("x", { n, fill: "y ".repeat(250) });
    process.send({ dropped });
    process.once("message", async () => { await outlet.close(); process.disconnect(); });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit", "ipc"] });
  const { dropped } = await new Promise<{ dropped: number }>((resolve) =>
    child.once("message", (told) => resolve(told as { dropped: number })),
  );
  expect(dropped).toBeGreaterThan(100);
  let text = "";
  child.stdout?.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  child.send("close");
  expect(await ended).toBe(0);
  const lines = text.trimEnd().split("\n");
  expect(lines.length + dropped).toBe(4_000);
  expect(parsed(lines.at(-1))).toMatchObject({ event: "x" });
});

test("a destination that fails is counted and ends nothing", async () => {
  const fd = openSync("/dev/null", "r");
  let dropped = 0;
  const outlet = openLog({ level: "info", format: "json", secrets: () => [], dropped: () => void (dropped += 1), fd });
  outlet.log.info("x");
  await expect.poll(() => dropped, { timeout: 10_000 }).toBeGreaterThan(0);
  await outlet.close();
});

test("a line that comes after the end is counted, not thrown back at the call", async () => {
  const fd = openSync("/dev/null", "w");
  let dropped = 0;
  const outlet = openLog({ level: "info", format: "json", secrets: () => [], dropped: () => void (dropped += 1), fd });
  await Promise.all([outlet.close(), outlet.close()]);
  outlet.log.info("x");
  expect(dropped).toBe(1);
});

test("lines that nobody closes the log after are there a moment later, an error with all that came before it at once", async () => {
  const folder = mkdtempSync(join(tmpdir(), "linekeeper-log-"));
  const file = join(folder, "log");
  const outlet = openLog({ level: "info", format: "json", secrets: () => [], dropped: () => {}, fd: openSync(file, "w") });
  const events = (): unknown[] =>
    readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => parsed(line)["event"]);
  outlet.log.info("first");
  await vi.waitFor(() => expect(events()).toEqual(["first"]), 10_000);
  outlet.log.info("second");
  outlet.log.error("third");
  // The first of two is still being written when the second comes, and nothing comes after it.
  outlet.log.error("fourth");
  await vi.waitFor(() => expect(events()).toEqual(["first", "second", "third", "fourth"]), 10_000);
  await outlet.close();
  rmSync(folder, { recursive: true });
});
