import { join } from "node:path";
import { describe, inject } from "vitest";
import { loadSettings } from "../../src/config/settings.ts";
import { providerConforms } from "../provider/conformance.ts";
import { liveBenches } from "./bench.ts";
import { lanes } from "./lanes.ts";
import type { LiveOptions } from "./options.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** `folder`: of this run's files. */
    live: { readonly options: LiveOptions; readonly folder: string };
  }
}

// The suite that every provider passes on its fake, on the services themselves. `npm run test:live` starts it.
const { options, folder } = inject("live");
const settings = loadSettings();
const setting = (name: string): string | undefined => settings.lookup(name);
for (const { row, missing } of lanes(options.providers, setting)) {
  const diary = options.diagnostics ? join(folder, `${row.name}.jsonl`) : undefined;
  describe.skipIf(missing.length > 0)(row.name, () =>
    providerConforms(liveBenches({ row, setting, secrets: settings.secretValues(), options, diary })),
  );
}
