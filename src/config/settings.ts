import { Fault } from "../kernel/fault.ts";
import type { Log } from "../kernel/log.ts";
import type { PriceSettings } from "./costs.ts";
import { emptyConfigFile, readConfigFile, type AgentSettings, type ConfigFile } from "./file.ts";
import { guardProfile, type GuardProfile } from "./guards.ts";
import { SecretFile, watchSecrets, type Rotation } from "./secrets.ts";
import { didYouMean } from "./suggest.ts";
import { isSettingName, settingNames, table, type SettingName, type SettingValue } from "./table.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Where a value comes from; `file` is the file that NAME_FILE names. */
export type Source = "environment" | "file" | "config file" | "default";

interface Entry {
  readonly source: Source;
  readonly value: SettingValue<SettingName>;
}

interface Reading {
  readonly entries: ReadonlyMap<SettingName, Entry>;
  readonly agents: readonly AgentSettings[];
  readonly guards: ConfigFile["guards"];
  readonly prices: readonly PriceSettings[];
  readonly crisis: ConfigFile["crisis"];
}

/**
 * All settings, checked. The environment wins over the config file, that over defaults; an empty variable counts as not set.
 * @throws {Fault} setting-invalid; its message has every problem, a line each, with what to do and without any secret.
 */
export function loadSettings(environment: Environment = process.env): Settings {
  return new Settings(environment);
}

const secretNames = settingNames.filter((name) => table[name].field.secret);

export class Settings {
  readonly #environment: Environment;
  readonly #secretFiles: ReadonlyMap<SettingName, SecretFile>;
  #reading: Reading;
  /** As last asked for, and what they were read from. */
  #secrets: KnownSecrets = { of: undefined, fromFiles: [], values: [] };

  constructor(environment: Environment) {
    const problems = strangers(environment);
    this.#environment = environment;
    this.#secretFiles = openSecretFiles(environment, problems);
    this.#reading = readAll(environment, problems);
    refuse(problems);
  }

  /** The value in its own type; a secret's is its present one. */
  get<N extends SettingName>(name: N): SettingValue<N> {
    return this.#valueOf(name);
  }

  /**
   * The value as text, undefined when there is none: for providers, which know settings by name only.
   * @throws {Fault} internal for a name that the table does not have: a setting that no operator could find.
   */
  lookup(name: string): string | undefined {
    if (!isSettingName(name))
      throw new Fault("internal", `setting ${name} is read but is not in the table${didYouMean(name, settingNames)}`);
    return this.#valueOf(name)?.toString();
  }

  /** The operator's own phrases of callers in need, by language. */
  get crisisPhrases(): Readonly<Record<string, readonly string[]>> {
    return this.#reading.crisis.phrases;
  }

  /** At least one; the first answers callers that ask for none. */
  get agents(): readonly AgentSettings[] {
    return this.#reading.agents;
  }

  /** How a provider is guarded: as usual, as usual for this one, or as the config file says. */
  guardOf(provider: string): GuardProfile {
    return guardProfile(provider, this.#reading.guards[provider], this.get("LINEKEEPER_PROBES"));
  }

  /** The operator's own prices of models. */
  get prices(): readonly PriceSettings[] {
    return this.#reading.prices;
  }

  sourceOf(name: SettingName): Source {
    return this.#secretFiles.has(name) ? "file" : (this.#reading.entries.get(name)?.source ?? "default");
  }

  /** Every secret value, also those just replaced, for the log to leave out: it asks with each line. The same list until one changes. */
  secretValues(): readonly string[] {
    const { of, fromFiles } = this.#secrets;
    if (of === this.#reading && fromFiles.every(([file, values]) => file.values === values)) return this.#secrets.values;
    this.#secrets = {
      of: this.#reading,
      fromFiles: [...this.#secretFiles.values()].map((file) => [file, file.values]),
      values: secretNames.flatMap((name) => this.#secretFiles.get(name)?.values ?? this.#valueOf(name)?.toString() ?? []),
    };
    return this.#secrets.values;
  }

  /** How old the secrets in files are, ms, by setting; nobody knows it of those in the environment. */
  get secretAgesMs(): ReadonlyMap<string, number> {
    return new Map([...this.#secretFiles].map(([name, file]) => [name, file.ageMs]));
  }

  /** What an operator should know though it stops nothing. */
  warnings(): readonly string[] {
    return [...this.#secretFiles.values()].flatMap((file) => file.warning ?? []);
  }

  /** Keeps secrets in step with their files until disposed; each change is logged and told. */
  watch(log: Log, told: (rotation: Rotation) => void = () => {}): Disposable {
    return watchSecrets([...this.#secretFiles.values()], log, told);
  }

  /**
   * Reads the config file and the secrets' files again.
   * @returns the names of what changed, "agents" among them when an agent did
   * @throws {Fault} setting-invalid as `loadSettings`; then the old values stay.
   */
  reload(): readonly (SettingName | "agents")[] {
    const [agentsBefore, before] = [JSON.stringify(this.agents), new Map(settingNames.map((name) => [name, this.lookup(name)]))];
    const problems: string[] = [];
    for (const file of this.#secretFiles.values()) attempt(problems, () => file.refresh());
    const after = readAll(this.#environment, problems);
    refuse(problems);
    this.#reading = after;
    const changed = settingNames.filter((name) => before.get(name) !== this.lookup(name));
    return agentsBefore === JSON.stringify(this.agents) ? changed : [...changed, "agents"];
  }

  #valueOf(name: SettingName): SettingValue<SettingName> {
    return this.#secretFiles.get(name)?.value ?? this.#reading.entries.get(name)?.value;
  }
}

interface KnownSecrets {
  readonly of: Reading | undefined;
  readonly fromFiles: readonly (readonly [SecretFile, readonly string[]])[];
  readonly values: readonly string[];
}

/** Variables that carry our name and mean nothing: most likely a slip of the pen, and worth stopping for. */
function strangers(environment: Environment): string[] {
  const known = settingNames.flatMap((name) => (table[name].field.secret ? [name, `${name}_FILE`] : [name]));
  return Object.keys(environment)
    .filter((name) => name.startsWith("LINEKEEPER_") && !known.includes(name))
    .map((name) => `${name}: unknown setting${didYouMean(name, known)}; unset it, or see npm run config -- --explain`);
}

function openSecretFiles(environment: Environment, problems: string[]): ReadonlyMap<SettingName, SecretFile> {
  const files = new Map<SettingName, SecretFile>();
  for (const name of settingNames.filter((each) => table[each].field.secret)) {
    const file = environment[`${name}_FILE`];
    if (file === undefined || file === "") continue;
    if (environment[name]) problems.push(`${name}: set both directly and by ${name}_FILE; unset one of them`);
    else attempt(problems, () => files.set(name, new SecretFile(name, file)), `${name}_FILE: `);
  }
  return files;
}

function readAll(environment: Environment, problems: string[]): Reading {
  const file = configFile(environment, problems);
  const entries = new Map<SettingName, Entry>();
  for (const name of settingNames) {
    const { field, fallback, inFile } = table[name];
    const [set, filed] = [environment[name]?.trim() || undefined, inFile?.(file)];
    const text = set ?? filed;
    const value = text === undefined ? fallback : field.read(text);
    if (text !== undefined && value === undefined) {
      problems.push(
        `${name}: must be ${field.expects}, but ${set === undefined ? "the config file says" : "it is"} ${field.secret ? "something else (hidden)" : JSON.stringify(shownUrl(text))}`,
      );
    }
    entries.set(name, { source: set !== undefined ? "environment" : filed !== undefined ? "config file" : "default", value });
  }
  const { agents, guards, prices, crisis } = file;
  return { entries, agents, guards, prices, crisis };
}

function configFile(environment: Environment, problems: string[]): ConfigFile {
  const path = environment["LINEKEEPER_CONFIG"];
  if (path === undefined || path === "") return emptyConfigFile;
  const result = readConfigFile(path);
  problems.push(...result.problems);
  return result.file;
}

/** Any text, without the password and the query values that an address in it may carry. */
export function shownUrl(text: string): string {
  return text.replace(/\/\/[^/@\s]*@/g, "//(hidden)@").replace(/([?&][^=&\s]*=)[^&\s]*/g, "$1(hidden)");
}

function attempt(problems: string[], run: () => unknown, before = ""): void {
  try {
    run();
  } catch (error) {
    problems.push(before + (error instanceof Error ? error.message : String(error)));
  }
}

function refuse(problems: readonly string[]): void {
  if (problems.length > 0) throw new Fault("setting-invalid", problems.join("\n"));
}
