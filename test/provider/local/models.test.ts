import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { defaultModelsFolder, isInPlace, modelFile, models, type ModelId } from "../../../src/provider/local/models.ts";

// The smallest file of the manifest; every other one is checked by the same lines.
const id: ModelId = "silero-vad-notice";
const { target, bytes } = models.files[id];

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "models-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await mkdir(dirname(join(folder, target)));
  return folder;
}

test("a model that is not there is a fault that says how to get it", async () => {
  const folder = await emptyFolder();
  await expect(modelFile(id, folder)).rejects.toMatchObject({ code: "model-missing", message: expect.stringContaining("run scripts/up") });
  expect(await isInPlace(id, folder)).toBe(false);
});

test("a model of the right length and another content is refused by its hash, and found once it is mended", async () => {
  const folder = await emptyFolder();
  await writeFile(join(folder, target), Buffer.alloc(bytes));
  expect(await isInPlace(id, folder)).toBe(true);
  await expect(modelFile(id, folder)).rejects.toMatchObject({ code: "model-missing", message: expect.stringContaining("SHA-256") });
  await cp(join(defaultModelsFolder, target), join(folder, target));
  expect(await modelFile(id, folder)).toBe(join(folder, target));
});

test("every file of the manifest belongs to a package of it and has a hash", () => {
  for (const file of Object.values(models.files)) {
    expect(Object.keys(models.packages)).toContain(file.package);
    expect(file.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(file.target.startsWith(`${file.package}/`)).toBe(true);
  }
  for (const each of Object.values(models.packages)) expect(each.integrity).toMatch(/^sha512-/);
});
