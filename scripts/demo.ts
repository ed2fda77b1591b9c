// The server with fakes for the services behind it, and a page that breaks them under a live call: `scripts/up --fakes`, or `npm run demo`.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { startControl } from "../src/fakes/control.ts";
import { fakes, type Fake } from "../src/fakes/fakes.ts";
import type { ToldItem } from "../src/fakes/panel.ts";

/** Whom the first caller is given, and who comes next; behind them the provider that really speaks. */
const played = ["openai", "gemini"];
const counting =
  "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty";

const running = new Map<string, Fake>();
for (const row of fakes) if (played.includes(row.name)) running.set(row.name, await row.start({ port: 0 }));
for (const [name, { panel }] of running) panel.script = (told) => wordsOf(name, told);
const control = await startControl([...running].map(([name, { panel }]) => ({ name, panel })));

process.stderr.write(`
  With fakes: ${played.join(" and ")} are stand-ins on this machine. They hum instead of speaking, and know no words.
  Open the page, start a call and pull the levers under "Break it"; the last to answer is the local provider, in its own voice.
`);
const server = spawn(process.execPath, [fileURLToPath(new URL("../src/main.ts", import.meta.url)), ...process.argv.slice(2)], {
  env: {
    ...process.env,
    ...Object.fromEntries([...running.values()].flatMap(({ settings }) => Object.entries(settings))),
    LINEKEEPER_TIERS: process.env["LINEKEEPER_TIERS"] ?? [...played, "local"].join(","),
    LINEKEEPER_FAKES_PANEL: control.url,
  },
  stdio: "inherit",
});
// A terminal tells the whole group of Ctrl-C, whoever else tells only this process.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => server.kill("SIGTERM"));
process.on("SIGHUP", () => server.kill("SIGHUP"));
const code = await new Promise<number | null>((resolve) => server.once("exit", resolve));
await Promise.all([control, ...running.values()].map((one) => one[Symbol.asyncDispose]()));
process.exitCode = code ?? 1;

/** Long enough to be broken in the middle. */
function wordsOf(name: string, told: readonly ToldItem[]): string {
  if (!told.some(({ by }) => by === "caller")) return `Hello, I am the stand-in for ${name}. Say something, or type.`;
  return `I am the stand-in for ${name}. Break me while I count: ${counting}.`;
}
