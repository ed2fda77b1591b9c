import { formOf, type Guide } from "./guide.ts";
import { isOpen, timesOn } from "./opening-hours.ts";
import { isoDay } from "./readers/dates.ts";
import { without, type Act, type State, type Values } from "./state.ts";

/** The state with values that the caller gave: within their limits noted, too short ones kept as a beginning, others refused. */
export function put(guide: Guide, state: State, read: Readonly<Record<string, string | number>>): State {
  let values: Values = state.values;
  let partial = state.partial;
  const acts: Act[] = [];
  const noted: string[] = [];
  let corrections = 0;
  for (const [slot, value] of Object.entries(read)) {
    const spec = guide.flow.slots[slot];
    if (spec === undefined) continue;
    const isNumber = spec.reader === "phone" || spec.reader === "code";
    const size = isNumber ? String(value).length : Number(value);
    if (isNumber && size < (spec.min ?? 1)) {
      partial = { slot, digits: String(value) };
      continue;
    }
    if (partial?.slot === slot) partial = undefined;
    if (size < (spec.min ?? -Infinity) || size > (spec.max ?? Infinity)) {
      acts.push({ type: "outside", slot });
      values = without(values, [slot]);
      continue;
    }
    const known = values[slot];
    if (known !== undefined && known.value !== value) corrections += 1;
    else noted.push(slot);
    values = {
      ...values,
      [slot]: { value, checked: known?.value === value ? known.checked : spec.check === undefined },
    };
  }
  if (corrections > 0) acts.push({ type: "changed" });
  if (noted.length > 0) acts.push({ type: "noted", slots: noted });
  const form = state.form && { ...state.form, agreed: false };
  return { ...state, form, values, partial, acts: [...state.acts, ...acts] };
}

/** Takes back a day or time at which the business is closed, or that is past. */
export function checkValues(guide: Guide, state: State, now: Date): State {
  const form = formOf(guide, state.form?.intent);
  if (form?.withinHours !== true) return state;
  const slotBy = (reader: string): string => form.slots.find((slot) => guide.flow.slots[slot]?.reader === reader) ?? "";
  const [daySlot, timeSlot] = [slotBy("day"), slotBy("time")];
  const [day, time] = [state.values[daySlot]?.value, state.values[timeSlot]?.value];
  if (typeof day !== "string") return state;
  const { hours } = guide.flow.business;
  const refuse = (act: Act, ...slots: string[]): State => ({
    ...state,
    values: without(state.values, slots),
    acts: [...state.acts.filter(({ type }) => type !== "noted"), act],
  });
  if (timesOn(hours, day).length === 0) return refuse({ type: "closed", day }, daySlot);
  if (typeof time !== "string") return state;
  if (!isOpen(hours, day, time)) return refuse({ type: "closed", day }, timeSlot);
  const clock = `${String(now.getHours()).padStart(2, "0")}:${String(now.getMinutes()).padStart(2, "0")}`;
  return day === isoDay(now) && time <= clock ? refuse({ type: "past" }, timeSlot) : state;
}
