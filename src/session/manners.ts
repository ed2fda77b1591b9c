/** How an agent behaves in a call beside what it says: plain data from its settings. */
export interface Manners {
  readonly idle: IdleManners;
  readonly machine: MachineManners;
  /** To whom the agent may put callers through, and to nobody else. */
  readonly people: readonly Person[];
}

export interface Person {
  readonly name: string;
  /** What they are for, in words for the agent. */
  readonly about: string;
  /** Telephone number (E.164) or SIP URI. */
  readonly target: string;
  /** They hear what it is about before they are put through, where the carrier can. */
  readonly briefed: boolean;
}

/** What happens when nobody speaks. */
interface IdleManners {
  /** The caller is asked whether they are still there after so long; undefined: never. */
  readonly repromptAfterMs: number | undefined;
  /** How often in a row; then the call ends. */
  readonly reprompts: number;
  /** The call ends after so long in which nobody said anything. */
  readonly endAfterMs: number;
}

/** What happens when a machine answers a call that we placed. */
interface MachineManners {
  readonly then: MachineOrder;
  /** Spoken after the beep. */
  readonly message: string;
  /** Who speaks longer than this at first is a machine. */
  readonly greetingMs: number;
}

export type MachineOrder = "hang-up" | "leave-message" | "go-on";

export const plainManners: Manners = {
  idle: { repromptAfterMs: undefined, reprompts: 2, endAfterMs: 300_000 },
  machine: { then: "go-on", message: "", greetingMs: 6_000 },
  people: [],
};

/** The same, with what an order for one call says of machines. */
export function mannersFor(manners: Manners, parameters: Readonly<Record<string, string>>): Manners {
  const order = machineOrders[parameters["machine"] ?? ""];
  return order === undefined ? manners : { ...manners, machine: { ...manners.machine, then: order } };
}

const machineOrders: Readonly<Record<string, MachineOrder>> = {
  "hang-up": "hang-up",
  "leave-message": "leave-message",
  ignore: "go-on",
};
