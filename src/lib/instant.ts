/**
 * Instants. Recorded and sent as RFC 3339 in UTC with whole seconds ("2026-11-18T15:00:00Z"),
 * computed with as whole seconds since 1970 (`Seconds`). Fixed width, so text order is time order.
 */
export type Instant = string & { readonly brand: "Instant" };
/** Whole seconds since 1970-01-01T00:00:00Z. */
export type Seconds = number;

export const daySeconds = 86_400;

const pattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;

/** The ends of what the recorded form can write: the years 0000 to 9999. */
const firstSecond: Seconds = -62_167_219_200;
const lastSecond: Seconds = 253_402_300_799;

/** The nearest that can be written: beyond the ends there is no later, and no earlier, instant to tell apart. */
export const writable = (seconds: Seconds): Seconds => Math.min(Math.max(seconds, firstSecond), lastSecond);

/** @throws RangeError when the number is no instant of the years 0000 to 9999. */
export function instantOf(seconds: Seconds): Instant {
  const whole = Math.floor(seconds);
  const day = Math.floor(whole / daySeconds);
  const second = whole - day * daySeconds;
  return `${dayText(day)}T${clockTexts[Math.floor(second / 60)]}:${sixty[second % 60]}Z` as Instant;
}

const sixty: readonly string[] = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, "0"));
const clockTexts: readonly string[] = Array.from(
  { length: 1_440 },
  (_, minute) => `${sixty[Math.floor(minute / 60)]}:${sixty[minute % 60]}`,
);

/** A batch asks for a handful of days thousands of times, and Date spells each anew. */
const dayTexts = new Map<number, string>();
const dayTextsMax = 1_000;

function dayText(day: number): string {
  const known = dayTexts.get(day);
  if (known !== undefined) return known;
  if (!(day * daySeconds >= firstSecond && day * daySeconds <= lastSecond))
    throw new RangeError("not an instant of the years 0000 to 9999");
  const made = new Date(day * daySeconds * 1000).toISOString().slice(0, 10);
  if (dayTexts.size >= dayTextsMax) dayTexts.clear();
  dayTexts.set(day, made);
  return made;
}

/** @throws RangeError when the text is no instant in the one recorded form. */
export function secondsOf(instant: Instant): Seconds {
  const ms = pattern.test(instant) ? Date.parse(instant) : Number.NaN;
  if (Number.isNaN(ms)) throw new RangeError("not an instant of the form YYYY-MM-DDTHH:MM:SSZ");
  return ms / 1000;
}

/** A timestamp as the database's transport spells it, in recorded form; null for none and for an infinite one. */
export function recorded(at: string | null): Instant | null {
  if (at === null || at.endsWith("infinity")) return null;
  return (at.length === 20 ? at : `${at.slice(0, 19)}Z`) as Instant;
}

/** The same instant, moved; at most to the ends of what can be written. */
export function addSeconds(instant: Instant, seconds: Seconds): Instant {
  return instantOf(writable(secondsOf(instant) + seconds));
}

/** The earliest of those that are given, or null. */
export function earliest(instants: Iterable<Instant | null>): Instant | null {
  let found: Instant | null = null;
  for (const instant of instants) if (instant !== null && (found === null || instant < found)) found = instant;
  return found;
}
