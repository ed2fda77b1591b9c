import { pino } from "pino";
import { prettyFactory } from "pino-pretty";
import type { Log, LogFields } from "../kernel/log.ts";
import { redactor } from "./redact.ts";
import { traceIdOf } from "./trace-ids.ts";

export interface LogOptions {
  readonly level: "debug" | "info" | "warning" | "error";
  /** `auto`: for people where the destination is a terminal. */
  readonly format: "auto" | "json" | "pretty";
  /** Every value that must never be written, asked for each line. */
  readonly secrets: () => readonly string[];
  /** A line found no room: whoever reads the log is slower than we write it. */
  readonly dropped: () => void;
  /** File descriptor, 1 when left out; closed with the log unless it is 1 or 2. */
  readonly fd?: number;
  /** The longest write of more than one line. */
  readonly writeBytes?: number;
}

export interface LogOutlet {
  readonly log: Log;
  /** Waits until all is written, at most a second. Lines that come later are dropped and counted. Idempotent. */
  close(): Promise<void>;
}

/** What waits for a slow reader at most; then lines are dropped and counted, for calls must not wait for a log. */
const waitingBytes = 1 << 20;
const closeLimitMs = 1_000;
/** Lines that nobody waits for are written together, so many characters of them, or all after this long; warnings and errors at once. */
const togetherLength = 65_536;
const togetherMs = 100;

/** JSON lines, one an event: `timestamp`, `level`, `logger`, `event`, then fields. A `callId` is written as `session_id`, and with it goes its `trace_id`. */
export function openLog(options: LogOptions): LogOutlet {
  const fd = options.fd ?? 1;
  const outlet = pino.destination({
    fd,
    sync: false,
    maxLength: waitingBytes,
    ...(options.writeBytes !== undefined && { maxWrite: options.writeBytes }),
  });
  outlet.on("drop", (batch: string) => {
    for (let at = batch.indexOf("\n"); at !== -1; at = batch.indexOf("\n", at + 1)) options.dropped();
  });
  // The reader is gone, or the disk is full: there is nowhere left to say so, and no reason to end a call.
  outlet.on("error", options.dropped);
  const terminal = isTerminal(fd);
  const paint = options.format === "pretty" || (options.format === "auto" && terminal) ? prettyFactory(forPeople) : undefined;
  const together = terminal ? 0 : togetherLength;
  let closing: Promise<void> | undefined;
  // Lines are gathered here and not by the outlet: asked to flush while it writes, it would leave the rest until the next line.
  let batch = "";
  let flushing: NodeJS.Timeout | undefined;
  const flush = (): void => {
    clearTimeout(flushing);
    flushing = undefined;
    if (batch !== "") outlet.write(batch);
    batch = "";
  };
  const write = (line: string): void => {
    // The outlet throws once it is closed, and a call that ends late must not stumble over its last line.
    if (closing !== undefined) return options.dropped();
    batch += paint === undefined ? line : paint(line);
    if (batch.length >= together) flush();
    else flushing ??= setTimeout(flush, togetherMs);
  };
  /** Most lines are told together, many within one millisecond. */
  let [stamp, stampedMs] = ["", -1];
  const lines = pino(
    {
      level: options.level,
      customLevels: { debug: 20, info: 30, warning: 40, error: 50 },
      useOnlyCustomLevels: true,
      base: null,
      messageKey: "message",
      timestamp: () => {
        const nowMs = Date.now();
        if (nowMs !== stampedMs) stamp = `,"timestamp":"${new Date(nowMs).toISOString()}"`;
        stampedMs = nowMs;
        return stamp;
      },
      formatters: { level: (label) => ({ level: label.toUpperCase() }) },
    },
    { write },
  );
  const { value } = redactor(options.secrets);

  const logWith = (bound: LogFields): Log => {
    const ofAll: LogFields = { logger: "linekeeper", ...bound };
    const at = (level: LogOptions["level"]) => (event: string, fields?: LogFields) => {
      if (!lines.isLevelEnabled(level)) return;
      const session = fields?.["callId"] ?? ofAll["callId"] ?? fields?.["session_id"] ?? ofAll["session_id"];
      const trace = typeof session === "string" ? { session_id: session, trace_id: traceIdOf(session) } : {};
      // What is undefined is not written.
      lines[level](value(reserved({ event, ...trace, ...ofAll, ...fields, callId: undefined })));
      if (level === "warning" || level === "error") flush();
    };
    return {
      debug: at("debug"),
      info: at("info"),
      warning: at("warning"),
      error: at("error"),
      with: (fields) => logWith({ ...bound, ...fields }),
    };
  };

  return {
    log: logWith({}),
    close: () => {
      if (closing === undefined) flush();
      return (closing ??= written(outlet));
    },
  };
}

/** Ends the outlet, and gives up on one whose reader does not read. */
async function written(outlet: ReturnType<typeof pino.destination>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const limit = setTimeout(() => {
    outlet.destroy();
    resolve();
  }, closeLimitMs);
  outlet.once("close", resolve);
  outlet.end();
  await promise;
  clearTimeout(limit);
}

/** Two keys of one name in a line would leave it to each reader which one counts. */
function reserved(fields: LogFields): LogFields {
  if (!("timestamp" in fields || "level" in fields)) return fields;
  const { timestamp, level, ...rest } = fields;
  return {
    ...rest,
    ...(timestamp === undefined ? {} : { field_timestamp: timestamp }),
    ...(level === undefined ? {} : { field_level: level }),
  };
}

function isTerminal(fd: number): boolean {
  return fd === 1 ? process.stdout.isTTY : fd === 2 && process.stderr.isTTY;
}

const forPeople = {
  colorize: true,
  messageKey: "message",
  timestampKey: "timestamp",
  translateTime: "SYS:HH:MM:ss.l",
  ignore: "logger,event,trace_id",
  customLevels: "debug:20,info:30,warning:40,error:50",
  messageFormat: "{event} {message}",
  singleLine: true,
} as const;
