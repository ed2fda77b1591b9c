import {
  DashboardBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  type Dashboard,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as StatesBuilder } from "@grafana/grafana-foundation-sdk/statetimeline";
import { PanelBuilder as TimeBuilder } from "@grafana/grafana-foundation-sdk/timeseries";
import { rows, type Panel } from "./panels.ts";

/** As it is provisioned in Grafana beside it. */
const datasource = { type: "prometheus", uid: "prometheus" };
const rowHeight = 8;

const variable = (name: string, label: string, query: string): QueryVariableBuilder =>
  new QueryVariableBuilder(name)
    .label(label)
    .datasource(datasource)
    .query(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .multi(true)
    .includeAll(true)
    .allValue(".*");

function drawn({ title, about, unit, lines, as = "time", width = 8 }: Panel): TimeBuilder | StatesBuilder | StatBuilder {
  const builder = as === "time" ? new TimeBuilder().min(0) : as === "states" ? new StatesBuilder() : new StatBuilder();
  builder.title(title).datasource(datasource).unit(unit).height(rowHeight).span(width);
  if (about !== undefined) builder.description(about);
  for (const { expr, name } of lines) builder.withTarget(new DataqueryBuilder().expr(expr).legendFormat(name));
  return builder;
}

/** The voice dashboard, as its file has it. */
export const dashboardText = (): string => `${JSON.stringify(dashboard(), undefined, 2)}\n`;

function dashboard(): Dashboard {
  const builder = new DashboardBuilder("Linekeeper")
    .uid("linekeeper")
    .description("Calls, providers, and what callers get.")
    .tags(["voice"])
    .refresh("10s")
    .time({ from: "now-1h", to: "now" })
    .timezone("browser")
    .withVariable(variable("region", "Region", "label_values(voice_ready, region)"))
    .withVariable(variable("provider", "Provider", "label_values(circuit_breaker_state, provider)"));
  for (const { title, panels } of rows) {
    builder.withRow(new RowBuilder(title));
    for (const panel of panels) builder.withPanel(drawn(panel));
  }
  return builder.build();
}
