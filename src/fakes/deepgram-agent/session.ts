// The server's side of a Voice Agent session. Sources: types of the package @deepgram/sdk 5.13.0 and developers.deepgram.com, "Voice
// Agent", read 2026-11. Not documented, and so assumed here: how a spent balance and the end of the two hours are told (an `Error` in
// words), and the close code after an `Error` (1000, the one a client is most likely to mistake for an orderly end).
import { encodings, msOf, type Encoding } from "../../audio/encodings.ts";
import type { Random } from "../../kernel/random.ts";
import { garble } from "../garble.ts";
import { Hearing } from "../hearing.ts";
import type { GarbleCount, Panel, ScriptedReply, ToldItem } from "../panel.ts";
import type { FakePeer, FakeSession } from "../websocket-server.ts";
import { Answer, type AnswerHost } from "./answer.ts";
import { complaintAbout } from "./client-messages.ts";
import { samples } from "./samples.ts";
import { at, encodingAt, textAt, thinkCount, toldHistory, toldSettings, unservedModel, type Json } from "./settings.ts";

export interface SessionTraits {
  readonly random: Random;
  /** How long a client may send nothing, ms. */
  readonly idleLimitMs: number;
  readonly haste: number;
  readonly tellsAudioDone: boolean;
  readonly appliesSettings: boolean;
  /** Called at each `KeepAlive`. */
  readonly kept: () => void;
  /** Called when the connection is gone. */
  readonly gone: () => void;
}

interface Configured {
  readonly settings: Json;
  readonly uplink: Encoding;
  readonly downlink: Encoding;
  readonly hearing: Hearing;
}

/** How long `Welcome` takes: a client that does not wait for it is found out. */
const welcomeMs = 5;
/** Audio is taken in at this multiple of real time at most; a client that far ahead floods. */
const intakePace = 1.25;
const aheadLimitMs = 3_000;
/** A client that sends audio has no need of `KeepAlive`. */
const recentAudioMs = 4_000;

export class AgentSession implements FakeSession, AnswerHost {
  readonly #peer: FakePeer;
  readonly #panel: Panel;
  readonly #traits: SessionTraits;
  /** Calls by id: those that wait for an answer, and those taken back. */
  readonly #calls = new Map<string, { readonly name: string; readonly told: { output: string | undefined } }>();
  readonly #cancelled = new Set<string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #told: ToldItem[] = [];
  #welcomed = false;
  #configured: Configured | undefined;
  #answer: Answer | undefined;
  #turnMs: number | undefined;
  #idle: NodeJS.Timeout | undefined;
  #firstAudioAt: number | undefined;
  #lastAudioAt: number | undefined;
  #heardMs = 0;

  constructor(peer: FakePeer, panel: Panel, traits: SessionTraits) {
    [this.#peer, this.#panel, this.#traits] = [peer, panel, traits];
    if (panel.opening.type === "never-ready") return;
    this.#later(welcomeMs, () => {
      this.#welcomed = true;
      this.emit("Welcome", { request_id: traits.random.id("") });
    });
    this.#watchIdle();
  }

  // What the client sends

  receive(data: Buffer, isBinary: boolean): void {
    this.#watchIdle();
    if (isBinary) return this.#hear(data);
    let message: unknown;
    try {
      message = JSON.parse(data.toString());
    } catch {
      return this.#refuse("UNPARSABLE_CLIENT_MESSAGE", "a message that is no JSON");
    }
    const type = textAt(message, "type");
    if (this.#configured === undefined && type !== "Settings")
      return this.#refuse("NON_SETTINGS_MESSAGE_BEFORE_SETTINGS", `${type ?? "a message"} before Settings`);
    const complaint = complaintAbout(message);
    if (complaint !== undefined)
      return this.#refuse(type === "Settings" ? "INVALID_SETTINGS" : "UNPARSABLE_CLIENT_MESSAGE", `${type ?? "?"}: ${complaint.text}`);
    // A message without complaint is an object of a known type.
    const known = message as Json;
    switch (type) {
      case "Settings":
        return this.#configure(known);
      case "KeepAlive":
        return this.#keptAlive();
      case "InjectUserMessage":
        return this.#injectUser(textAt(known, "content") ?? "");
      case "InjectAgentMessage":
        return this.#injectAgent(textAt(known, "message") ?? "", textAt(known, "behavior") ?? "default");
      case "FunctionCallResponse":
        return this.#resultOf(known);
      case "ForceEndTurn":
        return this.#callerStopped(this.#heardMs);
      default:
        return this.#update(type ?? "", known);
    }
  }

  #configure(settings: Json): void {
    if (this.#configured !== undefined) return this.#refuse("SETTINGS_ALREADY_APPLIED", "a second Settings");
    if (!this.#welcomed) this.#panel.violation("Settings before Welcome");
    const unserved = this.#panel.opening.type === "bad-model" ? toldSettings(settings).model : unservedModel(settings);
    if (unserved !== undefined)
      return this.#error("INVALID_SETTINGS", `agent.think.provider.model: ${unserved} is not a model that is served.`);
    const [uplink, downlink] = [encodingAt(settings, "input"), encodingAt(settings, "output")];
    if (uplink === undefined || downlink === undefined) return this.#refuse("INVALID_SETTINGS", "audio: a rate that the encoding has not");
    const history = toldHistory(settings);
    const greeting = textAt(settings, "agent", "greeting");
    if (greeting !== undefined && history.length > 0) this.#panel.violation("a greeting for a conversation that has begun");
    if (settings["mip_opt_out"] !== true) this.#panel.violation("mip_opt_out is not true: calls would be trained on");
    if (this.#peer.strikes("before-ready") || (history.length > 0 && this.#peer.strikes("seeding"))) return;
    const { record } = this.#peer;
    record.settings = toldSettings(settings);
    record.history.push(...history);
    record.texts.push(record.settings.instructions, ...history.map((item) => (item.by === "tool" ? (item.output ?? "") : item.text)));
    this.#told = history;
    this.#configured = { settings, uplink, downlink, hearing: new Hearing(uplink, { startMs: 60, silenceMs: 500 }) };
    if (!this.#traits.appliesSettings) return;
    this.emit("SettingsApplied", {});
    if (greeting === undefined) return;
    record.texts.push(greeting);
    const scripted = this.#panel.nextReply(this.#told);
    this.#begin({ ...scripted, text: greeting });
  }

  #hear(bytes: Buffer): void {
    const configured = this.#configured;
    if (configured === undefined) return this.#refuse("NON_SETTINGS_MESSAGE_BEFORE_SETTINGS", "audio before Settings");
    if (bytes.length === 0) return this.#refuse("USER_AUDIO_FORMAT", "an empty binary message ends the audio");
    if (bytes.subarray(0, 7).toString() === '{"type"') return this.#refuse("USER_AUDIO_FORMAT", "a message in a binary frame");
    if (bytes.length % encodings[configured.uplink].bytesPerSample !== 0) return this.#refuse("USER_AUDIO_FORMAT", "half a sample");
    this.#peer.record.heard.keep(bytes);
    this.#heardMs += msOf(bytes.length, configured.uplink);
    this.#lastAudioAt = performance.now();
    this.#firstAudioAt ??= this.#lastAudioAt;
    const aheadMs = this.#heardMs / (intakePace * this.#traits.haste) - (this.#lastAudioAt - this.#firstAudioAt);
    if (aheadMs > aheadLimitMs) this.#panel.violation(`audio is ${Math.round(aheadMs)} ms ahead of ${intakePace} x real time`);
    for (const notice of configured.hearing.hear(bytes)) {
      if (notice.type === "started") this.#callerStarted(notice.atMs);
      else this.#callerStopped(notice.atMs);
      if (this.#peer.gone) return;
    }
  }

  #callerStarted(atMs: number): void {
    this.#turnMs = atMs;
    const answer = this.#answer;
    answer?.cut();
    this.emit("UserStartedSpeaking", {});
    if (this.#peer.strikes("caller-speaking")) return;
    answer?.straggle();
  }

  #callerStopped(atMs: number): void {
    if (this.#turnMs === undefined) return;
    const words = this.#panel.nextWords(atMs - this.#turnMs);
    this.#turnMs = undefined;
    this.#callerSaid(words);
  }

  #callerSaid(content: string): void {
    this.#told.push({ by: "caller", text: content });
    this.emit("ConversationText", { role: "user", content });
    this.emit("History", { role: "user", content });
    this.#begin(this.#panel.nextReply(this.#told));
  }

  #keptAlive(): void {
    this.#traits.kept();
    if (this.#lastAudioAt !== undefined && performance.now() - this.#lastAudioAt < recentAudioMs)
      this.#panel.violation("KeepAlive while audio is sent");
  }

  #injectUser(content: string): void {
    if (content.trim() === "") return this.#refuse("UNPARSABLE_CLIENT_MESSAGE", "InjectUserMessage without words");
    this.#peer.record.texts.push(content);
    this.#answer?.cut();
    this.#callerSaid(content);
  }

  #injectAgent(message: string, behavior: string): void {
    if (behavior === "default" && (this.#turnMs !== undefined || this.#answer !== undefined))
      return this.emit("InjectionRefused", { message: "Someone is speaking." });
    if (behavior === "interrupt") this.#answer?.cut();
    this.#begin({ text: message });
  }

  #resultOf(message: Json): void {
    const [id = "", name = "", content = ""] = [textAt(message, "id"), textAt(message, "name"), textAt(message, "content")];
    const call = this.#calls.get(id);
    if (call === undefined || call.name !== name)
      return this.#panel.violation(`FunctionCallResponse for ${this.#cancelled.has(id) ? "a cancelled call" : "no call"}: ${name} ${id}`);
    this.#calls.delete(id);
    call.told.output = content;
    this.#peer.record.toolResults.push({ name, output: content });
    if (this.#calls.size === 0 && this.#answer === undefined) this.#begin(this.#panel.nextReply(this.#told));
  }

  #update(type: string, message: Json): void {
    const prompt = textAt(message, "prompt") ?? textAt(message, "think", "prompt");
    if (prompt !== undefined) this.#peer.record.texts.push(prompt);
    this.emit(`${type.replace("Update", "")}Updated`, {});
  }

  #begin(reply: ReturnType<Panel["nextReply"]>): void {
    this.#answer?.cut();
    if (reply.text !== "") this.#told.push({ by: "agent", text: reply.text });
    this.#answer = new Answer(this, reply);
    void this.#answer.run();
  }

  // What an answer needs

  get record(): FakePeer["record"] {
    return this.#peer.record;
  }

  get random(): Random {
    return this.#traits.random;
  }

  get tellsAudioDone(): boolean {
    return this.#traits.tellsAudioDone;
  }

  get downlink(): Encoding {
    return this.#configured?.downlink ?? "pcm16@24000";
  }

  readonly staleAudio = (): boolean => this.#panel.staleAudio;

  emit(type: string, fields: Json): void {
    if (type === "History" && at(this.#configured?.settings, "flags", "history") === false) return;
    if (this.#panel.unknownEvents) this.#peer.send(JSON.stringify({ type: `${type}Later`, ...fields }));
    const { type: _tag, ...rest } = fields;
    this.#peer.send(JSON.stringify({ type, ...rest }));
  }

  sendAudio(bytes: Uint8Array): void {
    this.#peer.send(bytes);
  }

  halfway(): boolean {
    return this.#peer.strikes("answering");
  }

  call(calls: NonNullable<ScriptedReply["toolCalls"]>): void {
    const functions = calls.map(({ name, arguments: args }) => {
      const id = this.#traits.random.id("fc_");
      const told = { by: "tool" as const, name, arguments: args, output: undefined };
      this.#told.push(told);
      this.#calls.set(id, { name, told });
      return { id, name, arguments: args, client_side: true };
    });
    this.emit("FunctionCallRequest", { functions });
  }

  fail(): void {
    for (let model = 0; model < thinkCount(this.#configured?.settings ?? {}); model += 1)
      this.emit("Warning", { code: "THINK_REQUEST_FAILED", description: "The think provider did not answer." });
    this.#error("FAILED_TO_THINK", "Every think provider failed.");
  }

  answered(answer: Answer): void {
    if (this.#answer === answer) this.#answer = undefined;
    if (this.#calls.size > 0) this.#peer.strikes("tool-called");
  }

  // What the panel and the connection ask

  /** Takes back the calls that wait, as after a turn that the caller went on with. */
  cancelCalls(): void {
    const functions = [...this.#calls].map(([id, { name }]) => ({ id, name }));
    for (const { id } of functions) this.#cancelled.add(id);
    this.#calls.clear();
    this.emit("FunctionCallCancelled", { functions });
  }

  warn(code: string): void {
    this.emit("Warning", { code, description: "" });
  }

  error(code: string, description: string): void {
    this.#error(code, description);
  }

  expire(): void {
    this.#error("SERVER_GOING_AWAY", "The session has reached its maximum duration of 2 hours.");
  }

  exhaust(): void {
    this.#error("ASR_CONNECTION_CLOSED", "ASR_PAYMENT_REQUIRED: the project has not enough credits.");
  }

  /** This wire has no words for it: the limit is the same for every session. */
  announceEnd(): void {}

  release(): void {
    this.#answer?.release();
  }

  async garble(count: number, seed: number): Promise<GarbleCount> {
    let [sent, unreadable] = [0, 0];
    for (const broken of garble(samples, "type", count, seed)) {
      this.#peer.send(broken.message);
      sent += 1;
      if (broken.unreadable) unreadable += 1;
    }
    return { sent, unreadable };
  }

  ended(): void {
    this.#answer?.abandon();
    clearTimeout(this.#idle);
    for (const timer of this.#timers) clearTimeout(timer);
    this.#traits.gone();
  }

  #watchIdle(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      this.#panel.violation(`nothing was sent for ${this.#traits.idleLimitMs} ms`);
      this.#error("CLIENT_MESSAGE_TIMEOUT", "We waited too long for a message of the client.");
    }, this.#traits.idleLimitMs);
  }

  #later(delayMs: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#peer.gone) run();
    }, delayMs);
    this.#timers.add(timer);
  }

  #refuse(code: string, text: string): void {
    this.#panel.violation(`${code}: ${text}`);
    this.#error(code, text);
  }

  #error(code: string, description: string): void {
    this.emit("Error", { code, description });
    this.#peer.close(1000, "");
  }
}
