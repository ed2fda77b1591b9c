import type { Begin, ConversationItem, OpenRequest } from "../contract.ts";
import { newsOf } from "../since.ts";
import type { LinkSettings } from "./settings.ts";
import { content, textInput, write, type ClientMessage, type WireTurn } from "./wire.ts";

/** All that is said to a session before the caller's voice. */
export interface Opening {
  readonly setup: string;
  /** Sent once the session is ready, in order; none of them makes the model speak. */
  readonly seeds: readonly string[];
  /** What the model is to answer at once, or undefined when it waits for the caller. */
  readonly prompt: string | undefined;
}

/** The window is compressed well before its 131,072 tokens are spent; without that a session ends after 15 minutes. */
const compression = { triggerTokens: "100000", slidingWindow: { targetTokens: "50000" } };

export function openingOf(request: OpenRequest, settings: LinkSettings): Opening {
  const { history, prompt } = split(request, request.begin);
  // A resumed session remembers by itself; told again, it would remember twice.
  const told = request.resumption === undefined ? history : [];
  const waits = request.begin === "wait";
  const isInitial = settings.profile.turns === "initial-history";
  if (settings.seeding === "instructions" || told.length === 0) {
    return { setup: write(setup(request, settings, transcript(told), waits && isInitial)), seeds: [], prompt };
  }
  return { setup: write(setup(request, settings, "", isInitial)), seeds: [seed(told.map(turnOf), settings, !waits)], prompt };
}

/** What a session that waited is told when it takes over: what joined the conversation, then what it is to answer. */
export function takeOverOf(
  request: OpenRequest,
  settings: LinkSettings,
  since: readonly ConversationItem[],
  begin: Begin,
): Pick<Opening, "seeds" | "prompt"> {
  const news = newsOf(request.conversation, since);
  const conversation = news.map(({ item }) => item);
  const { history, prompt } = split({ ...request, conversation }, begin);
  const turns = news.slice(0, history.length).map(({ item, outputOnly }) => (outputOnly ? returnOf(item) : turnOf(item)));
  // An initial history was left open for this and must be closed, even if nothing joins it.
  if (turns.length === 0 && settings.profile.turns === "initial-history") turns.push(blank);
  return { seeds: turns.length === 0 ? [] : [seed(turns, settings, true)], prompt };
}

const blank: WireTurn = { role: "user", text: " " };

/** An initial history is closed by `turnComplete` and does not make the model speak; elsewhere that very flag would. */
function seed(turns: readonly WireTurn[], { profile }: LinkSettings, isLast: boolean): string {
  const endsWithModel = profile.turns === "ends-with-caller" && turns.at(-1)?.role === "model";
  return content(endsWithModel ? [...turns, blank] : turns, profile.turns === "initial-history" && isLast);
}

/** Words that ask for an answer, in the way of the model's family. */
export const promptMessage = (text: string, { profile }: LinkSettings): string =>
  profile.prompting === "content" ? content([{ role: "user", text }], true) : textInput(text);

/** What is not the caller's stands in brackets; the instructions say so. */
export const note = (text: string): string => `[${text}]`;

function setup(request: OpenRequest, settings: LinkSettings, memory: string, announcesHistory: boolean): ClientMessage {
  const { agent } = request;
  const { temperature, maxOutputTokens, thinkingLevel, thinkingBudget, profile } = settings;
  const thinking = { ...(thinkingLevel && { thinkingLevel }), ...(thinkingBudget !== undefined && { thinkingBudget }) };
  const behavior = profile.toolBehaviors.length === 0 ? {} : { behavior: settings.toolBehavior };
  const functionDeclarations = agent.tools.map((tool) => ({
    name: tool.name,
    description: tool.description,
    parametersJsonSchema: tool.parameters,
    ...behavior,
  }));
  return {
    setup: {
      model: `models/${settings.model}`,
      generationConfig: {
        responseModalities: ["AUDIO"],
        ...(temperature !== undefined && { temperature }),
        ...(maxOutputTokens !== undefined && { maxOutputTokens }),
        ...(Object.keys(thinking).length > 0 && { thinkingConfig: thinking }),
        speechConfig: {
          ...(agent.voice !== undefined && { voiceConfig: { prebuiltVoiceConfig: { voiceName: agent.voice } } }),
          languageCode: agent.language,
        },
      },
      systemInstruction: { parts: [{ text: instructions(request, memory) }] },
      ...(functionDeclarations.length > 0 && { tools: [{ functionDeclarations }] }),
      realtimeInputConfig: {
        automaticActivityDetection: request.endpointing === "manual" ? { disabled: true } : detection(settings),
        activityHandling: "START_OF_ACTIVITY_INTERRUPTS",
        turnCoverage: "TURN_INCLUDES_ONLY_ACTIVITY",
      },
      inputAudioTranscription: {},
      outputAudioTranscription: {},
      // A handle that is null is refused, so there is a key only where there is a handle.
      sessionResumption: request.resumption === undefined ? {} : { handle: request.resumption },
      contextWindowCompression: compression,
      ...(announcesHistory && { historyConfig: { initialHistoryInClientContent: true } }),
    },
  };
}

const detection = ({ startSensitivity, endSensitivity, prefixPaddingMs, silenceMs }: LinkSettings) =>
  ({
    disabled: false,
    ...(startSensitivity !== undefined && { startOfSpeechSensitivity: `START_SENSITIVITY_${startSensitivity}` as const }),
    ...(endSensitivity !== undefined && { endOfSpeechSensitivity: `END_SENSITIVITY_${endSensitivity}` as const }),
    ...(prefixPaddingMs !== undefined && { prefixPaddingMs }),
    silenceDurationMs: silenceMs,
  }) as const;

function instructions({ agent }: OpenRequest, memory: string): string {
  const language = `The caller's language is ${agent.language} unless they choose another.`;
  const notes = "Words in [brackets] come from the telephone line, not from the caller: do what they say and never speak of them.";
  const known = memory === "" ? "" : `\n\nThe call is under way. This was said so far; do not greet again:\n${memory}`;
  return `${agent.instructions}\n\n${language}\n${notes}${known}`;
}

/** What is memory and what is asked now. The caller's last words are asked when they are to be answered. */
function split(
  { agent, conversation, resumption }: OpenRequest,
  begin: OpenRequest["begin"],
): { history: readonly ConversationItem[]; prompt: string | undefined } {
  switch (begin) {
    case "wait":
    case "listen":
      return { history: conversation, prompt: undefined };
    case "greet": {
      const words =
        agent.greeting === undefined ? "Greet the caller in a few words." : `Say exactly this and nothing else: ${agent.greeting}`;
      return { history: conversation, prompt: note(`The call begins now. Speak ${agent.language}. ${words}`) };
    }
    case "carry-on":
      return {
        history: conversation,
        prompt: note(
          "A fault of the line cut you off in the middle of your last turn. Go on right after its last word: do not repeat it, do not greet, do not apologise.",
        ),
      };
    case "answer": {
      const last = conversation.findLastIndex((item) => item.type !== "caller") + 1;
      const question = conversation.slice(last).map((item) => (item.type === "caller" ? item.text : ""));
      if (question.length === 0) return { history: conversation, prompt: note("Answer the caller now.") };
      const asked = question.join("\n");
      const again = resumption === undefined ? asked : note(`The line was restored. Answer the caller's last words now: ${asked}`);
      return { history: conversation.slice(0, last), prompt: again };
    }
  }
}

/** Calls and their results are refused as parts of a seed, so they are told in words. */
function turnOf(item: ConversationItem): WireTurn {
  if (item.type === "agent") return { role: "model", text: item.text };
  if (item.type === "caller") return { role: "user", text: item.text };
  const outcome = item.output === undefined ? "has not returned yet" : `returned ${item.output}`;
  return { role: "user", text: note(`The tool ${item.name} was called with ${item.arguments} and ${outcome}`) };
}

/** The result of a call that was told before without one. */
function returnOf(item: ConversationItem): WireTurn {
  if (item.type !== "tool" || item.output === undefined) return turnOf(item);
  return { role: "user", text: note(`The tool ${item.name}, called before, returned ${item.output}`) };
}

const transcript = (items: readonly ConversationItem[]): string =>
  items
    .map((item) => {
      const { role, text } = turnOf(item);
      return item.type === "tool" ? text : `${role === "model" ? "You" : "Caller"}: ${text}`;
    })
    .join("\n");
