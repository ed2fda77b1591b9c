import { dayAfter, sayTime } from "./days.ts";

/** A table that someone has. */
export interface Booking {
  readonly reference: string;
  readonly name: string;
  readonly phone: string;
  readonly partySize: number;
  readonly day: string;
  readonly time: string;
}

export interface Order {
  readonly items: string;
  readonly status: string;
}

export interface Note {
  readonly kind: "message" | "call-back";
  readonly phone: string;
  readonly text: string;
  readonly dueMs: number;
}

const seats = 40;
const sittingMinutes = 90;
const firstTime = 12 * 60;
const lastTime = 21 * 60 + 30;
const bookingLimit = 2_000;
const noteLimit = 1_000;

/** The restaurant's book, in memory. When it is full, its oldest pages go; `forgotten` counts them. */
export class Book {
  readonly #bookings = new Map<string, Booking>();
  readonly #notes: Note[] = [];
  readonly orders: ReadonlyMap<string, Order> = new Map([
    [
      "47193",
      {
        items: "two margherita pizzas and a salad",
        status: "in the oven, ready in about 15 minutes",
      },
    ],
    ["47192", { items: "one lasagne", status: "ready for pick-up" }],
    ["12345", { items: "four fish and chips", status: "out for delivery" }],
    ["80315", { items: "a birthday cake", status: "planned for tomorrow at noon" }],
  ]);
  forgotten = 0;

  /** With an example guest and a Saturday evening that is full. @param today "YYYY-MM-DD" */
  constructor(today: string) {
    this.put({
      reference: "1001",
      name: "Ann Lee",
      phone: "5550123456",
      partySize: 2,
      day: dayAfter(today, 3),
      time: "19:00",
    });
    const untilSaturday = (6 - new Date(`${today}T12:00`).getDay() + 7) % 7;
    this.put({
      reference: "1002",
      name: "Harbour Choir",
      phone: "5550100200",
      partySize: seats,
      day: dayAfter(today, untilSaturday),
      time: "19:00",
    });
  }

  put(booking: Booking): void {
    this.#bookings.set(booking.reference, booking);
    const [oldest] = this.#bookings.keys();
    if (this.#bookings.size <= bookingLimit || oldest === undefined) return;
    this.#bookings.delete(oldest);
    this.forgotten += 1;
  }

  remove(reference: string): void {
    this.#bookings.delete(reference);
  }

  has(reference: string): boolean {
    return this.#bookings.has(reference);
  }

  /** The newest booking of a phone number. */
  of(phone: string): Booking | undefined {
    return [...this.#bookings.values()].findLast((booking) => booking.phone === phone);
  }

  get notes(): readonly Note[] {
    return this.#notes;
  }

  note(note: Note): void {
    this.#notes.push(note);
    if (this.#notes.length <= noteLimit) return;
    this.#notes.shift();
    this.forgotten += 1;
  }

  /** Whether so many people find a table; `moving` is not counted against itself. */
  hasRoom(day: string, time: string, partySize: number, moving?: string): boolean {
    const at = minutesOf(time);
    let taken = partySize;
    for (const booking of this.#bookings.values()) {
      const isNear = booking.day === day && Math.abs(minutesOf(booking.time) - at) < sittingMinutes;
      if (isNear && booking.reference !== moving) taken += booking.partySize;
    }
    return taken <= seats;
  }

  /** Up to two times with room, the nearest first. */
  alternatives(day: string, time: string, partySize: number): string[] {
    const times: string[] = [];
    for (let minutes = firstTime; minutes <= lastTime; minutes += 30) times.push(clockTime(minutes));
    const away = (other: string): number => Math.abs(minutesOf(other) - minutesOf(time));
    return times
      .filter((other) => this.hasRoom(day, other, partySize))
      .toSorted((a, b) => away(a) - away(b))
      .slice(0, 2)
      .toSorted();
  }

  /** Why there is no table, in words, with what there is instead. */
  fullProblem(day: string, time: string, partySize: number): { problem: string; field: string; alternatives: string[] } {
    const alternatives = this.alternatives(day, time, partySize);
    const field = alternatives.length === 0 ? "day" : "time";
    const instead =
      alternatives.length === 0 ? "There is no table left that day." : `There is room at ${alternatives.map(sayTime).join(" or ")}.`;
    return {
      problem: `I am sorry, we are full at ${sayTime(time)}. ${instead}`,
      field,
      alternatives,
    };
  }
}

const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

const clockTime = (minutes: number): string =>
  `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
