import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { callingHours } from "../../src/gates/calling-hours.ts";
import { allZones, locate, zonesOf } from "../../src/gates/location.ts";
import type { HoursRow } from "../../src/gates/rules/pack.ts";
import { packRefs } from "../../src/gates/rules/packs.ts";
import { states } from "../../src/gates/rules/states.ts";
import { usFederal } from "../../src/gates/rules/us-federal.ts";
import type { HoursFacts, LocationFacts } from "../../src/gates/snapshot.ts";
import { type Instant, addSeconds, instantOf, secondsOf } from "../../src/lib/instant.ts";
import { zoneBook } from "../../src/lib/time-zones.ts";
import { instant } from "./fixture.ts";

const packs = await packRefs();
const book = zoneBook();

async function ask(location: LocationFacts, at: Instant, hours: HoursFacts = { campaign_window: null }) {
  const zones = await book.factsFor(zonesOf(location.candidate_states), at);
  return callingHours.check({
    at,
    packs,
    call: { technology: "artificial", purpose: "marketing", debt_collection: false },
    location,
    zones,
    hours,
  });
}
const inState = (state: string) => locate({ state, zip: null, e164: null });

describe("the written cases", async () => {
  interface Case {
    readonly id: string;
    readonly pack: string;
    readonly requires?: readonly string[];
    readonly lead: { readonly state?: string | null; readonly zip?: string; readonly phone?: string };
    readonly at: string;
    readonly expected: string;
    readonly reason: string;
    readonly next_eligible_at?: string;
  }
  const { cases } = JSON.parse(readFileSync("test/data/calling-hours-cases.json", "utf8")) as { cases: Case[] };
  const federal = cases.filter((each) => each.pack === "us-federal" && each.requires === undefined);
  test("there are as many as were written", () => expect(federal.length).toBe(121));
  test.each(federal)("$id", async (each) => {
    const location = locate({ state: each.lead.state ?? null, zip: each.lead.zip ?? null, e164: each.lead.phone ?? null });
    const answer = await ask(location, instant(each.at));
    expect([answer.verdict, answer.reason_code]).toEqual([each.expected, each.reason]);
    // Some deferrals leave their instant out on purpose.
    expect(answer.next_eligible_at).toBe(each.next_eligible_at ?? answer.next_eligible_at);
  });
});

/** A second implementation, on Intl alone: the hour that each zone's wall clock shows, minute by minute. */
function hoursByMinute(zone: string, from: number, minutes: number): Uint8Array {
  const format = new Intl.DateTimeFormat("en-US", { timeZone: zone, hour: "2-digit", hourCycle: "h23" });
  return Uint8Array.from({ length: minutes }, (_, minute) => Number(format.format((from + minute * 60) * 1000)));
}

describe.each([
  ["March 2027, when the clocks go forward", "2027-03-01T00:00:00Z", 31],
  ["the days around the clocks' going back in 2027", "2027-11-05T00:00:00Z", 5],
])("every minute of %s, against an independent clock", (_name, start, days) => {
  const from = secondsOf(instant(start));
  const minutes = days * 1440;
  // A deferral's opening may lie beyond the last minute that is compared.
  const clocks = new Map(allZones().map((zone) => [zone, hoursByMinute(zone, from, minutes + 1440)]));

  test.each(states.map((row) => row.state))("%s", { timeout: 60_000 }, async (state) => {
    const zones = zonesOf([state]).map((zone) => clocks.get(zone) ?? new Uint8Array());
    const reasonAt = (minute: number) => {
      const hours = zones.map((clock) => clock[minute] ?? Number.NaN);
      if (hours.some((hour) => hour < 8)) return "before_window";
      return hours.some((hour) => hour >= 21) ? "after_window" : "inside_window";
    };
    const location = inState(state);
    for (let minute = 0; minute < minutes;) {
      const at = instantOf(from + minute * 60);
      const answer = await ask(location, at);
      let change = minute;
      while (change < minutes + 1440 && reasonAt(change) === answer.reason_code) change++;
      let opens = minute;
      while (reasonAt(opens) !== "inside_window") opens++;
      expect([at, answer.reason_code, answer.valid_until, answer.next_eligible_at]).toEqual([
        at,
        reasonAt(minute),
        instantOf(from + change * 60),
        answer.verdict === "allow" ? null : instantOf(from + opens * 60),
      ]);
      // Between two changes nothing else may be said: sampled at an uneven step.
      for (let between = minute + 97; between < Math.min(change, minutes); between += 97) {
        expect((await ask(location, instantOf(from + between * 60))).reason_code).toBe(answer.reason_code);
      }
      minute = change;
    }
  });
});

describe("edges to the second", () => {
  test.each([
    ["NY", "2027-01-14T01:59:59Z", "allow", "2027-01-14T02:00:00Z", null],
    ["NY", "2027-01-14T02:00:00Z", "defer", "2027-01-14T05:00:00Z", "2027-01-14T13:00:00Z"],
    ["NY", "2027-01-14T12:59:59Z", "defer", "2027-01-14T13:00:00Z", "2027-01-14T13:00:00Z"],
    ["NY", "2027-01-14T13:00:00Z", "allow", "2027-01-15T02:00:00Z", null],
  ])("%s at %s: %s until %s, opens %s", async (state, at, verdict, until, next) => {
    const answer = await ask(inState(state), instant(at));
    expect([answer.verdict, answer.valid_until, answer.next_eligible_at]).toEqual([verdict, until, next]);
  });
});

describe("every zone of every candidate state", () => {
  test("a Floridian with a Californian number is called when both are awake", async () => {
    const moved = locate({ state: "FL", zip: null, e164: "+14155550123" });
    expect(moved.candidate_states).toEqual(["CA", "FL"]);
    expect((await ask(moved, instant("2027-01-13T15:59:59Z"))).reason_code).toBe("before_window");
    expect((await ask(moved, instant("2027-01-13T16:00:00Z"))).valid_until).toBe("2027-01-14T02:00:00Z");
  });
  test("the ZIP's state is asked too", async () => {
    const both = locate({ state: "NY", zip: "90001", e164: null });
    expect((await ask(both, instant("2027-01-13T15:00:00Z"))).reason_code).toBe("before_window");
  });
  test("where one zone is too early and another too late, the first reason of the list is reported and all stay in the evidence", async () => {
    const far = locate({ state: "GU", zip: null, e164: "+12125550123" });
    const answer = await ask(far, instant("2027-01-14T03:00:00Z"));
    expect(answer.reason_code).toBe("after_window");
    expect(answer.details["zones"]).toEqual([
      { state: "GU", zone: "Pacific/Guam", local: "2027-01-14T13:00:00", window: ["08:00", "21:00"], answer: "inside_window" },
      { state: "NY", zone: "America/New_York", local: "2027-01-13T22:00:00", window: ["08:00", "21:00"], answer: "after_window" },
    ]);
    const early = await ask(far, instant("2027-01-13T11:30:00Z"));
    expect([early.reason_code, early.details["reasons"]]).toEqual(["before_window", ["before_window", "after_window"]]);
  });
});

describe("the campaign's window, in the person's own zones", () => {
  const weekdays = (from: string, to: string): HoursFacts => ({
    campaign_window: { mon: { from, to }, tue: { from, to }, wed: { from, to }, thu: { from, to }, fri: { from, to } },
  });
  test("narrows, and is read where the person is", async () => {
    const hours = weekdays("10:00", "16:30");
    expect((await ask(inState("CA"), instant("2027-01-13T17:59:59Z"), hours)).next_eligible_at).toBe("2027-01-13T18:00:00Z");
    expect((await ask(inState("CA"), instant("2027-01-14T00:29:59Z"), hours)).valid_until).toBe("2027-01-14T00:30:00Z");
  });
  test("never widens", async () => {
    expect((await ask(inState("NY"), instant("2027-01-13T12:30:00Z"), weekdays("00:00", "24:00"))).reason_code).toBe(
      "before_window",
    );
    expect((await ask(inState("NY"), instant("2027-01-14T02:00:00Z"), weekdays("00:00", "24:00"))).reason_code).toBe(
      "after_window",
    );
  });
  test("a day that it leaves out is closed until the next one that it names", async () => {
    const answer = await ask(inState("NY"), instant("2027-01-16T18:00:00Z"), weekdays("10:00", "16:00"));
    expect([answer.verdict, answer.reason_code, answer.next_eligible_at]).toEqual([
      "defer",
      "day_prohibited",
      "2027-01-18T15:00:00Z",
    ]);
  });
  test.each([
    ["no day at all", {}],
    ["an empty span", { mon: { from: "12:00", to: "12:00" } }],
    ["hours that the law closes", { mon: { from: "05:00", to: "08:00" }, tue: { from: "21:00", to: "23:00" } }],
  ])("a window that never opens (%s) defers for ever, and says so", async (_name, campaign_window) => {
    const answer = await ask(inState("NY"), instant("2027-01-13T18:00:00Z"), { campaign_window });
    expect([answer.verdict, answer.next_eligible_at, answer.fix?.code]).toEqual(["defer", null, "none"]);
  });
  test("windows of two zones that never meet defer for ever, and say so", async () => {
    const guamAndNewYork = locate({ state: "GU", zip: null, e164: "+12125550123" });
    const answer = await ask(guamAndNewYork, instant("2027-01-13T18:00:00Z"), weekdays("09:00", "11:00"));
    expect([answer.verdict, answer.next_eligible_at, answer.fix?.code]).toEqual(["defer", null, "none"]);
  });
  test("a malformed window is not guessed at", async () => {
    await expect(ask(inState("NY"), instant("2027-01-13T18:00:00Z"), weekdays("9am", "5pm"))).rejects.toThrow(RangeError);
    await expect(ask(inState("NY"), instant("2027-01-13T18:00:00Z"), weekdays("08:00", "24:30"))).rejects.toThrow(RangeError);
  });
});

describe("who cannot be placed is blocked", () => {
  test.each([
    ["no state", { state: null, zip: "10001", e164: "+12125550123" }, "unknown_state"],
    ["a foreign state", { state: "ON", zip: null, e164: null }, "unknown_state"],
    ["a military post office", { state: "NY", zip: "09012", e164: null }, "unknown_state"],
    ["a military state", { state: "AP", zip: "96201", e164: null }, "unknown_state"],
    ["a Canadian number", { state: "NY", zip: null, e164: "+14165550123" }, "foreign_number"],
    ["a number of another country", { state: "NY", zip: null, e164: "+442079460199" }, "foreign_number"],
    ["a toll-free number", { state: "NY", zip: null, e164: "+18005550123" }, "non_geographic_number"],
    ["an unassigned area code", { state: "NY", zip: null, e164: "+15555550123" }, "unassigned_area_code"],
    ["a number that cannot be read", { state: "NY", zip: null, e164: "+1212" }, "unassigned_area_code"],
    ["no state and a foreign number", { state: null, zip: null, e164: "+14165550123" }, "unknown_state"],
  ])("%s", async (_name, place, reason) => {
    const answer = await ask(locate(place), instant("2027-01-13T18:00:00Z"));
    expect([answer.verdict, answer.reason_code, answer.valid_until, answer.next_eligible_at]).toEqual([
      "block",
      reason,
      null,
      null,
    ]);
    expect(answer.fix).not.toBeNull();
  });
});

describe("a row that begins or ends to bind in the middle of a window", () => {
  const changes = instant("2027-01-13T18:30:00Z");
  const before = instant("2027-01-13T18:00:00Z");
  /** Mornings only, in every state, while it binds. */
  async function withRow<T>(bounds: Partial<HoursRow>, work: () => Promise<T>): Promise<T> {
    const rows = usFederal.hours as HoursRow[];
    const morning = { from: "08:00", to: "12:00" };
    const days = { mon: morning, tue: morning, wed: morning, thu: morning, fri: morning, sat: morning, sun: morning };
    rows.push({ ...rows[0]!, id: "test/mornings", days, ...bounds });
    try {
      return await work();
    } finally {
      rows.pop();
    }
  }
  const inNewYork = (at: Instant) => ask(inState("NY"), at);
  test("begins: what is open until then is closed from that second on", async () => {
    await withRow({ effective_from: changes }, async () => {
      expect(await inNewYork(before)).toMatchObject({ reason_code: "inside_window", valid_until: changes });
      expect(await inNewYork(addSeconds(changes, -1))).toMatchObject({ reason_code: "inside_window", valid_until: changes });
      expect((await inNewYork(changes)).reason_code).toBe("after_window");
    });
  });
  test("ends: what is closed until then opens in that second", async () => {
    await withRow({ effective_to: changes }, async () => {
      const closed = { reason_code: "after_window", valid_until: changes, next_eligible_at: changes };
      expect(await inNewYork(before)).toMatchObject(closed);
      expect((await inNewYork(changes)).reason_code).toBe("inside_window");
    });
  });
  test("is pending: moves nothing", async () => {
    await withRow({ effective_from: changes, status: "pending" }, async () => {
      expect(await inNewYork(before)).toMatchObject({ reason_code: "inside_window", valid_until: "2027-01-14T02:00:00Z" });
    });
  });
});

describe("what is not in the snapshot is not assumed", () => {
  const facts = {
    at: instant("2027-01-13T18:00:00Z"),
    packs,
    call: { technology: "artificial", purpose: "marketing", debt_collection: false } as const,
    location: inState("FL"),
    hours: { campaign_window: null },
  };
  test("a zone of a candidate state that the table lacks throws", async () => {
    const zones = await book.factsFor(["America/New_York"], facts.at);
    expect(() => callingHours.check({ ...facts, zones })).toThrow("lacks a zone");
  });
  test("an instant outside the table throws", async () => {
    const zones = await book.factsFor(zonesOf(["FL"]), facts.at);
    expect(() => callingHours.check({ ...facts, zones, at: addSeconds(facts.at, 500 * 86_400) })).toThrow(
      "outside the snapshot's zone table",
    );
  });
  test("no pack, an unknown pack and an unknown version throw", async () => {
    const zones = await book.factsFor(zonesOf(["FL"]), facts.at);
    const unknown = [[], [{ ...packs[0]!, version: "1999" }], [...packs, { id: "us-state", version: "1", digest: "" } as const]];
    for (const list of unknown) expect(() => callingHours.check({ ...facts, zones, packs: list })).toThrow("rule pack");
  });
  test("the machine's own clock and zone play no part", async () => {
    const zones = await book.factsFor(zonesOf(["FL"]), facts.at);
    const shifted = Object.fromEntries(
      Object.entries(zones.zones).map(([name, table]) => [name, { ...table, offset_seconds: 0, transitions: [] }]),
    );
    const answer = callingHours.check({ ...facts, at: instant("2027-01-13T08:00:00Z"), zones: { version: "x", zones: shifted } });
    expect([answer.verdict, answer.valid_until]).toEqual(["allow", "2027-01-13T21:00:00Z"]);
  });
});
