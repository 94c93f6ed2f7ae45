import { describe, expect, test } from "vitest";
import { capacity } from "../../src/gates/capacity.ts";
import { halt } from "../../src/gates/halt.ts";
import { locate } from "../../src/gates/location.ts";
import type { CapacityFacts, HaltFact } from "../../src/gates/snapshot.ts";
import { addSeconds } from "../../src/lib/instant.ts";
import { now, snapshotOf } from "./fixture.ts";

const base = await snapshotOf();
const fact = (reason: HaltFact["reason"], change: Partial<HaltFact> = {}): HaltFact => ({
  reason,
  id: "h",
  since: addSeconds(now, -60),
  until: null,
  states: null,
  zips: null,
  by: "operator",
  note: "",
  ...change,
});
const ask = (halts: HaltFact[], change: Partial<typeof base> = {}) =>
  halt.check({ at: now, location: base.location, ...change, halts });

describe("halt", () => {
  test("nothing halted", () => expect(ask([])).toMatchObject({ verdict: "allow", reason_code: "not_halted", valid_until: null }));
  test.each(halt.reasons.filter((reason) => reason !== "not_halted"))("%s blocks, with a fix", (reason) => {
    expect(ask([fact(reason)])).toMatchObject({ verdict: "block", reason_code: reason, valid_until: null });
    expect(ask([fact(reason)]).fix).not.toBeNull();
  });
  test("of several the first of the list is reported", () => {
    expect(ask([fact("campaign_halted"), fact("incident_open"), fact("org_halted")])).toMatchObject({
      reason_code: "org_halted",
      details: { reasons: ["org_halted", "campaign_halted", "incident_open"] },
    });
  });
  test("begins and ends to the second", () => {
    const later = fact("org_halted", { since: addSeconds(now, 10), until: addSeconds(now, 20) });
    expect(ask([later])).toMatchObject({ verdict: "allow", valid_until: addSeconds(now, 10) });
    expect(ask([later], { at: addSeconds(now, 10) })).toMatchObject({ verdict: "block", valid_until: addSeconds(now, 20) });
    expect(ask([later], { at: addSeconds(now, 20) })).toMatchObject({ verdict: "allow", valid_until: null });
  });
  test.each<[string, Partial<HaltFact>, string]>([
    ["another state's", { states: ["CA"] }, "allow"],
    ["this state's", { states: ["CA", "NY"] }, "block"],
    ["another ZIP's", { zips: ["900"] }, "allow"],
    ["this prefix's", { zips: ["100"] }, "block"],
    ["this ZIP's", { zips: ["10001"] }, "block"],
    ["this state's but another ZIP's", { states: ["NY"], zips: ["146"] }, "allow"],
  ])("a moratorium of %s place", (_name, change, verdict) =>
    expect(ask([fact("emergency_moratorium", change)]).verdict).toBe(verdict),
  );
  test("covers a candidate state by area code, and whoever's place is unknown", () => {
    const moved = { location: locate({ state: "NY", zip: null, e164: "+15045550123" }) };
    expect(ask([fact("emergency_moratorium", { states: ["LA"] })], moved).verdict).toBe("block");
    const nowhere = { location: locate({ state: null, zip: null, e164: null }) };
    expect(ask([fact("emergency_moratorium", { states: ["LA"] })], nowhere).verdict).toBe("block");
    const withoutZip = { location: locate({ state: "NY", zip: null, e164: null }) };
    expect(ask([fact("emergency_moratorium", { zips: ["900"] })], withoutZip).verdict).toBe("block");
    expect(ask([fact("emergency_moratorium", { states: ["CA"], zips: ["900"] })], withoutZip).verdict).toBe("allow");
  });
  test("a spreadsheet's lost zero does not lose the place", () => {
    const boston = { location: locate({ state: "MA", zip: "2134", e164: null }) };
    expect(ask([fact("emergency_moratorium", { zips: ["021"] })], boston).verdict).toBe("block");
  });
  test("a halt of no known kind throws", () => expect(() => ask([fact("boredom" as "org_halted")])).toThrow("no known kind"));
});

describe("capacity", () => {
  const free = base.capacity;
  test.each<[Partial<CapacityFacts>, string]>([
    [{ org_free: 0 }, "org_concurrency"],
    [{ campaign_free: 0 }, "campaign_concurrency"],
    [{ provider_free: -1 }, "provider_concurrency"],
    [{ token_free: false }, "calls_per_second"],
    [{ person_busy: true }, "person_busy"],
    [{ org_free: Number.NaN }, "org_concurrency"],
    [{ org_free: 0, person_busy: true }, "org_concurrency"],
  ])("%j defers without promising a time: %s", (change, reason) => {
    expect(capacity.check({ capacity: { ...free, ...change } })).toMatchObject({
      verdict: "defer",
      reason_code: reason,
      next_eligible_at: null,
      valid_until: null,
      fix: { code: "raise_limit" },
    });
  });
  test("free", () =>
    expect(capacity.check({ capacity: free })).toMatchObject({ verdict: "allow", reason_code: "capacity_free" }));
});
