// The small pieces of RFC 3261 section 25.1 that several header fields share.

/** RFC 3261 `token`. */
export const token = "[A-Za-z0-9.!%*_+`'~-]+";
/** What stands between quotation marks, marks included. */
export const quoted = String.raw`"(?:[^"\\]|\\.)*"`;

/** Parameters by lower-case name; one without a value has the empty string. */
export type Params = ReadonlyMap<string, string>;

const parameter = new RegExp(String.raw`[ \t]*;[ \t]*(${token})(?:[ \t]*=[ \t]*(${quoted}|\[[0-9A-Fa-f:.]+\]|[^;,\s"<>?]+))?[ \t]*`, "y");

/** `;name=value;flag` to the end of the text. Undefined: it is something else. */
export function parseParams(text: string): Params | undefined {
  const params = new Map<string, string>();
  let at = 0;
  while (at < text.length) {
    parameter.lastIndex = at;
    const found = parameter.exec(text);
    if (found === null) return undefined;
    const name = (found[1] ?? "").toLowerCase();
    if (!params.has(name)) params.set(name, unquote(found[2] ?? ""));
    at = parameter.lastIndex;
  }
  return params;
}

export const unquote = (text: string): string => (text.startsWith('"') ? text.slice(1, -1).replace(/\\(.)/g, "$1") : text);

export const quote = (text: string): string => `"${text.replace(/["\\]/g, "\\$&")}"`;

/** Splits at commas that stand neither in quotation marks nor in angle brackets. */
export function splitList(text: string): string[] {
  if (!text.includes(",")) return [text];
  const parts: string[] = [];
  let [from, inQuotes, inBrackets] = [0, false, false];
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (inQuotes && char === "\\") at += 1;
    else if (char === '"') inQuotes = !inQuotes;
    else if (inQuotes) continue;
    else if (char === "<") inBrackets = true;
    else if (char === ">") inBrackets = false;
    else if (char === "," && !inBrackets) {
      parts.push(text.slice(from, at).trim());
      from = at + 1;
    }
  }
  parts.push(text.slice(from).trim());
  return parts;
}
