import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { systemClock } from "../../../src/kernel/clock.ts";
import { silentLog } from "../../../src/kernel/log.ts";
import { seededRandom } from "../../../src/kernel/random.ts";
import type { Link, LinkNotice, OpenRequest } from "../../../src/provider/contract.ts";
import { createEars } from "../../../src/provider/local/ears/ears.ts";
import { local } from "../../../src/provider/local/local.ts";
import { modelFile } from "../../../src/provider/local/models.ts";
import { createMouth, type FliteMouth } from "../../../src/provider/local/mouth/mouth.ts";
import type { Ears } from "../../../src/provider/local/parts.ts";
import type { Provider } from "../../../src/provider/contract.ts";
import { wordErrors } from "../../wer.ts";
import { byTelephone, concatenated, heardIn, samplesOf, silence, speechFolder, turnsIn } from "./ears/recordings.ts";
import { agent } from "./parlour.ts";

const wanted = new AbortController().signal;
const house = (settings: Readonly<Record<string, string>> = {}) => ({
  setting: (name: string) => settings[name],
  clock: systemClock,
  log: silentLog,
});

let provider: Provider;
let ears: Ears;
let mouth: FliteMouth;
beforeAll(async () => {
  provider = await local.make(house({ LINEKEEPER_LOCAL_CALLS: "1" }));
  ears = await createEars({ clock: systemClock, log: silentLog, modelFile, children: 1 });
  mouth = await createMouth({ modelPath: await modelFile("flite"), voice: undefined, clock: systemClock, log: silentLog });
});
afterAll(() => Promise.all([provider.close(), ears.close(), mouth.close()]));

const samplesIn = (bytes: Uint8Array): Int16Array => new Int16Array(Uint8Array.from(bytes).buffer);
const bytesIn = (samples: Int16Array): Uint8Array => new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
const isLoud = (sample: number): boolean => Math.abs(sample) > 2_000;

/** A call, with all that its link reports. */
class Talk implements AsyncDisposable {
  readonly notices: LinkNotice[] = [];
  readonly #audio: Uint8Array[] = [];
  readonly #link: Link;

  private constructor(open: (report: OpenRequest["report"]) => { link: Link }) {
    this.#link = open({ audio: (bytes) => this.#audio.push(bytes), notice: (notice) => this.notices.push(notice) }).link;
  }

  static async begin(begin: OpenRequest["begin"], { signal = wanted, callId = "call_1" } = {}): Promise<Talk> {
    const box: { report: OpenRequest["report"] } = { report: { audio: () => {}, notice: () => {} } };
    const link = await provider.open({
      callId,
      agent,
      uplink: "pcm16@16000",
      downlink: "pcm16@16000",
      endpointing: "provider",
      conversation: [],
      begin,
      resumption: undefined,
      handOver: undefined,
      urgent: false,
      openLimitMs: 5_000,
      report: { audio: (bytes, turnId) => box.report.audio(bytes, turnId), notice: (notice) => box.report.notice(notice) },
      signal,
      clock: systemClock,
      random: seededRandom(1),
      log: silentLog,
    });
    return new Talk((report) => ((box.report = report), { link }));
  }

  get link(): Link {
    return this.#link;
  }

  get answer(): Int16Array {
    return concatenated(...this.#audio.map(samplesIn));
  }

  get caller(): string {
    return this.notices.flatMap((notice) => (notice.type === "caller.transcribed" && notice.final ? [notice.text] : [])).join(" ");
  }

  get agent(): string {
    return this.notices.flatMap((notice) => (notice.type === "agent.said" ? [notice.text] : [])).join("");
  }

  /** As fast as the link takes it, in 20 ms frames, and a second and a half of silence. */
  async says(...pieces: Int16Array[]): Promise<void> {
    const bytes = bytesIn(concatenated(silence(300), ...pieces, silence(1_500)));
    for (let at = 0; at < bytes.length; at += 640)
      await vi.waitFor(() => expect(this.#link.hear(bytes.subarray(at, at + 640))).toBe(true), 10_000);
  }

  until(type: LinkNotice["type"]): Promise<void> {
    return vi.waitFor(() => expect(this.notices.map((notice) => notice.type)).toContain(type), { timeout: 20_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#link.close();
  }
}

describe("the local provider", () => {
  test("hears a recorded voice and answers it aloud", async () => {
    await using talk = await Talk.begin("listen");
    await talk.says(samplesOf(join(speechFolder, "ps_something.wav")));
    await talk.until("agent.ended");
    expect(wordErrors("go somewhere and do something", talk.caller).errors).toBe(0);
    expect(talk.agent).not.toBe("");
    expect(talk.answer.some(isLoud)).toBe(true);
  });

  test("answers a spoken question, and its answer can be understood", async () => {
    await using talk = await Talk.begin("listen");
    await talk.says(samplesIn(await mouth.speak("What are your opening hours?", "rms", wanted)));
    await talk.until("agent.ended");
    expect(talk.agent).toMatch(/open .*Monday/s);
    const heard = turnsIn(await heardIn(ears, concatenated(silence(500), talk.answer, silence(2_500)))).join(" ");
    console.log(`said:  ${talk.agent}\nheard: ${heard}`);
    expect(heard).toMatch(/open/i);
    expect(heard).toMatch(/Monday/i);
  });

  test("hears a caller who speaks over its greeting", async () => {
    await using talk = await Talk.begin("greet");
    await talk.until("agent.ended");
    await talk.says(samplesOf(join(speechFolder, "ast_vm-opts.wav")));
    await talk.until("caller.spoke");
    const began = talk.notices.find((notice) => notice.type === "agent.began");
    talk.link.interrupt({ turnId: began?.turnId ?? "", heardMs: 700 });
    await talk.until("caller.finished");
  });

  test("takes no more calls than it can hear, says so in words, and has room again after one ends", async () => {
    const first = await Talk.begin("listen");
    expect(provider.admit()).toMatchObject({ code: "provider-busy", message: "this machine can hear 1 local calls at once and has 1" });
    await expect(Talk.begin("listen", { callId: "call_2" })).rejects.toMatchObject({ code: "provider-busy" });
    await first[Symbol.asyncDispose]();
    expect(provider.admit()).toBeUndefined();
    const abort = new AbortController();
    await Talk.begin("greet", { signal: abort.signal });
    abort.abort();
    expect(provider.admit()).toBeUndefined();
  });

  test("a link that waits takes no place; at work, it shares that of its call and finds none beside another's", async () => {
    await using first = await Talk.begin("listen");
    await using next = await Talk.begin("wait");
    await using stranger = await Talk.begin("wait", { callId: "call_2" });
    stranger.link.takeOver([], "greet", undefined);
    next.link.takeOver([], "greet", undefined);
    await next.until("agent.ended");
    expect(next.notices.map(({ type }) => type)).not.toContain("link.lost");
    expect(stranger.notices).toMatchObject([{ type: "link.lost", fault: { code: "provider-busy" } }]);
    await first[Symbol.asyncDispose]();
    expect(provider.admit()).toMatchObject({ code: "provider-busy" });
  });

  test.each([
    { settings: { LINEKEEPER_LOCAL_EARS: "huge" }, says: "tiny or base" },
    { settings: { LINEKEEPER_LOCAL_CALLS: "many" }, says: "whole number" },
    { settings: { LINEKEEPER_LOCAL_VOICE: "marvin" }, says: "rms" },
    { settings: { LINEKEEPER_LOCAL_LLM_URL: "http://127.0.0.1:1/v1" }, says: "LINEKEEPER_LOCAL_LLM_MODEL" },
    { settings: { LINEKEEPER_LOCAL_FLOW: "/nowhere/flow.json" }, says: "/nowhere/flow.json" },
  ])("refuses the setting $settings in words", async ({ settings, says }) => {
    await expect(local.make(house(settings))).rejects.toMatchObject({ code: "setting-invalid", message: expect.stringContaining(says) });
  });

  test("names a model that is missing, and what to do", async () => {
    await expect(local.make(house({ LINEKEEPER_MODELS_DIR: "/nowhere" }))).rejects.toMatchObject({
      code: "model-missing",
      message: expect.stringContaining("scripts/up"),
    });
  });
});

describe("the mouth, heard by the recogniser", () => {
  const sentences = [
    ["We are open today until 10 pm.", "We are open today until ten p m"],
    ["Your table for four is booked on Friday at 7:30 pm.", "Your table for four is booked on Friday at seven thirty p m"],
    ["I have 555-0142, is that right?", "I have five five five zero one four two is that right"],
    ["Your order will arrive tomorrow morning.", "Your order will arrive tomorrow morning"],
    ["Could you tell me your name and phone number, please?", "Could you tell me your name and phone number please"],
    ["I am sorry, I did not get that. Could you say it again?", "I am sorry I did not get that could you say it again"],
    ["The total is $24.50.", "The total is twenty four dollars and fifty cents"],
    ["One moment, please, I am looking it up.", "One moment please I am looking it up"],
  ] as const;

  test.each([
    { band: "as spoken", heardAs: (samples: Int16Array) => samples, limit: 0.1 },
    { band: "by telephone", heardAs: byTelephone, limit: 0.15 },
  ])("is understood $band", async ({ band, heardAs, limit }) => {
    let [errors, words] = [0, 0];
    for (const [written, said] of sentences) {
      const speech = samplesIn(await mouth.speak(written, undefined, wanted));
      const heard = turnsIn(await heardIn(ears, concatenated(silence(500), heardAs(speech), silence(2_500)))).join(" ");
      const found = wordErrors(said, heard.replace(/\b([ap])\.?m\b\.?/gi, "$1 m"));
      console.log(`${found.errors}/${found.words} ${band}: ${heard}`);
      errors += found.errors;
      words += found.words;
    }
    console.log(`${band}: ${((100 * errors) / words).toFixed(1)} % word errors`);
    expect(errors / words).toBeLessThanOrEqual(limit);
  });
});
