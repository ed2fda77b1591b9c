import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { importsOf, mayImport, offencesOf, ownTime } from "./import-table.ts";

const src = join(import.meta.dirname, "../src");
const files = globSync("**/*.ts", { cwd: src }).toSorted();

test("every file of src/ imports only what its row allows, and takes settings, time and chance from outside", () => {
  expect(files.length).toBeGreaterThan(10);
  expect(files.flatMap((path) => offencesOf(path, readFileSync(join(src, path), "utf8")))).toEqual([]);
});

test("every file that may read its own clock exists and does so", () => {
  for (const path of Object.keys(ownTime)) {
    expect(files).toContain(path);
    expect(readFileSync(join(src, path), "utf8")).toMatch(/\.now|random|setTimeout|setInterval/);
  }
});

describe("the reader of imports", () => {
  test.each([
    ['import { a } from "x";', ["x"]],
    ['import type { a } from "x";', ["x"]],
    ['import { type a,\n  b,\n} from "x";', ["x"]],
    ['import "x";', ["x"]],
    ['export { a } from "x";', ["x"]],
    ['export * from "x";', ["x"]],
    ['const a = await import("x");', ["x"]],
    ['let a: import("x").A;', ["x"]],
    ['new Worker(new URL("./x.ts", import.meta.url));', ["./x.ts"]],
    ['// import { a } from "x";', []],
    ['const url = "http://x"; import { a } from "y";\nimport { b } from "z";', ["z"]],
  ])("reads %j", (source, names) => {
    expect(importsOf(source)).toEqual(names);
  });
});

describe("the table", () => {
  test.each([
    ["kernel/fault.ts", 'import type { Leg } from "../caller/leg.ts";'],
    ["audio/ring.ts", 'import { WebSocket } from "ws";'],
    ["provider/openai/link.ts", 'import { readFlow } from "../local/brain/flow.ts";'],
    ["provider/openai/link.ts", 'import { GoogleGenAI } from "@google/genai";'],
    ["provider/registry.ts", 'import { openai } from "./openai/openai.ts";'],
    ["provider/newcomer/newcomer.ts", 'import { Fault } from "../../kernel/fault.ts";'],
    ["session/call.ts", 'import { breaker } from "../guard/breaker.ts";'],
    ["session/call.ts", "const id = crypto.randomUUID();"],
    ["session/call.ts", "setTimeout(() => {}, 5);"],
    ["guard/breaker.ts", "const now = Date.now();"],
    ["http/server.ts", "const port = process.env.PORT;"],
    ["fakes/openai/server.ts", 'import { wire } from "../../provider/openai/wire.ts";'],
    ["unknown/x.ts", ""],
  ])("refuses in %s: %s", (path, source) => {
    expect(offencesOf(path, source)).toHaveLength(1);
  });

  test.each([
    ["provider/openai/link.ts", 'import type { Link } from "../contract.ts";\nimport OpenAI from "openai/realtime/ws";'],
    ["provider/providers.ts", 'import { openai } from "./openai/openai.ts";'],
    ["provider/local/ears/ears.ts", 'import type { Ears } from "../parts.ts";'],
    ["session/call.ts", "clock.setTimeout(() => {}, 5); // not setTimeout(run, 5)"],
    ["main.ts", 'import { openai } from "./provider/openai/openai.ts";\nprocess.env.PORT;'],
  ])("allows in %s: %s", (path, source) => {
    expect(offencesOf(path, source)).toEqual([]);
  });

  test("names only folders that it has rows for", () => {
    const folders = Object.values(mayImport)
      .flatMap((row) => row.split(" "))
      .filter((place) => place.endsWith(".ts"))
      .map((place) => place.split("/")[0] ?? "");
    for (const folder of folders) expect(Object.keys(mayImport)).toContain(folder);
  });
});
