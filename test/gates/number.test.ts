import { describe, expect, test } from "vitest";
import { locate } from "../../src/gates/location.ts";
import { number } from "../../src/gates/number.ts";
import type { NumberFacts, Snapshot } from "../../src/gates/snapshot.ts";
import { givenDate } from "../../src/lib/given-date.ts";
import { addSeconds } from "../../src/lib/instant.ts";
import { grant, instant, now, snapshotOf } from "./fixture.ts";

const base = await snapshotOf();
const ask = (change: Partial<NumberFacts>, rest: Partial<Snapshot> = {}) =>
  number.check({ ...base, ...rest, number: { ...base.number, ...change } });
const inState = (state: string): Partial<Snapshot> => ({ location: locate({ state, zip: null, e164: null }) });
const noPewc: Partial<Snapshot> = { consent: { ...base.consent, grants: [] } };

describe("the number itself", () => {
  test.each<[Partial<NumberFacts>, string]>([
    [{ valid: false }, "number_invalid"],
    [{ country: "CA" }, "number_not_us"],
    [{ country: null }, "number_not_us"],
    [{ geographic: false }, "number_not_geographic"],
    [{ protected: { id: "p", kind: "hospital" } }, "number_protected"],
    [{ e164: "+1911" }, "number_protected"],
    [{ valid: false, country: "CA", geographic: false }, "number_invalid"],
  ])("%j: %s", (change, reason) => expect(ask(change)).toMatchObject({ verdict: "block", reason_code: reason }));
  test.each(["US", "PR", "VI", "GU", "AS", "MP"])("%s is called", (country) =>
    expect(ask({ country }).reason_code).toBe("reassigned_unchecked"),
  );
});

describe("the reassigned check, where a connection exists", () => {
  const consentAt = instant("2026-10-01T12:00:00Z");
  type Check = NumberFacts["reassigned"]["checks"][number];
  const check = (answer: Check["answer"], change: Partial<Check> = {}): Check => ({
    answer,
    about: consentAt,
    checked_at: addSeconds(now, -86_400),
    ...change,
  });
  const asked = (checks: Check[], rest: Partial<Snapshot> = {}) => ask({ reassigned: { connected: true, checks } }, rest);
  test("never asked", () => expect(asked([]).reason_code).toBe("reassigned_check_required"));
  test("no, for the consent's date or an earlier one", () => {
    expect(asked([check("no")]).reason_code).toBe("number_valid");
    expect(asked([check("no", { about: addSeconds(consentAt, -1) })]).reason_code).toBe("number_valid");
    expect(asked([check("no", { about: addSeconds(consentAt, 1) })]).reason_code).toBe("reassigned_check_required");
  });
  test.each(["no_data", "error"] as const)("%s is unknown", (answer) =>
    expect(asked([check(answer)]).reason_code).toBe("reassigned_unknown"),
  );
  test("a no of exactly 30 days passes, one second more is too old", () => {
    expect(asked([check("no", { checked_at: addSeconds(now, -30 * 86_400) })])).toMatchObject({
      reason_code: "number_valid",
      valid_until: addSeconds(now, 1),
    });
    expect(asked([check("no", { checked_at: addSeconds(now, -30 * 86_400 - 1) })]).reason_code).toBe("reassigned_unknown");
  });
  test("yes closes, and a later no about the old consent does not open", () => {
    expect(asked([check("yes")]).reason_code).toBe("number_reassigned");
    expect(asked([check("yes"), check("no", { checked_at: now })]).reason_code).toBe("number_reassigned");
  });
  test("after a yes only a newer grant with its own no opens", () => {
    const newer = (when: string): Partial<Snapshot> => ({
      consent: { ...base.consent, grants: [{ ...grant, obtained_at: givenDate(when) }] },
    });
    const yes = check("yes", { checked_at: instant("2026-10-10T00:00:00Z") });
    const own = check("no", { about: instant("2026-10-12T00:00:00Z"), checked_at: instant("2026-11-01T00:00:00Z") });
    expect(asked([yes, own], newer("2026-10-12T00:00:00Z")).reason_code).toBe("number_valid");
    expect(asked([yes], newer("2026-10-12T00:00:00Z")).reason_code).toBe("number_reassigned");
    expect(asked([yes, own], newer("2026-10-10T00:00:00Z")).reason_code).toBe("number_reassigned");
    const early = { ...own, checked_at: instant("2026-10-11T00:00:00Z") };
    expect(asked([yes, early], newer("2026-10-12T00:00:00Z")).reason_code).toBe("number_reassigned");
  });
  test("a grant's date without a zone counts as its earliest", () => {
    const zoneless = { consent: { ...base.consent, grants: [{ ...grant, obtained_at: givenDate("2026-10-01 12:00:00") }] } };
    expect(asked([check("no", { about: instant("2026-09-30T22:00:00Z") })], zoneless).reason_code).toBe("number_valid");
    expect(asked([check("no", { about: instant("2026-09-30T22:00:01Z") })], zoneless).reason_code).toBe(
      "reassigned_check_required",
    );
  });
});

describe("where no check is connected", () => {
  test("allowed as unchecked", () => expect(ask({})).toMatchObject({ verdict: "allow", reason_code: "reassigned_unchecked" }));
  test("except where a candidate state demands it", () => {
    expect(ask({}, inState("ME"))).toMatchObject({
      reason_code: "reassigned_check_required",
      rule: { citation: "10 MRS 1499-B" },
    });
    expect(ask({}, { location: locate({ state: "NY", zip: "04101", e164: null }) }).reason_code).toBe(
      "reassigned_check_required",
    );
  });
});

describe("bans to mobiles, on sales calls without written consent", () => {
  test.each(["AZ", "NJ", "LA"])("%s, for any voice; an unknown line is a mobile", (state) => {
    for (const technology of ["artificial", "live"] as const) {
      const rest = { ...inState(state), ...noPewc, call: { ...base.call, technology } };
      expect(ask({ line_type: "mobile" }, rest).reason_code).toBe("mobile_prohibited");
      expect(ask({ line_type: "unknown" }, rest).reason_code).toBe("mobile_prohibited");
      expect(ask({ line_type: "landline" }, rest).verdict).toBe("allow");
    }
  });
  test("written consent is no unsolicited call", () => expect(ask({}, inState("AZ")).verdict).toBe("allow"));
  test("informational calls are not bound", () =>
    expect(ask({}, { ...inState("AZ"), ...noPewc, call: { ...base.call, purpose: "informational" } }).verdict).toBe("allow"));
  test("Nebraska's and Maine's bind an artificial voice alone", () => {
    const checked = { answer: "no", about: instant("2026-01-01T00:00:00Z"), checked_at: now } as const;
    for (const state of ["NE", "ME"]) {
      const rest = { ...inState(state), consent: { ...base.consent, grants: [{ ...grant, basis: "pec" as const }] } };
      const facts = { reassigned: { connected: true, checks: [checked] } };
      const banned = { reasons: expect.arrayContaining(["mobile_prohibited"]) };
      expect(ask(facts, rest).details, state).toMatchObject(banned);
      expect(ask(facts, { ...rest, call: { ...base.call, technology: "live" } }).details).not.toMatchObject(banned);
      expect(ask({ ...facts, line_type: "landline" }, rest).details).not.toMatchObject(banned);
      expect(ask(facts, inState(state)).verdict, "stands on written consent").toBe("allow");
    }
  });
});
