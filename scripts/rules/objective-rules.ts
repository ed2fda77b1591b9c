import { stringify } from "yaml";
import { objectives } from "../../src/watch/objectives.ts";

type Window = "7d" | "30d";
interface RecordingRule {
  readonly record: string;
  readonly expr: string;
}
interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook: string; readonly dashboard: string };
}
interface Group {
  readonly name: string;
  readonly interval?: string;
  readonly rules: readonly (RecordingRule | AlertRule)[];
}

const all = Object.entries(objectives).map(([slo, { burn, ratio }]) => ({ slo, burn, ratio }));
const namesOf = (chosen: readonly { slo: string }[]): string => chosen.map(({ slo }) => slo).join("|");
const watched = namesOf(all.filter(({ burn }) => burn !== "none"));
const paged = all.filter(({ burn }) => burn === "all");
/** Whose callers are in need, or pay for more: their fast burn wakes somebody. */
const isGrave = ({ slo }: { slo: string }): boolean => slo === "turn_latency_gold";
/** One provider that fails is `ProviderDown`; while others answer, nobody is to be woken for it. */
const isOfProviders = ({ slo }: { slo: string }): boolean => slo === "connect_success" || slo === "provider_error";
/** Of these a part of the budget of `turn_success` is set apart. */
const budgeted = `${watched}|capacity_failures|request_shape_failures`;

const by = "sum by (region, slo, provider)";
const per = (counter: string, range: string, labels = ""): string => `${by} (increase(slo_${counter}_events_total${labels}[${range}]))`;
const budgetOf = (window: Window): string => `(1 - max by (region, slo, window) (slo_objective_ratio{window="${window}"}) > 0)`;

/** Per range: how many events there were, how many of them were bad, and how many times as fast as allowed that is. */
const figures = (range: string): RecordingRule[] => [
  { record: `slo:valid_events:${range}`, expr: per("valid", range) },
  { record: `slo:bad_ratio:${range}`, expr: `1 - ${per("good", range)} / (slo:valid_events:${range} > 0)` },
  {
    record: `slo:burn_rate:${range}`,
    expr: (["7d", "30d"] as const)
      .map((window) => `slo:bad_ratio:${range} / on (region, slo) group_left (window) ${budgetOf(window)}`)
      .join("\nor\n"),
  },
];

interface Burn {
  readonly alert: string;
  readonly long: string;
  readonly short: string;
  readonly factors: Readonly<Record<Window, number>>;
}

const fast: Burn = { alert: "SloBurnFast", long: "1h", short: "5m", factors: { "7d": 13.44, "30d": 14.4 } };
const slow: Burn = { alert: "SloBurnSlow", long: "6h", short: "30m", factors: { "7d": 3.5, "30d": 6 } };
const ticket: Burn = { alert: "SloBurnTicket", long: "1d", short: "2h", factors: { "7d": 1.4, "30d": 3 } };
const trickle: Burn = { alert: "SloBurnTrickle", long: "3d", short: "6h", factors: { "7d": 0.98, "30d": 1 } };

const about = (summary: string, runbook: string): AlertRule["annotations"] => ({
  summary: `{{ $labels.slo }}{{ with $labels.provider }} of {{ . }}{{ end }}: ${summary}`,
  runbook: `{{ $externalLabels.runbook_url }}#${runbook}`,
  dashboard: "{{ $externalLabels.dashboard_url }}?var-region={{ $labels.region }}",
});

/** Both windows must burn, and both must have seen enough to say so. */
function burnAlert({ alert, long, short, factors }: Burn, severity: string, slos: string): AlertRule {
  const parts = (["7d", "30d"] as const).map((window) => {
    const burns = (range: string, more = ""): string => `slo:burn_rate:${range}{window="${window}"${more}} > ${factors[window]}`;
    return `  (${burns(long, `, slo=~"${slos}"`)} and ${burns(short)})`;
  });
  return {
    alert,
    expr: [
      "max by (region, slo, provider) (",
      parts.join("\n  or\n"),
      ")",
      `and slo:valid_events:${long} >= 20`,
      `and slo:valid_events:${short} >= 5`,
      "",
    ].join("\n"),
    labels: { severity },
    annotations: about(`its budget is spent {{ $value | printf "%.1f" }} times as fast as it may be (${long} and ${short})`, "sloburn"),
  };
}

function hardDown(): AlertRule {
  const labels = `{slo=~"${namesOf(paged.filter((each) => !isOfProviders(each)))}"}`;
  return {
    alert: "HardDown",
    expr: `1 - ${per("good", "1m", labels)} / ${per("valid", "1m", labels)} >= 0.5\nand ${per("valid", "1m", labels)} >= 5\n`,
    labels: { severity: "SEV1" },
    annotations: about("{{ $value | humanizePercentage }} of what happened in the last minute was bad", "harddown"),
  };
}

const left = `slo_error_budget_remaining_ratio{slo=~"${budgeted}"}`;
const budgetAlerts: readonly AlertRule[] = [
  {
    alert: "SlaApproaching",
    expr: `${left} < 0.2 > 0 and ignoring (window) slo:valid_events:7d >= 20\n`,
    for: "10m",
    labels: { severity: "INFO" },
    annotations: about("{{ $value | humanizePercentage }} of the budget of {{ $labels.window }} is left", "slobudget"),
  },
  {
    alert: "BudgetExhausted",
    expr: `${left} <= 0 and ignoring (window) slo:valid_events:7d >= 20\n`,
    labels: { severity: "SEV2" },
    annotations: about("nothing is left of the budget of {{ $labels.window }}", "slobudget"),
  },
  ...(
    [
      { severity: "SEV2", from: 0, to: 24 },
      { severity: "SEV3", from: 24, to: 72 },
    ] as const
  ).map(({ severity, from, to }) => ({
    alert: "BudgetForecast",
    expr: [
      `${left} > 0`,
      `and predict_linear(slo_error_budget_remaining_ratio[6h], ${to} * 3600) <= 0`,
      ...(from === 0 ? [] : [`unless predict_linear(slo_error_budget_remaining_ratio[6h], ${from} * 3600) <= 0`]),
      "and ignoring (window) slo:valid_events:6h >= 50",
      "",
    ].join("\n"),
    labels: { severity },
    annotations: about(`at the pace of the last 6 hours the budget of {{ $labels.window }} is spent within ${to} hours`, "slobudget"),
  })),
];

const remaining: RecordingRule = {
  record: "slo_error_budget_remaining_ratio",
  expr: (["7d", "30d"] as const).map((window) => `1 - slo:burn_rate:${window}{window="${window}"}`).join("\nor\n"),
};

// Figures over days are dear to make and change slowly.
const groups: readonly Group[] = [
  {
    name: "objectives",
    rules: [
      ...["5m", "30m", "1h", "2h"].flatMap(figures),
      hardDown(),
      burnAlert(fast, "SEV1", namesOf(paged.filter(isGrave))),
      burnAlert(fast, "SEV2", namesOf(paged.filter((each) => !isGrave(each)))),
    ],
  },
  {
    name: "objectives-day",
    interval: "1m",
    rules: [...["6h", "1d"].flatMap(figures), burnAlert(slow, "SEV2", namesOf(paged)), burnAlert(ticket, "SEV3", watched)],
  },
  {
    name: "objectives-month",
    interval: "2m",
    rules: [...["3d", "7d", "30d"].flatMap(figures), remaining, burnAlert(trickle, "SEV3", watched), ...budgetAlerts],
  },
];

const heading = `# Made by scripts/make-rules.ts from the table in src/watch/objectives.ts: how fast each error budget is spent, and who is told.
# A burn alert needs both of its windows above the factor, 20 events in the long one and 5 in the short one.
`;

/** The rules on service levels, as their file has them. */
export const objectiveRules = (): string => heading + stringify({ groups }, { lineWidth: 0 });
