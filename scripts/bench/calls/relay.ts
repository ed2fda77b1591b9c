// The reference: Twilio's messages to OpenAI's and back on `ws`, parsed and wrapped anew, and nothing else.
import { WebSocketServer, WebSocket } from "ws";

const target = process.argv[2] ?? "";
const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false }, () => {
  console.error(`ws://127.0.0.1:${(server.address() as { port: number }).port}`); // A TCP server has a port.
});

server.on("connection", (caller) => {
  let streamSid = "";
  const provider = new WebSocket(target, { perMessageDeflate: false });
  caller.on("message", (data: Buffer) => {
    const message = JSON.parse(data.toString()) as { event: string; streamSid: string; media: { payload: string } }; // As Twilio's wire has it.
    if (message.event === "start") ({ streamSid } = message);
    if (message.event === "media" && provider.readyState === WebSocket.OPEN)
      provider.send(JSON.stringify({ type: "input_audio_buffer.append", audio: message.media.payload }));
  });
  provider.on("message", (data: Buffer) => {
    const event = JSON.parse(data.toString()) as { type: string; delta: string }; // As OpenAI's wire has it.
    if (event.type === "response.output_audio.delta")
      caller.send(JSON.stringify({ event: "media", streamSid, media: { payload: event.delta } }));
    else if (event.type === "input_audio_buffer.speech_started") caller.send(JSON.stringify({ event: "clear", streamSid }));
  });
  for (const [one, other] of [
    [caller, provider],
    [provider, caller],
  ] as const) {
    one.on("close", () => other.close());
    one.on("error", () => other.terminate());
  }
});
