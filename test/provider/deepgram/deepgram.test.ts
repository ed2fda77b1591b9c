import { describe } from "vitest";
import { startDeepgramFake } from "../../../src/fakes/deepgram/deepgram.ts";
import { deepgram } from "../../../src/provider/deepgram/deepgram.ts";
import { fakeBench } from "../bench.ts";
import { providerConforms } from "../conformance.ts";

describe("deepgram", () => providerConforms(async () => fakeBench({ ...(await startDeepgramFake()), tells: "with-answers" }, deepgram)));
