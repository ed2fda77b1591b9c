import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { Fault } from "../../kernel/fault.ts";
import manifest from "./models.json" with { type: "json" };

/** Every model file that we know, with the package it comes from; the one place where versions and hashes are pinned. */
export const models = manifest;

export type ModelId = keyof typeof manifest.files;
export type ModelPackageId = keyof typeof manifest.packages;

/** Where `scripts/up` puts the files unless `LINEKEEPER_MODELS_DIR` says otherwise. */
export const defaultModelsFolder = fileURLToPath(new URL("../../../.cache/models", import.meta.url));

const verified = new Map<string, Promise<string>>();

/**
 * Absolute path of a model file whose SHA-256 is the pinned one; hashed once per process and file.
 * @throws {Fault} "model-missing" when the file is absent or different.
 */
export function modelFile(id: ModelId, folder: string = defaultModelsFolder): Promise<string> {
  const path = join(folder, manifest.files[id].target);
  const known = verified.get(path);
  if (known !== undefined) return known;
  const checking = verify(id, path);
  verified.set(path, checking);
  // A file that was mended meanwhile is to be found at the next try.
  checking.catch(() => verified.delete(path));
  return checking;
}

/** True when the file is there in full length; a set-up renames files into place only after hashing them. */
export async function isInPlace(id: ModelId, folder: string): Promise<boolean> {
  const found = await stat(join(folder, manifest.files[id].target)).catch(() => undefined);
  return found?.size === manifest.files[id].bytes;
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest("hex");
}

async function verify(id: ModelId, path: string): Promise<string> {
  const wanted = manifest.files[id].sha256;
  const found = await sha256Of(path).catch((error: unknown) => {
    throw new Fault("model-missing", `model ${id}: cannot read ${path}; run scripts/up, which fetches it`, { cause: error });
  });
  if (found === wanted) return path;
  throw new Fault(
    "model-missing",
    `model ${id}: ${path} has SHA-256 ${found.slice(0, 12)}…, expected ${wanted.slice(0, 12)}…; delete it and run scripts/up`,
  );
}
