// Type to the offline receptionist in the terminal: node scripts/talk.ts [flow.json] [seed]
import { createInterface } from "node:readline/promises";
import { deskTools } from "../src/desk/desk-tools.ts";
import { systemClock } from "../src/kernel/clock.ts";
import { silentLog } from "../src/kernel/log.ts";
import { seededRandom } from "../src/kernel/random.ts";
import { loadFlow } from "../src/provider/local/brain/flow.ts";
import { scriptedBrain } from "../src/provider/local/brain/scripted.ts";
import type { MindInput } from "../src/provider/local/parts.ts";

const [flowPath, seed = "1"] = process.argv.slice(2);
const random = seededRandom(Number(seed));
const tools = deskTools({ slowMs: 300 });
const specs = ["end_call", "line_status", "transfer_to_human"].map((name) => ({
  name,
  description: name,
  parameters: { type: "object" },
}));
const mind = scriptedBrain(await loadFlow(flowPath === "" ? undefined : flowPath)).open({
  agent: {
    name: "talk",
    instructions: "",
    greeting: undefined,
    language: "en-US",
    voice: undefined,
    tools: [...tools.map(({ spec }) => spec), ...specs],
    providerSettings: {},
  },
  conversation: [],
  random,
  clock: systemClock,
  log: silentLog,
});

/** One turn with all its tool calls; false once the receptionist has hung up. */
async function turn(input: MindInput): Promise<boolean> {
  const results: { toolCallId: string; name: string; output: string; failed: boolean }[] = [];
  for await (const part of mind.think(input, new AbortController().signal)) {
    if (part.type === "say") console.log(`  ${part.text}`);
    else results.push(await answer(part.toolCallId, part.name, part.arguments));
  }
  if (results.some(({ name }) => name === "end_call")) return false;
  return results.length === 0 || turn({ type: "tools", results });
}

async function answer(
  toolCallId: string,
  name: string,
  args: string,
): Promise<{ toolCallId: string; name: string; output: string; failed: boolean }> {
  console.log(`  [${name} ${args}]`);
  const tool = tools.find(({ spec }) => spec.name === name);
  try {
    const context = {
      callId: "talk",
      signal: new AbortController().signal,
      clock: systemClock,
      random,
    };
    const result = tool === undefined ? { provider: "local" } : await tool.run(JSON.parse(args), context);
    return { toolCallId, name, output: JSON.stringify(result), failed: false };
  } catch (error) {
    return {
      toolCallId,
      name,
      output: error instanceof Error ? error.message : String(error),
      failed: true,
    };
  }
}

const terminal = createInterface({ input: process.stdin, output: process.stdout });
await turn({ type: "greet" });
process.stdout.write("> ");
for await (const line of terminal) {
  if (!(await turn({ type: "caller", text: line }))) break;
  process.stdout.write("> ");
}
terminal.close();
