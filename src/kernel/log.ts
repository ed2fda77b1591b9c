/** Fields of one log line; never audio, secrets or (unless enabled) what was said. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where log events go. `event` is snake_case from the closed list that the operators' tools know. */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warning(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** The same log with fields that every line carries. */
  with(fields: LogFields): Log;
}

const ignore = (): void => {};
export const silentLog: Log = { debug: ignore, info: ignore, warning: ignore, error: ignore, with: () => silentLog };
