/** Server messages as material to break; none of them ends a socket, and none of the turns they tell of was ever said. */
const turn = {
  type: "TurnInfo",
  request_id: "r",
  sequence_id: 7,
  turn_index: 1,
  audio_window_start: 902.0,
  audio_window_end: 904.4,
  transcript: "Book me for Friday",
  words: [{ word: "Book", confidence: 0.97, start: 902.1, end: 902.3 }],
  end_of_turn_confidence: 0.83,
  trigger: "model",
  languages: ["en"],
};

export const fluxSamples = [
  { type: "Connected", request_id: "r", sequence_id: 0 },
  ...["Update", "StartOfTurn", "EagerEndOfTurn", "TurnResumed", "EndOfTurn"].map((event) => ({ ...turn, event })),
  { type: "ConfigureSuccess", request_id: "r", sequence_id: 9, thresholds: { eot_threshold: 0.8 }, keyterms: [] },
  { type: "ConfigureFailure", request_id: "r", sequence_id: 9 },
  { type: "Warning", code: "FORCE_END_TURN_NO_ACTIVE_TURN", description: "No turn is open.", sequence_id: 12 },
];

const results = {
  type: "Results",
  channel_index: [0, 1],
  start: 903.2,
  duration: 1.04,
  is_final: true,
  speech_final: true,
  from_finalize: false,
  channel: {
    alternatives: [
      {
        transcript: "Move my visit to Friday.",
        confidence: 0.98,
        words: [{ word: "move", punctuated_word: "Move", start: 903.22, end: 903.5, confidence: 0.99, speaker: 0 }],
      },
    ],
  },
  metadata: { request_id: "r", model_info: { name: "general-nova-3" } },
};

export const novaSamples = [
  results,
  { ...results, is_final: false, speech_final: false },
  { type: "SpeechStarted", channel: [0], timestamp: 903.12 },
  { type: "UtteranceEnd", channel: [0, 1], last_word_end: 904.21 },
  { type: "Metadata", request_id: "r", created: "2026-11-21T10:00:00.000Z", duration: 61.4, channels: 1 },
];

export const speakSamples = [
  { type: "Metadata", request_id: "r", model_name: "aura-2-thalia-en", model_version: "1", model_uuid: "u" },
  { type: "Flushed", sequence_id: 1 },
  { type: "Cleared", sequence_id: 2 },
  { type: "Warning", code: "W", description: "a warning" },
];
