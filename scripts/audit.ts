// Whether the orders in an audit file are as they were written: node scripts/audit.ts [FILE...], older files first.
import { readFileSync } from "node:fs";
import { brokenEntries } from "../src/watch/audit.ts";

const paths = process.argv.length > 2 ? process.argv.slice(2) : ["data/audit.jsonl"];
const text = paths.map((path) => readFileSync(path, "utf8")).join("");
const broken = brokenEntries(text);
for (const each of broken) console.log(each);
console.log(
  `${text.split("\n").filter(Boolean).length} entries, ${broken.length === 0 ? "as they were written" : `${broken.length} broken`}`,
);
process.exitCode = broken.length === 0 ? 0 : 1;
