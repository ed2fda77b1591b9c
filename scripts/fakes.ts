// Plays every cloud provider on this machine: `npm run fakes -- [--port 9100] [names]`. Faults are typed ("openai drop 1011"), or asked
// for over HTTP.
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { conditionOf, pullLever, startControl } from "../src/fakes/control.ts";
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
  running.set(row.name, await row.start({ port }).catch((error: unknown) => untaken(row.name, port, error)));
}
const controlled = [...running].map(([name, { panel }]) => ({ name, panel }));
const controlPort = Number(values.port) === 0 ? 0 : Number(values.port) + fakes.length;
const control = await startControl(controlled, controlPort).catch((error: unknown) => untaken("the levers", controlPort, error));

function untaken(name: string, port: number, error: unknown): never {
  console.error(`${name}: port ${port} cannot be taken (${error instanceof Error ? error.message : String(error)}); try --port`);
  process.exit(1);
}

for (const [name, fake] of running) console.log(`${name.padEnd(16)} ${fake.url}`);
// Two fakes may answer for one service; the later one then does.
const settings = [...new Map([...running.values()].flatMap((fake) => Object.entries(fake.settings)))].map(
  ([name, value]) => `${name}=${value}`,
);
const tiers = fakes.filter(({ name, isTier }) => isTier && running.has(name)).map(({ name }) => name);
console.log(
  `\nStart the server against them:\n\n  ${settings.join(" ")} LINEKEEPER_TIERS=${tiers.join(",")},local LINEKEEPER_FAKES_PANEL=${control.url} scripts/up\n`,
);
console.log("Break one by typing its name, a lever and what the lever takes:\n");
for (const lever of levers) console.log(`  ${`${lever.name} ${lever.takes}`.padEnd(24)} ${lever.does}`);
console.log(`\nOr over HTTP, from this machine: GET ${control.url} tells how they are, and a lever is pulled by\n`);
console.log(`  curl -X POST ${control.url}/${[...running.keys()][0] ?? "openai"}/slow -d 500\n`);

const keyboard = createInterface({ input: process.stdin });
keyboard.on("line", (line) => {
  const [name = "", pulled = "", ...rest] = line.trim().split(/\s+/);
  if (name === "") return;
  try {
    console.log(JSON.stringify(conditionOf(pullLever(controlled, name, pulled, rest.join(" ")))));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    console.log(error.message);
  }
});

const end = async (): Promise<void> => {
  keyboard.close();
  await Promise.all([control, ...running.values()].map((fake) => fake[Symbol.asyncDispose]()));
  process.exit(0);
};
process.once("SIGINT", () => void end());
process.once("SIGTERM", () => void end());
