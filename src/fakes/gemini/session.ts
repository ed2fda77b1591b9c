// The server's side of a Live session. Sources: the types of @google/genai 2.32.0, the Live API guide, and issue threads for the texts
// of close frames, all read 2026-11. Stricter than the real one in two points: nothing may be sent before `setupComplete`, and unknown
// fields always end the session.
import type { Random } from "../../kernel/random.ts";
import { garble } from "../garble.ts";
import type { ConnectionRecord, GarbleCount, Panel } from "../panel.ts";
import { isObject } from "../shape.ts";
import type { FakePeer, FakeSession } from "../websocket-server.ts";
import { Answer, type AnswerHost } from "./answer.ts";
import { complaintAbout } from "./client-messages.ts";
import { Conversation } from "./conversation.ts";
import { Ear } from "./ear.ts";
import { familyOf, type Family } from "./families.ts";
import { framed } from "./frames.ts";
import { at, listAt, textAt, type Json } from "./json.ts";
import type { Memory } from "./memory.ts";
import { samples } from "./samples.ts";
import { behaviorOf, familyComplaint, listeningOf, toldSettings, type Listening } from "./setup.ts";

export interface SessionTraits {
  readonly random: Random;
  readonly keyIsGood: boolean;
  readonly frames: "binary" | "text";
  readonly voiceActivity: boolean;
  readonly twoSockets: "refused" | "taken";
  readonly playbackPace: number;
  readonly memory: Memory;
}

type Phase = "opened" | "setting-up" | "seeding" | "ready" | "over";

const connectionMs = 10 * 60_000;
const goAwayMs = 60_000;

export class LiveSession implements FakeSession, AnswerHost {
  readonly #peer: FakePeer;
  readonly #panel: Panel;
  readonly #traits: SessionTraits;
  readonly #conversation: Conversation;
  readonly #timers = new Set<NodeJS.Timeout>();
  #phase: Phase = "opened";
  #setup: Json = {};
  #family: Family | undefined;
  #listening: Listening = { manual: false, silenceMs: 800, interrupts: true };
  #ear: Ear | undefined;
  #answer: Answer | undefined;
  /** Whether another answer is due as soon as the present one is over. */
  #due = false;

  constructor(peer: FakePeer, panel: Panel, traits: SessionTraits) {
    [this.#peer, this.#panel, this.#traits] = [peer, panel, traits];
    this.#conversation = new Conversation(peer.record);
  }

  // What the client sends

  receive(data: Buffer): void {
    if (this.#phase === "over") return;
    if (!this.#traits.keyIsGood) return this.#end(1007, "API key not valid. Please pass a valid API key.");
    let message: unknown;
    try {
      message = JSON.parse(data.toString());
    } catch {
      return this.#refuse("Invalid JSON payload received. Unexpected token.");
    }
    const complaint = complaintAbout(message);
    if (complaint !== undefined) return this.#refuse(complaint);
    if (this.#phase === "opened") {
      const setup = at(message, "setup");
      return isObject(setup) ? this.#begin(setup) : this.#refuse("setup must be the first message");
    }
    if (this.#phase === "setting-up") return this.#refuse("a message between setup and setupComplete");
    if (at(message, "setup") !== undefined) return this.#refuse("setup must be sent once");
    const realtime = at(message, "realtimeInput");
    if (realtime !== undefined) return this.#realtime(realtime);
    const content = at(message, "clientContent");
    if (content !== undefined) return this.#content(content);
    if (at(message, "toolResponse") !== undefined) return this.#toolResponse(listAt(message, "toolResponse", "functionResponses"));
    if (this.#family?.contextUpdate !== true) this.#refuse("Request contains an invalid argument. contextUpdate");
  }

  // Set-up

  #begin(setup: Json): void {
    this.#phase = "setting-up";
    const model = textAt(setup, "model") ?? "";
    const family = familyOf(model);
    const { opening } = this.#panel;
    if (opening.type === "never-ready") return;
    if (opening.type === "quota") return this.exhaust();
    if (family === undefined || opening.type === "bad-model") {
      return this.#end(1008, `${model} is not found for API version v1beta, or is not supported for bidiGenerateContent. Call ListModels.`);
    }
    const complaint = familyComplaint(setup, family);
    if (complaint !== undefined) return this.#refuse(complaint);
    if (this.#peer.strikes("before-ready")) return;
    const handle = textAt(setup, "sessionResumption", "handle");
    if (handle !== undefined && !this.#resume(handle, model)) return;
    [this.#setup, this.#family, this.#listening] = [setup, family, listeningOf(setup)];
    const { record } = this.#peer;
    record.settings = toldSettings(setup);
    record.texts.push(record.settings.instructions);
    this.#ear = new Ear(this.#listening, {
      began: (atMs) => this.#speechBegan(atMs),
      ended: (lastedMs, atMs) => this.#speechEnded(lastedMs, atMs),
      kept: (bytes) => record.heard.keep(bytes),
    });
    // In its own time, so that what is sent too early is found.
    setImmediate(() => this.#ready());
  }

  #resume(handle: string, model: string): boolean {
    const session = this.#traits.memory.recall(handle);
    if (session === undefined) {
      // Stale handles are no fault of the client's.
      this.#end(1008, "Requested entity was not found.");
      return false;
    }
    if (session.model !== model) {
      this.#refuse("Request contains an invalid argument. The handle belongs to another model.");
      return false;
    }
    if (session.alive() && this.#traits.twoSockets === "refused") {
      this.#panel.violation("a session was resumed while its earlier connection still stood");
      this.#end(1011, "Internal error encountered.");
      return false;
    }
    this.#conversation.resume(session.told);
    return true;
  }

  #ready(): void {
    if (this.#peer.gone || this.#phase !== "setting-up") return;
    this.#phase = at(this.#setup, "historyConfig", "initialHistoryInClientContent") === true ? "seeding" : "ready";
    this.emit({ setupComplete: { sessionId: this.#traits.random.id("") } });
    if (at(this.#setup, "sessionResumption") !== undefined) this.emit({ sessionResumptionUpdate: {} });
    if (this.#traits.random.next() < 0.3) this.emit({});
    const lastsMs = this.#panel.sessionMs ?? connectionMs;
    this.#later(() => this.announceEnd(Math.min(lastsMs, goAwayMs)), Math.max(0, lastsMs - goAwayMs));
  }

  // Realtime input

  #realtime(input: unknown): void {
    if (this.#phase === "seeding") return this.#refuse("realtimeInput before the initial history was completed");
    if (this.#family?.deafWhileBlocked === true && this.#conversation.calls.blocked) {
      this.#panel.violation("realtimeInput while a blocking call is pending");
      return this.#end(1008, "Operation is not implemented, or supported, or enabled.");
    }
    const data = textAt(input, "audio", "data");
    if (data !== undefined) return this.#ear?.hear(Buffer.from(data, "base64"), textAt(input, "audio", "mimeType") ?? "");
    const text = textAt(input, "text");
    if (text !== undefined) return this.#text(text);
    const signal = (["audioStreamEnd", "activityStart", "activityEnd"] as const).find((one) => at(input, one) !== undefined);
    const complaint = signal === undefined ? undefined : this.#ear?.signal(signal);
    if (complaint !== undefined) this.#refuse(complaint);
  }

  #speechBegan(atMs: number | undefined): void {
    if (this.#traits.voiceActivity && atMs !== undefined) this.#tellActivity("ACTIVITY_START", atMs);
    if (this.#peer.strikes("caller-speaking")) return;
    if (this.#listening.interrupts) this.#answer?.interrupt();
  }

  #speechEnded(lastedMs: number, atMs: number | undefined): void {
    if (this.#peer.gone) return;
    if (this.#traits.voiceActivity && atMs !== undefined) this.#tellActivity("ACTIVITY_END", atMs);
    this.#hearTurn(lastedMs);
  }

  #tellActivity(voiceActivityType: string, atMs: number): void {
    this.emit({ voiceActivity: { voiceActivityType, audioOffset: seconds(atMs) } });
  }

  #text(text: string): void {
    this.#conversation.takeWords("user", text);
    this.#answerNow();
  }

  /** A caller turn is over; its words come before the answer, beside it, or late. */
  #hearTurn(lastedMs: number): void {
    const words = this.#panel.nextWords(lastedMs);
    this.#conversation.heard(words);
    if (at(this.#setup, "inputAudioTranscription") !== undefined || this.#family?.name === "3.1") this.#transcribe(words);
    this.#answerWhenIdle();
  }

  #transcribe(words: string): void {
    const pieces = (words.match(/\s*\S+/g) ?? []).map((text) => ({ serverContent: { inputTranscription: { text } } }));
    const [first] = pieces;
    const { random } = this.#traits;
    if (first !== undefined && this.#family?.bundles === true && random.next() < 0.5) {
      this.emit({ serverContent: { interimInputTranscription: { text: words.slice(0, 3) } } });
    }
    const when = random.next();
    const before = when < 0.4 ? pieces.length : when < 0.8 ? 1 : 0;
    for (const piece of pieces.slice(0, before)) this.emit(piece);
    const late = pieces.slice(before);
    if (late.length > 0) this.#later(() => late.forEach((piece) => this.emit(piece)), 30 * random.next());
  }

  // Client content

  #content(content: unknown): void {
    const family = this.#family;
    const complete = at(content, "turnComplete") === true;
    const turns = listAt(content, "turns");
    if (family?.clientContent === "initial-history" && this.#phase !== "seeding") {
      return this.#refuse("Request contains an invalid argument.");
    }
    if (family?.name === "2.5" && !complete && textAt(turns.at(-1), "role") === "model") {
      return this.#refuse("Request contains an invalid argument. Please end the turns with a user role.");
    }
    if (this.#peer.strikes("seeding")) return;
    for (const turn of turns) this.#conversation.takeTurn(turn);
    if (!complete) return;
    if (this.#phase === "seeding") this.#phase = "ready";
    else this.#answerNow();
  }

  // Tools

  call(calls: readonly { readonly name: string; readonly args: Json }[]): "wait" | "go-on" {
    let blocking = false;
    const functionCalls = calls.map(({ name, args }) => {
      const id = this.#traits.random.id("fc_");
      const behavior = this.#family === undefined ? undefined : behaviorOf(this.#setup, this.#family, name);
      this.#conversation.called(id, name, args, behavior !== "NON_BLOCKING");
      blocking ||= behavior !== "NON_BLOCKING";
      return { id, name, args };
    });
    this.emit({ toolCall: { functionCalls } });
    this.#peer.strikes("tool-called");
    return blocking ? "wait" : "go-on";
  }

  withdrawCalls(): void {
    const ids = this.#conversation.calls.withdraw();
    if (ids.length > 0) this.emit({ toolCallCancellation: { ids } });
  }

  #toolResponse(responses: readonly unknown[]): void {
    const { calls } = this.#conversation;
    const wanted = this.#conversation.takeResults(responses, this.#family);
    if (typeof wanted === "string") return this.#refuse(wanted);
    if (wanted.has("interrupt")) this.#answerNow();
    else if (wanted.has("speak")) this.#answerWhenIdle();
    if (wanted.has("go-on") && !calls.blocked && this.#answer?.waiting === true) void this.#answer.run(this.#nextReply());
  }

  // Answers

  #answerNow(): void {
    this.#due = false;
    this.#answer?.interrupt();
    this.#generate();
  }

  #answerWhenIdle(): void {
    if (this.#answer === undefined) this.#generate();
    else this.#due = true;
  }

  #generate(): void {
    const reply = this.#nextReply();
    if (at(this.#setup, "sessionResumption") !== undefined) this.emit({ sessionResumptionUpdate: { resumable: false } });
    this.#answer = new Answer(this);
    void this.#answer.run(reply);
  }

  #nextReply(): ReturnType<Panel["nextReply"]> {
    const reply = this.#panel.nextReply(this.#conversation.told);
    this.#conversation.said(reply.text);
    return reply;
  }

  answered(answer: Answer): void {
    if (this.#answer === answer) this.#answer = undefined;
    if (at(this.#setup, "sessionResumption") !== undefined && !this.#conversation.calls.pending) this.#giveHandle();
    if (!this.#due || this.#answer !== undefined) return;
    this.#due = false;
    this.#generate();
  }

  #giveHandle(): void {
    const newHandle = this.#traits.random.id("handle_");
    const { model } = toldSettings(this.#setup);
    this.#traits.memory.keep(newHandle, { model: model ?? "", told: [...this.#conversation.told], alive: () => !this.#peer.gone });
    this.emit({ sessionResumptionUpdate: { newHandle, resumable: true } });
  }

  // What an answer needs

  get record(): ConnectionRecord {
    return this.#peer.record;
  }

  get random(): Random {
    return this.#traits.random;
  }

  get transcribes(): boolean {
    return at(this.#setup, "outputAudioTranscription") !== undefined;
  }

  get interactionStatus(): boolean {
    return this.#family?.interactionStatus === true;
  }

  get playbackPace(): number {
    return this.#traits.playbackPace;
  }

  readonly staleAudio = (): boolean => this.#panel.staleAudio;

  emit(...messages: readonly Json[]): void {
    if (this.#phase === "over") return;
    if (this.#panel.unknownEvents) this.#send({ laterThing: { of: Object.keys(messages[0] ?? {}) } });
    for (const message of framed(messages, this.#family?.bundles === true, this.#traits.random)) this.#send(message);
  }

  #send(message: Json): void {
    const json = JSON.stringify(message);
    this.#peer.send(this.#traits.frames === "binary" ? Buffer.from(json) : json);
  }

  halfway(): boolean {
    return this.#peer.strikes("answering");
  }

  // What the panel and the connection ask

  expire(): void {
    this.#end(1011, "Deadline expired before operation could complete.");
  }

  exhaust(): void {
    this.#end(1011, "RESOURCE_EXHAUSTED: You exceeded your current quota, please check your plan and billing details.");
  }

  announceEnd(inMs: number): void {
    this.emit({ goAway: { timeLeft: seconds(inMs) } });
    this.#later(() => {
      this.#panel.violation(`still there ${inMs} ms after goAway`);
      this.#end(
        1008,
        "Connection aborted because the client failed to close the connection after receiving a GoAway signal once the session duration expired",
      );
    }, inMs);
  }

  release(): void {
    this.#answer?.release();
  }

  async garble(count: number, seed: number): Promise<GarbleCount> {
    let [sent, unreadable] = [0, 0];
    for (const broken of garble(samples, undefined, count, seed)) {
      this.#peer.send(this.#traits.frames === "binary" ? Buffer.from(broken.message) : broken.message);
      sent += 1;
      if (broken.unreadable) unreadable += 1;
    }
    // Whatever turn the garbage seemed to begin is over.
    this.emit({ serverContent: { interrupted: true } });
    this.emit({ serverContent: { turnComplete: true } });
    return { sent, unreadable };
  }

  ended(): void {
    this.#phase = "over";
    this.#answer?.abandon();
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #later(run: () => void, delayMs: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, delayMs);
    this.#timers.add(timer);
  }

  #refuse(reason: string): void {
    this.#panel.violation(reason);
    this.#end(1007, reason);
  }

  #end(code: number, reason: string): void {
    this.#phase = "over";
    this.#answer?.abandon();
    this.#peer.close(code, reason);
  }
}

const seconds = (ms: number): string => `${Math.round(ms) / 1_000}s`;
