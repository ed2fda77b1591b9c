import type { Encoding } from "../../src/audio/encodings.ts";
import { bytesOf } from "../../src/audio/encodings.ts";
import type { Panel } from "../../src/fakes/panel.ts";
import { babble, silence } from "../../src/fakes/voice.ts";
import { systemClock } from "../../src/kernel/clock.ts";
import { silentLog } from "../../src/kernel/log.ts";
import type { AgentSpec, Provider } from "../../src/provider/contract.ts";
import type { ProviderRow } from "../../src/provider/registry.ts";

/** What the agent's next answer is to be. `long` lasts at least 3 s; `tool` makes one call, `tools` two at once. */
export type Cue = "short" | "long" | "tool" | "tools";

/** A provider on the test bench, with all that the suite needs to know of it. Made anew for each test. */
export interface Bench extends AsyncDisposable {
  readonly provider: Provider;
  /** The levers of its fake; undefined where there is none, then the tests that pull one are skipped. */
  readonly panel: Panel | undefined;
  /** Caller speech of about a second, without silence around it. */
  readonly speech: (encoding: Encoding) => Uint8Array;
  /** Arranges the next answer and gives what the caller types for it; undefined: this agent cannot be brought to it. */
  readonly cue: (cue: Cue) => string | undefined;
  /** When the other side learns of instructions, tools and conversation: at the opening, or anew with each answer it is asked for. */
  readonly tells: "at-opening" | "with-answers";
  /** What the provider needs its agent to have (tools it knows, settings); the suite's own by default. */
  readonly agent: Partial<AgentSpec>;
  /** Must not appear in any fault, notice or log line. */
  readonly secrets: readonly string[];
  /** How many times faster than the service its fake takes audio in; 1 when not said. */
  readonly haste?: number;
  /** How long one step may take before the suite gives up on it, ms. */
  readonly patienceMs: number;
}

/** A running fake of one provider. `settings`: how the provider finds it, keys included. */
export interface BenchFake extends AsyncDisposable {
  readonly panel: Panel;
  readonly tells?: Bench["tells"];
  readonly haste?: number;
  readonly settings: Readonly<Record<string, string>>;
}

/** The bench of a provider on its fake. */
export async function fakeBench(fake: BenchFake, row: ProviderRow, agent: Partial<AgentSpec> = {}): Promise<Bench> {
  const provider = await row.make({ setting: (name) => fake.settings[name], clock: systemClock, log: silentLog });
  return {
    provider,
    panel: fake.panel,
    speech: (encoding) => babble("could you move my visit", encoding, 1_000),
    cue: (cue) => script(fake.panel, cue),
    tells: fake.tells ?? "at-opening",
    agent,
    secrets: Object.entries(fake.settings).flatMap(([name, value]) => (name.endsWith("_KEY") ? [value] : [])),
    haste: fake.haste ?? 1,
    patienceMs: 8_000,
    async [Symbol.asyncDispose]() {
      await provider.close();
      await fake[Symbol.asyncDispose]();
    },
  };
}

function script(panel: Panel, cue: Cue): string {
  const call = (nights: number) => ({ name: "find_room", arguments: `{"nights":${nights}}` });
  if (cue === "short") panel.reply({ text: "Certainly, one moment.", ms: 1_000 });
  else if (cue === "long") panel.reply({ text: "There are a great many things to be said about that.", ms: 4_000 });
  else if (cue === "tool") panel.reply({ text: "", toolCalls: [call(2)] });
  else panel.reply({ text: "", toolCalls: [call(2), call(3)] });
  return `a ${cue} one, please`;
}

/** Silence that lets the provider see the end of what was said. */
export const pause = (provider: Provider, encoding: Encoding): Uint8Array =>
  silence(bytesOf(provider.traits.trailingSilenceMs, encoding), encoding);
