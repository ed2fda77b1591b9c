// The server's side of a GA Realtime session. Sources: realtime.d.ts of openai 7.55.0, the developer guide, and issue threads for the
// texts of errors, all read 2026-11. Stricter than the real one in a single point: no audio before `session.updated`.
import { encodings, msOf } from "../../audio/encodings.ts";
import type { Random } from "../../kernel/random.ts";
import { garble } from "../garble.ts";
import { Hearing } from "../hearing.ts";
import type { GarbleCount, Panel } from "../panel.ts";
import { isObject } from "../shape.ts";
import type { FakePeer, FakeSession } from "../websocket-server.ts";
import { Answer, type AnswerHost, type GeneratedItem } from "./answer.ts";
import { codeOf, complaintAbout } from "./client-events.ts";
import { Conversation, type ItemEvent, type ItemRefusal } from "./conversation.ts";
import { samples } from "./samples.ts";
import { at, detectionOf, formatAt, freshSession, merged, textAt, toldSettings, type Json } from "./settings.ts";

export interface SessionTraits {
  readonly model: string;
  /** `reasoning` and `parallel_tool_calls` are known to the 2.x models only. */
  readonly reasons: boolean;
  readonly rateLimits: boolean;
  readonly random: Random;
  readonly sessionLimitMs: number;
  /** Quoted in the error about it, as the service does. */
  readonly key: string;
  /** The client asked for the beta shape, which was closed in 2026-05. */
  readonly beta: boolean;
}

const maxAudioBytes = 15 * 2 ** 20;

export class RealtimeSession implements FakeSession, AnswerHost {
  readonly #peer: FakePeer;
  readonly #panel: Panel;
  readonly #traits: SessionTraits;
  readonly #conversation: Conversation;
  #session: Json;
  #configured = false;
  #hearing: Hearing | undefined;
  #openTurn: { readonly itemId: string; readonly startMs: number } | undefined;
  /** Audio since the last commit, ms. */
  #bufferMs = 0;
  #answer: Answer | undefined;
  #voiced = false;
  #lateTranscripts: (() => void)[] = [];

  constructor(peer: FakePeer, panel: Panel, traits: SessionTraits) {
    [this.#peer, this.#panel, this.#traits] = [peer, panel, traits];
    this.#conversation = new Conversation(peer.record);
    const expiresAt = Math.floor((Date.now() + (panel.sessionMs ?? traits.sessionLimitMs)) / 1_000);
    this.#session = freshSession(this.id("sess_"), traits.model, expiresAt);
    if (panel.opening.type === "never-ready") return;
    this.emit("session.created", { session: this.#session });
    if (traits.beta) this.#end(4000, "beta_api_shape_disabled", "The beta API shape is disabled.");
    if (panel.opening.type === "quota") this.exhaust();
    if (panel.opening.type === "bad-key") this.#end(3000, "invalid_api_key", `Incorrect API key provided: ${traits.key}.`);
  }

  // What the client sends

  receive(data: Buffer, isBinary: boolean): void {
    if (isBinary) return this.#refuse(undefined, "invalid_event", "", "Binary frames are not supported.");
    let message: unknown;
    try {
      message = JSON.parse(data.toString());
    } catch {
      return this.#refuse(undefined, "invalid_event", "", "Could not parse the event as JSON.");
    }
    const complaint = complaintAbout(message);
    if (complaint !== undefined) return this.#refuse(message, codeOf[complaint.kind], complaint.param, complaint.text);
    // A message without complaint is an object with a known type.
    const event = message as Json;
    switch (event["type"]) {
      case "session.update":
        return this.#update(event);
      case "input_audio_buffer.append":
        return this.#append(event);
      case "input_audio_buffer.commit":
        return this.#commit(event);
      case "input_audio_buffer.clear":
        this.#bufferMs = 0;
        return this.emit("input_audio_buffer.cleared", {});
      case "conversation.item.create":
        return this.#create(event);
      case "conversation.item.delete":
        return this.#change(event, this.#conversation.remove(event));
      case "conversation.item.retrieve":
        return this.#change(event, this.#conversation.retrieve(event));
      case "conversation.item.truncate":
        return this.#change(event, this.#conversation.truncate(event));
      case "response.create":
        return this.#createResponse(event);
      default:
        return this.#cancel(event);
    }
  }

  #update(event: Json): void {
    if (this.#peer.strikes("before-ready")) return;
    const update = at(event, "session");
    if (!isObject(update)) return;
    for (const key of this.#traits.reasons ? [] : ["reasoning", "parallel_tool_calls"]) {
      if (update[key] !== undefined)
        return this.#refuse(event, "unknown_parameter", `session.${key}`, `Unknown parameter: 'session.${key}'.`);
    }
    const voice = at(update, "audio", "output", "voice");
    if (this.#voiced && voice !== undefined && voice !== at(this.#session, "audio", "output", "voice")) {
      return this.#refuse(
        event,
        "cannot_update_voice",
        "session.audio.output.voice",
        "Cannot update a conversation's voice if assistant audio is present.",
      );
    }
    this.#session = merged(this.#session, update);
    this.#configured = true;
    const { record } = this.#peer;
    record.settings = toldSettings(this.#session);
    record.texts.push(record.settings.instructions);
    const detection = detectionOf(this.#session);
    this.#hearing = new Hearing(formatAt(this.#session, "input"), { startMs: 60, silenceMs: detection?.silenceMs ?? 500 });
    this.emit("session.updated", { session: this.#session });
  }

  #append(event: Json): void {
    const base64 = textAt(event, "audio") ?? "";
    const bytes = Buffer.from(base64, "base64");
    const encoding = formatAt(this.#session, "input");
    const refuse = (text: string): void => this.#refuse(event, "invalid_value", "audio", text);
    if (!this.#configured || this.#hearing === undefined) return refuse("Audio before session.updated is taken in the default format.");
    if (bytes.length === 0) return refuse("Invalid 'audio'. Expected audio bytes, but got none.");
    if (bytes.toString("base64") !== base64) return refuse("Invalid 'audio'. Expected base64-encoded audio bytes.");
    if (bytes.length % encodings[encoding].bytesPerSample !== 0) return refuse("Invalid 'audio'. Expected whole samples.");
    if (bytes.length > maxAudioBytes) return refuse("Invalid 'audio'. More than 15 MiB.");
    this.#peer.record.heard.keep(bytes);
    this.#bufferMs += msOf(bytes.length, encoding);
    const detection = detectionOf(this.#session);
    if (detection === undefined) return;
    for (const notice of this.#hearing.hear(bytes)) {
      if (notice.type === "started") this.#speechStarted(Math.max(0, notice.atMs - detection.prefixMs), detection.interrupts);
      else this.#speechStopped(notice.atMs, detection.answers);
      if (this.#peer.gone) return;
    }
  }

  #speechStarted(startMs: number, interrupts: boolean): void {
    const itemId = this.id("item_");
    this.#openTurn = { itemId, startMs };
    this.emit("input_audio_buffer.speech_started", { audio_start_ms: startMs, item_id: itemId });
    if (this.#peer.strikes("caller-speaking")) return;
    if (interrupts) this.#answer?.cancel("turn_detected");
  }

  #speechStopped(endMs: number, answers: boolean): void {
    const turn = this.#openTurn;
    if (turn === undefined) return;
    this.#openTurn = undefined;
    this.emit("input_audio_buffer.speech_stopped", { audio_end_ms: endMs, item_id: turn.itemId });
    this.#hearTurn(turn.itemId, endMs - turn.startMs);
    if (answers && this.#answer === undefined) this.#begin({ automatic: true, metadata: null });
  }

  #commit(event: Json): void {
    if (this.#bufferMs < 100) {
      const text = `Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, but buffer only has ${this.#bufferMs.toFixed(2)}ms of audio.`;
      return this.#refuse(event, "input_audio_buffer_commit_empty", "", text);
    }
    if (detectionOf(this.#session) !== undefined) this.#panel.violation("input_audio_buffer.commit while voice activity detection is on");
    this.#hearTurn(this.id("item_"), this.#bufferMs);
  }

  /** A caller turn joins the conversation; its words come whenever the recogniser has them. */
  #hearTurn(itemId: string, durationMs: number): void {
    this.#bufferMs = 0;
    const previous = this.#conversation.lastId;
    this.emit("input_audio_buffer.committed", { item_id: itemId, previous_item_id: previous });
    const words = this.#panel.nextWords(durationMs);
    this.#conversation.heard(itemId, words);
    const item = {
      id: itemId,
      object: "realtime.item",
      type: "message",
      status: "completed",
      role: "user",
      content: [{ type: "input_audio", transcript: null }],
    };
    this.emit("conversation.item.added", { previous_item_id: previous, item });
    this.emit("conversation.item.done", { previous_item_id: previous, item });
    if (!isObject(at(this.#session, "audio", "input", "transcription"))) return;
    const transcribe = (): void => {
      const place = { item_id: itemId, content_index: 0 };
      const middle = Math.ceil(words.length / 2);
      for (const delta of [words.slice(0, middle), words.slice(middle)]) {
        if (delta !== "") this.emit("conversation.item.input_audio_transcription.delta", { ...place, delta });
      }
      const usage = {
        type: "tokens",
        input_tokens: 20,
        output_tokens: 6,
        total_tokens: 26,
        input_token_details: { audio_tokens: 20, text_tokens: 0 },
      };
      this.emit("conversation.item.input_audio_transcription.completed", { ...place, transcript: words, usage });
    };
    const when = this.#traits.random.next();
    if (when < 0.25) transcribe();
    else if (when < 0.5) setTimeout(transcribe, 0);
    else if (when < 0.75) this.#lateTranscripts.push(transcribe);
    // Later than the words of the next turn, if that comes quickly.
    else setTimeout(transcribe, 40);
  }

  #create(event: Json): void {
    if (this.#peer.strikes("seeding")) return;
    const newId = (): string => this.id("item_");
    this.#change(event, this.#conversation.create(event, newId));
  }

  #change(event: Json, outcome: readonly ItemEvent[] | ItemRefusal): void {
    if ("code" in outcome) return this.#refuse(event, outcome.code, outcome.param, outcome.text);
    for (const { type, fields } of outcome) this.emit(type, fields);
  }

  #createResponse(event: Json): void {
    const running = this.#answer;
    if (running !== undefined) {
      const text = `Conversation already has an active response in progress: ${running.id}. Wait until the response is finished before creating a new one.`;
      // Against a response that the server began by itself a client in order can lose the race.
      return this.#refuse(event, "conversation_already_has_active_response", "", text, !running.automatic);
    }
    const instructions = textAt(event, "response", "instructions");
    if (instructions !== undefined) this.#peer.record.texts.push(instructions);
    const metadata = at(event, "response", "metadata");
    if (isObject(metadata)) this.#peer.record.metadata.push(metadata);
    this.#begin({ automatic: false, metadata });
  }

  #cancel(event: Json): void {
    const id = textAt(event, "response_id");
    if (this.#answer === undefined || (id !== undefined && id !== this.#answer.id)) {
      return this.#refuse(event, "response_cancel_not_active", "", "Cancellation failed: no active response found", false);
    }
    this.#answer.cancel("client_cancelled");
  }

  #begin(options: { readonly automatic: boolean; readonly metadata: unknown }): void {
    const reply = this.#panel.nextReply(this.#conversation.told);
    this.#conversation.said(reply.text);
    this.#answer = new Answer(this, reply, options);
    void this.#answer.run();
  }

  // What an answer needs

  get record(): FakePeer["record"] {
    return this.#peer.record;
  }

  get random(): Random {
    return this.#traits.random;
  }

  get rateLimits(): boolean {
    return this.#traits.rateLimits;
  }

  get downlink(): ReturnType<typeof formatAt> {
    return formatAt(this.#session, "output");
  }

  readonly staleAudio = (): boolean => this.#panel.staleAudio;

  emit(type: string, fields: Json): void {
    if (this.#panel.unknownEvents) this.#peer.send(JSON.stringify({ type: `${type}.later`, event_id: this.id("event_"), ...fields }));
    this.#peer.send(JSON.stringify({ type, event_id: this.id("event_"), ...fields }));
  }

  id(prefix: string): string {
    return this.#traits.random.id(prefix);
  }

  addItem(item: GeneratedItem): void {
    this.#voiced ||= item.kind === "message";
    this.#conversation.generated(item);
  }

  halfway(): boolean {
    return this.#peer.strikes("answering");
  }

  answered(answer: Answer): void {
    if (this.#answer === answer) this.#answer = undefined;
    for (const transcribe of this.#lateTranscripts.splice(0)) transcribe();
    if (this.#conversation.hasOpenCalls) this.#peer.strikes("tool-called");
  }

  // What the panel and the connection ask

  expire(): void {
    const text = "Your session hit the maximum duration of 60 minutes.";
    this.#error("session_expired", text, null, null);
    this.#peer.close(1001, text);
  }

  exhaust(): void {
    this.#end(4000, "insufficient_quota", "You exceeded your current quota, please check your plan and billing details.");
  }

  /** This wire has no words for it: `expires_at` told it at the beginning. */
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
  }

  #end(code: number, reason: string, text: string): void {
    this.#error(reason, text, null, null);
    this.#peer.close(code, `invalid_request_error.${reason}`);
  }

  #refuse(message: unknown, code: string, param: string, text: string, violates = true): void {
    if (violates) this.#panel.violation(`${textAt(message, "type") ?? "frame"}: ${code} ${param}: ${text}`);
    this.#error(code, text, param === "" ? null : param, textAt(message, "event_id") ?? null);
  }

  #error(code: string, message: string, param: string | null, eventId: string | null): void {
    this.emit("error", { error: { type: "invalid_request_error", code, message, param, event_id: eventId } });
  }
}
