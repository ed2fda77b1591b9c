import { randomBytes } from "node:crypto";
import { Refused } from "./caller-socket.ts";
import { TwilioCaller } from "./twilio.ts";
import { readTwiml, type TwimlElement } from "./twiml-reader.ts";

/** What a telephone needs of the account that it belongs to. */
export interface PhoneCloud {
  readonly accountSid: string;
  readonly errors: string[];
  readonly secondMs: number;
  sign(url: string): string;
  locate(url: string): string;
  ask(url: string, fields: Readonly<Record<string, string>>): Promise<string | undefined>;
}

/** Who calls whom. */
export interface PlacedPhone {
  readonly from: string;
  readonly to: string;
  /** The number's voice webhook. */
  readonly voiceUrl: string;
  readonly direction: "inbound" | "outbound-api";
  readonly statusCallback: string | undefined;
}

const frameMs = 20;
const frameBytes = 160;
const silence = Buffer.alloc(frameBytes, 0xff);
const sid = (prefix: string): string => prefix + randomBytes(16).toString("hex");

/** One telephone call: follows the TwiML it is told, streams in real time, and comes to an end. */
export class TwilioPhone {
  readonly callSid = sid("CA");
  readonly about: PlacedPhone;
  /** What happened to it, in order: documents asked for, verbs played. */
  readonly history: string[] = [];
  /** Each stream it had, the present one last. */
  readonly streams: TwilioCaller[] = [];
  /** Who is dialled, and what they do: "answers" until `personHangsUp`, or a DialCallStatus. */
  person: (target: string) => "answers" | "busy" | "no-answer" | "failed" = () => "answers";
  readonly over: Promise<void>;
  isOver = false;
  readonly #cloud: PhoneCloud;
  readonly #ended = Promise.withResolvers<void>();
  readonly #gone = Promise.withResolvers<"gone">();
  #voice: Buffer = Buffer.alloc(0);
  #personLeft = Promise.withResolvers<void>();

  constructor(cloud: PhoneCloud, about: PlacedPhone) {
    this.#cloud = cloud;
    this.about = about;
    this.over = this.#ended.promise;
  }

  get stream(): TwilioCaller {
    const last = this.streams.at(-1);
    if (last === undefined) throw new Error("there was no stream yet");
    return last;
  }

  ring(): void {
    void this.#live();
  }

  /** Speaks this µ-law audio after what is being said, in real time, on whatever stream there is. */
  says(audio: Uint8Array): void {
    this.#voice = Buffer.concat([this.#voice, audio]);
  }

  get isSpeaking(): boolean {
    return this.#voice.length > 0;
  }

  /** The person at this end hangs up. */
  hangUp(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#gone.resolve("gone");
    this.streams.at(-1)?.hangUp();
  }

  /** The person that the call was sent on to hangs up. */
  personHangsUp(): void {
    this.#personLeft.resolve();
  }

  /** The result of answering machine detection is told there. */
  detectsMachine(url: string): void {
    this.#machineUrl = url;
  }

  /** Tells who answered. */
  async answeredBy(who: string): Promise<void> {
    if (this.#machineUrl !== undefined) await this.#ask("machine", this.#machineUrl, { AnsweredBy: who });
  }
  #machineUrl: string | undefined;

  async #live(): Promise<void> {
    try {
      await this.#follow(await this.#ask("voice", this.about.voiceUrl));
    } catch (error) {
      this.#cloud.errors.push(error instanceof Error ? error.message : String(error));
    }
    this.isOver = true;
    this.#gone.resolve("gone");
    this.history.push("over");
    if (this.about.statusCallback !== undefined) await this.#ask("status", this.about.statusCallback, { CallStatus: "completed" });
    this.#ended.resolve();
  }

  async #follow(document: string | undefined): Promise<void> {
    if (document === undefined) return;
    for (const verb of readTwiml(document)) {
      if (this.isOver) return;
      this.history.push(describe(verb));
      if (verb.name === "Hangup" || verb.name === "Reject") return;
      if (verb.name === "Redirect") return this.#follow(await this.#ask("redirect", verb.text));
      if (verb.name === "Pause") await this.#wait(Number(verb.attributes["length"] ?? "1") * this.#cloud.secondMs);
      if (verb.name === "Connect" || verb.name === "Dial") {
        const result = verb.name === "Connect" ? await this.#connect(verb) : await this.#dial(verb);
        const action = verb.attributes["action"];
        if (action === undefined) continue;
        const next = await this.#ask("action", action, result);
        return this.isOver ? undefined : this.#follow(next);
      }
    }
  }

  async #connect({ children }: TwimlElement): Promise<Record<string, string>> {
    const [noun] = children;
    const url = noun?.attributes["url"] ?? "";
    if (noun === undefined || !url.startsWith("ws")) throw new Error(`31922: a Stream needs a wss address, not "${url}"`);
    const parameters = Object.fromEntries(noun.children.map(({ attributes }) => [attributes["name"] ?? "", attributes["value"] ?? ""]));
    for (const [name, value] of Object.entries(parameters))
      if (name.length + value.length >= 500) throw new Error(`the parameter ${name} is too long`);
    const told = noun.attributes["statusCallback"];
    const stream = { accountSid: this.#cloud.accountSid, callSid: this.callSid, streamSid: sid("MZ"), parameters };
    const tell = async (event: string, error?: string): Promise<void> => {
      const fields = { StreamSid: stream.streamSid, StreamEvent: event, ...(error !== undefined && { StreamError: error }) };
      if (told !== undefined) await this.#ask(event, told, fields);
    };
    try {
      const headers = { "x-twilio-signature": this.#cloud.sign(url), "user-agent": "Twilio.TmeWs/1.0" };
      // Twilio drops a query.
      const caller = await TwilioCaller.connect(this.#cloud.locate(url.split("?")[0] ?? ""), stream, { headers });
      this.streams.push(caller);
      await caller.start();
      this.#talk(caller);
      if (this.isOver) caller.hangUp();
      await tell("stream-started");
      await caller.closed;
      await tell("stream-stopped");
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#cloud.errors.push(`31920: ${error.message}`);
      await tell("stream-error", "31920");
    }
    return {};
  }

  /** Fifty frames a second on an absolute clock, and the loudspeaker with them. */
  #talk(caller: TwilioCaller): void {
    let open = true;
    void caller.closed.then(() => (open = false));
    const began = performance.now();
    let frames = 0;
    const beat = (): void => {
      if (!open) return;
      for (; frames * frameMs <= performance.now() - began; frames += 1) {
        const frame = this.#voice.subarray(0, frameBytes);
        this.#voice = this.#voice.subarray(frame.length);
        caller.speak(frame.length < frameBytes ? Buffer.concat([frame, silence.subarray(frame.length)]) : frame);
        caller.play(frameMs);
      }
      setTimeout(beat, frameMs / 2);
    };
    beat();
  }

  async #dial({ children }: TwimlElement): Promise<Record<string, string>> {
    const [noun] = children;
    if (noun === undefined) throw new Error("13225: nobody is to be dialled");
    const child = sid("CA");
    const does = this.person(noun.text);
    if (does !== "answers") return { DialCallStatus: does, DialCallSid: child };
    const told = noun.attributes["statusCallback"];
    const fields = { CallSid: child, ParentCallSid: this.callSid, CallStatus: "in-progress" };
    if (told !== undefined) await this.#ask("person answered", told, fields);
    const whisper = noun.attributes["url"];
    if (whisper !== undefined) await this.#ask("person is briefed", whisper, fields);
    await Promise.race([this.#personLeft.promise, this.#gone.promise]);
    this.#personLeft = Promise.withResolvers();
    return { DialCallStatus: "completed", DialCallSid: child, DialCallDuration: "1" };
  }

  #ask(what: string, url: string, fields: Readonly<Record<string, string>> = {}): Promise<string | undefined> {
    this.history.push(what);
    const { from, to, direction } = this.about;
    const status = this.isOver ? "completed" : "in-progress";
    return this.#cloud.ask(url, { CallSid: this.callSid, CallStatus: status, From: from, To: to, Direction: direction, ...fields });
  }

  async #wait(ms: number): Promise<void> {
    await Promise.race([new Promise((resolve) => setTimeout(resolve, ms)), this.#gone.promise]);
  }
}

function describe({ name, attributes, text, children }: TwimlElement): string {
  const [noun] = children;
  const said = text.trim() === "" ? (noun?.text ?? attributes["reason"] ?? "") : text.trim();
  return said === "" ? `<${name}>` : `<${name}> ${said}`;
}
