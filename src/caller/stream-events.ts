import type { CallerSignal } from "./dialect.ts";
import { digit, word, type JsonObject } from "./wire-json.ts";

/** What media streams in Twilio's manner say beside `start` and `media`: the same words with every carrier. */
export function streamEvent(wire: JsonObject, event: string): CallerSignal {
  switch (event) {
    case "dtmf":
      return { type: "dtmf", digit: digit(wire, "dtmf", "digit") };
    case "mark":
      return { type: "mark", name: word(wire, "mark", "name") };
    case "stop":
      return { type: "stop" };
    default:
      return { type: "ignored", event: event.slice(0, 64) };
  }
}
