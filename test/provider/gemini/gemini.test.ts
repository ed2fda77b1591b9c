import { describe } from "vitest";
import { startGeminiFake } from "../../../src/fakes/gemini/gemini.ts";
import { gemini } from "../../../src/provider/gemini/gemini.ts";
import { fakeBench } from "../bench.ts";
import { providerConforms } from "../conformance.ts";

describe("gemini", () => providerConforms(async () => fakeBench(await startGeminiFake({ playbackPace: 10 }), gemini)));
