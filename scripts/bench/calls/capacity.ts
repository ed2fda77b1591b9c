// What the measured figures mean for machines; nothing in it is measured that is not in the run.
import type { Figures } from "./figures.ts";
import { at } from "./plans.ts";
import { quotas } from "./quotas.ts";
import { callsIn } from "./table.ts";

/** A core that is busier than this has no room for a burst of calls, a scrape or a reconnect of them all. */
const plannedShare = 0.6;
const planned = [1_000, 100_000, 1_000_000];
const machines = [
  { cores: 2, memoryGb: 4 },
  { cores: 16, memoryGb: 32 },
] as const;
type Machine = (typeof machines)[number];
const gigabit = 1e9 / 8;
/** Linux gives outgoing connections to one address so many ports unless told otherwise (32768-60999). */
const portsToOneAddress = 28_232;
/** The soft limit of open files that most systems give a process. Node raises its own to the hard one where it may. */
const usualFiles = 1_024;
const filesACall = 2;

/** Markdown. */
export function capacityPage(figures: Figures): string {
  const own = "linekeeper";
  const step = figures.step.bind(figures);
  const cpuMs = step(own, at.cpu, (figure) => figure.cpuMs).median;
  const transcodingMs = step("linekeeper-pcm", at.cpu, (figure) => figure.cpuMs).median;
  const residentKb = figures.memory(own, at.cpu, (memory) => memory.residentKb).median;
  const bytesPerSecond = step(own, at.cpu, (figure) => figure.bytesPerCallSecond).median;
  const most = figures.mostCalls(own);
  const perCore = Math.floor(Math.min((plannedShare * 1_000) / cpuMs, most?.median ?? Infinity));
  const perGb = Math.floor(1e6 / residentKb);
  const processMb =
    step(own, at.cpu, (figure) => figure.residentKb - (figure.memory?.residentKb ?? Number.NaN) * figure.calls).median / 1_000;
  /** Of a process that shares its port, to one alone; what was not measured is taken as no loss. */
  const shared = figures.twoToOne(at.cpu).median / 2 || 1;
  const onAll = ({ cores }: Machine): number => Math.floor(perCore * cores * Math.min(1, shared));
  const inMemory = ({ cores, memoryGb }: Machine): number =>
    Math.max(0, Math.floor((memoryGb * 1e6 - cores * processMb * 1e3) / residentKb));
  const nodes = (calls: number, machine: Machine, costs = 1): string =>
    Math.ceil(calls / Math.min(onAll(machine) / costs, inMemory(machine))).toLocaleString("en");
  const [smallest] = machines;
  const transcoded = (calls: number, machine: Machine): string =>
    Number.isNaN(transcodingMs) ? "not measured" : nodes(calls, machine, transcodingMs / cpuMs);
  const limits = [
    {
      what: `open files, ${filesACall} a call, where a process may open ${usualFiles}`,
      calls: Math.floor(usualFiles / filesACall),
      then: "raise the limit (`ulimit -n`, `LimitNOFILE`)",
    },
    {
      what: `a core, at ${plannedShare * 100} % of its time`,
      calls: perCore,
      then: "a process a core; above its measured load a node refuses new calls in words that carriers understand",
    },
    {
      what: `memory of ${smallest.memoryGb} GB, with ${smallest.cores} processes in it`,
      calls: inMemory(smallest),
      then: "more of it, or more nodes",
    },
    {
      what: "ports from one address to one provider's address",
      calls: portsToOneAddress,
      then: "`net.ipv4.ip_local_port_range`, or a second address",
    },
    { what: "a gigabit each way", calls: Math.floor((2 * gigabit) / bytesPerSecond), then: "more nodes" },
  ];
  return [
    "# Capacity",
    "",
    "Computed from [the figures](README.md) of the last measured run: telephone calls (Twilio, µ-law) to one speech-to-speech provider with the same encoding, both sides talking all the time, on cores like the measured one. TLS is not in it: towards callers it is best ended in front, towards providers it is the server's own. Nor are speech models on the same machine.",
    "",
    `- **Processor**: ${cpuMs.toFixed(2)} ms a call and second, so ${perCore} calls a core at ${plannedShare * 100} % of its time; the rest is for bursts, scrapes, and a reconnect of all calls at once. The most calls with 99 % of the frames within 20 ms were ${callsIn(most) ?? "not measured"}. A call that is transcoded (8 to 16 and 24 to 8 kHz) takes ${Number.isNaN(transcodingMs) ? "what was not measured" : `${transcodingMs.toFixed(2)} ms`}.`,
    `- **Memory**: ${residentKb.toFixed(0)} kB a call, ${perGb.toLocaleString("en")} calls a GB, beside ${processMb.toFixed(0)} MB of each process itself, its garbage included.`,
    `- **Network**: ${(bytesPerSecond / 1_000).toFixed(0)} kB/s a call, both sides and both ways; a gigabit each way carries ${Math.floor((2 * gigabit) / bytesPerSecond).toLocaleString("en")} calls.`,
    `- **Processes**: ${Number.isNaN(figures.twoToOne(at.cpu).median) ? "what sharing a port costs was not measured, and is not in the table" : `two behind one port carry ${figures.twoToOne(at.cpu).median.toFixed(2)} times the calls of one, by processor time; the table counts with ${(100 * Math.min(1, shared)).toFixed(0)} % of a core's calls for each of them`}.`,
    "",
    "## Nodes",
    "",
    `| calls at once | ${machines.map(({ cores, memoryGb }) => `machines of ${cores} cores and ${memoryGb} GB, a process a core | the same, all calls transcoded`).join(" | ")} | network each way, Gbit/s | provider sessions at once |`,
    `| --- | ${machines.map(() => "--- | ---").join(" | ")} | --- | --- |`,
    ...planned.map(
      (calls) =>
        `| ${calls.toLocaleString("en")} | ${machines.map((machine) => `${nodes(calls, machine)} | ${transcoded(calls, machine)}`).join(" | ")} | ${((calls * bytesPerSecond) / gigabit / 2).toFixed(2)} | ${calls.toLocaleString("en")} |`,
    ),
    "",
    "## What providers allow",
    "",
    "A call is a session at its provider, and what an account may open is agreed on, not measured. Before anything is agreed on:",
    "",
    "| provider | sessions at a time | accounts for 1,000 calls | source |",
    "| --- | --- | --- | --- |",
    ...quotas.map(
      ({ provider, sessions, source }) =>
        `| ${provider} | ${sessions?.toLocaleString("en") ?? "not known"} | ${sessions === undefined ? "?" : Math.ceil(1_000 / sessions)} | ${source} |`,
    ),
    "",
    "## What breaks first",
    "",
    "As calls grow, in this order on one machine:",
    "",
    "| what | at | then |",
    "| --- | --- | --- |",
    "| the provider's quota | see above | calls go to the next tier; the last is answered here |",
    ...limits
      .sort((one, other) => one.calls - other.calls)
      .map(({ what, calls, then }) => `| ${what} | ${calls.toLocaleString("en")} calls | ${then} |`),
    "",
    "Beyond one machine nodes share nothing, and none knows of another's calls: whoever spreads calls over them has to bring a caller back to the same node. What they meet together is the carrier's limit of new calls a second, the providers' quotas above, and whoever gathers logs (a line for each thing that happens to a call) and scrapes metrics.",
    "",
  ].join("\n");
}
