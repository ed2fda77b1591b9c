import { expect, test } from "vitest";
import { silentLog } from "../../src/kernel/log.ts";
import { seededRandom } from "../../src/kernel/random.ts";
import { ToolRunner, type Tool } from "../../src/session/tools.ts";
import { SimulatedClock } from "../simulated-clock.ts";

function runner(run: Tool["run"]): { clock: SimulatedClock; tools: ToolRunner } {
  const clock = new SimulatedClock();
  const tool: Tool = { spec: { name: "look_up", description: "", parameters: {} }, run };
  return { clock, tools: new ToolRunner([tool], { callId: "call_1", clock, random: seededRandom(1) }, silentLog) };
}

test("a tool gets its arguments parsed and its result goes back as JSON", async () => {
  const { tools } = runner(async (args) => ({ got: args }));
  expect(await tools.run("t1", "look_up", '{"order":7}')).toEqual({ status: "ok", output: '{"got":{"order":7}}' });
});

test.each([
  { name: "an unknown tool", tool: "nonsense", args: "{}", output: "There is no tool named nonsense." },
  { name: "arguments that are not JSON", tool: "look_up", args: "{order:", output: "The arguments were not valid JSON." },
  { name: "a tool that throws", tool: "look_up", args: "{}", output: "no such order" },
])("$name is told to the model in words", async ({ tool, args, output }) => {
  const { tools } = runner(async () => {
    throw new Error("no such order");
  });
  expect(await tools.run("t1", tool, args)).toEqual({ status: "failed", output });
});

test("a tool that hangs is stopped, and its signal says so", async () => {
  let stopped = false;
  const { clock, tools } = runner((_, { signal }) => {
    signal.addEventListener("abort", () => (stopped = true));
    return new Promise(() => {});
  });
  const outcome = tools.run("t1", "look_up", "{}");
  await clock.advance(11_000);
  expect(await outcome).toMatchObject({ status: "timeout" });
  expect(stopped).toBe(true);
});

test("a call that ends stops its tools", async () => {
  const { tools } = runner(() => new Promise(() => {}));
  const outcome = tools.run("t1", "look_up", "{}");
  tools.close();
  expect(await outcome).toMatchObject({ status: "cancelled" });
});

test("a model that calls tool after tool is told to answer, until the caller says something new", async () => {
  const { tools } = runner(async () => "nothing found");
  const statuses: string[] = [];
  for (let number = 0; number < 48; number += 1) statuses.push((await tools.run(`t${number}`, "look_up", "{}")).status);
  expect(statuses.indexOf("failed")).toBe(24);
  expect(statuses.lastIndexOf("ok")).toBe(23);
  expect([tools.isExhausted, tools.isRunaway]).toEqual([true, false]);
  await tools.run("t48", "look_up", "{}");
  expect(tools.isRunaway).toBe(true);
  tools.beginAnswer();
  expect([tools.isExhausted, tools.isRunaway]).toEqual([false, false]);
  expect(await tools.run("t49", "look_up", "{}")).toMatchObject({ status: "ok" });
});
