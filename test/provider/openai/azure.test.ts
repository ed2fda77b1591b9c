import { describe } from "vitest";
import { startAzureFake } from "../../../src/fakes/openai/openai.ts";
import { azure } from "../../../src/provider/openai/azure.ts";
import { fakeBench } from "../bench.ts";
import { providerConforms } from "../conformance.ts";

describe("azure", () => providerConforms(async () => fakeBench(await startAzureFake(), azure)));
