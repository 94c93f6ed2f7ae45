import { type Seconds, daySeconds, instantOf, secondsOf } from "../lib/instant.ts";
import { type Judgement, allow, block, defer } from "./answer.ts";
import { type Fix, type GateAnswer, type GateMemo, type RuleRef, defineGate } from "./gate.ts";
import { type ZoneSteps, localMoment, wallClock, zoneSteps } from "./local-clock.ts";
import { type HoursRow, reaches, ruleRef } from "./rules/pack.ts";
import { packsOf } from "./rules/packs.ts";
import { states } from "./rules/states.ts";
import type { LocationFacts, Snapshot, WeekWindow, Weekday } from "./snapshot.ts";

type Facts = Pick<Snapshot, "at" | "packs" | "call" | "location" | "zones" | "hours">;

/** In the order in which the first that applies is reported; the last three of the refusals open with the clock. */
const reasons = [
  "unknown_state",
  "foreign_number",
  "non_geographic_number",
  "unassigned_area_code",
  "artificial_voice_prohibited",
  "holiday_calendar_ended",
  "holiday_prohibited",
  "day_prohibited",
  "before_window",
  "after_window",
  "inside_window",
] as const;
type Reason = (typeof reasons)[number];
type ZoneReason = Extract<Reason, "day_prohibited" | "before_window" | "after_window" | "inside_window">;

export const callingHours = defineGate({
  name: "calling_hours",
  version: 1,
  kind: "momentary",
  reads: ["at", "packs", "call", "location", "zones", "hours"],
  reasons,
  check(facts: Facts, memo?: GateMemo): GateAnswer<Reason> {
    const unplaced = placeReasons(facts.location);
    const first = unplaced[0];
    if (first !== undefined) return { ...block(first, placeFixes[first], { reasons: unplaced }), valid_until: null };
    const key = memo === undefined ? "" : memoKey(facts);
    const known = memo?.batch.get(key) as GateAnswer<Reason> | undefined;
    if (known !== undefined) return known;
    const answer = judgeHours(facts);
    memo?.batch.set(key, answer);
    return answer;
  },
});

type PlaceReason = "unknown_state" | "foreign_number" | "non_geographic_number" | "unassigned_area_code";

/** A ZIP or an area code does not replace the state; a military ZIP has no place, whatever state stands beside it. */
function placeReasons(location: LocationFacts): PlaceReason[] {
  const found: PlaceReason[] = [];
  if (location.known_state === null || location.zip_is_military || location.candidate_states.length === 0)
    found.push("unknown_state");
  const kind = location.area_code_kind;
  if (kind === "foreign") found.push("foreign_number");
  else if (kind === "non_geographic") found.push("non_geographic_number");
  else if (kind === "unassigned") found.push("unassigned_area_code");
  else if (kind !== "us" && kind !== "none") throw new Error("an area code of no known kind");
  return found;
}

const placeFixes: Readonly<Record<PlaceReason, Fix>> = {
  unknown_state: {
    code: "set_state",
    who: "operator",
    text: "Give the lead the US state or territory in which the person lives; a ZIP, a military post office or an area code does not replace it.",
  },
  foreign_number: {
    code: "none",
    who: "nobody",
    text: "The area code is not in the United States; other countries' calling rules are not covered.",
  },
  non_geographic_number: {
    code: "correct_number",
    who: "operator",
    text: "The number is toll-free, premium or otherwise tied to no place; give the person's own number.",
  },
  unassigned_area_code: {
    code: "correct_number",
    who: "operator",
    text: "The area code is not assigned as far as this version knows; correct the number.",
  },
};

const neverMeet: Fix = {
  code: "none",
  who: "nobody",
  text: "Within 400 days there is no second at which all windows of all zones are open together; only another calling window of the campaign can change that.",
};

/** Everything that the answer depends on, beside the packs' own data, which their version names. */
function memoKey(facts: Facts): string {
  const packs = facts.packs.map((pack) => `${pack.id}@${pack.version}`).join(",");
  const window = facts.hours.campaign_window === null ? "" : JSON.stringify(facts.hours.campaign_window);
  return `hours|${facts.at}|${facts.location.candidate_states.join(",")}|${facts.zones.version}|${facts.call.technology}|${packs}|${window}`;
}

/** One zone of one candidate state, with the rows that reach it, now or later. */
interface Place {
  readonly state: string;
  readonly zone: ZoneSteps;
  readonly rules: readonly HoursRule[];
}
/** A row read into numbers; it binds from `from` until before `to`. */
interface HoursRule {
  readonly row: HoursRow;
  readonly from: Seconds;
  readonly to: Seconds;
  readonly week: Week;
}

function judgeHours(facts: Facts): GateAnswer<Reason> {
  const at = secondsOf(facts.at);
  const campaign = facts.hours.campaign_window === null ? null : readWeek(facts.hours.campaign_window);
  const places = placesOf(facts);
  const now = reasonAt(places, campaign, at);
  const details = { reasons: now.reasons, zones: now.zones, zone_version: facts.zones.version };
  const rule = bindingRule(places[0]?.rules ?? [], at);
  const judgement = judgementOf(now.reason, places, campaign, at, details, rule);
  const horizon = Math.min(...places.map((place) => place.zone.until));
  const changes = firstChange(places, campaign, at, now.reason, horizon);
  return { ...judgement, valid_until: changes === null ? null : instantOf(changes) };
}

function bindingRule(rules: readonly HoursRule[], at: Seconds): RuleRef | null {
  const binding = rules.find((rule) => at >= rule.from && at < rule.to);
  return binding === undefined ? null : ruleRef(binding.row);
}

function judgementOf(
  reason: ZoneReason,
  places: readonly Place[],
  campaign: Week | null,
  at: Seconds,
  details: Readonly<Record<string, unknown>>,
  rule: RuleRef | null,
): Judgement<Reason> {
  if (reason === "inside_window") return allow(reason, details, rule);
  const opens = firstInside(places, campaign, at);
  return defer(reason, opens === null ? neverMeet : instantOf(opens), details, rule);
}

function placesOf(facts: Facts): Place[] {
  const rules = packsOf(facts.packs).flatMap((pack) => pack.hours.filter((row) => row.status !== "pending").map(readRow));
  const places: Place[] = [];
  for (const state of facts.location.candidate_states) {
    const known = states.find((row) => row.state === state);
    if (known === undefined) throw new Error("a candidate state that the table of states lacks");
    const reaching = rules.filter((rule) => reaches(rule.row, [state], facts.call.technology));
    for (const name of known.timezones) places.push({ state, zone: zoneSteps(facts.zones, name), rules: reaching });
  }
  return places;
}

const readRow = (row: HoursRow): HoursRule => ({
  row,
  from: row.effective_from === null ? Number.NEGATIVE_INFINITY : secondsOf(row.effective_from),
  to: row.effective_to === null ? Number.POSITIVE_INFINITY : secondsOf(row.effective_to),
  week: readWeek(row.days),
});

type Week = Readonly<Partial<Record<Weekday, { readonly from: number; readonly to: number }>>>;

function readWeek(window: WeekWindow | HoursRow["days"]): Week {
  const week: Partial<Record<Weekday, { from: number; to: number }>> = {};
  for (const [weekday, span] of Object.entries(window)) {
    if (span !== null) week[weekday as Weekday] = { from: secondOfDay(span.from), to: secondOfDay(span.to) };
  }
  return week;
}

/** @throws RangeError for anything but "HH:MM" from 00:00 to 24:00. */
function secondOfDay(text: string): number {
  const match = /^([01]\d|2[0-4]):([0-5]\d)$/.exec(text);
  const seconds = match === null ? Number.NaN : Number(match[1]) * 3600 + Number(match[2]) * 60;
  if (!(seconds <= daySeconds)) throw new RangeError("not a local time of the form HH:MM");
  return seconds;
}

/**
 * The narrowest window of a local day: all rows that bind at the instant, and the campaign's. Null = closed all day.
 * @throws Error when no row binds: an hour that no rule has judged is not open.
 */
function windowOf(place: Place, campaign: Week | null, weekday: Weekday, at: Seconds): { from: number; to: number } | null {
  const weeks = place.rules.filter((rule) => at >= rule.from && at < rule.to).map((rule) => rule.week);
  if (weeks.length === 0) throw new Error("no calling-hours row binds in a candidate state");
  if (campaign !== null) weeks.push(campaign);
  let from = 0;
  let to = daySeconds;
  for (const week of weeks) {
    const day = week[weekday];
    if (day === undefined) return null;
    from = Math.max(from, day.from);
    to = Math.min(to, day.to);
  }
  return from < to ? { from, to } : null;
}

/** The clock's next change in this zone, or the next instant at which a row begins or ceases to bind. */
function holdsUntil(place: Place, offsetHoldsUntil: Seconds, at: Seconds): Seconds {
  let until = offsetHoldsUntil;
  for (const rule of place.rules) {
    if (rule.from > at) until = Math.min(until, rule.from);
    if (rule.to > at) until = Math.min(until, rule.to);
  }
  return until;
}

interface PlaceMoment {
  readonly reason: ZoneReason;
  /** The first instant after this one at which this place could answer otherwise: a window's edge, midnight or a clock change. */
  readonly edge: Seconds;
  readonly offsetSeconds: number;
  readonly window: { readonly from: number; readonly to: number } | null;
}

function momentOf(place: Place, campaign: Week | null, at: Seconds): PlaceMoment {
  const local = localMoment(place.zone, at);
  const window = windowOf(place, campaign, local.weekday, at);
  const midnight = at - local.secondOfDay + daySeconds;
  const base = { offsetSeconds: local.offsetSeconds, window };
  const settled = holdsUntil(place, local.offsetHoldsUntil, at);
  const until = (edge: Seconds) => Math.min(edge, settled);
  if (window === null) return { ...base, reason: "day_prohibited", edge: until(midnight) };
  const dayStart = at - local.secondOfDay;
  if (local.secondOfDay < window.from) return { ...base, reason: "before_window", edge: until(dayStart + window.from) };
  if (local.secondOfDay < window.to) return { ...base, reason: "inside_window", edge: until(dayStart + window.to) };
  return { ...base, reason: "after_window", edge: until(midnight) };
}

function reasonAt(places: readonly Place[], campaign: Week | null, at: Seconds) {
  const zones = places.map((place) => {
    const moment = momentOf(place, campaign, at);
    const window = moment.window === null ? null : [clock(moment.window.from), clock(moment.window.to)];
    return {
      state: place.state,
      zone: place.zone.name,
      local: wallClock(at, moment.offsetSeconds),
      window,
      answer: moment.reason,
    };
  });
  const found = reasons.filter((reason) => zones.some((zone) => zone.answer === reason)) as ZoneReason[];
  const reason = found[0];
  if (reason === undefined) throw new Error("no zone was judged");
  return { reason, reasons: found, zones };
}

const clock = (seconds: number): string =>
  `${String(Math.floor(seconds / 3600)).padStart(2, "0")}:${String(Math.floor((seconds % 3600) / 60)).padStart(2, "0")}`;

const horizonSeconds = 400 * daySeconds;
/** Six edges a day (two of the window, midnight, in zones of which few differ) for 402 days, doubled. */
const edgesMax = 10_000;

/** The first second at which every place is open: go to the latest opening of those that are closed, until none is. */
function firstInside(places: readonly Place[], campaign: Week | null, at: Seconds): Seconds | null {
  const end = Math.min(at + horizonSeconds, ...places.map((place) => place.zone.until - 1));
  let cursor = at;
  for (let step = 0; step < edgesMax; step++) {
    let latest = cursor;
    for (const place of places) {
      const opens = nextOpening(place, campaign, cursor, end);
      if (opens === null) return null;
      latest = Math.max(latest, opens);
    }
    if (latest === cursor) return cursor;
    cursor = latest;
  }
  return null;
}

/** The first second, from `at` on, at which this place alone is open. */
function nextOpening(place: Place, campaign: Week | null, at: Seconds, end: Seconds): Seconds | null {
  let cursor = at;
  for (let step = 0; step < edgesMax && cursor <= end; step++) {
    const moment = momentOf(place, campaign, cursor);
    if (moment.reason === "inside_window") return cursor;
    cursor = moment.edge;
  }
  return null;
}

/** The first instant at which the places together give another reason; the end of the tables counts as one for an open window. */
function firstChange(
  places: readonly Place[],
  campaign: Week | null,
  at: Seconds,
  reason: ZoneReason,
  horizon: Seconds,
): Seconds | null {
  let cursor = at;
  for (let step = 0; step < edgesMax; step++) {
    const edge = Math.min(...places.map((place) => momentOf(place, campaign, cursor).edge));
    if (edge >= horizon) return reason === "inside_window" ? horizon : null;
    const found = places.map((place) => momentOf(place, campaign, edge).reason);
    const first = reasons.find((candidate) => found.includes(candidate as ZoneReason));
    if (first !== reason) return edge;
    cursor = edge;
  }
  return null;
}
