import { type Instant, type Seconds, instantOf, writable } from "./instant.ts";

/**
 * A date as it was given. `earliest` and `latest` are its extremes on earth: equal when the zone is known, else as in
 * UTC+14 and UTC-12. `utc` reads a date without a zone as UTC. All null when the text is no date.
 */
export interface DateOnEarth {
  readonly given: string | null;
  readonly utc: Instant | null;
  readonly earliest: Instant | null;
  readonly latest: Instant | null;
}

export interface GivenDateOptions {
  /** The zone of dates that state none, where somebody attests it. Only UTC can be attested. */
  readonly dateZone?: "UTC" | null;
}

const hourSeconds = 3600;
/** The first and the last clock on earth: Kiribati's Line Islands, and the uninhabited west. */
const eastmostHours = 14;
const westmostHours = 12;

const iso = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?\s?(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?)?$/i;
/** Month/day/year, as spreadsheets in the United States write it; the clock may be a half-day one, and in UTC. */
const slashed = /^(\d{1,2})\/(\d{1,2})\/(\d{4})(?:,?\s(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\s?([AP])\.?M\.?)?(\s?(?:Z|UTC|GMT))?)?$/i;

/** What a file or an integrator gave as a date. Blank is no date; text that is none keeps `given` and has no instants. */
export function givenDate(text: string | null | undefined, options: GivenDateOptions = {}): DateOnEarth {
  const given = text?.trim() ?? "";
  if (given === "") return { given: null, utc: null, earliest: null, latest: null };
  const read = readIso(given) ?? readSlashed(given);
  if (read === null) return { given, utc: null, earliest: null, latest: null };
  const utc = instantOf(writable(read.seconds - (read.offsetSeconds ?? 0)));
  if (read.offsetSeconds !== null || options.dateZone === "UTC") return { given, utc, earliest: utc, latest: utc };
  // A day without a time lasts to its last second, wherever it was.
  const last = read.hasTime ? read.seconds : read.seconds + 24 * hourSeconds - 1;
  return {
    given,
    utc,
    earliest: instantOf(writable(read.seconds - eastmostHours * hourSeconds)),
    latest: instantOf(writable(last + westmostHours * hourSeconds)),
  };
}

interface Read {
  readonly seconds: Seconds;
  readonly offsetSeconds: number | null;
  readonly hasTime: boolean;
}

function readIso(text: string): Read | null {
  const match = iso.exec(text);
  if (match === null) return null;
  const [, year, month, day, hour, minute, second, zone] = match;
  const seconds = secondsOfParts(year, month, day, hour, minute, second);
  const offset = zone === undefined ? null : offsetOf(zone);
  if (seconds === null || (offset !== null && Number.isNaN(offset))) return null;
  return { seconds, offsetSeconds: offset, hasTime: hour !== undefined };
}

function readSlashed(text: string): Read | null {
  const match = slashed.exec(text);
  if (match === null) return null;
  const [, month, day, year, hour, minute, second, half, zone] = match;
  const clock = half === undefined || hour === undefined ? hour : hourOfHalfDay(hour, half);
  if (clock === null) return null;
  const seconds = secondsOfParts(year, month, day, clock, minute, second);
  return seconds === null ? null : { seconds, offsetSeconds: zone === undefined ? null : 0, hasTime: hour !== undefined };
}

/** "12 AM" is midnight; "13 PM" is nothing. */
function hourOfHalfDay(hour: string, half: string): string | null {
  const number = Number(hour);
  if (number < 1 || number > 12) return null;
  return String((number % 12) + (half.toUpperCase() === "P" ? 12 : 0));
}

/** NaN beyond the offsets that exist. */
function offsetOf(zone: string): number {
  if (/^[A-Z]/i.test(zone)) return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(3).replace(":", ""));
  if (hours > 14 || minutes > 59) return Number.NaN;
  return (zone.startsWith("-") ? -1 : 1) * (hours * hourSeconds + minutes * 60);
}

/** Null for a day or time that no calendar has, such as 31 February, 00/00 or 25:00. */
function secondsOfParts(year = "", month = "", day = "", hour = "0", minute = "0", second = "0"): Seconds | null {
  const [y, mo, d, h, mi, s] = [year, month, day, hour, minute, second].map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (y < 1900 || h > 23 || mi > 59 || s > 59) return null;
  const ms = Date.UTC(y, mo - 1, d, h, mi, s);
  const back = new Date(ms);
  return back.getUTCMonth() === mo - 1 && back.getUTCDate() === d ? ms / 1000 : null;
}
