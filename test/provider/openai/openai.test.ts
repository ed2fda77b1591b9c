import { describe } from "vitest";
import { startOpenaiFake } from "../../../src/fakes/openai/openai.ts";
import { openai } from "../../../src/provider/openai/openai.ts";
import { fakeBench } from "../bench.ts";
import { providerConforms } from "../conformance.ts";

describe("openai", () => providerConforms(async () => fakeBench(await startOpenaiFake(), openai)));
