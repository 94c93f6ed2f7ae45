import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { frequency } from "../../src/gates/frequency.ts";
import { locate } from "../../src/gates/location.ts";
import type { CountedAttempt, FrequencyFacts, Snapshot } from "../../src/gates/snapshot.ts";
import { type Instant, addSeconds } from "../../src/lib/instant.ts";
import { instant, now, snapshotOf, zonesAt } from "./fixture.ts";

const base = await snapshotOf();
const hour = 3600;
const day = 24 * hour;
const quiet: FrequencyFacts = {
  attempts: [],
  attempts_spent: 0,
  attempts_max: 100,
  recall_gap_seconds: 0,
  callback_at: null,
  org_caps: [],
};
const ask = (change: Partial<FrequencyFacts>, rest: Partial<Snapshot> = {}) =>
  frequency.check({ ...base, ...rest, frequency: { ...quiet, ...change } });
const attempt = (at: Instant, change: Partial<CountedAttempt> = {}): CountedAttempt => ({
  id: at,
  at,
  answered_by_person: false,
  conversation_at: null,
  ended_by: "not_connected",
  ...change,
});
const ago = (seconds: number) => attempt(addSeconds(now, -seconds));
const debt: Partial<Snapshot> = { call: { technology: "artificial", purpose: "informational", debt_collection: true } };

test("nothing counted: within caps", () =>
  expect(ask({})).toMatchObject({ verdict: "allow", reason_code: "within_caps", valid_until: null }));

describe("one retry budget", () => {
  test("is spent when its attempts are, and blocks", () => {
    expect(ask({ attempts_spent: 2, attempts_max: 3 }).verdict).toBe("allow");
    expect(ask({ attempts_spent: 3, attempts_max: 3 })).toMatchObject({
      verdict: "block",
      reason_code: "retry_budget_spent",
      next_eligible_at: null,
    });
    expect(ask({ attempts_spent: 4, attempts_max: 3 }).verdict).toBe("block");
    expect(ask({ attempts_spent: Number.NaN }).verdict).toBe("block");
  });
});

describe("rolling caps", () => {
  const three = { org_caps: [{ max: 3, window_hours: 24 }] };
  test("the attempt beyond the cap waits until one has left the window", () => {
    const attempts = [ago(10), ago(2 * hour), ago(20 * hour)];
    expect(ask({ ...three, attempts })).toMatchObject({
      verdict: "defer",
      reason_code: "cap_reached",
      next_eligible_at: addSeconds(now, 4 * hour + 1),
      valid_until: addSeconds(now, 4 * hour + 1),
    });
    expect(ask({ ...three, attempts: attempts.slice(1) }).verdict).toBe("allow");
  });
  test("an attempt exactly 24 hours ago still counts, and opens one second later", () => {
    const attempts = [ago(10), ago(2 * hour), ago(day)];
    expect(ask({ ...three, attempts })).toMatchObject({ verdict: "defer", next_eligible_at: addSeconds(now, 1) });
    expect(ask({ ...three, attempts }, { at: addSeconds(now, 1) }).verdict).toBe("allow");
  });
  test("more than the cap: until enough have left", () => {
    const attempts = [ago(1 * hour), ago(2 * hour), ago(3 * hour), ago(4 * hour), ago(5 * hour)];
    expect(ask({ ...three, attempts }).next_eligible_at).toBe(addSeconds(now, 21 * hour + 1));
  });
  test("several caps: the last to open", () => {
    const caps = [
      { max: 1, window_hours: 1 },
      { max: 2, window_hours: 24 },
    ];
    expect(ask({ org_caps: caps, attempts: [ago(60), ago(2 * hour)] }).next_eligible_at).toBe(addSeconds(now, 22 * hour + 1));
    expect(ask({ org_caps: caps, attempts: [ago(60)] }).next_eligible_at).toBe(addSeconds(now, hour - 59));
  });
  test("a cap of none opens by no clock, and says who can raise it", () => {
    expect(ask({ org_caps: [{ max: 0, window_hours: 24 }] })).toMatchObject({
      verdict: "defer",
      next_eligible_at: null,
      fix: { code: "raise_limit" },
    });
  });
  test("a cap that is no cap is not guessed at", () => {
    for (const cap of [
      { max: -1, window_hours: 24 },
      { max: 1.5, window_hours: 24 },
      { max: 1, window_hours: Number.NaN },
    ]) {
      expect(() => ask({ org_caps: [cap] })).toThrow(RangeError);
    }
  });
  test("the order of the attempts does not matter", () => {
    const attempts = [ago(20 * hour), ago(10), ago(2 * hour)];
    expect(ask({ ...three, attempts }).next_eligible_at).toBe(addSeconds(now, 4 * hour + 1));
  });
});

describe("the re-call gap", () => {
  const gap = { recall_gap_seconds: 4 * hour };
  test("is over when it has passed, to the second", () => {
    expect(ask({ ...gap, attempts: [ago(4 * hour - 1)] })).toMatchObject({
      verdict: "defer",
      reason_code: "recall_gap",
      next_eligible_at: addSeconds(now, 1),
    });
    expect(ask({ ...gap, attempts: [ago(4 * hour)] }).verdict).toBe("allow");
  });
  test("a requested call-back time lifts it, from then on", () => {
    const attempts = [ago(hour)];
    expect(ask({ ...gap, attempts, callback_at: addSeconds(now, 60) })).toMatchObject({
      verdict: "defer",
      next_eligible_at: addSeconds(now, 60),
    });
    expect(ask({ ...gap, attempts, callback_at: now }).verdict).toBe("allow");
    expect(ask({ ...gap, attempts, callback_at: addSeconds(now, 10 * hour) }).next_eligible_at).toBe(addSeconds(now, 3 * hour));
  });
  test("a call-back time from before the last attempt was served", () => {
    expect(ask({ ...gap, attempts: [ago(hour)], callback_at: addSeconds(now, -hour) }).verdict).toBe("defer");
  });
  test("a call-back time lifts no cap and no budget", () => {
    const facts = { ...gap, attempts: [ago(hour)], callback_at: now };
    expect(ask({ ...facts, org_caps: [{ max: 1, window_hours: 24 }] }).reason_code).toBe("cap_reached");
    expect(ask({ ...facts, attempts_spent: 100 }).reason_code).toBe("retry_budget_spent");
  });
});

describe("debt collection, 12 CFR 1006.14(b)", () => {
  test("not more than seven calls in seven days", () => {
    const six = Array.from({ length: 6 }, (_, index) => ago((index + 1) * hour));
    expect(ask({ attempts: six }, debt).verdict).toBe("allow");
    expect(ask({ attempts: [...six, ago(7 * day)] }, debt)).toMatchObject({
      reason_code: "cap_reached",
      next_eligible_at: addSeconds(now, 1),
      rule: { citation: "12 CFR 1006.14(b)" },
    });
    expect(ask({ attempts: [...six, ago(7 * day + 1)] }, debt).verdict).toBe("allow");
    expect(ask({ attempts: [...six, ago(7 * day)] }).verdict).toBe("allow");
  });
  test("none before the eighth calendar day after a conversation, whose day is the first", () => {
    // 23:30 in New York on the 11th: the eighth day begins on the 18th at local midnight.
    const spoken = attempt(instant("2026-11-12T04:00:00Z"), {
      conversation_at: instant("2026-11-12T04:30:00Z"),
      answered_by_person: true,
    });
    const facts = { attempts: [spoken] };
    expect(ask(facts, { ...debt, at: instant("2026-11-18T04:59:59Z") })).toMatchObject({
      verdict: "defer",
      reason_code: "conversation_cooldown",
      next_eligible_at: "2026-11-18T05:00:00Z",
      valid_until: "2026-11-18T05:00:00Z",
    });
    expect(ask(facts, { ...debt, at: instant("2026-11-18T05:00:00Z") }).verdict).toBe("allow");
    expect(ask(facts, { at: instant("2026-11-18T04:59:59Z") }).verdict).toBe("allow");
  });
  test("in every candidate zone", async () => {
    const location = locate({ state: "CA", zip: null, e164: "+12125550123" });
    const facts = { attempts: [attempt(instant("2026-11-11T20:00:00Z"), { conversation_at: instant("2026-11-11T20:00:00Z") })] };
    const answer = ask(facts, { ...debt, location, zones: await zonesAt(location, now), at: instant("2026-11-18T06:00:00Z") });
    expect(answer.next_eligible_at).toBe("2026-11-18T08:00:00Z");
  });
  test("over the change of the clocks, by the clock of each day", async () => {
    // 00:30 EDT on 31 October; the clocks go back on 1 November; the eighth day is 7 November, 00:00 EST.
    const spoken = instant("2026-10-31T04:30:00Z");
    const at = instant("2026-11-06T12:00:00Z");
    const answer = ask(
      { attempts: [attempt(spoken, { conversation_at: spoken })] },
      { ...debt, at, zones: await zonesAt(base.location, at) },
    );
    expect(answer.next_eligible_at).toBe("2026-11-07T05:00:00Z");
  });
  test.each([
    ["a conversation at local midnight, exactly seven days ago", "2026-11-11T05:00:00Z", 7 * day],
    ["the same, where the clocks went back meanwhile", "2026-10-31T04:00:00Z", 7 * day + hour],
    ["the same, where they went forward", "2026-03-07T05:00:00Z", 7 * day - hour],
    ["one at the last second of its day", "2026-11-12T04:59:59Z", 6 * day + 1],
  ])("%s: open from that second on, and not before", async (_name, text, opensAfter) => {
    const spoken = instant(text);
    const asked = async (at: Instant) => {
      const zones = await zonesAt(base.location, addSeconds(spoken, 5 * day));
      return ask({ attempts: [attempt(spoken, { conversation_at: spoken })] }, { ...debt, at, zones });
    };
    const opens = addSeconds(spoken, opensAfter);
    const closed = { verdict: "defer", reason_code: "conversation_cooldown", next_eligible_at: opens, valid_until: opens };
    for (const seconds of [1, 60, hour]) expect(await asked(addSeconds(opens, -seconds))).toMatchObject(closed);
    expect((await asked(opens)).verdict).toBe("allow");
  });
  test("where no zone is known, exactly seven days and not a second less", () => {
    const nowhere = { ...debt, location: locate({ state: null, zip: null, e164: null }) };
    const aged = (seconds: number) => {
      const spoken = addSeconds(now, -seconds);
      return ask({ attempts: [attempt(spoken, { conversation_at: spoken })] }, nowhere);
    };
    expect(aged(7 * day - 1)).toMatchObject({ reason_code: "conversation_cooldown", next_eligible_at: addSeconds(now, 1) });
    expect(aged(7 * day).verdict).toBe("allow");
  });
  test("where no zone is known, seven whole days", () => {
    const location = locate({ state: null, zip: null, e164: null });
    const answer = ask({ attempts: [attempt(now, { conversation_at: now })] }, { ...debt, location, at: addSeconds(now, 60) });
    expect(answer.next_eligible_at).toBe(addSeconds(now, 7 * day));
  });
});

describe("Nevada, artificial voice", () => {
  const nevada = { location: locate({ state: "NV", zip: null, e164: null }) };
  const ended = (ended_by: CountedAttempt["ended_by"]) => ({ attempts: [attempt(addSeconds(now, -100 * day), { ended_by })] });
  test.each([
    ["person", "block"],
    ["unknown", "block"],
    ["agent", "allow"],
    ["not_connected", "allow"],
    ["not_ended", "allow"],
  ] as const)("a call ended by %s: %s", (who, verdict) => expect(ask(ended(who), nevada).verdict).toBe(verdict));
  test("by the area code alone, and for every purpose", () => {
    const byCode = { location: locate({ state: "NY", zip: null, e164: "+17025550123" }) };
    expect(ask(ended("person"), byCode)).toMatchObject({ reason_code: "ended_by_person", rule: { id: "automated-voice/NV" } });
    expect(ask(ended("person"), { ...nevada, call: { ...base.call, purpose: "informational" } }).verdict).toBe("block");
  });
  test("binds no live voice and no other state", () => {
    expect(ask(ended("person"), { ...nevada, call: { ...base.call, technology: "live" } }).verdict).toBe("allow");
    expect(ask(ended("person")).verdict).toBe("allow");
  });
});

describe("states' caps", () => {
  const extra = JSON.parse(readFileSync("test/data/state-rules-extra.json", "utf8"));
  const { _note, ...caps } = extra.caps as Record<string, { max: number; window_hours: number; technology: string }>;
  const inState = (state: string): Partial<Snapshot> => ({ location: locate({ state, zip: null, e164: null }) });
  const spaced = (count: number, hours: number) =>
    Array.from({ length: count }, (_, place) => ago(60 + (place * hours * 3600) / count));
  test.each(Object.entries(caps))("%s: one call too many waits for the oldest to leave the window", (state, cap) => {
    const full = ask({ attempts: spaced(cap.max, cap.window_hours), org_caps: [], attempts_max: 100 }, inState(state));
    expect(full).toMatchObject({ verdict: "defer", reason_code: "cap_reached", rule: { id: `cap/${state}` } });
    const oldest = spaced(cap.max, cap.window_hours)
      .map((one) => one.at)
      .toSorted()[0] as Instant;
    expect(full.next_eligible_at).toBe(addSeconds(oldest, cap.window_hours * 3600 + 1));
    expect(ask({ attempts: spaced(cap.max - 1, cap.window_hours), org_caps: [] }, inState(state)).verdict).toBe("allow");
    const live = ask(
      { attempts: spaced(cap.max, cap.window_hours), org_caps: [] },
      { ...inState(state), call: { ...base.call, technology: "live" } },
    );
    expect(live.verdict).toBe(cap.technology === "artificial" ? "allow" : "defer");
    const informational = { ...inState(state), call: { ...base.call, purpose: "informational" as const } };
    expect(ask({ attempts: spaced(cap.max, cap.window_hours), org_caps: [] }, informational).verdict).toBe("defer");
  });
  test("the strictest of all candidate states, whatever the org's own caps", () => {
    const both = { location: locate({ state: "FL", zip: null, e164: "+12075550123" }) };
    const answer = ask({ attempts: [ago(3600)], org_caps: [{ max: 9, window_hours: 24 }] }, both);
    expect(answer).toMatchObject({ reason_code: "cap_reached", rule: { id: "cap/ME" } });
  });
  test("a row binds from its first instant on", () => {
    const attempts = [1, 2, 3].map((hour) => attempt(instant(`2025-12-31T0${hour}:00:00Z`)));
    const facts = { attempts, org_caps: [] };
    const eve = ask(facts, { ...inState("OR"), at: instant("2025-12-31T23:59:59Z") });
    expect(eve).toMatchObject({ verdict: "allow", valid_until: "2026-01-01T00:00:00Z" });
    expect(ask(facts, { ...inState("OR"), at: instant("2026-01-01T00:00:00Z") }).rule?.id).toBe("cap/OR");
  });
});

test("several reasons: blocks before deferrals, in the order of the list, all in the evidence", () => {
  const answer = ask({
    attempts: [ago(10)],
    attempts_spent: 100,
    recall_gap_seconds: 60,
    org_caps: [{ max: 1, window_hours: 1 }],
  });
  expect([answer.reason_code, answer.details["reasons"]]).toEqual([
    "retry_budget_spent",
    ["retry_budget_spent", "cap_reached", "recall_gap"],
  ]);
});
