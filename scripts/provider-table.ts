// Writes what each provider can do into the pages that show it: `npm run draw`. With --check it only compares.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describedProviders } from "./described-providers.ts";
import { withMarked } from "./marked.ts";
import { parityTable } from "./parity.ts";

const pages = ["README.md"];

const table = parityTable(await describedProviders());
for (const page of pages) {
  const path = join(import.meta.dirname, "..", page);
  const before = await readFile(path, "utf8");
  const after = withMarked(before, "providers", table);
  if (before === after) console.log(`${page}: the table is what the providers say`);
  else if (!process.argv.includes("--check")) await writeFile(path, after);
  else {
    console.error(`${page}: the table differs from the providers' traits: run \`npm run draw\``);
    process.exitCode = 1;
  }
}
