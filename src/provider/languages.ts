import type { ProviderTraits } from "./contract.ts";

const baseOf = (tag: string): string => tag.split("-", 1)[0]?.toLowerCase() ?? "";

/** Whether a provider talks in a language (BCP 47): regions make no difference, who speaks "en-US" is understood in "en-GB". */
export const speaksLanguage = ({ languages }: Pick<ProviderTraits, "languages">, language: string): boolean =>
  languages === "any" || languages.some((each) => baseOf(each) === baseOf(language));
