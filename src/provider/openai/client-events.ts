// The same wire: what a link says. Base64 of the caller's audio begins here.
import type { Encoding } from "../../audio/encodings.ts";
import { Envelope } from "../../wire/envelope.ts";
import type { AgentSpec, Begin, ConversationItem, HandOver, OpenRequest } from "../contract.ts";
import type { LinkSettings } from "./settings.ts";

/** A client event. The wire's own type of it is not used: we write less than it allows. */
export type ClientEvent = { readonly type: string; readonly event_id?: string } & Readonly<Record<string, unknown>>;

/** Tells an item of the conversation under a name of ours, by which the service says that it stands. */
type SeedEvent = ClientEvent & { readonly item: { readonly id: string } };

/** Metadata is the one thing that ties a `response.create` to its response. */
export const askKey = "ask";

const formatOf = (encoding: Encoding): Readonly<Record<string, unknown>> => {
  if (encoding === "pcmu@8000") return { type: "audio/pcmu" };
  if (encoding === "pcma@8000") return { type: "audio/pcma" };
  return { type: "audio/pcm", rate: 24_000 };
};

/** The whole configuration in one update: a server that refuses any of it applies none. */
export function sessionUpdate(eventId: string, request: OpenRequest, settings: LinkSettings): ClientEvent {
  const { agent } = request;
  return {
    type: "session.update",
    event_id: eventId,
    session: {
      type: "realtime",
      output_modalities: ["audio"],
      instructions: `${agent.instructions}\n\nThe caller's language is ${agent.language} unless they choose another.`,
      audio: {
        input: {
          format: formatOf(request.uplink),
          transcription: { model: settings.transcriptionModel, language: agent.language.split("-", 1)[0] },
          turn_detection: request.endpointing === "manual" ? null : settings.turnDetection,
          ...(settings.noiseReduction === undefined ? {} : { noise_reduction: { type: settings.noiseReduction } }),
        },
        output: {
          format: formatOf(request.downlink),
          ...(agent.voice === undefined ? {} : { voice: agent.voice }),
          ...(settings.speed === undefined ? {} : { speed: settings.speed }),
        },
      },
      tools: agent.tools.map((tool) => ({ type: "function", name: tool.name, description: tool.description, parameters: tool.parameters })),
      ...(settings.maxOutputTokens === undefined ? {} : { max_output_tokens: settings.maxOutputTokens }),
      ...(settings.reasoningEffort === undefined ? {} : { reasoning: { effort: settings.reasoningEffort } }),
    },
  };
}

/** The one event that goes out fifty times a second. */
export const audioAppend = new Envelope('{"type":"input_audio_buffer.append","audio":"', '"}');

/** Items and calls that we name ourselves may have ids of 32 characters at most. */
const ownId = (prefix: string, id: string): string => `${prefix}${id}`.slice(0, 32);

/** Whether an error is about an item of the conversation that we told. */
export const isSeed = (eventId: string | undefined): boolean => eventId?.startsWith("seed_") === true;

/**
 * The events that give one item of the conversation to a new session, in order. A call comes before its output; `outputOnly` for a call
 * that the session knows. `index` is the item's place, no other's.
 */
export function seedEvents(item: ConversationItem, index: number, outputOnly = false): SeedEvent[] {
  const create = (part: string, wire: Readonly<Record<string, unknown>>): SeedEvent => ({
    type: "conversation.item.create",
    event_id: `seed_${index}_${part}`,
    item: { id: `s${index}_${part}`, ...wire },
  });
  switch (item.type) {
    case "caller":
      return [create("text", { type: "message", role: "user", content: [{ type: "input_text", text: item.text }] })];
    case "agent":
      return [create("text", { type: "message", role: "assistant", content: [{ type: "output_text", text: item.text }] })];
    case "tool": {
      const callId = seededCallId(item.id);
      const call = create("call", { type: "function_call", call_id: callId, name: item.name, arguments: item.arguments });
      if (item.output === undefined) return [call];
      const output = create("output", { type: "function_call_output", call_id: callId, output: item.output });
      return outputOnly ? [output] : [call, output];
    }
  }
}

export const seededCallId = (itemId: string): string => ownId("c_", itemId);

export const textTurn = (eventId: string, itemId: string, words: string): ClientEvent => ({
  type: "conversation.item.create",
  event_id: eventId,
  item: { id: itemId, type: "message", role: "user", content: [{ type: "input_text", text: words }] },
});

export const toolCall = (itemId: string, callId: string, name: string): ClientEvent => ({
  type: "conversation.item.create",
  item: { id: itemId, type: "function_call", call_id: callId, name, arguments: "{}" },
});

export const toolOutput = (eventId: string, itemId: string, callId: string, output: string): ClientEvent => ({
  type: "conversation.item.create",
  event_id: eventId,
  item: { id: itemId, type: "function_call_output", call_id: callId, output },
});

export const commit = (eventId: string): ClientEvent => ({ type: "input_audio_buffer.commit", event_id: eventId });

/** `instructions` replace those of the session for this one response, so they must be whole. */
export const responseCreate = (eventId: string, instructions: string | undefined, handOver: HandOver | undefined): ClientEvent => ({
  type: "response.create",
  event_id: eventId,
  response: { metadata: { [askKey]: eventId, ...noteOf(handOver) }, ...(instructions === undefined ? {} : { instructions }) },
});

/** Read by whoever looks into the service's own records. */
const noteOf = (handOver: HandOver | undefined): Readonly<Record<string, string>> =>
  handOver === undefined ? {} : { handover_from: handOver.from, handover_cause: handOver.cause, handover_mode: handOver.mode };

export const responseCancel = (responseId: string): ClientEvent => ({
  type: "response.cancel",
  event_id: cancelIdOf(responseId),
  response_id: responseId,
});

/** A refusal of a cancel names our event only, so the event names the response. */
export const cancelIdOf = (responseId: string): string => `cancel_${responseId}`;

export const truncate = (itemId: string, heardMs: number): ClientEvent => ({
  type: "conversation.item.truncate",
  item_id: itemId,
  content_index: 0,
  audio_end_ms: heardMs,
});

export const remove = (itemId: string): ClientEvent => ({ type: "conversation.item.delete", item_id: itemId });

/** What a first response is told beyond the agent's own instructions; undefined for an ordinary answer. */
export function openingInstructions(agent: AgentSpec, begin: Begin): string | undefined {
  if (begin === "carry-on") {
    return `${agent.instructions}\n\nA fault of the line cut you off in the middle of your last turn. Go on right after its last word, in ${agent.language}: do not repeat it, do not greet, do not apologise.`;
  }
  if (begin !== "greet") return undefined;
  const greeting =
    agent.greeting === undefined ? "Greet the caller in a few words." : `Say exactly this and nothing else: ${agent.greeting}`;
  return `${agent.instructions}\n\nThe call begins now. Speak ${agent.language}. ${greeting}`;
}
