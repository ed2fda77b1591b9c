import { z } from "zod";
import { Fault } from "../../kernel/fault.ts";
import { changing, type Operation } from "./operation.ts";
import { rating } from "./shapes.ts";

/** @param rate false: no such call is in progress here or ended lately */
export function ratingOperations(rate: (callId: string, stars: number) => boolean): readonly Operation[] {
  const callId = (ids: Readonly<Record<string, string>>): string => ids["id"] ?? "";
  return [
    changing("/v1/calls/{id}/rating", {
      id: "rateCall",
      summary: "Say how the caller found the call, while it lasts or after; the last word counts",
      body: z.object({ stars: z.number().int().min(1).max(5).meta({ description: "1: bad, 5: very good" }) }),
      meaning: "it is in the call's record",
      schema: rating,
      faults: ["call-unknown"],
      target: ({ ids }) => callId(ids),
      run({ ids }, { stars }) {
        const id = callId(ids);
        if (!rate(id, stars))
          throw new Fault("call-unknown", `no call ${id.slice(0, 80)} is in progress here, or is among the last that ended`);
        return { callId: id, stars };
      },
    }),
  ];
}
