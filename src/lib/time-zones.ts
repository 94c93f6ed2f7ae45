import { Temporal } from "temporal-polyfill/implementation";
import { hexOf, sha256 } from "./bytes.ts";
import { canonicalJson } from "./canonical-json.ts";
import { type Instant, type Seconds, daySeconds, instantOf, secondsOf, writable } from "./instant.ts";

/** Offsets east of UTC, in seconds, from `from` on; each transition's offset holds from its instant on, until `until`. */
interface ZoneOffsets {
  readonly from: Instant;
  readonly until: Instant;
  readonly offset_seconds: number;
  readonly transitions: readonly { readonly at: Instant; readonly offset_seconds: number }[];
}
export interface ZoneOffsetsTable {
  readonly version: string;
  readonly zones: Readonly<Record<string, ZoneOffsets>>;
}

/** A conversation's local day is looked up to eight days back, in whatever zone (12 CFR 1006.14(b)). */
const pastDays = 10;
/** 400 days after any instant of the day, and one day more, so that a window that opens at the end can also be seen to close. */
const futureDays = 402;
/** A zone changes its clock twice a year; no zone in history came near this in 412 days. */
const transitionsMax = 64;

/**
 * The offsets of these zones around a day. The version is the digest of the table itself, so two machines with
 * different time-zone data never give the same version to different clocks.
 * @throws RangeError for a zone that the runtime does not know.
 */
export async function zoneFacts(zones: readonly string[], at: Instant): Promise<ZoneOffsetsTable> {
  const midnight = utcMidnight(at);
  const table: Record<string, ZoneOffsets> = {};
  for (const zone of [...new Set(zones)].toSorted()) table[zone] = offsetsOf(zone, midnight);
  return { version: hexOf(sha256(canonicalJson(table))), zones: table };
}

export interface ZoneBook {
  factsFor(zones: readonly string[], at: Instant): Promise<ZoneOffsetsTable>;
}

/** Tables are the same all UTC day: a book keeps the last few hundred, and hands out one object per day and set of zones. */
export function zoneBook(tablesMax = 1_000): ZoneBook {
  const kept = new Map<string, Promise<ZoneOffsetsTable>>();
  return {
    factsFor(zones, at) {
      const key = `${at.slice(0, 10)} ${zones.join(" ")}`;
      const found = kept.get(key);
      if (found !== undefined) return found;
      if (kept.size >= tablesMax) kept.clear();
      const made = zoneFacts(zones, at);
      kept.set(key, made);
      return made;
    },
  };
}

const utcMidnight = (at: Instant): Seconds => Math.floor(secondsOf(at) / daySeconds) * daySeconds;

function offsetsOf(zone: string, midnight: Seconds): ZoneOffsets {
  const from = writable(midnight - pastDays * daySeconds);
  const until = writable(midnight + futureDays * daySeconds);
  let local = Temporal.Instant.fromEpochMilliseconds(from * 1000).toZonedDateTimeISO(zone);
  const first = local.offsetNanoseconds;
  const transitions: { at: Instant; offset_seconds: number }[] = [];
  for (let count = 0; count < transitionsMax; count++) {
    const next = local.getTimeZoneTransition("next");
    if (next === null || next.epochMilliseconds >= until * 1000) break;
    local = next;
    transitions.push({ at: instantOf(next.epochMilliseconds / 1000), offset_seconds: next.offsetNanoseconds / 1e9 });
  }
  return { from: instantOf(from), until: instantOf(until), offset_seconds: first / 1e9, transitions };
}
