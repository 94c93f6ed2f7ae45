import { describe, expect, test } from "vitest";
import { allZones, locate, zonesOf } from "../../src/gates/location.ts";
import { areaCodesByState, foreignAreaCodes, nonGeographicAreaCodes } from "../../src/gates/rules/area-codes.ts";
import { states } from "../../src/gates/rules/states.ts";
import { zipRangesByState } from "../../src/gates/rules/zip-prefixes.ts";

const place = (state: string | null, zip: string | null = null, e164: string | null = null) => locate({ state, zip, e164 });

describe("the lead's state", () => {
  test.each([
    [" ny ", "NY"],
    ["New York", "NY"],
    ["new   york", "NY"],
    ["N.Y.", "NY"],
    ["Washington, D.C.", "DC"],
    ["district of columbia", "DC"],
    ["Puerto Rico", "PR"],
    ["U.S. Virgin Islands", "VI"],
    ["GU", "GU"],
    ["Northern Mariana Islands", "MP"],
  ])("%j is %s", (given, state) => expect(place(given).known_state).toBe(state));
  test.each([[null], [""], ["  "], ["ZZ"], ["ON"], ["FM"], ["Puerto"], ["AE"], ["constructor"], ["12NY"]])(
    "%j is none",
    (given) => expect(place(given)).toMatchObject({ known_state: null, candidate_states: [] }),
  );
});

describe("the ZIP", () => {
  test.each([
    ["10001", "NY"],
    ["10001-1234", "NY"],
    ["100011234", "NY"],
    ["2134", "MA"],
    ["501", "NY"],
    ["00901", "PR"],
    ["00802", "VI"],
    ["96910", "GU"],
    ["96950", "MP"],
    ["96799", "AS"],
    ["96813", "HI"],
    ["06390", "NY"],
    ["88510", "TX"],
    ["20101", "VA"],
    ["56901", "DC"],
    ["39901", "GA"],
    ["99950", "AK"],
  ])("%s adds %s", (zip, state) =>
    expect(place("TN", zip)).toMatchObject({ zip_state: state, candidate_states: [state, "TN"].toSorted() }),
  );
  test.each([["00000"], ["99"], ["abc"], ["K1A 0B1"], ["96940"], ["123456"]])(
    "%s, which is no US ZIP, adds and narrows nothing",
    (zip) => expect(place("TN", zip)).toMatchObject({ zip_state: null, zip_is_military: false, candidate_states: ["TN"] }),
  );
  test.each([["09012"], ["9012"], ["34012"], ["96201"]])("%s is a military one", (zip) =>
    expect(place("NY", zip).zip_is_military).toBe(true),
  );
  test("a range belongs to one state only, and every state but AS and MP has one", () => {
    const seen = new Map<string, string>();
    for (const [state, ranges] of Object.entries(zipRangesByState)) {
      for (const range of ranges.split(" ")) {
        const [first = "", last = first] = range.split("-");
        for (let prefix = Number(first); prefix <= Number(last); prefix++) {
          expect(seen.get(String(prefix))).toBeUndefined();
          seen.set(String(prefix), state);
        }
      }
    }
    expect(new Set(seen.values())).toEqual(
      new Set(states.map((row) => row.state).filter((state) => state !== "AS" && state !== "MP")),
    );
  });
});

describe("the area code", () => {
  test.each([
    ["+12125550123", "us", ["NY"]],
    ["+16895550123", "us", ["FL"]],
    ["+14485550123", "us", ["FL"]],
    ["+13645550123", "us", ["KY"]],
    ["+16845550123", "us", ["AS"]],
    ["+14165550123", "foreign", []],
    ["+18765550123", "foreign", []],
    ["+442079460199", "foreign", []],
    ["+18885550123", "non_geographic", []],
    ["+19005550123", "non_geographic", []],
    ["+15005550123", "non_geographic", []],
    ["+19115550123", "non_geographic", []],
    ["+15555550123", "unassigned", []],
    ["+1212555012", "unassigned", []],
    [null, "none", []],
  ])("%s is %s", (e164, kind, codes) =>
    expect(place("NY", null, e164)).toMatchObject({ area_code_kind: kind, area_code_states: codes }),
  );
  test("no code is in two places", () => {
    const all = [...Object.values(areaCodesByState), foreignAreaCodes, nonGeographicAreaCodes].flatMap((codes) =>
      codes.split(" "),
    );
    expect(new Set(all).size).toBe(all.length);
    expect(Object.keys(areaCodesByState).toSorted()).toEqual(states.map((row) => row.state).toSorted());
  });
});

describe("candidate states and their zones", () => {
  test("are the union, each once, in order, whatever says it", () => {
    expect(place("FL", "90001", "+12125550123").candidate_states).toEqual(["CA", "FL", "NY"]);
    expect(place("NY", "10001", "+12125550123").candidate_states).toEqual(["NY"]);
  });
  test("a state brings all of its zones", () => {
    expect(zonesOf(["FL"])).toEqual(["America/Chicago", "America/New_York"]);
    expect(zonesOf(["AK"])).toContain("America/Adak");
    expect(zonesOf([])).toEqual([]);
  });
  test("the runtime knows every zone", () => {
    for (const zone of allZones()) expect(() => new Intl.DateTimeFormat("en", { timeZone: zone })).not.toThrow();
  });
  test("there are fifty states, a district and five territories", () => expect(states.length).toBe(56));
});
