import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { serverFlags } from "../scripts/bench/calls/subjects.ts";
import { importsOf } from "./import-table.ts";

const root = join(import.meta.dirname, "..");
const instructions = readFileSync(join(root, "Dockerfile"), "utf8")
  .replaceAll(/^#.*\n/gm, "")
  .replaceAll(/\\\n\s*/g, "")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => ({ name: line.split(" ")[0] ?? "", rest: line.slice(line.indexOf(" ") + 1) }));

/** What one instruction copies from the checkout; what it copies from another stage is not there yet. */
function copiedFrom(rest: string): { sources: string[]; target: string } {
  const words = rest.startsWith("--from=") ? [] : rest.split(" ");
  return { sources: words.slice(0, -1), target: words.at(-1) ?? "" };
}

const copies = instructions.filter(({ name }) => name === "COPY").map(({ rest }) => copiedFrom(rest));
const rest = (wanted: string): string[] => instructions.filter(({ name }) => name === wanted).map((each) => each.rest);

/** A folder on the disk of the checkout, so that packages can be linked instead of copied. */
function scratchFolder(): string {
  mkdirSync(join(root, ".cache"), { recursive: true });
  const folder = mkdtempSync(join(root, ".cache/image-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test("everything that the image copies is in the checkout, and the build is sent all of it", () => {
  const sources = copies.flatMap((copy) => copy.sources);
  expect(sources.length).toBeGreaterThan(5);
  const sent = readFileSync(join(root, ".dockerignore"), "utf8").split("\n");
  expect(sent[0]).toBe("*");
  for (const source of sources) {
    expect(existsSync(join(root, source)), source).toBe(true);
    expect(
      sent.some((line) => line.startsWith("!") && `${source}/`.startsWith(`${line.slice(1)}/`)),
      `${source} in .dockerignore`,
    ).toBe(true);
  }
});

test("the image runs the server as process 1 and not as root", () => {
  expect(rest("USER")).toEqual(["node"]);
  expect(rest("CMD").at(-1)).toBe(JSON.stringify(["node", ...serverFlags, "src/main.ts"]).replaceAll(",", ", "));
  expect(readFileSync(join(root, "scripts/up"), "utf8")).toContain(`exec "$node" ${serverFlags.join(" ")} "$root/src/main.ts"`);
  expect(rest("EXPOSE")).toEqual(["8080"]);
  expect(rest("HEALTHCHECK")[0]).toContain("/healthz");
  expect(rest("ENV").join(" ")).toContain("HOST=0.0.0.0");
});

test("the step that fetches the models finds every file that it imports", () => {
  const folder = scratchFolder();
  const firstStage = instructions.slice(
    0,
    instructions.findLastIndex(({ name }) => name === "FROM"),
  );
  for (const { sources, target } of firstStage.filter(({ name }) => name === "COPY").map((each) => copiedFrom(each.rest))) {
    for (const source of sources) cpSync(join(root, source), join(folder, target, basename(source)));
  }
  for (const file of ["scripts/setup-models.ts", "src/provider/local/models.ts"]) {
    for (const name of importsOf(readFileSync(join(folder, file), "utf8")).filter((each) => each.startsWith("."))) {
      // `.cache` is where the models go, no file to import.
      if (!name.includes(".cache")) expect(existsSync(join(folder, file, "..", name)), `${file}: ${name}`).toBe(true);
    }
  }
  // With a folder that has all models it ends without fetching: the program starts in the image's layout.
  execFileSync(process.execPath, ["scripts/setup-models.ts"], {
    cwd: folder,
    env: { ...process.env, LINEKEEPER_MODELS_DIR: completeModels(folder) },
  });
});

test("what the image holds is a server with its pages and every recording that they play", { timeout: 60_000 }, async () => {
  const folder = scratchFolder();
  const lastStage = instructions.slice(instructions.findLastIndex(({ name }) => name === "FROM"));
  for (const { sources, target } of lastStage.filter(({ name }) => name === "COPY").map((each) => copiedFrom(each.rest)))
    for (const source of sources) {
      const isFolder = statSync(join(root, source)).isDirectory();
      cpSync(join(root, source), isFolder ? join(folder, target) : join(folder, target, basename(source)), { recursive: true });
    }
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const env = { PATH: process.env["PATH"] ?? "", PORT: "0", LINEKEEPER_TIERS: "emergency", LINEKEEPER_DATA: join(folder, "data") };
  const server = spawn(process.execPath, [...serverFlags, "src/main.ts"], { cwd: folder, env, stdio: ["ignore", "ignore", "pipe"] });
  const exited = once(server, "exit");
  onTestFinished(async () => {
    server.kill("SIGKILL");
    await exited;
  });
  let words = "";
  server.stderr.setEncoding("utf8").on("data", (text: string) => (words += text));
  const url = await vi.waitFor(() => /Linekeeper is up: (\S+)/.exec(words)?.[1] ?? expect.fail(`not up: ${words}`), 30_000);
  const recordings = [...readFileSync(join(root, "public/examples.json"), "utf8").matchAll(/"file": "([^"]+)"/g)].map(
    ([, file = ""]) => file,
  );
  expect(recordings.length).toBeGreaterThan(5);
  for (const path of ["", "console/", "healthz", "readyz", "openapi.json", "asyncapi.json", ...recordings])
    expect((await fetch(`${url}${path}`)).status, path).toBe(200);
});

/** Files of the right length are enough for a set-up to see that nothing is missing; their content is checked when they are loaded. */
function completeModels(folder: string): string {
  const manifest: unknown = JSON.parse(readFileSync(join(root, "src/provider/local/models.json"), "utf8"));
  // Our own file, whose shape the compiler knows where it is imported.
  const { files } = manifest as { files: Record<string, { target: string; bytes: number }> };
  for (const { target, bytes } of Object.values(files)) {
    const path = join(folder, "models", target);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, "");
    truncateSync(path, bytes);
  }
  return join(folder, "models");
}

test.runIf(process.platform === "linux")("the packages that the image keeps still load both speech runtimes", () => {
  const modules = join(scratchFolder(), "node_modules");
  mkdirSync(modules);
  for (const name of ["onnxruntime-node", "onnxruntime-web", "onnxruntime-common"]) {
    if (existsSync(join(root, "node_modules", name))) execFileSync("cp", ["-al", join(root, "node_modules", name), modules]);
  }
  execFileSync(join(root, "scripts/slim-packages"), [modules]);
  const sizeMB = Number(execFileSync("du", ["-sm", modules], { encoding: "utf8" }).split("\t")[0]);
  expect(sizeMB).toBeLessThan(80);
  // onnxruntime-web reads its WebAssembly module when the first session is made; a broken model is enough to get there.
  const load = `
    const { InferenceSession, env } = await import("onnxruntime-web/wasm");
    env.wasm.numThreads = 1;
    const refusal = await InferenceSession.create(new Uint8Array(8)).then(() => "none", String);
    const native = await import("onnxruntime-node").then((m) => typeof m.InferenceSession.create, String);
    console.log(JSON.stringify({ refusal, native }));`;
  writeFileSync(join(modules, "../load.mjs"), load);
  const found: unknown = JSON.parse(execFileSync(process.execPath, [join(modules, "../load.mjs")], { encoding: "utf8" }));
  expect(found).toMatchObject({ refusal: expect.stringMatching(/protobuf|model/i) });
  if (existsSync(join(root, "node_modules/onnxruntime-node"))) expect(found).toMatchObject({ native: "function" });
});
