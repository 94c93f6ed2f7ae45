import { areaCodesByState, foreignAreaCodes, nonGeographicAreaCodes } from "./rules/area-codes.ts";
import { states } from "./rules/states.ts";
import { militaryZipRanges, zipExceptions, zipRangesByState } from "./rules/zip-prefixes.ts";
import type { LocationFacts } from "./snapshot.ts";

export interface GivenPlace {
  readonly state: string | null;
  readonly zip: string | null;
  readonly e164: string | null;
}

/**
 * Where the person may be: the lead's state, the ZIP's and the area code's, together. A ZIP or an area code adds a
 * state to be asked; neither replaces the lead's own, and neither takes one away.
 */
export function locate(place: GivenPlace): LocationFacts {
  const state = cleaned(place.state)?.toUpperCase() ?? null;
  const zip = cleaned(place.zip)?.toUpperCase() ?? null;
  const known = state === null ? null : (stateByName.get(nameKey(state)) ?? null);
  const digits = zipDigits(zip);
  const prefix = digits?.slice(0, 3) ?? "";
  const exception = digits === null ? undefined : zipExceptions[digits];
  const zipState = exception === undefined ? (stateByZipPrefix.get(prefix) ?? null) : exception;
  const area = areaOf(place.e164);
  const candidates = new Set<string>();
  for (const candidate of [known, zipState, ...area.states]) if (candidate !== null) candidates.add(candidate);
  return {
    state,
    zip,
    known_state: known,
    zip_state: zipState,
    zip_is_military: militaryZips.has(prefix),
    area_code: area.code,
    area_code_kind: area.kind,
    area_code_states: area.states,
    candidate_states: [...candidates].toSorted(),
  };
}

/** Every zone of every one of these states, each once, in order. A state that the table lacks has no zones. */
export function zonesOf(candidates: readonly string[]): string[] {
  const zones = new Set<string>();
  for (const state of candidates) for (const zone of zonesByState.get(state) ?? []) zones.add(zone);
  return [...zones].toSorted();
}

/** Every zone in use in the states, the district and the territories. */
export const allZones = (): string[] => zonesOf(states.map((row) => row.state));

function areaOf(e164: string | null): { code: string | null; kind: LocationFacts["area_code_kind"]; states: readonly string[] } {
  if (e164 === null || e164.trim() === "") return { code: null, kind: "none", states: [] };
  if (!e164.startsWith("+1")) return { code: null, kind: "foreign", states: [] };
  const code = /^\+1(\d{3})\d{7}$/.exec(e164)?.[1];
  // What cannot be read is no area code that anyone was assigned.
  if (code === undefined) return { code: null, kind: "unassigned", states: [] };
  const state = stateByAreaCode.get(code);
  if (state !== undefined) return { code, kind: "us", states: [state] };
  if (foreign.has(code)) return { code, kind: "foreign", states: [] };
  return { code, kind: nonGeographic.has(code) ? "non_geographic" : "unassigned", states: [] };
}

function cleaned(text: string | null): string | null {
  const trimmed = text?.trim().replace(/\s+/g, " ") ?? "";
  return trimmed === "" ? null : trimmed;
}

/** "N.Y." and "new  york" are New York. */
const nameKey = (text: string): string => text.toUpperCase().replace(/[.,' -]/g, "");

/** Five digits of "58102", "58102-1234" or "581021234"; spreadsheets drop leading zeros, so three and four digits get them back. */
export function zipDigits(zip: string | null): string | null {
  const match = zip === null ? null : /^(\d{3,5})(?:[- ]?\d{4})?$/.exec(zip);
  return match?.[1]?.padStart(5, "0") ?? null;
}

const words = (text: string): string[] => text.split(" ");

function prefixesOf(ranges: string): string[] {
  return words(ranges).flatMap((range) => {
    const [first = "", last = first] = range.split("-");
    return Array.from({ length: Number(last) - Number(first) + 1 }, (_, index) => String(Number(first) + index).padStart(3, "0"));
  });
}

const stateByName: ReadonlyMap<string, string> = new Map([
  ...states.flatMap((row): [string, string][] => [
    [row.state, row.state],
    [nameKey(row.name), row.state],
  ]),
  ["WASHINGTONDC", "DC"],
  ["USVIRGINISLANDS", "VI"],
  ["VIRGINISLANDS", "VI"],
  ["COMMONWEALTHOFTHENORTHERNMARIANAISLANDS", "MP"],
]);
const zonesByState: ReadonlyMap<string, readonly string[]> = new Map(states.map((row) => [row.state, row.timezones]));
const stateByZipPrefix: ReadonlyMap<string, string> = new Map(
  Object.entries(zipRangesByState).flatMap(([state, ranges]) =>
    prefixesOf(ranges).map((prefix): [string, string] => [prefix, state]),
  ),
);
const militaryZips: ReadonlySet<string> = new Set(prefixesOf(militaryZipRanges));
const stateByAreaCode: ReadonlyMap<string, string> = new Map(
  Object.entries(areaCodesByState).flatMap(([state, codes]) => words(codes).map((code): [string, string] => [code, state])),
);
const foreign: ReadonlySet<string> = new Set(words(foreignAreaCodes));
const nonGeographic: ReadonlySet<string> = new Set(words(nonGeographicAreaCodes));
