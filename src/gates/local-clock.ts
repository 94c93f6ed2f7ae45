import { type Instant, type Seconds, daySeconds, instantOf, secondsOf } from "../lib/instant.ts";
import type { Weekday, ZoneFacts, ZoneTable } from "./snapshot.ts";

/** Local time in one zone, and the instant until which its offset holds. */
export interface LocalMoment {
  /** Days since 1970-01-01 on the local calendar. */
  readonly day: number;
  readonly weekday: Weekday;
  readonly secondOfDay: number;
  readonly offsetSeconds: number;
  /** The next clock change, or the end of the table. */
  readonly offsetHoldsUntil: Seconds;
}

/** 1970-01-01 was a Thursday. */
const weekdays = ["thu", "fri", "sat", "sun", "mon", "tue", "wed"] as const;

const weekdayOf = (day: number): Weekday => weekdays[((day % 7) + 7) % 7] as Weekday;

/** @throws RangeError outside the table: a clock that is not known answers nothing. */
export function localMoment(zone: ZoneSteps, at: Seconds): LocalMoment {
  if (at < zone.from || at >= zone.until) throw new RangeError("the instant lies outside the snapshot's zone table");
  let offset = zone.offsetSeconds;
  let holdsUntil = zone.until;
  for (const step of zone.steps) {
    if (step.at > at) {
      holdsUntil = step.at;
      break;
    }
    offset = step.offsetSeconds;
  }
  const local = at + offset;
  const day = Math.floor(local / daySeconds);
  return {
    day,
    weekday: weekdayOf(day),
    secondOfDay: local - day * daySeconds,
    offsetSeconds: offset,
    offsetHoldsUntil: holdsUntil,
  };
}

/** A zone table read into numbers, once per check. */
export interface ZoneSteps {
  readonly name: string;
  readonly from: Seconds;
  readonly until: Seconds;
  readonly offsetSeconds: number;
  readonly steps: readonly { readonly at: Seconds; readonly offsetSeconds: number }[];
}

/** @throws Error when the snapshot lacks the zone. */
export function zoneSteps(facts: ZoneFacts, name: string): ZoneSteps {
  const table = Object.hasOwn(facts.zones, name) ? facts.zones[name] : undefined;
  if (table === undefined) throw new Error("the snapshot lacks a zone of a candidate state");
  return stepsOf(name, table);
}

function stepsOf(name: string, table: ZoneTable): ZoneSteps {
  let previous = secondsOf(table.from);
  const steps = table.transitions.map((step) => {
    const at = secondsOf(step.at);
    if (at < previous || !Number.isSafeInteger(step.offset_seconds))
      throw new RangeError("a zone's transitions are not in order");
    previous = at;
    return { at, offsetSeconds: step.offset_seconds };
  });
  return { name, from: secondsOf(table.from), until: secondsOf(table.until), offsetSeconds: table.offset_seconds, steps };
}

/** The first instant at or after `at` with this local day or a later one: local midnight, or the clock change that skips it. */
export function startOfLocalDay(zone: ZoneSteps, day: number, at: Seconds): Seconds {
  let cursor = at;
  for (let segment = 0; segment <= zone.steps.length; segment++) {
    const moment = localMoment(zone, cursor);
    if (moment.day >= day) return cursor;
    const midnight = day * daySeconds - moment.offsetSeconds;
    if (midnight < moment.offsetHoldsUntil) return midnight;
    cursor = moment.offsetHoldsUntil;
  }
  throw new RangeError("the day lies outside the snapshot's zone table");
}

/** "2027-01-13T20:59:59" as a person's wall clock shows it. */
export function wallClock(at: Instant | Seconds, offsetSeconds: number): string {
  const seconds = typeof at === "number" ? at : secondsOf(at);
  return instantOf(seconds + offsetSeconds).slice(0, 19);
}
