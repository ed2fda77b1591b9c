import { join } from "node:path";
import type { Settings } from "../config/settings.ts";
import { systemClock } from "../kernel/clock.ts";
import type { Log } from "../kernel/log.ts";
import { systemRandom } from "../kernel/random.ts";
import { Notifier } from "../notify/notifier.ts";
import type { CallEvent } from "../session/words.ts";

/** What comes of telling people of a call is itself something that happens to the call. */
export function openNotifier(settings: Settings, log: Log, tell: (event: CallEvent) => void): Promise<Notifier> {
  return Notifier.open({
    address: (channel) => settings.get(channel === "chat" ? "LINEKEEPER_NOTIFY_CHAT_URL" : "LINEKEEPER_NOTIFY_MAIL_URL"),
    mailTo: () => settings.get("LINEKEEPER_NOTIFY_MAIL_TO"),
    path: join(settings.get("LINEKEEPER_DATA"), "outbox.jsonl"),
    told({ notice: { callId, reason }, channel, result, durationMs }) {
      if (callId !== undefined && reason !== "alert") tell({ type: "human.told", callId, reason, channel, result, durationMs });
    },
    clock: systemClock,
    random: systemRandom,
    log: log.with({ logger: "notify" }),
  });
}
