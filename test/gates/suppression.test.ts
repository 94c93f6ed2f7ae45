import { describe, expect, test } from "vitest";
import { suppression } from "../../src/gates/suppression.ts";
import type { ConsentFacts, SuppressionFacts } from "../../src/gates/snapshot.ts";
import { givenDate } from "../../src/lib/given-date.ts";
import { addSeconds } from "../../src/lib/instant.ts";
import { grant, instant, now, snapshotOf } from "./fixture.ts";

const base = await snapshotOf();
const ask = (change: Partial<SuppressionFacts>, consent: Partial<ConsentFacts> = {}, at = now) =>
  suppression.check({ ...base, at, suppression: { ...base.suppression, ...change }, consent: { ...base.consent, ...consent } });
const stop = { id: "s", source: "in_call_tool", recorded_at: instant("2026-11-01T00:00:00Z"), by_org: false };
const lift = { id: "l", recorded_at: instant("2026-11-05T00:00:00Z"), by: "admin", reason: "asked" };
const gradeA = (when: string) => ({ ...grant, obtained_at: givenDate(when), recording: { ref: "r", matched: true } });

test("nobody asked: not suppressed", () =>
  expect(ask({})).toMatchObject({ verdict: "allow", reason_code: "not_suppressed", valid_until: null }));

describe("a stop", () => {
  test("blocks for ever, with its source", () => {
    const said = ask({ suppressions: [stop] });
    expect(said).toMatchObject({ verdict: "block", reason_code: "suppressed", valid_until: null, next_eligible_at: null });
    expect(said.details["suppressions"]).toMatchObject([{ source: "in_call_tool" }]);
  });
  test("outlives a lift until the person has given a new consent of grade A", () => {
    expect(ask({ suppressions: [stop], lifts: [lift] }).reason_code).toBe("suppressed");
    expect(ask({ suppressions: [stop], lifts: [lift] }, { grants: [gradeA("2026-11-05T00:00:00Z")] }).reason_code).toBe(
      "suppressed",
    );
    expect(
      ask({ suppressions: [stop], lifts: [lift] }, { grants: [{ ...grant, obtained_at: givenDate("2026-11-06T00:00:00Z") }] })
        .reason_code,
    ).toBe("suppressed");
    expect(ask({ suppressions: [stop], lifts: [lift] }, { grants: [gradeA("2026-11-05T00:00:01Z")] }).verdict).toBe("allow");
  });
  test("is not lifted by a grant without a lift", () => {
    expect(ask({ suppressions: [stop] }, { grants: [gradeA("2026-11-06T00:00:00Z")] }).reason_code).toBe("suppressed");
  });
  test("at the instant of the lift or after it stands", () => {
    for (const recorded_at of [lift.recorded_at, addSeconds(lift.recorded_at, 1)]) {
      expect(
        ask({ suppressions: [{ ...stop, recorded_at }], lifts: [lift] }, { grants: [gradeA("2026-11-06T00:00:00Z")] }).verdict,
      ).toBe("block");
    }
  });
  test("a lift waits for a grant whose date is still to come", () => {
    const facts = { suppressions: [stop], lifts: [lift] };
    const grants = [gradeA("2026-11-18T18:00:10Z")];
    expect(ask(facts, { grants })).toMatchObject({ reason_code: "suppressed", valid_until: "2026-11-18T18:00:10Z" });
    expect(ask(facts, { grants }, instant("2026-11-18T18:00:10Z")).verdict).toBe("allow");
  });
});

describe("what the org entered itself", () => {
  test("ends at once by a lift, and stands without", () => {
    const own = { ...stop, by_org: true };
    expect(ask({ suppressions: [own] })).toMatchObject({ verdict: "block", fix: { code: "lift_suppression" } });
    expect(ask({ suppressions: [own], lifts: [lift] }, { grants: [] }).verdict).toBe("allow");
    expect(ask({ suppressions: [own, stop], lifts: [lift] }, { grants: [] }).reason_code).toBe("suppressed");
  });
});

describe("the stop check", () => {
  const pending = { stop_check: { state: "pending" as const, call_ended_at: addSeconds(now, -100) } };
  test("pending blocks until its result", () => {
    expect(ask(pending)).toMatchObject({
      verdict: "block",
      reason_code: "stop_check_pending",
      valid_until: addSeconds(now, 86_300),
    });
  });
  test("is missing 24 hours after the call's end", () => {
    expect(ask(pending, {}, addSeconds(now, 86_299)).reason_code).toBe("stop_check_pending");
    expect(ask(pending, {}, addSeconds(now, 86_300))).toMatchObject({
      verdict: "block",
      reason_code: "stop_check_missing",
      valid_until: null,
    });
  });
  test("missing blocks for a person to judge", () => {
    expect(ask({ stop_check: { state: "missing", call_ended_at: null } })).toMatchObject({
      reason_code: "stop_check_missing",
      fix: { who: "compliance" },
    });
  });
  test("a call whose end is not known stays pending", () => {
    expect(ask({ stop_check: { state: "pending", call_ended_at: null } })).toMatchObject({
      reason_code: "stop_check_pending",
      valid_until: null,
    });
  });
  test("a stop outranks it", () =>
    expect(ask({ ...pending, suppressions: [stop] }).details["reasons"]).toEqual(["suppressed", "stop_check_pending"]));
  test("another state is not guessed at", () => {
    expect(() => ask({ stop_check: { state: "fine" as "clear", call_ended_at: null } })).toThrow("no known state");
  });
});
