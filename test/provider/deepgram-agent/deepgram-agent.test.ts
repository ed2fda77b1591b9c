import { describe } from "vitest";
import { startDeepgramAgentFake } from "../../../src/fakes/deepgram-agent/deepgram-agent.ts";
import { deepgramAgent } from "../../../src/provider/deepgram-agent/deepgram-agent.ts";
import { fakeBench } from "../bench.ts";
import { providerConforms } from "../conformance.ts";

const haste = 10;

describe("deepgram-agent", () =>
  providerConforms(async () => fakeBench({ ...(await startDeepgramAgentFake({ haste })), haste }, deepgramAgent)));
