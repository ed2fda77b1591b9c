import { execFile } from "node:child_process";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);
const repository = fileURLToPath(new URL("../../", import.meta.url));
const tsc = join(repository, "node_modules/.bin/tsc");

/** What the compiler says of a page's own code, on one line. */
async function complaints(folder: string, code: string): Promise<string> {
  await writeFile(join(folder, "page.ts"), code);
  const options = "--noEmit --strict --exactOptionalPropertyTypes --lib es2022,dom --module esnext --moduleResolution bundler";
  return run(tsc, ["page.ts", ...options.split(" ")], { cwd: folder }).then(
    ({ stdout }) => stdout,
    (failure: { stdout: string }) => failure.stdout,
  );
}

test("declarations are written by the command that the README gives, and hold a page to what the client takes", async () => {
  const folder = await mkdtemp(join(tmpdir(), "declarations-"));
  try {
    for (const each of ["linekeeper-client.js", "client"])
      await cp(join(repository, "public", each), join(folder, each), { recursive: true });
    await run(tsc, "linekeeper-client.js --allowJs --declaration --emitDeclarationOnly".split(" "), { cwd: folder });
    await rm(join(folder, "linekeeper-client.js"));
    const page = (options: string): string => `
      import { CallFailure, callBeforeReload, connect, listDevices } from "./linekeeper-client.js";
      const call = await connect(${options});
      call.sound.mute(true);
      call.type("hello");
      call.press("5");
      call.hangUp();
      const devices = await listDevices();
      export { CallFailure, callBeforeReload, devices };`;
    expect(
      await complaints(
        folder,
        page(`{ url: "wss://voice.example.org/browser", token: async () => "t", onNotice: (notice) => notice.type }`),
      ),
    ).toBe("");
    expect(await complaints(folder, page(`{ url: 7 }`))).toContain("page.ts(3,");
    expect(await complaints(folder, page(`{ url: "wss://voice.example.org/browser", microphone: "x" }`))).toContain("microphone");
  } finally {
    await rm(folder, { recursive: true });
  }
});
