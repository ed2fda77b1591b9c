import { readFileSync } from "node:fs";
import { z } from "zod";
import { breakerKeys, guardShape } from "./guards.ts";
import { budget, price } from "./costs.ts";
import { codeOf } from "./secrets.ts";
import { didYouMean } from "./suggest.ts";

const names = z.array(z.string().regex(/^[a-z][a-z0-9-]*$/, "must be lower-case letters, digits and hyphens"));

const idle = z.strictObject({
  /** The caller is asked whether they are still there; left out, never. */
  repromptAfterMs: z.number().int().min(3_000).max(600_000).optional(),
  /** How often in a row; after that the call ends. */
  reprompts: z.number().int().min(1).max(10).default(2),
  /** The call ends after so long in which nobody said anything. */
  endAfterMs: z.number().int().min(10_000).max(86_400_000).default(300_000),
});

const machine = z
  .strictObject({
    then: z.enum(["hang-up", "leave-message", "go-on"]).default("go-on"),
    /** Spoken after the beep. */
    message: z.string().max(2_000).default(""),
    /** Who speaks longer than this at first is a machine, ms. */
    greetingMs: z.number().int().min(2_000).max(60_000).default(6_000),
  })
  .refine(({ then, message }) => then !== "leave-message" || message !== "", "a message to leave must be given");

const person = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, "must be 1 to 32 lower-case letters, digits and hyphens"),
  /** What they are for, in words for the agent. */
  about: z.string().min(1).max(200),
  target: z.string().regex(/^(?:\+[1-9]\d{4,14}|sips?:[^\s"<>]{1,240})$/, "must be +number (E.164) or a SIP URI"),
  /** They hear what it is about before they are put through, where the carrier can. */
  briefed: z.boolean().default(true),
});

const agent = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, "must be 1 to 32 lower-case letters, digits and hyphens"),
  instructions: z.string().min(1, "must say what the agent is to do").max(100_000),
  /** Spoken first; left out, the provider finds its own words. */
  greeting: z.string().min(1).max(1_000).optional(),
  voice: z.string().min(1).max(100).optional(),
  language: z
    .string()
    .regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'must be a language tag such as "en-US"')
    .default("en-US"),
  /** Which providers its calls may use, in order; left out, those of every call. */
  tiers: names.min(1, "must name at least one provider, or be left out").optional(),
  /** Which tools it may use. */
  tools: z.union([z.literal("all"), z.array(z.string().min(1))]).default("all"),
  /** Whether a link to the next tier is kept open beside the present one (warm), or opened at need (cold). */
  standby: z.enum(["cold", "warm"]).default("cold"),
  /** Whether a call that was handed over goes back once a better tier has been well for a minute. */
  switchBack: z.enum(["never", "when-well"]).default("never"),
  /** What its callers were promised: gold, an answer within two seconds in 999 of 1,000 turns; standard, in 95 of 100. */
  slaClass: z.enum(["standard", "gold"]).default("standard"),
  /** What happens when nobody speaks, ms. */
  idle: idle.default({ reprompts: 2, endAfterMs: 300_000 }),
  /** What happens when a machine answers a call that was placed. */
  machine: machine.default({ then: "go-on", message: "", greetingMs: 6_000 }),
  /** To whom it may put callers through, and to nobody else. */
  people: z.array(person).max(50).default([]),
  /** Settings that only one provider reads, under its name. */
  providerSettings: z.record(z.string(), z.unknown()).default({}),
});

/** One agent as configured; tools are names that the composition resolves. */
export type AgentSettings = z.infer<typeof agent>;

const frontDesk: AgentSettings = {
  name: "front-desk",
  instructions: [
    "You are the receptionist of the Blue Lantern, a small restaurant, speaking on the telephone. You take, move and cancel table bookings, look up orders and take messages.",
    "Be warm and brief: one or two short sentences, one question at a time. What you say is spoken aloud, so use no lists, symbols or links.",
    "Read numbers, dates and names back and let the caller correct you. Say so when you do not know something; never make it up.",
    "If the caller asks for a person, or is in distress, offer to connect them at once.",
  ].join("\n"),
  greeting: "Good day, this is the Blue Lantern. What can I do for you?",
  language: "en-US",
  tools: "all",
  standby: "cold",
  switchBack: "never",
  slaClass: "standard",
  idle: { reprompts: 2, endAfterMs: 300_000 },
  machine: { then: "go-on", message: "", greetingMs: 6_000 },
  people: [],
  providerSettings: {},
};

const limits = z.strictObject({
  maxCalls: z.number().optional(),
  holdMs: z.number().optional(),
  drainMs: z.number().optional(),
  ringChunks: z.number().optional(),
  chunkMs: z.number().optional(),
});

/** Where people are told that a caller needs them. */
const notify = z.strictObject({ chatUrl: z.string().optional(), mailUrl: z.string().optional(), mailTo: z.string().optional() });

/** What callers in need say, by language ("en"), beside what is known anyway: words, `a|b` for either, `...` for up to three more. */
const crisis = z.strictObject({ phrases: z.record(z.string(), z.array(z.string().min(3).max(200)).max(500)).default({}) });

const schema = z.strictObject({
  agents: z
    .array(agent)
    .min(1, "must hold at least one agent, or be left out")
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, "two agents have the same name")
    .default([frontDesk]),
  tiers: names.min(1, "must name at least one provider, or be left out").optional(),
  origins: z.array(z.string()).optional(),
  limits: limits.default({}),
  /** How single providers are guarded, where they are not to be as usual. */
  guards: z.record(z.string(), guardShape).default({}),
  budget: budget.default({}),
  prices: z.array(price).max(1_000).default([]),
  notify: notify.default({}),
  crisis: crisis.default({ phrases: {} }),
});

/** What LINEKEEPER_CONFIG holds; everything has a default. The numbers and lists are checked by the settings that they stand for. */
export type ConfigFile = z.infer<typeof schema>;

export const emptyConfigFile: ConfigFile = schema.parse({});

/** All that is wrong with the file, each one line with its place, or the file. */
export function readConfigFile(path: string): { readonly file: ConfigFile; readonly problems: readonly string[] } {
  const problem = (line: string) => ({ file: emptyConfigFile, problems: [`${path}: ${line}`] });
  let content: string;
  try {
    content = readFileSync(path, "utf8");
  } catch (error) {
    return problem(`cannot be read (${codeOf(error)}): correct LINEKEEPER_CONFIG, or unset it to run with defaults`);
  }
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch (error) {
    return problem(`is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const result = schema.safeParse(json);
  if (result.success) return { file: result.data, problems: [] };
  return { file: emptyConfigFile, problems: result.error.issues.flatMap(linesOf).map((line) => `${path}: ${line}`) };
}

function linesOf(issue: z.core.$ZodIssue): readonly string[] {
  const place = issue.path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("");
  const at = place.replace(/^\./, "");
  if (issue.code !== "unrecognized_keys") return [`${at === "" ? "the whole" : at}: ${issue.message}`];
  const known = knownAt(issue.path.map(String));
  return issue.keys.map((key) => `${at === "" ? "" : `${at}.`}${key}: unknown key${didYouMean(key, known)}; known are ${known.join(", ")}`);
}

function knownAt([section, , part]: readonly string[]): readonly string[] {
  if (section === "guards") return part === "breaker" ? breakerKeys : Object.keys(guardShape.shape);
  if (section === "prices") return Object.keys(part === "usd" ? price.shape.usd.shape : price.shape);
  const shapes: Readonly<Record<string, object>> = { agents: agent.shape, limits: limits.shape, budget: budget.shape };
  return Object.keys(shapes[section ?? ""] ?? schema.shape);
}
