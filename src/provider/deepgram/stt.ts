import { toFault, type FaultCode } from "../../kernel/fault.ts";
import { openFlux, type EarPlan } from "./flux.ts";
import { openNova } from "./nova.ts";
import type { StageGuards, TranscribeRequest, Transcriber, Transcription } from "./stages.ts";

/** What one model's trouble is not another's, and is told fast enough to ask that other. */
const ofTheModel: ReadonlySet<FaultCode> = new Set([
  "provider-overloaded",
  "provider-limited",
  "provider-model",
  "provider-refused",
  "provider-shut",
]);

/** Listens with the wanted model, or with the one that stands in for it. */
export function transcriber(plan: Omit<EarPlan, "model">, guards: StageGuards): Transcriber {
  return {
    async open(request) {
      const [wanted = "nova-3", ...others] = plan.settings.stt;
      const { clock, openLimitMs } = request;
      const startMs = clock.now();
      try {
        return await openWith(wanted, request, plan, guards);
      } catch (error) {
        const fault = toFault(error, "internal", `opening ${wanted}`);
        const [other] = others;
        if (other === undefined || request.signal.aborted || !ofTheModel.has(fault.code)) throw fault;
        request.log.warning("stage_fell_back", { stage: "stt", from: wanted, to: other, code: fault.code, message: fault.message });
        try {
          const leftMs = Math.max(0, openLimitMs - (clock.now() - startMs));
          return await openWith(other, { ...request, openLimitMs: leftMs }, plan, guards);
        } catch {
          // What the wanted model's trouble is says more than that of its stand-in.
          throw fault;
        }
      }
    },
  };
}

function openWith(model: string, request: TranscribeRequest, plan: Omit<EarPlan, "model">, guards: StageGuards): Promise<Transcription> {
  const open = model.startsWith("flux-") ? openFlux : openNova;
  const guard = guards(model);
  const report: TranscribeRequest["report"] = (notice) => {
    if (notice.type === "stage.lost") guard.failed();
    request.report(notice);
  };
  return guard.run(() => open({ ...request, report }, { ...plan, model }), request.signal);
}
