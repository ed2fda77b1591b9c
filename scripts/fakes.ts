// Plays every cloud provider on this machine: `npm run fakes -- [--port 9100] [names]`. Faults are typed: "openai drop 1011".
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { fakes, type Fake } from "../src/fakes/fakes.ts";
import { levers } from "../src/fakes/levers.ts";

const { values, positionals } = parseArgs({ options: { port: { type: "string", default: "9100" } }, allowPositionals: true });
const unknown = positionals.filter((name) => !fakes.some((row) => row.name === name));
if (unknown.length > 0 || !/^\d{1,5}$/.test(values.port)) {
  console.error(`usage: npm run fakes -- [--port N] [${fakes.map((row) => row.name).join("|")}]...`);
  process.exit(2);
}

const running = new Map<string, Fake>();
for (const [at, row] of fakes.entries()) {
  if (positionals.length > 0 && !positionals.includes(row.name)) continue;
  const port = Number(values.port) === 0 ? 0 : Number(values.port) + at;
  try {
    running.set(row.name, await row.start({ port }));
  } catch (error) {
    console.error(`${row.name}: port ${port} cannot be taken (${error instanceof Error ? error.message : String(error)}); try --port`);
    process.exit(1);
  }
}

for (const [name, fake] of running) console.log(`${name.padEnd(16)} ${fake.url}`);
// Two fakes may answer for one service; the later one then does.
const settings = [...new Map([...running.values()].flatMap((fake) => Object.entries(fake.settings)))].map(
  ([name, value]) => `${name}=${value}`,
);
const tiers = fakes.filter(({ name, isTier }) => isTier && running.has(name)).map(({ name }) => name);
console.log(`\nStart the server against them:\n\n  ${settings.join(" ")} LINEKEEPER_TIERS=${tiers.join(",")},local scripts/up\n`);
console.log("Break one by typing its name, a lever and what the lever takes:\n");
for (const lever of levers) console.log(`  ${`${lever.name} ${lever.takes}`.padEnd(24)} ${lever.does}`);
console.log("");

const keyboard = createInterface({ input: process.stdin });
keyboard.on("line", (line) => {
  const [name = "", pulled = "", ...rest] = line.trim().split(/\s+/);
  const fake = running.get(name);
  const lever = levers.find((one) => one.name === pulled);
  if (fake === undefined || lever === undefined) {
    if (line.trim() !== "")
      console.log(`type one of ${[...running.keys()].join(", ")}, then one of ${levers.map((one) => one.name).join(", ")}`);
    return;
  }
  lever.pull(fake.panel, rest.join(" "));
  const { open, connections, violations } = fake.panel;
  console.log(`${name}: ${lever.does} (${open} of ${connections} connections alive, ${violations.length} violations of the wire)`);
});

const end = async (): Promise<void> => {
  keyboard.close();
  await Promise.all([...running.values()].map((fake) => fake[Symbol.asyncDispose]()));
  process.exit(0);
};
process.once("SIGINT", () => void end());
process.once("SIGTERM", () => void end());
