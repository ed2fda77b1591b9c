/** A day some days later, "YYYY-MM-DD". */
export function dayAfter(day: string, days: number): string {
  const date = new Date(`${day}T12:00Z`);
  date.setUTCDate(date.getUTCDate() + days);
  return date.toISOString().slice(0, 10);
}

/** The day of a moment in this machine's own zone, "YYYY-MM-DD". */
export function dayOf(wallMs: number): string {
  const date = new Date(wallMs);
  return [date.getFullYear(), String(date.getMonth() + 1).padStart(2, "0"), String(date.getDate()).padStart(2, "0")].join("-");
}

/** "19:30" as "7:30 pm". */
export function sayTime(time: string): string {
  const hour = Number(time.slice(0, 2));
  const minutes = time.slice(3) === "00" ? "" : `:${time.slice(3)}`;
  if (time === "12:00") return "noon";
  return `${hour % 12 === 0 ? 12 : hour % 12}${minutes} ${hour < 12 ? "am" : "pm"}`;
}
