const turn = { role: "model", parts: [{ inlineData: { mimeType: "audio/pcm;rate=24000", data: "AAAAAA==" } }] };

/** One of each server message that a voice session meets, as material to break. None of them ends a session. */
export const samples = [
  { setupComplete: { sessionId: "s" } },
  { serverContent: { modelTurn: turn } },
  { serverContent: { modelTurn: { role: "model", parts: [{ text: "I should greet them.", thought: true }] } } },
  { serverContent: { outputTranscription: { text: "Hello." } } },
  { serverContent: { inputTranscription: { text: " hello", finished: true } } },
  { serverContent: { interimInputTranscription: { text: "hel" } } },
  { serverContent: { generationComplete: true } },
  { serverContent: { turnComplete: true, interactionStatus: "IDLE" } },
  { serverContent: { interrupted: true } },
  { serverContent: { turnComplete: true, turnCompleteReason: "NEED_MORE_INPUT", waitingForInput: true } },
  {
    serverContent: { modelTurn: turn, outputTranscription: { text: " again" } },
    usageMetadata: {
      promptTokenCount: 522,
      responseTokenCount: 42,
      thoughtsTokenCount: 136,
      totalTokenCount: 700,
      promptTokensDetails: [
        { modality: "TEXT", tokenCount: 332 },
        { modality: "AUDIO", tokenCount: 190 },
      ],
      responseTokensDetails: [{ modality: "AUDIO", tokenCount: 42 }],
    },
  },
  { toolCall: { functionCalls: [{ id: "fc_s", name: "find_room", args: { nights: 2 } }] } },
  { toolCallCancellation: { ids: ["fc_s"] } },
  { goAway: { timeLeft: "50s" } },
  { sessionResumptionUpdate: { newHandle: "handle_s", resumable: true } },
  { voiceActivity: { voiceActivityType: "ACTIVITY_START", audioOffset: "3.2s" } },
  { voiceActivity: { voiceActivityType: "ACTIVITY_END", audioOffset: "4.2s" } },
];
