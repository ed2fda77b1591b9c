import { z } from "zod";
import type { Dialler, PlacedCall } from "../../caller/outbound.ts";
import { Fault } from "../../kernel/fault.ts";
import { changing, type Operation } from "./operation.ts";

const target = z.string().regex(/^(?:\+[1-9]\d{4,14}|sips?:[^\s"<>]{1,240})$/, "expected +number (E.164) or a SIP URI");

const order = z.object({
  to: target.meta({ description: "whom to call: +number (E.164) or a SIP URI" }),
  from: target.optional().meta({ description: "the number that they see; else the configured one" }),
  carrier: z.string().max(64).optional().meta({ description: "through whom; else the first that can place calls" }),
  agent: z.string().min(1).max(64).optional(),
  language: z.string().min(2).max(35).optional(),
  machine: z
    .enum(["ignore", "hang-up", "leave-message"])
    .optional()
    .meta({ description: "what to do when a machine answers; else what the agent's settings say" }),
  ringLimitS: z.number().int().min(5).max(600).default(60).meta({ description: "how long the telephone may ring, s" }),
});

const placed: z.ZodType<PlacedCall> = z.object({
  carrier: z.string(),
  carrierCallId: z.string().meta({ description: "the carrier's id; the call gets one of ours when it is answered" }),
});

/** Calls that we place. */
export function outboundOperations(diallers: readonly Dialler[]): readonly Operation[] {
  return [
    changing("/v1/calls", {
      id: "placeCall",
      summary: "Call somebody",
      body: order,
      status: 202,
      meaning: "the carrier has the order; the telephone does not ring yet",
      schema: placed,
      faults: ["call-unable"],
      target: () => "outbound",
      run: (_asked, { carrier, to, from, agent, language, machine, ringLimitS }) =>
        diallerOf(diallers, carrier).place({ to, from, agent, language, machine, ringLimitS }),
    }),
  ];
}

function diallerOf(diallers: readonly Dialler[], carrier: string | undefined): Dialler {
  const found = carrier === undefined ? diallers[0] : diallers.find((each) => each.carrier === carrier);
  if (found !== undefined) return found;
  const known = diallers.map((each) => each.carrier).join(", ");
  throw new Fault(
    "call-unable",
    known === ""
      ? "no carrier here can place calls; see the README for those that can, such as Twilio with TWILIO_ACCOUNT_SID or a SIP trunk"
      : `calls are placed through ${known}`,
  );
}
