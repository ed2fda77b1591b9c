import type { StateNode } from "xstate";
import { sessionMachine } from "../src/session/machine.ts";

/** The session's chart as a Markdown page with one Mermaid diagram. */
export function drawStatechart(): string {
  const lines = ["stateDiagram-v2", ...draw(sessionMachine.root, 1)];
  return `# The session's chart\n\nDrawn from \`machine.ts\` by \`npm run draw\`; a test fails when they differ.\n\n\`\`\`mermaid\n${lines.join("\n")}\n\`\`\`\n`;
}

function draw(node: AnyNode, depth: number): readonly string[] {
  const indent = "  ".repeat(depth);
  const lines: string[] = [];
  const children = Object.values(node.states);
  for (const [index, child] of children.entries()) {
    if (node.type === "parallel" && index > 0) lines.push(`${indent}--`);
    const invoked = child.invoke.map((each) => ` [${typeof each.src === "string" ? each.src : "actor"}]`).join("");
    lines.push(`${indent}state "${child.key}${invoked}" as ${name(child)}`);
    if (Object.keys(child.states).length > 0) lines.push(`${indent}state ${name(child)} {`, ...draw(child, depth + 1), `${indent}}`);
    if (child.type === "final") lines.push(`${indent}${name(child)} --> [*]`);
  }
  if (node.type === "compound") lines.push(...node.initial.target.map((target) => `${indent}[*] --> ${name(target)}`));
  for (const child of children) lines.push(...transitions(child).map((line) => indent + line));
  return lines;
}

function transitions(node: AnyNode): readonly string[] {
  // `toDirectedGraph` leaves the eventless ones out, so both lists are walked.
  const all: readonly Arrow[] = [...[...node.transitions.values()].flat(), ...(node.always ?? [])];
  return all.map((each) => {
    const guard = each.guard === undefined ? "" : ` [${typeName(each.guard)}]`;
    const actions = each.actions.length === 0 ? "" : ` / ${each.actions.map(typeName).join(", ")}`;
    const targets = each.target ?? [node];
    return targets.map((target) => `${name(node)} --> ${name(target)}: ${eventName(each.eventType)}${guard}${actions}`).join("\n");
  });
}

// The tree is walked the same way whatever the machine's types are.
type AnyNode = StateNode<any, any>; // eslint-disable-line -- xstate's own variance makes any the only common type

interface Arrow {
  readonly target?: readonly AnyNode[] | undefined;
  readonly guard?: unknown;
  readonly actions: readonly unknown[];
  readonly eventType: string;
}

const name = (node: AnyNode): string => node.path.join("_") || "session";
const typeName = (each: unknown): string =>
  typeof each === "object" && each !== null && "type" in each ? String(each.type) : String(each);
const eventName = (type: string): string => (type === "" ? "at once" : type.replace(/^xstate\.after\.(\w+)\..*$/, "after $1"));
