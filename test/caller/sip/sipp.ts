import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Real peers are driven where they are installed; where every test must run, a missing one is a failure. */
export function has(program: string): boolean {
  if (process.env["LINEKEEPER_TEST_NEEDS"] === "all") return true;
  try {
    execFileSync("which", [program], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

export interface SippRun {
  /** 0: every call went as the scenario says. */
  readonly code: number | null;
  readonly output: string;
}

/** A file that sipp can play, until disposed. */
export function sippFile(name: string, bytes: Uint8Array): Disposable & { readonly path: string } {
  const folder = mkdtempSync(join(tmpdir(), "sipp-"));
  writeFileSync(join(folder, name), bytes);
  return { path: join(folder, name), [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

/** One run of sipp against a local port: its scenario as a list of steps, its options as on its command line. */
export async function sipp(port: number, steps: string, options: readonly string[] = []): Promise<SippRun> {
  const folder = mkdtempSync(join(tmpdir(), "sipp-"));
  const scenario = join(folder, "scenario.xml");
  writeFileSync(scenario, `<?xml version="1.0" encoding="ISO-8859-1"?>\n<scenario name="test">\n${steps}\n</scenario>\n`);
  const given = [
    "-sf",
    scenario,
    "-i",
    "127.0.0.1",
    "-mi",
    "127.0.0.1",
    "-nostdin",
    "-timeout",
    "80",
    "-timeout_error",
    "-trace_err",
    "-error_file",
    join(folder, "errors"),
  ];
  const child = spawn("sipp", [`127.0.0.1:${port}`, ...given, ...(options.includes("-m") ? [] : ["-m", "1"]), ...options], { cwd: folder });
  let output = "";
  child.stdout.on("data", (bytes: Buffer) => (output = (output + bytes.toString()).slice(-6_000)));
  child.stderr.on("data", (bytes: Buffer) => (output = (output + bytes.toString()).slice(-6_000)));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  try {
    output += execFileSync("head", ["-c", "6000", join(folder, "errors")], { stdio: ["ignore", "pipe", "ignore"] }).toString();
  } catch {
    // No errors, no file.
  }
  rmSync(folder, { recursive: true, force: true });
  return { code, output };
}

const via = "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]";
const from = "From: sipp <sip:sipp@[local_ip]:[local_port]>;tag=[pid]SIPpTag00[call_number]";
const callId = "Call-ID: [call_id]";
const contact = "Contact: <sip:sipp@[local_ip]:[local_port];transport=[transport]>";
const forwards = "Max-Forwards: 70";
const pcmu = "[rtpstream_audio_port] RTP/AVP 0 101\na=rtpmap:0 PCMU/8000\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15";

/** The steps of a caller; `sdp` is what it offers after `m=audio`. */
export const steps = {
  invite: (headers: readonly string[] = [], sdp = pcmu): string =>
    send(
      [
        "INVITE sip:bot@[remote_ip]:[remote_port] SIP/2.0",
        via,
        from,
        "To: <sip:bot@[remote_ip]:[remote_port]>",
        callId,
        "CSeq: 1 INVITE",
        contact,
        forwards,
        ...headers,
      ],
      sdp,
    ),
  answered: '<recv response="100" optional="true"/>\n<recv response="180" optional="true"/>\n<recv response="200" rrs="true" rtd="true"/>',
  ack: send(["ACK [next_url] SIP/2.0", via, from, "[last_To:]", "[routes]", callId, "CSeq: 1 ACK", contact, forwards]),
  request: (method: string, number: number, headers: readonly string[] = [], sdp = ""): string =>
    send(
      [
        `${method} [next_url] SIP/2.0`,
        via,
        from,
        "[last_To:]",
        "[routes]",
        callId,
        `CSeq: ${number} ${method}`,
        contact,
        forwards,
        ...headers,
      ],
      sdp,
    ),
  expect: (status: number): string => `<recv response="${status}"/>`,
  pause: (ms: number): string => `<pause milliseconds="${ms}"/>`,
};

function send(lines: readonly string[], sdp = ""): string {
  const body =
    sdp === ""
      ? ["Content-Length: 0", ""]
      : [
          "Content-Type: application/sdp",
          "Content-Length: [len]",
          "",
          "v=0",
          "o=- 1 1 IN IP4 [local_ip]",
          "s=-",
          "c=IN IP4 [media_ip]",
          "t=0 0",
          `m=audio ${sdp}`,
        ];
  return `<send><![CDATA[\n${[...lines, ...body].join("\n")}\n]]></send>`;
}
