// Writes the Grafana dashboard anew: node scripts/make-dashboard.ts
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { dashboardText } from "./dashboard/dashboard.ts";

const path = join(import.meta.dirname, "../deploy/grafana/dashboards/linekeeper.json");
writeFileSync(path, dashboardText());
