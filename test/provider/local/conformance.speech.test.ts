import { join } from "node:path";
import { afterAll, beforeAll, describe } from "vitest";
import { systemClock } from "../../../src/kernel/clock.ts";
import { silentLog } from "../../../src/kernel/log.ts";
import type { Provider } from "../../../src/provider/contract.ts";
import { local } from "../../../src/provider/local/local.ts";
import type { Bench, Cue } from "../bench.ts";
import { providerConforms } from "../conformance.ts";
import { samplesOf, speechFolder } from "./ears/recordings.ts";

/** What the receptionist of the default flow answers shortly, at length, and with a tool; it never calls two at once. */
const cues: Readonly<Record<Cue, string | undefined>> = {
  short: "hello",
  long: "what are your opening hours",
  tool: "what is the status of order 48213",
  tools: undefined,
};

const lookUpOrder = {
  name: "look_up_order",
  description: "Looks up an order.",
  parameters: { type: "object", properties: { order_number: { type: "string" } }, required: ["order_number"] },
};

let provider: Provider;
beforeAll(async () => {
  provider = await local.make({ setting: () => undefined, clock: systemClock, log: silentLog });
});
afterAll(() => provider.close());

/** "go forward ten meters", without the silence around it. */
function speech(): Uint8Array {
  const samples = samplesOf(join(speechFolder, "ps_goforward.wav"));
  const isLoud = (sample: number): boolean => Math.abs(sample) > 1_500;
  return new Uint8Array(samples.slice(samples.findIndex(isLoud), samples.findLastIndex(isLoud)).buffer);
}

// One provider for all tests: it takes a second to start. What a test leaves behind would show in the next.
describe("local", () =>
  providerConforms(async (): Promise<Bench> => ({
    provider,
    panel: undefined,
    speech,
    cue: (cue) => cues[cue],
    agent: { tools: [lookUpOrder] },
    secrets: [],
    patienceMs: 8_000,
    async [Symbol.asyncDispose]() {},
  })));
