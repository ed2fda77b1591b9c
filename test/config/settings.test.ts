import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { asMarkdown, asText, explain } from "../../src/config/explain.ts";
import { loadSettings } from "../../src/config/settings.ts";
import { isSettingName, settingNames } from "../../src/config/table.ts";
import { Fault } from "../../src/kernel/fault.ts";
import { folder } from "./folder.ts";

/** The lines of the one fault that loading these throws. */
function problems(environment: Record<string, string>): string[] {
  try {
    loadSettings(environment);
  } catch (error) {
    if (error instanceof Fault && error.code === "setting-invalid") return error.message.split("\n");
    throw error;
  }
  return [];
}

test("with nothing set there is a front desk on port 8080 of this machine", () => {
  const settings = loadSettings({});
  expect(settings.get("PORT")).toBe(8080);
  expect(settings.get("HOST")).toBe("127.0.0.1");
  expect(settings.get("LINEKEEPER_TIERS")).toBeUndefined();
  expect(settings.agents.map(({ name, language, tools }) => ({ name, language, tools }))).toEqual([
    { name: "front-desk", language: "en-US", tools: "all" },
  ]);
});

test("every problem is told at once, a line each, with what to do and without a secret", () => {
  expect(
    problems({
      PORT: "80a",
      LOG_LEVEL: "loud",
      LINEKEEPER_TIER: "local",
      OPENAI_API_KEY: "sk-very secret",
      LINEKEEPER_ORIGINS: "example.org",
      DEEPGRAM_BASE_URL: "ftp://me:pass@x/?key=1",
    }),
  ).toEqual([
    "LINEKEEPER_TIER: unknown setting (did you mean LINEKEEPER_TIERS?); unset it, or see npm run config -- --explain",
    'PORT: must be a whole number from 0 to 65535, but it is "80a"',
    'LINEKEEPER_ORIGINS: must be origins such as https://example.org, separated by commas, none twice, but it is "example.org"',
    'LOG_LEVEL: must be one of debug, info, warning, error, but it is "loud"',
    "OPENAI_API_KEY: must be one word without spaces, quotes or line breaks, but it is something else (hidden)",
    'DEEPGRAM_BASE_URL: must be an address that begins with https:// or http://, but it is "ftp://(hidden)@x/?key=(hidden)"',
  ]);
});

test.each([
  ["PORT", "65535", 65_535],
  ["PORT", "", 8080],
  ["LOG_LEVEL", "WARNING", "warning"],
  ["LINEKEEPER_TIERS", " openai, local ", ["openai", "local"]],
  ["OPENAI_BASE_URL", "http://127.0.0.1:9000/v1/", "http://127.0.0.1:9000/v1"],
  ["LINEKEEPER_SEED", "4294967295", 4_294_967_295],
] as const)("%s=%j is read as %j", (name, text, value) => {
  expect(loadSettings({ [name]: text }).get(name)).toEqual(value);
});

test.each([
  ["PORT", "65536"],
  ["PORT", "1e3"],
  ["LINEKEEPER_TIERS", "local,local"],
  ["LINEKEEPER_TIERS", ","],
  ["HOST", "a\nb"],
  ["LINEKEEPER_HOLD_MS", "-1"],
])("%s=%j is refused by name", (name, text) => {
  expect(problems({ [name]: text })).toEqual([expect.stringMatching(`^${name}: must be `)]);
});

test("the environment wins over the config file, and each value knows where it comes from", () => {
  using files = folder();
  const path = files.write("config.json", { tiers: ["local"], limits: { maxCalls: 7, holdMs: 1_000 } });
  const settings = loadSettings({ LINEKEEPER_CONFIG: path, LINEKEEPER_HOLD_MS: "2000" });
  expect(settings.get("LINEKEEPER_TIERS")).toEqual(["local"]);
  expect([settings.get("LINEKEEPER_MAX_CALLS"), settings.sourceOf("LINEKEEPER_MAX_CALLS")]).toEqual([7, "config file"]);
  expect([settings.get("LINEKEEPER_HOLD_MS"), settings.sourceOf("LINEKEEPER_HOLD_MS")]).toEqual([2_000, "environment"]);
  expect(settings.sourceOf("PORT")).toBe("default");
});

test("an agent of the config file is read with all defaults around it", () => {
  using files = folder();
  const path = files.write("config.json", {
    agents: [{ name: "bistro", instructions: "Take bookings.", tools: ["book"], language: "en-GB" }],
  });
  expect(loadSettings({ LINEKEEPER_CONFIG: path }).agents).toEqual([
    {
      name: "bistro",
      instructions: "Take bookings.",
      tools: ["book"],
      language: "en-GB",
      idle: { reprompts: 2, endAfterMs: 300_000 },
      machine: { then: "go-on", message: "", greetingMs: 6_000 },
      people: [],
      standby: "cold",
      switchBack: "never",
      slaClass: "standard",
      providerSettings: {},
    },
  ]);
});

test("what is wrong in the config file is told with its place and the key that was meant", () => {
  using files = folder();
  const agent = { name: "Bistro!", instructions: "x", greting: "Hi" };
  const path = files.write("config.json", { agents: [agent], limits: { maxCals: 3, holdMs: -5 }, agnets: [] });
  expect(problems({ LINEKEEPER_CONFIG: path })).toEqual([
    `${path}: agents[0].name: must be 1 to 32 lower-case letters, digits and hyphens`,
    expect.stringContaining(`${path}: agents[0].greting: unknown key (did you mean greeting?)`),
    expect.stringContaining(`${path}: limits.maxCals: unknown key (did you mean maxCalls?)`),
    expect.stringContaining(`${path}: agnets: unknown key (did you mean agents?)`),
  ]);
  const bounds = files.write("bounds.json", { limits: { holdMs: -5 } });
  expect(problems({ LINEKEEPER_CONFIG: bounds })).toEqual([
    'LINEKEEPER_HOLD_MS: must be a whole number from 0 to 600000, but the config file says "-5"',
  ]);
});

test.each([
  ["{", "is not JSON"],
  ["[]", "the whole"],
  ['{"agents":[]}', "agents: must hold at least one agent"],
  ['{"agents":[{"name":"a","instructions":"x"},{"name":"a","instructions":"y"}]}', "agents: two agents have the same name"],
])("a config file of %s is refused: %s", (content, told) => {
  using files = folder();
  expect(problems({ LINEKEEPER_CONFIG: files.write("config.json", content) })).toEqual([expect.stringContaining(told)]);
});

test("a config file that is not there says so and how to go on", () => {
  using files = folder();
  expect(problems({ LINEKEEPER_CONFIG: files.path("none.json") })).toEqual([
    expect.stringContaining("cannot be read (ENOENT): correct LINEKEEPER_CONFIG"),
  ]);
});

test("a reload takes up what changed and names it; a broken file leaves everything as it was", () => {
  using files = folder();
  const path = files.write("config.json", { limits: { maxCalls: 7 } });
  const settings = loadSettings({ LINEKEEPER_CONFIG: path });
  files.write("config.json", { limits: { maxCalls: 8 }, agents: [{ name: "bistro", instructions: "x" }] });
  expect(settings.reload()).toEqual(["LINEKEEPER_MAX_CALLS", "agents"]);
  expect(settings.reload()).toEqual([]);
  files.write("config.json", { limits: { maxCalls: 0 } });
  expect(() => settings.reload()).toThrow("LINEKEEPER_MAX_CALLS: must be");
  expect(settings.get("LINEKEEPER_MAX_CALLS")).toBe(8);
  expect(settings.agents[0]?.name).toBe("bistro");
});

test("providers look settings up by name, defaults included, and a name that is not in the table is a fault", () => {
  const settings = loadSettings({ OPENAI_API_KEY: "sk-1" });
  expect(settings.lookup("OPENAI_API_KEY")).toBe("sk-1");
  expect(settings.lookup("LINEKEEPER_LOCAL_EARS")).toBe("tiny");
  expect(settings.lookup("GEMINI_API_KEY")).toBeUndefined();
  expect(() => settings.lookup("OPENAI_API_KEI")).toThrow("did you mean OPENAI_API_KEY?");
});

test("the explanation has every setting and no secret", () => {
  const settings = loadSettings({
    OPENAI_API_KEY: "sk-canary-1",
    OPENAI_BASE_URL: "https://me:canary-2@host/v1",
    LINEKEEPER_API_KEY: "canary-3",
  });
  const lines = explain(settings);
  expect(lines.map(({ name }) => name)).toEqual([...settingNames]);
  const everything = [asText(lines), asMarkdown(lines), JSON.stringify(lines)].join("\n");
  expect(everything).not.toContain("canary");
  expect(lines.find(({ name }) => name === "OPENAI_API_KEY")).toMatchObject({ value: "set (environment)", source: "environment" });
  expect(lines.find(({ name }) => name === "GEMINI_API_KEY")).toMatchObject({ value: "not set" });
  expect(asMarkdown(lines).split("\n")[2]).toBe("| `PORT` | `8080` | Port to listen on; 0 takes a free one |");
});

test("every setting that a provider names is in the table", () => {
  const root = join(import.meta.dirname, "../../src/provider");
  const sources = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  const name = /"((?:OPENAI|AZURE|GEMINI|GOOGLE|DEEPGRAM|ANTHROPIC|GROQ|LINEKEEPER)_[A-Z0-9_]+)"/g;
  const asked = sources.flatMap((file) => [...readFileSync(join(root, file), "utf8").matchAll(name)].map((match) => match[1] ?? ""));
  expect(asked).toContain("OPENAI_API_KEY");
  expect(asked.filter((name) => !isSettingName(name))).toEqual([]);
});
