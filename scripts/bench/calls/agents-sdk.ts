// OpenAI's own SDK for agents with its Twilio transport, used as its documentation does.
import { TwilioRealtimeTransportLayer } from "@openai/agents-extensions";
import { RealtimeAgent, RealtimeSession } from "@openai/agents-realtime";
import { WebSocketServer } from "ws";

const target = process.argv[2] ?? "";
const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false }, () => {
  console.error(`ws://127.0.0.1:${(server.address() as { port: number }).port}`); // A TCP server has a port.
});
const agent = new RealtimeAgent({ name: "desk", instructions: "You answer the telephone." });

server.on("connection", (caller) => {
  const transport = new TwilioRealtimeTransportLayer({ twilioWebSocket: caller });
  const session = new RealtimeSession(agent, { transport, model: "bench", tracingDisabled: true });
  session.on("error", () => {});
  session.connect({ apiKey: "bench", url: target }).catch((error: unknown) => {
    console.error(error);
    caller.terminate();
  });
});
