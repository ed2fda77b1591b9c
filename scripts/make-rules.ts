// Writes the rules on service levels anew: node scripts/make-rules.ts
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { objectiveRules } from "./rules/objective-rules.ts";

writeFileSync(join(import.meta.dirname, "../deploy/prometheus/rules/objectives.yml"), objectiveRules());
