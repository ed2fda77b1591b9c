// Draws the session's chart as Mermaid into src/session/machine.md: `npm run draw`. With --check it only compares.
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { drawStatechart } from "./statechart.ts";

const path = fileURLToPath(new URL("../src/session/machine.md", import.meta.url));
const drawing = drawStatechart();
if (process.argv.includes("--check")) {
  if ((await readFile(path, "utf8")) === drawing) console.log("the drawing is the machine");
  else {
    console.error("src/session/machine.md differs from the machine: run `npm run draw`");
    process.exitCode = 1;
  }
} else await writeFile(path, drawing);
