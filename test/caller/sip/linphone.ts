import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "./free-ports.ts";

/** A softphone of a third make, driven by its command line. */
export class Linphone implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  readonly #child: ChildProcess;
  #output = "";
  #wake: () => void = () => {};

  private constructor(folder: string, child: ChildProcess, port: number) {
    this.port = port;
    this.#folder = folder;
    this.#child = child;
    child.once("exit", () => this.#wake());
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (bytes: Buffer) => {
        this.#output += bytes.toString();
        this.#wake();
      });
  }

  /** @param answers picks up when called */
  static async start(answers = false): Promise<Linphone> {
    const [sip, rtp] = await freePorts();
    const folder = mkdtempSync(join(tmpdir(), "linphone-"));
    mkdirSync(join(folder, ".local/share/linphone"), { recursive: true });
    const settings = [
      "[sip]",
      "bind_address=127.0.0.1",
      `sip_port=${sip}`,
      "sip_tcp_port=-1",
      "sip_tls_port=-1",
      "default_proxy=-1",
      "[rtp]",
      `audio_rtp_port=${rtp}`,
      "[net]",
      "firewall_policy=0",
    ];
    writeFileSync(join(folder, "rc"), `${settings.join("\n")}\n`);
    const env = { ...process.env, HOME: folder };
    const child = spawn("linphonec", ["-c", join(folder, "rc"), ...(answers ? ["-a"] : [])], { cwd: folder, env });
    const phone = new Linphone(folder, child, sip ?? 0);
    await phone.says("linphonec>");
    phone.command("soundcard use files");
    return phone;
  }

  command(text: string): void {
    this.#child.stdin?.write(`${text}\n`);
  }

  /** What it has printed so far. */
  get output(): string {
    return this.#output;
  }

  /** It has printed that. */
  async says(text: string): Promise<void> {
    while (!this.#output.includes(text)) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null)
        throw new Error(`linphonec is gone: ${this.#output.slice(-500)}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  file(name: string): string {
    return join(this.#folder, name);
  }

  write(name: string, bytes: Uint8Array): void {
    writeFileSync(this.file(name), bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const gone = new Promise((resolve) => this.#child.once("exit", resolve));
      this.command("quit");
      const late = setTimeout(() => this.#child.kill("SIGKILL"), 5_000);
      await gone;
      clearTimeout(late);
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
