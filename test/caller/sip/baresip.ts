import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "./free-ports.ts";

export interface PhoneOptions {
  /** As in baresip's accounts: "PCMU", "G722/16000/1", "opus/48000/2". */
  readonly codec?: string;
  readonly transport?: "udp" | "tcp" | "tls";
  /** Further parameters of the account, such as "mediaenc=srtp-mand". */
  readonly account?: string;
  /** pcm16 that it says, over and over, at the codec's rate and channels. */
  readonly says?: { readonly samples: Int16Array; readonly rateHz: number; readonly channels: number };
  /** Certificates that it believes, as PEM. */
  readonly ca?: string;
  /** Picks up when called. */
  readonly answers?: boolean;
}

interface PhoneEvent {
  readonly type: string;
  readonly param?: string;
}

/** A softphone of another make, driven over its control socket. */
export class Baresip implements AsyncDisposable {
  readonly #folder: string;
  readonly #child: ReturnType<typeof spawn>;
  readonly #control: Socket;
  readonly port: number;
  readonly events: PhoneEvent[] = [];
  readonly output: readonly string[];
  #wake: () => void = () => {};

  private constructor(folder: string, child: ReturnType<typeof spawn>, control: Socket, port: number, output: readonly string[]) {
    this.#folder = folder;
    this.#child = child;
    this.#control = control;
    this.port = port;
    this.output = output;
    let waiting = Buffer.alloc(0);
    control.on("error", () => {});
    control.on("data", (bytes: Buffer) => {
      waiting = Buffer.concat([waiting, bytes]);
      for (;;) {
        const colon = waiting.indexOf(":");
        const length = Number(waiting.toString("latin1", 0, colon));
        if (colon < 0 || waiting.length < colon + length + 2) return;
        const message = JSON.parse(waiting.toString("utf8", colon + 1, colon + 1 + length)) as Record<string, unknown>; // Its own promise.
        waiting = waiting.subarray(colon + length + 2);
        if (message["event"] === true) this.events.push(message as unknown as PhoneEvent); // Events have a type.
        this.#wake();
      }
    });
  }

  static async start(options: PhoneOptions = {}): Promise<Baresip> {
    // A port that was free a moment ago may be taken by the next phone.
    for (let tries = 1; ; tries += 1) {
      try {
        return await Baresip.#launch(options);
      } catch (error) {
        if (tries === 3) throw error;
      }
    }
  }

  static async #launch(options: PhoneOptions): Promise<Baresip> {
    const [sip, tls, control, rtp] = await freePorts();
    const folder = mkdtempSync(join(tmpdir(), "baresip-"));
    const { codec = "PCMU", transport = "udp", says } = options;
    const source = says ?? { samples: new Int16Array(8_000), rateHz: 8_000, channels: 1 };
    writeFileSync(join(folder, "says.wav"), pcm16Wav(source.samples, source.rateHz, source.channels));
    if (options.ca !== undefined) writeFileSync(join(folder, "ca.pem"), options.ca);
    const account = [
      `<sip:phone@127.0.0.1:${transport === "tls" ? tls : sip};transport=${transport}>`,
      "regint=0",
      `audio_codecs=${codec}`,
    ];
    if (options.account !== undefined) account.push(options.account);
    if (options.answers === true) account.push("answermode=auto");
    writeFileSync(join(folder, "accounts"), `${account.join(";")}\n`);
    writeFileSync(join(folder, "contacts"), "");
    const modules = ["g711", "g722", "opus", "aufile", "aubridge", "sndfile", "srtp", "plc"].map((name) => `module ${name}.so`);
    const config = [
      `sip_listen 127.0.0.1:${sip}`,
      "net_interface 127.0.0.1",
      `audio_source aufile,${join(folder, "says.wav")}`,
      "audio_player aubridge,dummy",
      "audio_buffer 20-160",
      "jitter_buffer_delay 2-10",
      `rtp_ports ${rtp}-${(rtp ?? 0) + 20}`,
      "module_path /usr/lib/baresip/modules",
      ...modules,
      "module_tmp account.so",
      "module_app menu.so",
      "module_app ctrl_tcp.so",
      `snd_path ${folder}`,
      `ctrl_tcp_listen 127.0.0.1:${control}`,
      ...(options.ca === undefined ? [] : [`sip_cafile ${join(folder, "ca.pem")}`]),
    ];
    writeFileSync(join(folder, "config"), `${config.join("\n")}\n`);
    const child = spawn("baresip", ["-f", folder, "-4", "-v"], { stdio: ["ignore", "pipe", "pipe"] });
    const output: string[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes: Buffer) => void output.push(bytes.toString()));
    const socket = await connected(control ?? 0, child, output);
    if (socket !== undefined) return new Baresip(folder, child, socket, sip ?? 0, output);
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
    throw new Error(`baresip does not listen: ${output.join("").slice(-500)}`);
  }

  command(command: string, params = ""): void {
    const text = JSON.stringify({ command, params, token: "t" });
    this.#control.write(`${Buffer.byteLength(text)}:${text},`);
  }

  /** The first event of that type after the first `skip`. */
  async event(type: string, skip = 0): Promise<PhoneEvent> {
    for (;;) {
      const found = this.events.filter((event) => event.type === type)[skip];
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Ends it, and gives what it heard, as samples of the codec's rate, channels interleaved. */
  async heard(): Promise<Int16Array> {
    await this.#quit();
    const name = readdirSync(this.#folder).find((each) => each.endsWith("-dec.wav"));
    if (name === undefined) return new Int16Array(0);
    const bytes = readFileSync(join(this.#folder, name)).subarray(44);
    return new Int16Array(new Uint8Array(bytes).buffer, 0, bytes.length >> 1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#quit();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #quit(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    this.command("quit");
    const late = setTimeout(() => this.#child.kill("SIGKILL"), 3_000);
    await gone;
    clearTimeout(late);
    this.#control.destroy();
  }
}

/** The control socket, once the phone says that it is ready; undefined: it never will be. */
async function connected(port: number, child: ReturnType<typeof spawn>, output: readonly string[]): Promise<Socket | undefined> {
  const isReady = (): boolean => output.join("").includes("baresip is ready");
  await new Promise<void>((resolve) => {
    child.stdout?.on("data", () => isReady() && resolve());
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  if (!isReady()) return undefined;
  const socket = connect(port, "127.0.0.1");
  return new Promise((resolve) => {
    socket.once("connect", () => resolve(socket));
    socket.once("error", () => resolve(undefined));
  });
}

export function pcm16Wav(samples: Int16Array, rateHz: number, channels = 1): Buffer {
  const header = Buffer.alloc(44);
  header.write("RIFF", 0);
  header.writeUInt32LE(36 + samples.byteLength, 4);
  header.write("WAVEfmt ", 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(channels, 22);
  header.writeUInt32LE(rateHz, 24);
  header.writeUInt32LE(rateHz * channels * 2, 28);
  header.writeUInt16LE(channels * 2, 32);
  header.writeUInt16LE(16, 34);
  header.write("data", 36);
  header.writeUInt32LE(samples.byteLength, 40);
  return Buffer.concat([header, Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength)]);
}
