// Aura-2 voices by language, the default first. Source: types of the package @deepgram/sdk 5.13.0.
const named = (language: string, names: string): readonly string[] => names.split(" ").map((name) => `aura-2-${name}-${language}`);

export const voices: Readonly<Record<string, readonly string[]>> = {
  en: named(
    "en",
    "thalia andromeda helena apollo arcas aries asteria athena atlas aurora callista cora cordelia delia draco electra harmonia hera hermes hyperion iris janus juno jupiter luna mars minerva neptune odysseus ophelia orion orpheus pandora phoebe pluto saturn selene theia vesta zeus amalthea",
  ),
  es: named(
    "es",
    "celeste agustina alvaro antonia aquila carina diana estrella gloria javier luciano nestor olivia selena silvia sirio valerio",
  ),
  de: named("de", "viktoria aurelia elara fabian julius kara lara"),
  fr: named("fr", "agathe hector"),
  it: named("it", "livia cesare cinzia demetra dionisio elio flavio maia melia perseo"),
  nl: named("nl", "rhea beatrix cornelia daphne hestia lars leda roman sander"),
  ja: named("ja", "izanami ama ebisu fujin uzume"),
};
