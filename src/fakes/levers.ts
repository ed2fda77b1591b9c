import type { Panel } from "./panel.ts";

interface Lever {
  readonly name: string;
  /** What its argument is, for people; empty for none. In brackets: may be left out. */
  readonly takes: string;
  readonly does: string;
  /** @throws {RangeError} saying what is wrong with the argument */
  pull(panel: Panel, argument: string): void;
}

/** The faults of a panel by name, for people at a keyboard or a page. They last until `serve`, but for those that strike once. */
export const levers: readonly Lever[] = [
  {
    name: "kill",
    takes: "",
    does: "be gone: cut every connection, refuse new ones",
    pull: (panel) => {
      panel.refuse(503);
      panel.drop("rst");
    },
  },
  {
    name: "drop",
    takes: "[close code]",
    does: "cut every connection once; without a code by a reset",
    pull: (panel, code) => panel.drop(code === "" ? "rst" : closeCode(code)),
  },
  {
    name: "refuse",
    takes: "[status]",
    does: "refuse new connections, 503 by default",
    pull: (panel, status) => panel.refuse(whole(status, 503, 400, 599), { retryAfterS: 2 }),
  },
  {
    name: "flap",
    takes: "[ms]",
    does: "take new connections and close them soon after",
    pull: (panel, ms) => panel.acceptThenClose(whole(ms, 1_000, 0, 60_000)),
  },
  { name: "hang", takes: "", does: "take everything and send nothing", pull: (panel) => panel.goSilent() },
  { name: "deaf", takes: "", does: "read nothing more", pull: (panel) => panel.goDeaf() },
  {
    name: "slow",
    takes: "[ms]",
    does: "send everything so much later",
    pull: (panel, ms) => panel.slow(whole(ms, 500, 0, 60_000)),
  },
  { name: "key", takes: "", does: "know the key no more", pull: (panel) => (panel.opening = { type: "bad-key" }) },
  { name: "quota", takes: "", does: "be out of money", pull: (panel) => panel.quota() },
  { name: "expire", takes: "", does: "end every session by its time limit", pull: (panel) => panel.expire() },
  {
    name: "ending",
    takes: "[seconds]",
    does: "tell that sessions end in so long",
    pull: (panel, seconds) => panel.endsIn(whole(seconds, 30, 1, 7_200) * 1_000),
  },
  {
    name: "garbage",
    takes: "[messages]",
    does: "send broken messages",
    pull: (panel, count) => void panel.garbage(whole(count, 200, 1, 10_000), 1),
  },
  { name: "say", takes: "text", does: "answer with this next", pull: (panel, text) => panel.reply(words(text)) },
  { name: "serve", takes: "", does: "be well again", pull: (panel) => panel.serve() },
];

function whole(argument: string, otherwise: number, min: number, max: number): number {
  if (argument === "") return otherwise;
  const value = Number(argument);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`"${argument}" is no whole number from ${min} to ${max}`);
}

/** One that may travel in a close frame (RFC 6455, section 7.4). */
function closeCode(argument: string): number {
  if (/^(100[0-37-9]|101[0-4]|[34]\d{3})$/.test(argument)) return Number(argument);
  throw new RangeError(`"${argument}" is no close code that can be sent, such as 1011`);
}

function words(text: string): string {
  if (text !== "") return text;
  throw new RangeError("there is nothing to say");
}
