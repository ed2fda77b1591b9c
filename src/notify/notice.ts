/** Something that people must be told. Without what callers said, but for a briefing to whoever takes one over. */
export interface Notice {
  /** The same notice has the same id, however often it is sent: receivers tell repeats by it. At most 64 characters. */
  readonly id: string;
  readonly reason: "crisis" | "caller" | "outage" | "alert" | "briefing";
  /** One line. */
  readonly title: string;
  readonly text: string;
  readonly facts: readonly { readonly name: string; readonly value: string }[];
  /** Unix time, ms. */
  readonly atMs: number;
  readonly callId?: string;
  readonly incidentId?: string;
}

export const channels = ["chat", "email"] as const;
export type Channel = (typeof channels)[number];

const colours = { crisis: "Attention", outage: "Attention", alert: "Warning", caller: "Accent", briefing: "Accent" } as const;

/**
 * The body that a chat's incoming webhook takes: a message with one adaptive card.
 * Source: "Create and send messages with an Incoming Webhook" and the Adaptive Cards schema 1.4, both Microsoft, read 2026-11.
 */
export function chatBody({ title, text, facts, reason, atMs, id }: Notice): string {
  const when = { title: "when", value: new Date(atMs).toISOString() };
  const card = {
    $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
    type: "AdaptiveCard",
    version: "1.4",
    body: [
      { type: "TextBlock", text: title, weight: "Bolder", size: "Medium", color: colours[reason], wrap: true },
      { type: "TextBlock", text, wrap: true },
      { type: "FactSet", facts: [when, ...facts.map(({ name, value }) => ({ title: name, value })), { title: "notice", value: id }] },
    ],
  };
  return JSON.stringify({
    type: "message",
    summary: title,
    attachments: [{ contentType: "application/vnd.microsoft.card.adaptive", contentUrl: null, content: card }],
  });
}

/** The body that an e-mail gateway takes. */
export function mailBody({ title, text, facts, atMs, id }: Notice, to: string): string {
  const lines = [
    text,
    "",
    `when: ${new Date(atMs).toISOString()}`,
    ...facts.map(({ name, value }) => `${name}: ${value}`),
    `notice: ${id}`,
  ];
  return JSON.stringify({ to, subject: title.replace(/\s+/g, " "), text: lines.join("\n") });
}
