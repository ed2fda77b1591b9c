import type { ConfigFile } from "./file.ts";
import { probeModes } from "./guards.ts";
import { availableParallelism } from "node:os";
import { amount, choice, integer, list, path, processes, secret, slug, text, url, urlHere, webhook, type Field } from "./fields.ts";

/** One setting. Its name is that of its environment variable. */
export interface Row<T> {
  readonly field: Field<T & {}>;
  readonly fallback: T;
  /** For people, in one line; begins the same whether set or not. */
  readonly meaning: string;
  /** Where the config file may hold it. */
  readonly inFile: ((file: ConfigFile) => string | undefined) | undefined;
}

function row<T, D extends T | undefined>(
  field: Field<T & {}>,
  fallback: D,
  meaning: string,
  inFile?: (file: ConfigFile) => { toString(): string } | undefined,
): Row<T | D> {
  return { field, fallback, meaning, inFile: inFile && ((file) => inFile(file)?.toString()) };
}

const key = (meaning: string): Row<string | undefined> => row(secret, undefined, meaning);
const base = (meaning: string): Row<string | undefined> => row(url("https", "http"), undefined, meaning);
const word = (meaning: string): Row<string | undefined> => row(text(), undefined, meaning);
const providers = list(/^[a-z][a-z0-9-]*$/, "provider names");
const origins = list(/^https?:\/\/[^/\s]+$/, "origins such as https://example.org");

/** Every setting there is: check, type, default and documentation in one place. */
export const table = {
  PORT: row(integer(0, 65_535), 8080, "Port to listen on; 0 takes a free one"),
  HOST: row(text("a host name or address"), "127.0.0.1", "Address to listen on; 0.0.0.0 for every network"),
  PUBLIC_URL: row(url("https", "http"), undefined, "How callers reach this server from outside; pages of that origin may place calls"),
  LINEKEEPER_CONFIG: row(path("the path of a JSON file"), undefined, "Config file with agents, tiers and limits"),
  LINEKEEPER_TIERS: row(
    providers,
    undefined,
    "Providers a call may use, in order; else all that have a key, then local; emergency is always last",
    (file) => file.tiers,
  ),
  LINEKEEPER_API_KEY: key("Opens the server to callers and operators beyond this machine"),
  LINEKEEPER_API_KEY_PREVIOUS: key("The key before that, still good while it is being replaced"),
  LINEKEEPER_TOKEN_SECRET: key("Signs caller tokens; two with a comma between while one is replaced, the first signs; else a random one"),
  LINEKEEPER_TOKEN_STAY_MS: row(
    integer(60_000, 86_400_000),
    3_600_000,
    "How long a caller may stay with one caller token, ms; with another they come back into the same call",
  ),
  LINEKEEPER_ORIGINS: row(origins, [], "Web origins whose pages may place calls, beside the server's own", (file) => file.origins),
  LINEKEEPER_TRUSTED_PROXIES: row(
    list(/^[\da-fA-F:.]+(?:\/\d{1,3})?$/, "addresses or networks such as 127.0.0.1"),
    [],
    "Proxies in front of this server: their X-Forwarded-For says who calls, and nobody counts as on this machine who comes from there",
  ),
  LINEKEEPER_MAX_CALLS: row(integer(1, 100_000), 500, "Calls at once; further callers are told busy", (file) => file.limits.maxCalls),
  LINEKEEPER_MAX_LAG_MS: row(
    integer(0, 10_000),
    50,
    "No new call while the event loop is later than this at the 99th percentile, ms; 0: however late it is",
  ),
  LINEKEEPER_MAX_LOAD_PERCENT: row(
    integer(0, 100),
    80,
    "No new call while the process works more of the time than this, % of one core; 0: however much it works",
  ),
  LINEKEEPER_PROCESSES: row(
    processes(64, availableParallelism),
    1,
    "Processes that share the port and the calls; auto: one a core. Each loads the local speech models for itself",
  ),
  LINEKEEPER_HOLD_MS: row(
    integer(0, 600_000),
    30_000,
    "How long a call waits for a caller who was cut off, ms",
    (file) => file.limits.holdMs,
  ),
  LINEKEEPER_DRAIN_MS: row(integer(0, 3_600_000), 60_000, "How long calls may go on after SIGTERM, ms", (file) => file.limits.drainMs),
  LINEKEEPER_RING_CHUNKS: row(integer(10, 600), 100, "Chunks of caller audio kept for a replay", (file) => file.limits.ringChunks),
  LINEKEEPER_CHUNK_MS: row(integer(20, 500), 100, "Length of a chunk, ms", (file) => file.limits.chunkMs),
  LINEKEEPER_REGION: row(slug, "default", "Which of several regions this server is in, as metrics and records of calls name it"),
  LINEKEEPER_DATA: row(
    path("the path of a folder"),
    "data",
    "Folder for what outlives a restart: calls in progress, their records, what was spent",
  ),
  LINEKEEPER_RESUME_MS: row(integer(0, 3_600_000), 120_000, "How old a call may be that is taken up again after a restart, ms"),
  LINEKEEPER_PERSON: word("Telephone number or SIP URI of the people to whom callers in need, or who ask for a person, are sent on"),
  LINEKEEPER_NOTIFY_CHAT_URL: row(
    webhook,
    undefined,
    "Where people are told in chat that a caller needs them: a webhook that takes adaptive cards",
    (file) => file.notify.chatUrl,
  ),
  LINEKEEPER_NOTIFY_MAIL_URL: row(
    webhook,
    undefined,
    "Where they are told by e-mail at the same time: a webhook that takes to, subject and text",
    (file) => file.notify.mailUrl,
  ),
  LINEKEEPER_NOTIFY_MAIL_TO: row(text(), "", "To whom those e-mails go", (file) => file.notify.mailTo),
  LINEKEEPER_PROBES: row(
    choice(...probeModes),
    "on",
    "When sessions without a call try the providers: on, each 30 s without calls and while one fails; faults, only while one fails; off. A provider that charges by connected time charges for them",
  ),
  LINEKEEPER_SEED: row(integer(0, 2 ** 32 - 1), undefined, "Makes ids and choices repeatable, for tests; else they are random"),
  LINEKEEPER_DESK_SLOW_MS: row(
    integer(0, 60_000),
    400,
    "How long looking up and booking take at the demo desk, ms: people see what a slow tool is like",
  ),
  LINEKEEPER_FAKES_PANEL: row(
    urlHere,
    undefined,
    "Where the levers of running fakes are, such as http://127.0.0.1:9107/panel: visitors of the page on this machine may pull them",
  ),
  LINEKEEPER_BUDGET_DAY_USD: row(amount(), undefined, "What calls may cost a day (UTC), USD; else no limit", (file) => file.budget.dayUsd),
  LINEKEEPER_BUDGET_MONTH_USD: row(
    amount(),
    undefined,
    "What calls may cost a month (UTC), USD; else no limit",
    (file) => file.budget.monthUsd,
  ),
  LINEKEEPER_BUDGET_SPENT: row(
    choice("alert", "cheaper", "refuse"),
    "alert",
    "When a budget is spent: only say so, put the cheapest provider first for new calls, or take none",
    (file) => file.budget.whenSpent,
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: base("OpenTelemetry collector that gets a trace of each call; else none is made"),
  OTEL_EXPORTER_OTLP_HEADERS: key("Headers for that collector, such as api-key=abc,tenant=7"),
  LOG_LEVEL: row(choice("debug", "info", "warning", "error"), "info", "The least severe log lines that are written"),
  LOG_FORMAT: row(choice("auto", "json", "pretty"), "auto", "Log lines as JSON or for people; auto: for people on a terminal"),

  LINEKEEPER_PROMPTS: row(path("the path of a folder"), undefined, "Own fixed lines: a folder with catalogue.json and its WAV files"),
  SIP_PORT: row(integer(0, 65_535), undefined, "Port for SIP over UDP and TCP, usually 5060; else no SIP"),
  SIP_HOST: row(text("an address"), "127.0.0.1", "Address to listen on for SIP; 0.0.0.0 for every network"),
  SIP_PUBLIC_HOST: row(text("an address"), undefined, "Address under which SIP peers reach this server, where it is behind a NAT"),
  SIP_PEERS: row(
    list(/^[0-9a-fA-F.:]+(?:\/\d{1,3})?$/, "addresses and networks such as 203.0.113.0/24"),
    ["127.0.0.0/8", "::1"],
    "Who may call by SIP: the addresses of a trunk or of phones",
  ),
  SIP_USER: word("Name that phones from other addresses have to give; else linekeeper"),
  SIP_PASSWORD: key("Password that phones from other addresses have to know; else they are refused"),
  SIP_AGENTS: row(
    list(/^[^\s=,]+=[^\s=,]+$/, "addresses and who answers them, such as +15550100=night-desk"),
    [],
    "Which agent answers which number or name; each answers its own name anyway, and the first all others",
  ),
  SIP_TRUNK: row(
    text("a SIP address"),
    undefined,
    "Trunk through which numbers are called, such as sip:trunk.example.com; its calls are taken",
  ),
  SIP_TRUNK_USER: word("Name at the trunk"),
  SIP_TRUNK_PASSWORD: key("Password at the trunk"),
  SIP_TRUNK_FROM: word("Number that people see who are called through the trunk"),
  SIP_TRUNK_REGISTER: row(choice("yes", "no"), "no", "Whether this server registers at the trunk; for those that do not know its address"),
  SIP_TLS_PORT: row(integer(0, 65_535), 5_061, "Port for SIP over TLS, where there is a certificate"),
  SIP_TLS_CERT: row(path("the path of a PEM file"), undefined, "Certificate for SIP over TLS; else no TLS"),
  SIP_TLS_KEY: row(path("the path of a PEM file"), undefined, "Key of that certificate"),
  SIP_TLS_CA: row(
    path("the path of a PEM file"),
    undefined,
    "Who vouches for peers that this server connects to; else the usual authorities",
  ),
  SIP_RTP_PORTS: row(text("a range of ports such as 20000-29999"), "20000-29999", "UDP ports for the audio of SIP calls, two a call"),
  SIP_CODECS: row(
    list(/^[A-Za-z0-9]+$/, "codec names"),
    ["PCMU", "PCMA", "G722", "opus"],
    "Audio codecs that SIP calls may use, best first",
  ),

  LINEKEEPER_MODELS_DIR: row(
    path("the path of a folder"),
    undefined,
    "Where the local provider's speech models are; else the packages of this installation",
  ),
  LINEKEEPER_LOCAL_EARS: row(
    choice("tiny", "base"),
    "tiny",
    "Recognition model of the local provider; base is better in noise and takes twice the time",
  ),
  LINEKEEPER_LOCAL_CALLS: row(integer(1, 1_000), undefined, "Calls the local provider takes at once; else measured at start"),
  LINEKEEPER_LOCAL_VOICE: word("Voice of the local provider"),
  LINEKEEPER_LOCAL_FLOW: row(
    path("the path of a JSON file"),
    undefined,
    "The local receptionist's dialogue; else the one that comes along",
  ),
  LINEKEEPER_LOCAL_LLM_URL: base("OpenAI-compatible server that thinks for the local provider; else the scripted receptionist"),
  LINEKEEPER_LOCAL_LLM_MODEL: word("Model to ask for there"),
  LINEKEEPER_LOCAL_LLM_KEY: key("Key for that server, if it wants one"),

  TWILIO_ACCOUNT_SID: word("Twilio account, for placing calls; calls that come in do not need it"),
  TWILIO_AUTH_TOKEN: key(
    "Twilio's auth token: its webhooks and streams are checked against it; without it only this machine may be Twilio",
  ),
  TWILIO_AUTH_TOKEN_PREVIOUS: key("The auth token before that, while it is being replaced"),
  TWILIO_NUMBER: word("Number that people see whom we call, such as +15550100"),
  TWILIO_BASE_URL: base("Twilio's REST address when it is not the public one"),

  LINEKEEPER_CARRIER_TOKEN: key(
    "What carriers and engines without signatures show to be let in: as Bearer, as the password of Basic, or as ?token=",
  ),
  LINEKEEPER_CARRIER_TOKEN_PREVIOUS: key("The carrier token before that, while it is being replaced"),
  TELNYX_PUBLIC_KEY: word("Telnyx's public key, in base64: its webhooks are checked against it"),
  TELNYX_PUBLIC_KEY_PREVIOUS: word("The public key before that, while it is being replaced"),
  TELNYX_API_KEY: key("Telnyx API key: ends calls whose streams were started by Call Control, which a closed stream does not"),
  TELNYX_BASE_URL: base("Telnyx' API address when it is not the public one"),
  VONAGE_SIGNATURE_SECRET: key("Vonage's signature secret: its webhooks and WebSockets are checked against it"),
  VONAGE_SIGNATURE_SECRET_PREVIOUS: key("The signature secret before that, while it is being replaced"),
  VONAGE_APPLICATION_ID: word("Vonage application, for placing calls; calls that come in do not need it"),
  VONAGE_PRIVATE_KEY: row(path("the path of a PEM file"), undefined, "Private key of that application"),
  VONAGE_NUMBER: word("Number that people see whom we call through Vonage"),
  VONAGE_BASE_URL: base("Vonage's API address when it is not the public one"),
  PLIVO_AUTH_TOKEN: key("Plivo's auth token: its webhooks are checked against it"),
  PLIVO_AUTH_TOKEN_PREVIOUS: key("The auth token before that, while it is being replaced"),
  PLIVO_AUTH_ID: word("Plivo account, for placing calls; calls that come in do not need it"),
  PLIVO_NUMBER: word("Number that people see whom we call through Plivo"),
  PLIVO_BASE_URL: base("Plivo's API address when it is not the public one"),
  SIGNALWIRE_SIGNING_KEY: key("SignalWire's signing key: its webhooks are checked against it"),
  SIGNALWIRE_SIGNING_KEY_PREVIOUS: key("The signing key before that, while it is being replaced"),
  SIGNALWIRE_SPACE_URL: base("SignalWire space through which calls are placed, such as https://example.signalwire.com"),
  SIGNALWIRE_PROJECT_ID: word("Its project"),
  SIGNALWIRE_API_TOKEN: key("API token of that project"),
  SIGNALWIRE_NUMBER: word("Number that people see whom we call through SignalWire"),
  JAMBONZ_API_URL: base("jambonz' API address, for placing calls, such as https://jambonz.example.org/api"),
  JAMBONZ_ACCOUNT_SID: word("jambonz account, for placing calls"),
  JAMBONZ_API_KEY: key("API key of that account"),
  JAMBONZ_NUMBER: word("Number that people see whom we call through jambonz"),
  GENESYS_API_KEY: key("The API key that a Genesys Cloud AudioHook or Audio Connector shows"),
  GENESYS_API_KEY_PREVIOUS: key("The API key before that, while it is being replaced"),
  GENESYS_CLIENT_SECRET: key("Its client secret, in base64: connections are checked against it; else the key alone has to do"),
  GENESYS_CLIENT_SECRET_PREVIOUS: key("The client secret of that earlier key, where it had another"),
  AUDIOSOCKET_PORT: row(integer(0, 65_535), undefined, "Port for Asterisk's AudioSocket; else none is open"),
  AUDIOSOCKET_PEERS: row(
    list(/^[\da-fA-F:.]+(?:\/\d{1,3})?$/, "addresses or networks such as 10.0.0.0/8"),
    ["127.0.0.0/8", "::1"],
    "Who may connect there; the wire has no words for a secret",
  ),
  AUDIOSOCKET_RATE: row(choice("8000", "16000", "24000", "48000"), "8000", "Rate of the audio there, Hz"),

  OPENAI_API_KEY: key("OpenAI"),
  OPENAI_BASE_URL: base("OpenAI's address when it is not the public one"),
  OPENAI_ORG_ID: word("OpenAI organisation that is billed"),
  OPENAI_PROJECT_ID: word("OpenAI project that is billed"),
  OPENAI_REALTIME_MODEL: word("OpenAI Realtime model; else the adapter's choice"),
  OPENAI_LLM_MODEL: word("OpenAI model that thinks for the pipeline; else the adapter's choice"),
  AZURE_OPENAI_API_KEY: key("Azure OpenAI"),
  AZURE_OPENAI_ENDPOINT: base("Azure OpenAI resource, such as https://name.openai.azure.com"),
  AZURE_OPENAI_DEPLOYMENT: word("Azure OpenAI deployment of a realtime model"),
  AZURE_OPENAI_TRANSCRIPTION_DEPLOYMENT: word("Azure OpenAI deployment that writes down what callers say; else one named as the model"),
  AZURE_OPENAI_CHAT_DEPLOYMENT: word("Azure OpenAI deployment that thinks for the pipeline"),
  AZURE_OPENAI_API_VERSION: word("Azure OpenAI API version for that deployment; else the address without one"),
  GEMINI_API_KEY: key("Gemini"),
  GOOGLE_GEMINI_BASE_URL: base("Gemini's address when it is not the public one"),
  GEMINI_LIVE_MODEL: word("Gemini Live model; else the adapter's choice"),
  GEMINI_LLM_MODEL: word("Gemini model that thinks for the pipeline; else the adapter's choice"),
  DEEPGRAM_API_KEY: key("Deepgram"),
  DEEPGRAM_BASE_URL: base("Deepgram's address when it is not the public one"),
  DEEPGRAM_AGENT_BASE_URL: base("Address of Deepgram's voice agent, where it has one of its own"),
  ANTHROPIC_API_KEY: key("Anthropic, for the pipeline's language model chain"),
  ANTHROPIC_BASE_URL: base("Anthropic's address when it is not the public one"),
  ANTHROPIC_LLM_MODEL: word("Anthropic model that thinks for the pipeline; else the adapter's choice"),
  GROQ_API_KEY: key("Groq, for the pipeline's language model chain"),
  GROQ_BASE_URL: base("Groq's address when it is not the public one"),
  GROQ_LLM_MODEL: word("Groq model that thinks for the pipeline; else the adapter's choice"),
} as const satisfies Record<string, Row<unknown>>;

export type SettingName = keyof typeof table;
export type SettingValue<N extends SettingName> = (typeof table)[N]["fallback"];

export const settingNames = Object.keys(table).filter((name): name is SettingName => Object.hasOwn(table, name));
export const isSettingName = (name: string): name is SettingName => Object.hasOwn(table, name);
