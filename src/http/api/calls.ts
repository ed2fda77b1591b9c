import { z } from "zod";
import { Fault } from "../../kernel/fault.ts";
import type { CallControl, CallWithTurns } from "../../session/control.ts";
import type { Asked } from "../answer.ts";
import { changing, reading, type Operation } from "./operation.ts";
import { briefCall, calls, wholeCall, type BriefCall } from "./shapes.ts";

/** Names of providers and the like; longer ones nobody has. */
const name = z.string().min(1).max(64);

/** The calls in progress, and what can be done with each. */
export function callOperations(control: CallControl): readonly Operation[] {
  const order = <Body>(
    verb: string,
    id: string,
    words: { summary: string; meaning: string; unable: boolean },
    body: z.ZodType<Body>,
    run: (callId: string, body: Body) => void,
  ): Operation =>
    changing(`/v1/calls/{id}/${verb}`, {
      id,
      summary: words.summary,
      body,
      meaning: words.meaning,
      schema: briefCall,
      faults: words.unable ? ["call-unknown", "call-unable"] : ["call-unknown"],
      target: callId,
      run(asked, said) {
        const before = found(control, callId(asked));
        run(before.callId, said);
        return brief(control.call(before.callId) ?? before);
      },
    });

  return [
    reading("/v1/calls", {
      id: "listCalls",
      summary: "The calls in progress on this node, oldest first",
      schema: calls,
      run: () => ({ calls: control.calls() }),
    }),
    reading("/v1/calls/{id}", {
      id: "getCall",
      summary: "One call with what was said in it",
      schema: wholeCall,
      faults: ["call-unknown"],
      run: (asked) => found(control, callId(asked)),
    }),
    order("hang-up", "hangUp", { summary: "End the call", meaning: "the call as it was last seen", unable: false }, z.object({}), (id) =>
      control.hangUp(id),
    ),
    order(
      "switch",
      "switchProvider",
      {
        summary: "Hand the call over to another provider at the next turn boundary; without a name to the next in line",
        meaning: "the order stands; the present link stays until the other is ready",
        unable: true,
      },
      z.object({ provider: name.optional() }),
      (id, { provider }) => control.switchProvider(id, provider),
    ),
    order(
      "transfer",
      "transfer",
      {
        summary: "Send the caller on to a telephone number or SIP URI, after the agent's sentence",
        meaning: "the order stands; events tell what came of it",
        unable: true,
      },
      z.object({
        target: z.string().regex(/^(?:\+[1-9]\d{4,14}|sips?:[^\s"<>]{1,240})$/, "expected +number (E.164) or a SIP URI"),
        briefing: z
          .string()
          .trim()
          .max(600)
          .default("")
          .meta({ description: "what whoever answers hears before they are put through, where the carrier can (Twilio)" }),
      }),
      (id, { target, briefing }) => control.transfer(id, target, briefing.toWellFormed()),
    ),
    order(
      "say",
      "say",
      { summary: "Speak these words to the caller now, cutting the agent", meaning: "the words are on their way", unable: true },
      z.object({ text: z.string().trim().min(1).max(2_000) }),
      (id, { text }) => control.say(id, text.toWellFormed()),
    ),
    order(
      "hold",
      "hold",
      {
        summary: "Hold the call: the caller hears music and is not heard; or take it back",
        meaning: "the call as it is now",
        unable: false,
      },
      z.object({ on: z.boolean().default(true) }),
      (id, { on }) => control.hold(id, on),
    ),
    order(
      "mute",
      "mute",
      {
        summary: "Keep the caller from being heard by the provider; or let them be heard",
        meaning: "the call as it is now",
        unable: false,
      },
      z.object({ on: z.boolean().default(true) }),
      (id, { on }) => control.mute(id, on),
    ),
    order(
      "dtmf",
      "sendDtmf",
      { summary: "Send these keys down the line", meaning: "the keys are on their way", unable: true },
      z.object({ digits: z.string().regex(/^[0-9*#A-D]{1,64}$/, "expected 1 to 64 of 0-9, *, #, A-D") }),
      (id, { digits }) => control.sendDtmf(id, digits),
    ),
  ];
}

function brief(call: CallWithTurns): BriefCall {
  const { turns: _, ...rest } = call;
  return rest;
}

const callId = ({ ids }: Asked): string => ids["id"] ?? "";

function found(control: CallControl, id: string): CallWithTurns {
  const view = control.call(id);
  if (view === undefined) throw new Fault("call-unknown", `no call ${id} is in progress here`);
  return view;
}
