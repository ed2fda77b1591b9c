import { expect, test } from "vitest";
import { loadSettings } from "../../src/config/settings.ts";
import { defaultBreaker } from "../../src/guard/breaker.ts";
import { Fault } from "../../src/kernel/fault.ts";
import { folder } from "./folder.ts";

test("without a word in the config file each provider has the profile that suits it", () => {
  const settings = loadSettings({});
  expect(settings.guardOf("unheard-of")).toEqual({
    breaker: defaultBreaker,
    openLimitMs: 5_000,
    answerLimitMs: 5_000,
    shortestLimitMs: 1_000,
    limits: { requestsPerMinute: undefined, tokensPerMinute: undefined, sessions: undefined },
    probes: "on",
  });
  expect(settings.guardOf("gemini")).toMatchObject({ breaker: { failures: 3, successes: 2, openMs: 60_000 }, answerLimitMs: 10_000 });
  expect(settings.guardOf("openai").answerLimitMs).toBe(15_000);
});

test("the config file changes what it names, and nothing else", () => {
  using files = folder();
  const guards = {
    gemini: { breaker: { openMs: 20_000 }, sessions: 50, tokensPerMinute: 9_000, answerLimitMs: 7_000, shortestLimitMs: 2_500 },
  };
  const settings = loadSettings({ LINEKEEPER_CONFIG: files.write("config.json", { guards }) });
  expect(settings.guardOf("gemini")).toMatchObject({
    breaker: { failures: 3, openMs: 20_000 },
    answerLimitMs: 7_000,
    shortestLimitMs: 2_500,
    limits: { requestsPerMinute: undefined, tokensPerMinute: 9_000, sessions: 50 },
  });
  expect(settings.guardOf("openai").breaker).toEqual(defaultBreaker);
});

test.each([
  { all: "on", one: "off", found: "off" },
  { all: "faults", one: "on", found: "faults" },
  { all: "faults", one: "off", found: "off" },
  { all: "off", one: "on", found: "off" },
])("probes $all for all and $one for one provider: $found", ({ all, one, found }) => {
  using files = folder();
  const path = files.write("config.json", { guards: { openai: { probes: one } } });
  expect(loadSettings({ LINEKEEPER_CONFIG: path, LINEKEEPER_PROBES: all }).guardOf("openai").probes).toBe(found);
});

test("what is wrong with a guard is told with its place and the key that was meant", () => {
  using files = folder();
  const path = files.write("config.json", { guards: { openai: { breaker: { failurs: 3, trials: 0 }, sesions: 4 } } });
  const problems = (): readonly string[] => {
    try {
      loadSettings({ LINEKEEPER_CONFIG: path });
      return [];
    } catch (error) {
      return error instanceof Fault ? error.message.split("\n") : [String(error)];
    }
  };
  expect(problems()).toEqual([
    expect.stringContaining(`${path}: guards.openai.breaker.trials: `),
    expect.stringContaining(`${path}: guards.openai.breaker.failurs: unknown key (did you mean failures?)`),
    expect.stringContaining(`${path}: guards.openai.sesions: unknown key (did you mean sessions?)`),
  ]);
});
