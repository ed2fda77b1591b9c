import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder of its own for one test, gone when disposed. */
export function folder(): Disposable & { write(name: string, content: string | object): string; path(name: string): string } {
  const root = mkdtempSync(join(tmpdir(), "linekeeper-config-"));
  return {
    path: (name) => join(root, name),
    write(name, content) {
      writeFileSync(join(root, name), typeof content === "string" ? content : JSON.stringify(content), { mode: 0o600 });
      return join(root, name);
    },
    [Symbol.dispose]: () => rmSync(root, { recursive: true }),
  };
}
