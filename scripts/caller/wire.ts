import { z } from "zod";

/** What the server says on the browser's wire, as far as a caller without a screen cares; the rest is `other`. */
const known = z.discriminatedUnion("type", [
  z.object({ type: z.literal("started"), callId: z.string(), resumeToken: z.string(), agent: z.string(), provider: z.string() }),
  z.object({ type: z.literal("turn"), turnId: z.string() }),
  z.object({ type: z.literal("flush") }),
  z.object({ type: z.literal("phase"), phase: z.enum(["connecting", "listening", "thinking", "speaking"]) }),
  z.object({
    type: z.literal("caption"),
    turnId: z.string(),
    role: z.enum(["caller", "agent"]),
    text: z.string(),
    final: z.boolean(),
    interrupted: z.boolean(),
  }),
  z.object({ type: z.literal("caption.withdrawn"), turnId: z.string() }),
  z.object({ type: z.literal("latency"), turnId: z.string(), firstAudioMs: z.number() }),
  z.object({ type: z.literal("tool"), name: z.string(), state: z.enum(["running", "done", "failed"]) }),
  z.object({ type: z.literal("handed-over"), provider: z.string(), restored: z.enum(["full", "partial", "none"]) }),
  z.object({ type: z.literal("error"), code: z.string(), message: z.string() }),
  z.object({ type: z.literal("ended"), reason: z.string() }),
]);

export type ServerMessage = z.infer<typeof known> | { readonly type: "other"; readonly message: unknown };

export function readServerMessage(text: string): ServerMessage {
  const message: unknown = JSON.parse(text);
  const result = known.safeParse(message);
  return result.success ? result.data : { type: "other", message };
}
