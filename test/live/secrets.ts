/** The text with every secret in it made unreadable. */
export const without = (secrets: readonly string[], text: string): string =>
  secrets.filter((secret) => secret !== "").reduce((clean, secret) => clean.replaceAll(secret, "[secret]"), text);
