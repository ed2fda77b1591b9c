// Writes the Grafana dashboard anew: node scripts/make-dashboard.ts
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { dashboard } from "./dashboard/dashboard.ts";

const path = join(import.meta.dirname, "../deploy/grafana/dashboards/linekeeper.json");
writeFileSync(path, `${JSON.stringify(dashboard(), undefined, 2)}\n`);
