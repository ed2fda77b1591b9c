import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, vi } from "vitest";
import { openSipHouse } from "./sip-house.ts";
import { has, sipp, steps } from "./sipp.ts";

vi.setConfig({ testTimeout: 60_000 });

const { invite, answered, ack, request, expect: expects, pause } = steps;

/** A proxy that stays in the way of every request of a call, as trunks have them. */
async function openProxy(behind: number): Promise<AsyncDisposable & { readonly port: number; readonly output: readonly string[] }> {
  const probe = createSocket("udp4");
  const port = await new Promise<number>((resolve) => probe.bind(0, "127.0.0.1", () => resolve(probe.address().port)));
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  const folder = mkdtempSync(join(tmpdir(), "kamailio-"));
  const config = `#!KAMAILIO
debug=1
log_stderror=yes
children=1
auto_aliases=no
listen=udp:127.0.0.1:${port}
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "tmx.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
request_route {
  if (!mf_process_maxfwd_header("10")) { exit; }
  if (has_totag()) {
    if (loose_route()) { t_relay(); exit; }
    if (is_method("ACK")) { if (t_check_trans()) { t_relay(); } exit; }
    sl_send_reply("404", "Not here");
    exit;
  }
  if (is_method("CANCEL")) { if (t_check_trans()) { t_relay(); } exit; }
  record_route();
  $du = "sip:127.0.0.1:${behind}";
  t_relay();
}
`;
  writeFileSync(join(folder, "kamailio.cfg"), config);
  const child = spawn("kamailio", [
    "-f",
    join(folder, "kamailio.cfg"),
    "-DD",
    "-E",
    "-P",
    join(folder, "pid"),
    "-Y",
    folder,
    "-m",
    "32",
    "-M",
    "4",
  ]);
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes: Buffer) => void output.push(bytes.toString()));
  return {
    port,
    output,
    async [Symbol.asyncDispose]() {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), 5_000);
      await gone;
      clearTimeout(late);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

describe.skipIf(!has("kamailio") || !has("sipp"))("behind Kamailio", () => {
  test("a call goes through the proxy from its first message to its last, in both directions", async ({ expect }) => {
    await using house = await openSipHouse({}, { echo: true });
    await using proxy = await openProxy(house.port);
    const caller = [
      invite(),
      answered.replace(
        '<recv response="100" optional="true"/>',
        '<recv response="100" optional="true"/><recv response="100" optional="true"/>',
      ),
      ack,
    ];
    const refresh = `${request("INVITE", 2, [], "[rtpstream_audio_port] RTP/AVP 0")}\n<recv response="100" optional="true"/><recv response="200"/>\n${request("ACK", 2)}`;
    const bye = `${request("BYE", 3)}\n${expects(200)}`;
    await expect
      .poll(() => sipp(proxy.port, [...caller, pause(200), refresh, pause(100), bye].join("\n")).then(({ code }) => code), {
        timeout: 30_000,
      })
      .toBe(0);
    expect(house.reception.last.signals).toEqual([{ type: "hung-up" }]);
    expect(house.endpoint.size).toBe(0);

    const listening = sipp(proxy.port, [...caller, throughProxy, reply200].join("\n"));
    await expect.poll(() => house.endpoint.size, { timeout: 20_000 }).toBe(1);
    house.reception.last.leg.close({ reason: "done" });
    const run = await listening;
    expect(run.code, run.output + proxy.output.join("").slice(-1_000)).toBe(0);
    expect(run.output).toMatch(/BYE <-+\s+1/);
  });
});

/** A goodbye that came straight from us would have one Via only. */
const throughProxy =
  '<recv request="BYE"><action><ereg regexp="Via:.*Via:" search_in="msg" check_it="true" assign_to="1"/></action></recv>\n<Reference variables="1"/>';

const reply200 = `<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_Record-Route:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0
]]></send>`;
