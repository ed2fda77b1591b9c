// What the measured figures mean for machines; nothing in it is measured that is not in the run.
import type { Figures } from "./figures.ts";
import { at } from "./plans.ts";

/** A core that is busier than this has no room for a burst of calls, a scrape or a reconnect of them all. */
const plannedShare = 0.6;
const planned = [1_000, 100_000, 1_000_000];
const machines = [
  { cores: 2, memoryGb: 4 },
  { cores: 16, memoryGb: 32 },
];
const gigabit = 1e9 / 8;
/** Linux gives outgoing connections to one address so many ports unless told otherwise (32768-60999). */
const portsToOneAddress = 28_232;
/** The soft limit of open files that most systems give a process. */
const usualFiles = 1_024;
const filesACall = 2;

/** Markdown. */
export function capacityPage(figures: Figures): string {
  const own = "linekeeper";
  const step = figures.step.bind(figures);
  const cpuMs = step(own, at.cpu, (figure) => figure.cpuMs).median;
  const residentKb = figures.memory(own, at.cpu, (memory) => memory.residentKb).median;
  const bytesPerSecond = step(own, at.cpu, (figure) => figure.bytesPerCallSecond).median;
  const most = figures.mostCalls(own)?.median ?? Number.NaN;
  const perCore = Math.floor(Math.min((plannedShare * 1_000) / cpuMs, Number.isNaN(most) ? Infinity : most));
  const perGb = Math.floor(1e6 / residentKb);
  const nodes = (calls: number, cores: number): string => String(Math.ceil(calls / (perCore * cores)));
  const lines = [
    "## Capacity",
    "",
    "Computed from the figures above: telephone calls (Twilio, µ-law) to one speech-to-speech provider with the same encoding, both sides talking all the time, on cores like the measured one. Speech models on the same machine, transcoding and TLS are not in it.",
    "",
    `- A core at ${plannedShare * 100} % of its time: ${perCore} calls (${cpuMs.toFixed(2)} ms of processor time a call and second; the most with p99 within 20 ms were ${Number.isNaN(most) ? "not measured" : most}).`,
    `- Memory: ${residentKb.toFixed(0)} kB a call, ${perGb} calls a GB.`,
    `- Network: ${(bytesPerSecond / 1_000).toFixed(0)} kB/s a call, both sides and both ways; a gigabit carries ${Math.floor(gigabit / bytesPerSecond)} calls.`,
    "",
    `| calls at once | ${machines.map(({ cores, memoryGb }) => `machines of ${cores} cores and ${memoryGb} GB, a process a core`).join(" | ")} | network, Gbit/s | provider sessions at once |`,
    `| --- | ${machines.map(() => "---").join(" | ")} | --- | --- |`,
    ...planned.map(
      (calls) =>
        `| ${calls} | ${machines.map(({ cores }) => nodes(calls, cores)).join(" | ")} | ${((calls * bytesPerSecond) / gigabit).toFixed(1)} | ${calls} |`,
    ),
    "",
    "What breaks first as calls grow:",
    "",
    `1. The provider's quota: a call is a session there, and what an account may open at once is by contract, not by machine. Beyond it calls go to the next tier.`,
    `2. Open files: ${filesACall} a call, so a process that may open ${usualFiles} is full at ${Math.floor(usualFiles / filesACall)} calls; raise the limit.`,
    `3. A core: at ${perCore} calls by the share above. A process uses one.`,
    `4. Memory: with ${machines[0]?.memoryGb} GB at ${(machines[0]?.memoryGb ?? 0) * perGb} calls.`,
    `5. Network: at ${Math.floor(gigabit / bytesPerSecond)} calls a gigabit.`,
    `6. Ports: ${portsToOneAddress} connections from one address of ours to one of the provider's.`,
    "7. Whatever is one for all nodes: the carrier's limit of calls a second, the log's and the records' storage, the scraper of the metrics.",
    "",
  ];
  return lines.join("\n");
}
