import type { Caller } from "./caller.ts";
import type { ServerMessage } from "./wire.ts";

/** Prints a call as it goes: partial captions rewritten in place on a terminal, final ones as lines with their time. */
export function showCall(caller: Caller, out: NodeJS.WriteStream): void {
  let partial = false;
  const clear = (): void => {
    if (partial) out.write("\r\u001b[K");
    partial = false;
  };
  const line = (text: string, atMs: number): void => {
    clear();
    out.write(`${(atMs / 1000).toFixed(1).padStart(6)}  ${text}\n`);
  };
  line(`call ${caller.callId} · ${caller.provider}`, caller.nowMs);
  caller.on((message, atMs) => {
    if (message.type === "caption" && !message.final) {
      if (!out.isTTY) return;
      clear();
      const room = Math.max(20, out.columns - 20);
      out.write(`        ${message.role.padEnd(6)}  ${oneLine(message.text).slice(-room)}`);
      partial = true;
    } else {
      const text = wordsFor(message);
      if (text !== undefined) line(text, atMs);
    }
  });
}

function wordsFor(message: ServerMessage): string | undefined {
  switch (message.type) {
    case "caption":
      return `${message.role.padEnd(6)}  ${oneLine(message.text)}${message.interrupted ? " (cut off)" : ""}`;
    case "latency":
      return `        first audio after ${Math.round(message.firstAudioMs)} ms`;
    case "phase":
      return `        (${message.phase})`;
    case "tool":
      return `        [${oneLine(message.name)} ${message.state}]`;
    case "handed-over":
      return `        handed over to ${message.provider}, restored: ${message.restored}`;
    case "error":
      return `        ${message.code}: ${oneLine(message.message)}`;
    default:
      return undefined;
  }
}

/** What others say must not move the cursor. */
const oneLine = (text: string): string => text.replaceAll(/\p{Cc}+/gu, " ");
