import { z } from "zod";
import { changing, reading, type Operation } from "./operation.ts";
import { nodeView, type CostView } from "./shapes.ts";

/** This server as a whole. */
export interface NodeControl {
  readonly version: string;
  state(): "serving" | "draining";
  calls(): number;
  /** Why a new call would be refused just now, for people; undefined: it would not. */
  refusal(): string | undefined;
  /** Undefined: costs are not counted here. */
  costToday(): CostView | undefined;
  /** Takes no new call from now on; once more changes nothing. */
  drain(): void;
}

export function nodeOperations(node: NodeControl): readonly Operation[] {
  const view = (): z.infer<typeof nodeView> => ({
    version: node.version,
    state: node.state(),
    calls: node.calls(),
    refuses: node.refusal(),
    cost: node.costToday(),
  });
  return [
    reading("/v1/node", { id: "getNode", summary: "This server: what it is doing, and today's cost", schema: nodeView, run: view }),
    changing("/v1/drain", {
      id: "drain",
      summary: "Take no new call; those in progress may end within the drain limit. The process stays, for reading, until it is stopped",
      body: z.object({}),
      status: 202,
      meaning: "draining",
      schema: nodeView,
      target: () => "node",
      run() {
        node.drain();
        return view();
      },
    }),
  ];
}
