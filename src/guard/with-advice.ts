import { Fault } from "../kernel/fault.ts";
import type { Provider } from "../provider/contract.ts";

/** The same provider; a refused key names the settings that hold it, for whoever reads the log at night. */
export function withAdvice(provider: Provider, keySettings: readonly string[]): Provider {
  return {
    ...provider,
    open: async (request) => {
      try {
        return await provider.open(request);
      } catch (error) {
        if (!(error instanceof Fault) || error.code !== "provider-key") throw error;
        const unnamed = keySettings.filter((name) => !error.message.includes(name));
        if (unnamed.length === 0) throw error;
        throw new Fault(error.code, `${error.message}; check ${unnamed.join(" and ")}`, { cause: error });
      }
    },
  };
}
