import type { Panel } from "./panel.ts";

interface Lever {
  readonly name: string;
  /** What its argument is, for people; empty for none. */
  readonly takes: string;
  readonly does: string;
  pull(panel: Panel, argument: string): void;
}

const number = (argument: string, otherwise: number): number => (/^\d+$/.test(argument) ? Number(argument) : otherwise);

/** The faults of a panel by name, for people at a keyboard or a page. */
export const levers: readonly Lever[] = [
  {
    name: "drop",
    takes: "[close code]",
    does: "cut every connection; without a code by a reset",
    pull: (panel, code) => panel.drop(code === "" ? "rst" : number(code, 1011)),
  },
  {
    name: "refuse",
    takes: "[status]",
    does: "refuse new connections, 503 by default",
    pull: (panel, status) => panel.refuse(number(status, 503), { retryAfterS: 2 }),
  },
  {
    name: "flap",
    takes: "[ms]",
    does: "take new connections and close them soon after",
    pull: (panel, ms) => panel.acceptThenClose(number(ms, 1_000)),
  },
  { name: "key", takes: "", does: "know the key no more", pull: (panel) => (panel.opening = { type: "bad-key" }) },
  { name: "quota", takes: "", does: "be out of money", pull: (panel) => panel.quota() },
  { name: "expire", takes: "", does: "end every session by its time limit", pull: (panel) => panel.expire() },
  {
    name: "ending",
    takes: "[seconds]",
    does: "tell that sessions end in so long",
    pull: (panel, seconds) => panel.endsIn(number(seconds, 30) * 1_000),
  },
  { name: "silent", takes: "", does: "send nothing more", pull: (panel) => panel.goSilent() },
  { name: "deaf", takes: "", does: "read nothing more", pull: (panel) => panel.goDeaf() },
  { name: "slow", takes: "[ms]", does: "send everything so much later", pull: (panel, ms) => panel.slow(number(ms, 500)) },
  { name: "garbage", takes: "[messages]", does: "send broken messages", pull: (panel, count) => void panel.garbage(number(count, 200), 1) },
  { name: "say", takes: "text", does: "answer with this next", pull: (panel, text) => panel.reply(text) },
  { name: "serve", takes: "", does: "be well again", pull: (panel) => panel.serve() },
];
