import type { Clock } from "../kernel/clock.ts";
import type { CallEvent, SessionWatch } from "../session/words.ts";
import type { Notice } from "./notice.ts";

/** Hands a notice over to people; never throws and never waits. */
interface Humans {
  tell(notice: Notice): void;
}

export interface HumansHouse {
  readonly humans: Humans;
  readonly clock: Clock;
  /** Where people see and steer the call. */
  readonly consoleUrl: () => string;
  /** A provider that can only bridge: a call that it holds needs a person. */
  readonly isStopgap: (provider: string) => boolean;
}

/** An outage is told once in so long, not once a call, ms. */
const outageEachMs = 600_000;

/** What happens to calls, as far as people must be told: a caller in need, one who asks for a person, and calls that no provider holds. */
export function tellHumans({ humans, clock, consoleUrl, isStopgap }: HumansHouse): SessionWatch {
  /** Calls in progress of which people know already, by why. */
  const told = new Set<string>();
  let outageMs = -Infinity;
  /** Counted from when this process began, so that no two have one id. */
  let briefings = clock.wallNow();
  const once = (callId: string, ...rest: readonly [Notice["reason"], string, string, Readonly<Record<string, string>>]): void => {
    const id = `${callId}-${rest[0]}`;
    if (told.has(id)) return;
    told.add(id);
    tell(callId, id, ...rest);
  };
  const tell = (
    callId: string,
    id: string,
    reason: Notice["reason"],
    title: string,
    text: string,
    facts: Readonly<Record<string, string>>,
  ): void => {
    const all = Object.entries({ call: callId, ...facts, console: consoleUrl() });
    const named = all.map(([name, value]) => ({ name, value }));
    humans.tell({ id, reason, title, text, facts: named, atMs: clock.wallNow(), callId });
  };
  const outage = (callId: string, provider: string): void => {
    if (!isStopgap(provider) || clock.now() - outageMs < outageEachMs) return;
    outageMs = clock.now();
    once(callId, "outage", "No provider answers callers", "Callers hear fixed lines and are told that a person will help.", { provider });
  };
  return {
    tell(event: CallEvent): void {
      const { callId } = event;
      switch (event.type) {
        case "crisis.detected": {
          const { category, provider } = event;
          const text = "What the caller said calls for a person at once. Open the console and take the call over.";
          return once(callId, "crisis", `A caller is in need (${category})`, text, { category, provider });
        }
        case "human.asked": {
          const { reason, ticket } = event;
          if (reason === "crisis") return once(callId, "crisis", "A caller is in need", "The agent asks for a person at once.", { ticket });
          return once(callId, "caller", "A caller asks for a person", "Call back, or take the call over while it lasts.", { ticket });
        }
        case "human.briefed":
          // Each time: it may be another person, or about something else.
          briefings += 1;
          return tell(
            callId,
            `${callId}-briefing${briefings}`,
            "briefing",
            `A caller is put through to ${event.target}`,
            event.briefing,
            {},
          );
        // Not when its link opens: that may only stand by.
        case "turn.ended":
          return outage(callId, event.provider);
        case "call.ended":
          for (const reason of ["crisis", "caller", "outage"]) told.delete(`${callId}-${reason}`);
          return;
        default:
          return;
      }
    },
  };
}
