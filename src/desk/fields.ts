/** Reads the arguments of a tool call; every error says which field, what it must be and what was found. */
export class Fields {
  readonly #tool: string;
  readonly #args: object;

  constructor(tool: string, args: unknown) {
    if (typeof args !== "object" || args === null || Array.isArray(args))
      throw new Error(`${tool} needs an object of arguments, found ${shown(args)}.`);
    this.#tool = tool;
    this.#args = args;
  }

  /** Text of 1 to `max` characters. */
  text(field: string, max = 200): string {
    const value: unknown = Reflect.get(this.#args, field);
    if (typeof value !== "string" || value.trim() === "" || value.length > max)
      throw this.#wrong(field, `text of 1 to ${max} characters`, value);
    return value.trim();
  }

  whole(field: string, min: number, max: number): number {
    const value: unknown = Reflect.get(this.#args, field);
    const number = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
    if (typeof number !== "number" || !Number.isInteger(number) || number < min || number > max)
      throw this.#wrong(field, `a whole number from ${min} to ${max}`, value);
    return number;
  }

  /** "YYYY-MM-DD". */
  day(field: string): string {
    const value: unknown = Reflect.get(this.#args, field);
    if (typeof value !== "string" || !/^\d{4}-\d{2}-\d{2}$/.test(value) || Number.isNaN(Date.parse(value)))
      throw this.#wrong(field, "a day such as 2026-11-27", value);
    return value;
  }

  /** "HH:MM", 24 hours. */
  time(field: string): string {
    const value: unknown = Reflect.get(this.#args, field);
    if (typeof value !== "string" || !/^([01]\d|2[0-3]):[0-5]\d$/.test(value)) throw this.#wrong(field, "a time such as 19:30", value);
    return value;
  }

  /** The digits of a phone number. */
  phone(field: string): string {
    const value: unknown = Reflect.get(this.#args, field);
    const digits = typeof value === "string" || typeof value === "number" ? String(value).replace(/\D/g, "") : "";
    if (digits.length < 7 || digits.length > 15) throw this.#wrong(field, "a phone number of 7 to 15 digits", value);
    return digits;
  }

  #wrong(field: string, wanted: string, found: unknown): Error {
    return new Error(`${this.#tool} needs ${field} as ${wanted}, found ${shown(found)}.`);
  }
}

function shown(value: unknown): string {
  return value === undefined ? "nothing" : JSON.stringify(value).slice(0, 60);
}

type Kind = "text" | "whole" | "day" | "time" | "phone";

const schemas: Readonly<Record<Kind, Readonly<Record<string, unknown>>>> = {
  text: { type: "string" },
  whole: { type: "integer" },
  day: { type: "string", description: "YYYY-MM-DD" },
  time: { type: "string", description: "HH:MM, 24 hours" },
  phone: { type: "string", description: "digits" },
};

/** The JSON Schema of an object that must have all of these fields. */
export function schemaOf(fields: Readonly<Record<string, Kind>>): Readonly<Record<string, unknown>> {
  const properties = Object.fromEntries(Object.entries(fields).map(([field, kind]) => [field, schemas[kind]]));
  return { type: "object", properties, required: Object.keys(fields), additionalProperties: false };
}
