/**
 * What a credential usually asks for in an hour, learned from the hours in which it was used: one that works for an hour
 * each night is compared with its nights, not with a day's mean.
 */
export interface UsualRate {
  /** The hour at hand, counted from 1970. */
  readonly hour: number;
  /** Requests in it. */
  readonly count: number;
  /** Requests in an hour of use, before this one. */
  readonly mean: number;
  /** How many hours of use the mean was learned from. */
  readonly hours: number;
  /** Whether this hour was called unusual already. */
  readonly told: boolean;
}

export const unusualTimes = 10;
/** Below this many in an hour nothing is unusual: ten times little is little. */
export const unusualCountMin = 600;
/** Hours of use before anything is called unusual. */
export const learnedHoursMin = 24;
/** An hour weighs at least 1/168, so that the mean follows slowly: a week's worth of hours of use. */
const weighedHoursMax = 168;
const hourMs = 3_600_000;

/** Counts one request. `unusual` is true once in an hour, at the request by which the hour passes what is usual. */
export function countRequest(before: UsualRate | null, nowMs: number): { readonly rate: UsualRate; readonly unusual: boolean } {
  const hour = Math.floor(nowMs / hourMs);
  // A clock that went back is in the hour that it came from.
  const at = before === null || hour > before.hour ? { ...learned(before), hour, count: 0, told: false } : before;
  const count = at.count + 1;
  const unusual = !at.told && at.hours >= learnedHoursMin && count > unusualFrom(at.mean);
  return { rate: { ...at, count, told: at.told || unusual }, unusual };
}

const unusualFrom = (mean: number): number => Math.max(mean * unusualTimes, unusualCountMin);

/** The mean with the hour that ended. An hour teaches no more than what would have been unusual: a flood does not become usual by itself. */
function learned(ended: UsualRate | null): Pick<UsualRate, "mean" | "hours"> {
  if (ended === null) return { mean: 0, hours: 0 };
  const hours = Math.min(ended.hours + 1, weighedHoursMax);
  const count = Math.min(ended.count, ended.hours === 0 ? ended.count : unusualFrom(ended.mean));
  return { mean: ended.mean + (count - ended.mean) / hours, hours };
}
