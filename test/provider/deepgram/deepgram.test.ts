import { describe } from "vitest";
import { startDeepgramFake } from "../../../src/fakes/deepgram/deepgram.ts";
import { deepgram } from "../../../src/provider/deepgram/deepgram.ts";
import { fakeBench } from "../bench.ts";
import { providerConforms } from "../conformance.ts";

const haste = 10;
const fake = async () => ({ ...(await startDeepgramFake({ haste })), haste, tells: "with-answers" as const });

describe("deepgram", () => providerConforms(async () => fakeBench(await fake(), deepgram)));
