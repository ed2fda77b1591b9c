import { Book } from "./book.ts";
import { dayOf } from "./days.ts";
import { Fields, schemaOf } from "./fields.ts";
import type { Tool, ToolContext } from "./tool.ts";

export interface DeskOptions {
  /** How long looking up and booking take, ms: makes a slow system for demonstrations. */
  readonly slowMs: number;
}

const longestParty = 12;

/** The tools of the demo front desk, around one book for all calls. The book opens at the first use. */
export function deskTools(options: DeskOptions): Tool[] {
  let kept: Book | undefined;
  const book = ({ clock }: ToolContext): Book => (kept ??= new Book(dayOf(clock.wallNow())));
  const slow = (context: ToolContext): Promise<void> => pause(options.slowMs, context);
  return [bookTable(book, slow), moveBooking(book, slow), cancelBooking(book), lookUpOrder(book, slow), leaveMessage(book), callBack(book)];
}

type Opened = (context: ToolContext) => Book;
type Slow = (context: ToolContext) => Promise<void>;

function bookTable(book: Opened, slow: Slow): Tool {
  const name = "book_table";
  return {
    spec: {
      name,
      description: "Book a table. Answers with a reference, or with a problem and other times.",
      parameters: schemaOf({
        party_size: "whole",
        day: "day",
        time: "time",
        name: "text",
        phone: "phone",
      }),
    },
    async run(args, context) {
      const fields = new Fields(name, args);
      const wanted = {
        partySize: fields.whole("party_size", 1, longestParty),
        day: fields.day("day"),
        time: fields.time("time"),
        name: fields.text("name"),
        phone: fields.phone("phone"),
      };
      await slow(context);
      const open = book(context);
      if (wanted.day < dayOf(context.clock.wallNow())) return { problem: "That day is already past.", field: "day" };
      if (!open.hasRoom(wanted.day, wanted.time, wanted.partySize)) return open.fullProblem(wanted.day, wanted.time, wanted.partySize);
      const reference = freeReference(open, context);
      open.put({ reference, ...wanted });
      return { reference };
    },
  };
}

function moveBooking(book: Opened, slow: Slow): Tool {
  const name = "move_booking";
  return {
    spec: {
      name,
      description: "Move the booking of a phone number to another day and time.",
      parameters: schemaOf({ phone: "phone", day: "day", time: "time" }),
    },
    async run(args, context) {
      const fields = new Fields(name, args);
      const [phone, day, time] = [fields.phone("phone"), fields.day("day"), fields.time("time")];
      await slow(context);
      const open = book(context);
      const booking = open.of(phone);
      if (booking === undefined) return unknownPhone;
      if (day < dayOf(context.clock.wallNow())) return { problem: "That day is already past.", field: "day" };
      if (!open.hasRoom(day, time, booking.partySize, booking.reference)) return open.fullProblem(day, time, booking.partySize);
      open.put({ ...booking, day, time });
      return { reference: booking.reference, name: booking.name, party_size: booking.partySize };
    },
  };
}

function cancelBooking(book: Opened): Tool {
  const name = "cancel_booking";
  return {
    spec: {
      name,
      description: "Cancel the booking of a phone number.",
      parameters: schemaOf({ phone: "phone" }),
    },
    async run(args, context) {
      const open = book(context);
      const booking = open.of(new Fields(name, args).phone("phone"));
      if (booking === undefined) return unknownPhone;
      open.remove(booking.reference);
      return { reference: booking.reference, name: booking.name };
    },
  };
}

const unknownPhone = {
  problem: "I find no booking under that phone number.",
  field: "phone",
} as const;

function lookUpOrder(book: Opened, slow: Slow): Tool {
  const name = "look_up_order";
  return {
    spec: {
      name,
      description: "What a take-away order holds and how far it is, by its five-digit number.",
      parameters: schemaOf({ order_number: "text" }),
    },
    async run(args, context) {
      const number = new Fields(name, args).text("order_number").replace(/\D/g, "");
      await slow(context);
      const order = book(context).orders.get(number);
      if (order === undefined) return { problem: "I find no order with that number.", field: "order_number" };
      return { order_number: number, ...order };
    },
  };
}

function leaveMessage(book: Opened): Tool {
  const name = "leave_message";
  return {
    spec: {
      name,
      description: "Leave a message for the people of the restaurant.",
      parameters: schemaOf({ message: "text", name: "text", phone: "phone" }),
    },
    async run(args, context) {
      const fields = new Fields(name, args);
      const text = `${fields.text("name")}: ${fields.text("message", 1000)}`;
      book(context).note({
        kind: "message",
        phone: fields.phone("phone"),
        text,
        dueMs: context.clock.wallNow(),
      });
      return { noted: true };
    },
  };
}

function callBack(book: Opened): Tool {
  const name = "call_back";
  return {
    spec: {
      name,
      description: "Have someone call a phone number in some minutes; also serves as a reminder.",
      parameters: schemaOf({ minutes: "whole", phone: "phone" }),
    },
    async run(args, context) {
      const fields = new Fields(name, args);
      const dueMs = context.clock.wallNow() + fields.whole("minutes", 1, 1440) * 60_000;
      book(context).note({
        kind: "call-back",
        phone: fields.phone("phone"),
        text: "call back",
        dueMs,
      });
      return { due: new Date(dueMs).toISOString() };
    },
  };
}

function freeReference(book: Book, { random }: ToolContext): string {
  for (;;) {
    const reference = String(1000 + Math.floor(random.next() * 9000));
    if (!book.has(reference)) return reference;
  }
}

/** Waits, and stops waiting when the call is over. */
function pause(ms: number, { clock, signal }: ToolContext): Promise<void> {
  if (ms <= 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clock.clearTimeout(timer);
      reject(new Error("cancelled"));
    };
    const timer = clock.setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}
