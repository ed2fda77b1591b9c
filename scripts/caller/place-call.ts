import { dial, type Caller } from "./caller.ts";
import type { CallOptions } from "./options.ts";
import { showCall } from "./screen.ts";

const greetingLimitMs = 30_000;
const answerLimitMs = 30_000;

/** One call from dialling to goodbye. @throws {CallRefused} */
export async function placeCall(
  options: CallOptions,
  voice: Int16Array | undefined,
  key: string | undefined,
  screen?: NodeJS.WriteStream,
): Promise<Caller> {
  const caller = await dial(options.url, {
    uplink: options.rateHz === 8_000 ? "pcm16@8000" : "pcm16@16000",
    downlink: options.rateHz === 8_000 ? "pcm16@8000" : "pcm16@24000",
    ...(options.agent === undefined ? {} : { agent: options.agent }),
    ...(key === undefined ? {} : { key }),
  });
  await using _ = caller;
  if (screen !== undefined) showCall(caller, screen);
  if (!options.atOnce) await caller.quiet(greetingLimitMs);
  if (voice !== undefined) {
    await caller.says(voice);
    await caller.quiet(answerLimitMs);
  }
  if (options.text !== undefined) {
    caller.types(options.text);
    await caller.quiet(answerLimitMs);
  }
  return caller;
}
