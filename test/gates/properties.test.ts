import fc from "fast-check";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, test } from "vitest";
import type { AnyGate, Decision, GateName, GateResult } from "../../src/gates/gate.ts";
import { allZones, locate } from "../../src/gates/location.ts";
import { gates } from "../../src/gates/registry.ts";
import { states } from "../../src/gates/rules/states.ts";
import type { Grant, ListAnswer, Snapshot } from "../../src/gates/snapshot.ts";
import { givenDate } from "../../src/lib/given-date.ts";
import { type Instant, addSeconds, instantOf, secondsOf } from "../../src/lib/instant.ts";
import { zoneFacts } from "../../src/lib/time-zones.ts";
import { decideAll, grant, now, snapshotOf, validText } from "./fixture.ts";

const base = await snapshotOf();
/** One table for all: its span covers every instant that is drawn, and 400 days after it. */
const zones = await zoneFacts(allZones(), now);
const day = 86_400;

/** Instants of a fortnight around the table's day, often on the whole hours at which windows begin and end. */
const instants = fc.oneof(
  fc.integer({ min: 0, max: 10 * day }).map((seconds) => addSeconds(now, seconds - 8 * day)),
  fc.integer({ min: 0, max: 240 }).map((hours) => addSeconds(now, hours * 3600 - 8 * day)),
);
const ages = fc.oneof(fc.integer({ min: 0, max: 40 * day }), fc.constantFrom(31 * day, 31 * day + 1, 30 * day, day, 7 * day));
const past = ages.map((age) => addSeconds(now, -age));

const grants: fc.Arbitrary<Grant> = fc.record({
  id: fc.uuid(),
  recorded_at: past,
  obtained_at: fc.oneof(
    past.map((at) => givenDate(at)),
    past.map((at) => givenDate(at.slice(0, 10))),
    fc.constantFrom(givenDate(null), givenDate("x"), givenDate(addSeconds(now, 3600))),
  ),
  basis: fc.constantFrom("pewc", "pewc", "pewc", "pec", "ebr", "unknown"),
  purpose: fc.constantFrom("marketing", "marketing", "mixed", "informational", null),
  source: fc.constantFrom("row", "import", "certificate", "hosted_page"),
  text: fc.constantFrom(validText, validText, validText, null, "Acme Solar LLC may call."),
  attested_seller: fc.constant(grant.attested_seller),
  signature: fc.constantFrom("s", "s", "s", null),
  number: fc.constant(grant.number),
  page_url: fc.constantFrom("p", null),
  ip: fc.constant("203.0.113.1"),
  user_agent: fc.constantFrom("u", null),
  certificate: fc.constant(null),
  recording: fc.constantFrom(null, null, { ref: "r", matched: true }),
  digest: fc.constant("d"),
});
const lists: fc.Arbitrary<ListAnswer> = fc.record({
  list: fc.constantFrom("national", "national", "state:FL", "state:TX", "litigator", "industry"),
  result: fc.constantFrom("clear", "clear", "clear", "clear", "listed", "unknown"),
  scrubbed_at: past,
  list_version_at: fc.option(past, { nil: null, freq: 8 }),
  kind: fc.constant("do_not_call"),
  connection_id: fc.constant("c"),
  attested_list_age_days: fc.constantFrom(null, 7),
});
const places = fc
  .record({
    state: fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...states.map((row) => row.state)) }, fc.constantFrom(null, "ZZ")),
    zip: fc.constantFrom(null, null, "10001", "90001", "09012", "00901"),
    e164: fc.constantFrom("+12125550123", "+14155550123", "+16715550123", "+14165550123"),
  })
  .map(locate);
const span = fc.tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 1, max: 12 })).map(([from, length]) => ({
  from: `${String(from).padStart(2, "0")}:00`,
  to: `${String(Math.min(24, from + length)).padStart(2, "0")}:00`,
}));
const windows = fc.option(
  fc.record({ mon: span, tue: span, wed: span, thu: span, fri: span, sat: span, sun: span }, { requiredKeys: ["tue", "thu"] }),
  { nil: null },
);
const attempts = fc.array(
  fc.record({
    id: fc.uuid(),
    at: past,
    answered_by_person: fc.boolean(),
    conversation_at: fc.option(
      ages.map((age) => addSeconds(now, -Math.min(age, 9 * day))),
      { nil: null },
    ),
    ended_by: fc.constantFrom("person", "agent", "not_connected", "unknown"),
  }),
  { maxLength: 8 },
);

/** Mostly people who can be called, with now and then one fact that stands in the way. */
const snapshots: fc.Arbitrary<Snapshot> = fc.record({
  at: instants,
  packs: fc.constant(base.packs),
  call: fc.record({
    technology: fc.constantFrom("artificial", "live"),
    purpose: fc.constantFrom("marketing", "informational", "mixed", "undeclared"),
    debt_collection: fc.boolean(),
  }),
  seller: fc.constant(base.seller),
  halts: fc.constant([]),
  location: fc.oneof({ weight: 2, arbitrary: fc.constant(base.location) }, places),
  zones: fc.constant(zones),
  consent: fc.record({
    number: fc.constant(base.consent.number),
    grants: fc.oneof({ weight: 3, arbitrary: fc.constant([grant]) }, fc.array(grants, { maxLength: 3 })),
    revocations: fc.oneof(
      { weight: 4, arbitrary: fc.constant([]) },
      fc.array(
        past.map((at) => ({ id: "r", recorded_at: at, revoked_at: givenDate(at), channel: "api" })),
        { maxLength: 2 },
      ),
    ),
    lifts: fc.oneof(
      { weight: 3, arbitrary: fc.constant([]) },
      fc.array(
        past.map((at) => ({ id: "l", recorded_at: at, by: "a", reason: "r" })),
        { maxLength: 2 },
      ),
    ),
    relationships: fc.array(
      past.map((at) => ({ id: "p", kind: "inquiry" as const, at })),
      { maxLength: 1 },
    ),
    unread: fc.constant([]),
    max_age_days: fc.constantFrom(null, null, 30, 48),
    grade_floor: fc.constantFrom("C", "C", "C", "B", "A"),
    positions: fc.constant([]),
  }),
  suppression: fc.record({
    suppressions: fc.oneof(
      { weight: 5, arbitrary: fc.constant([]) },
      past.map((at) => [{ id: "s", source: "api", recorded_at: at, by_org: false }]),
    ),
    lifts: fc.constant([]),
    stop_check: fc.oneof(
      { weight: 5, arbitrary: fc.constant({ state: "clear" as const, call_ended_at: null }) },
      past.map((at) => ({ state: "pending" as const, call_ended_at: at })),
    ),
  }),
  dnc: fc.record({
    provider: fc.constantFrom("connected", "connected", "none", "failing"),
    covers: fc.constant(base.dnc.covers),
    added_lists: fc.constant([]),
    answers: fc.oneof({ weight: 2, arbitrary: fc.constant(base.dnc.answers) }, fc.array(lists, { maxLength: 4 })),
    once_listed: fc.oneof({ weight: 5, arbitrary: fc.constant([]) }, fc.subarray(["national", "litigator", "state:FL"])),
    disconnected: fc.subarray(["conn_1"]),
    written_consent_over_national: fc.boolean(),
    acknowledgement: fc.option(
      past.map((at) => ({ id: "a", lists: ["national"], made_at: at, serves: true })),
      { nil: null },
    ),
    positions: fc.constant([]),
  }),
  number: fc.record({
    e164: fc.constant("+12125550123"),
    library: fc.constant("l"),
    valid: fc.constant(true),
    country: fc.constant("US"),
    geographic: fc.constant(true),
    line_type: fc.constantFrom("mobile", "landline", "unknown"),
    protected: fc.constant(null),
    reassigned: fc.record({
      connected: fc.constantFrom(false, false, true),
      checks: fc.array(fc.record({ answer: fc.constantFrom("no", "no", "yes", "no_data"), about: past, checked_at: past }), {
        maxLength: 2,
      }),
    }),
  }),
  hours: fc.record({ campaign_window: windows }),
  frequency: fc.record({
    attempts,
    attempts_spent: fc.integer({ min: 0, max: 4 }),
    attempts_max: fc.constantFrom(4, 10),
    recall_gap_seconds: fc.constantFrom(0, 3600, 4 * 3600),
    callback_at: fc.option(past, { nil: null }),
    org_caps: fc.constantFrom([], [{ max: 3, window_hours: 24 }], [{ max: 1, window_hours: 2 }]),
  }),
  capacity: fc.constantFrom(...Array.from({ length: 8 }, () => base.capacity), { ...base.capacity, org_free: 0 }),
  permit: fc.constantFrom(base.permit, { margin_seconds: 600, life_seconds_max: 60, life_seconds_min: 10 }),
});

const at = (snapshot: Snapshot, instant: Instant): Snapshot => ({ ...snapshot, at: instant });
const canDial = (decision: Decision): boolean => decision.verdict === "allow" && decision.mintable;
/** The first of the drawn values for which the property fails, told in full; null when it holds for all. */
function failure<T>(arbitrary: fc.Arbitrary<T>, holds: (value: T) => boolean, numRuns = 300): string | null {
  const report = fc.check(fc.property(arbitrary, holds), { numRuns });
  return report.failed ? (fc.defaultReportMessage(report) ?? "failed") : null;
}
const throwing = (gate: AnyGate): AnyGate => ({
  ...gate,
  check: () => {
    throw new Error("broken");
  },
});

describe("for any facts", () => {
  test("the snapshots that are drawn reach all three verdicts, and every gate's allow and refusal", () => {
    const decisions = fc.sample(snapshots, { numRuns: 1_000, seed: 7 }).map((snapshot) => decideAll(snapshot));
    expect(new Set(decisions.map((decision) => decision.verdict))).toEqual(new Set(["allow", "defer", "block"]));
    const results = decisions.flatMap((decision) => decision.results);
    const reached = new Set(results.map((result) => `${result.gate} ${result.verdict === "allow" ? "allows" : "refuses"}`));
    const wanted = gates.flatMap((gate) => [`${gate.name} allows`, ...(gate.name === "halt" ? [] : [`${gate.name} refuses`])]);
    expect(reached).toEqual(new Set(wanted));
    expect(results.filter((result) => result.reason_code === "gate_failed")).toEqual([]);
  });
  test("the order of the gates changes nothing", () => {
    const orders = fc.tuple(snapshots, fc.shuffledSubarray([...gates], { minLength: gates.length }));
    expect(failure(orders, ([snapshot, order]) => isDeepStrictEqual(decideAll(snapshot, order), decideAll(snapshot)))).toBeNull();
  });
  test("the record alone gives the same decision again", () => {
    const recorded = (snapshot: Snapshot) => JSON.parse(JSON.stringify(snapshot)) as Snapshot;
    expect(failure(snapshots, (snapshot) => isDeepStrictEqual(decideAll(recorded(snapshot)), decideAll(snapshot)))).toBeNull();
  });
  test("every refusal has an instant or a fix, and so has the decision", () => {
    const told = (result: GateResult) => result.verdict === "allow" || result.next_eligible_at !== null || result.fix !== null;
    const holds = (decision: Decision) =>
      decision.results.every(told) && (canDial(decision) || (decision.next_eligible_at === null) === (decision.fix !== null));
    expect(failure(snapshots, (snapshot) => holds(decideAll(snapshot)))).toBeNull();
  });
  test("a throw in any gate blocks", () => {
    const broken = fc.tuple(snapshots, fc.nat(gates.length - 1));
    const blocks = ([snapshot, index]: [Snapshot, number]) => {
      const list = gates.map((gate, place) => (place === index ? throwing(gate) : gate));
      const decision = decideAll(snapshot, list);
      return decision.verdict === "block" && !decision.mintable;
    };
    expect(failure(broken, blocks)).toBeNull();
  });
  test("any gate's absence blocks", () => {
    const lists = fc.tuple(snapshots, fc.subarray([...gates], { maxLength: gates.length - 1 }));
    expect(failure(lists, ([snapshot, list]) => decideAll(snapshot, list).verdict === "block")).toBeNull();
  });
});

describe("more against calling never opens a call", () => {
  type Harm = (snapshot: Snapshot) => Snapshot;
  const opens = (harm: Harm) =>
    failure(snapshots, (snapshot) => decideAll(snapshot).verdict === "allow" || decideAll(harm(snapshot)).verdict !== "allow");
  const doesNotBlock = (harm: Harm) => failure(snapshots, (snapshot) => decideAll(harm(snapshot)).verdict === "block");
  const revoked =
    (recordedAt: (one: Snapshot) => Instant): Harm =>
    (one) => {
      const revocation = { id: "n", recorded_at: recordedAt(one), revoked_at: givenDate(null), channel: "call" };
      return { ...one, consent: { ...one.consent, revocations: [...one.consent.revocations, revocation] } };
    };

  test("a stop now blocks, whatever else is on file", () => {
    const stopped: Harm = (one) => {
      const stop = { id: "n", source: "call", recorded_at: one.at, by_org: false };
      return { ...one, suppression: { ...one.suppression, suppressions: [...one.suppression.suppressions, stop] } };
    };
    expect(doesNotBlock(stopped)).toBeNull();
  });
  test("a revocation after everything else blocks, whatever else is on file", () => {
    expect(doesNotBlock(revoked((one) => addSeconds(one.at, 40 * day)))).toBeNull();
  });
  test("an earlier revocation never opens", () => {
    expect(opens(revoked(() => addSeconds(now, -20 * day)))).toBeNull();
  });
  test("a listing never opens", () => {
    const listed: ListAnswer = {
      list: "litigator",
      result: "listed",
      scrubbed_at: now,
      list_version_at: now,
      kind: "litigator",
      connection_id: "c",
      attested_list_age_days: null,
    };
    expect(opens((one) => ({ ...one, dnc: { ...one.dnc, answers: [...one.dnc.answers, listed] } }))).toBeNull();
    expect(opens((one) => ({ ...one, dnc: { ...one.dnc, once_listed: [...one.dnc.once_listed, "litigator"] } }))).toBeNull();
  });
  test("one more attempt never opens", () => {
    const tried: Harm = (one) => {
      const attempt = { id: "n", at: one.at, answered_by_person: true, conversation_at: one.at, ended_by: "person" } as const;
      return { ...one, frequency: { ...one.frequency, attempts: [...one.frequency.attempts, attempt] } };
    };
    expect(opens(tried)).toBeNull();
  });
  test("one more candidate state never opens", () => {
    const more = fc.tuple(snapshots, fc.constantFrom(...states.map((row) => row.state)));
    const holds = ([snapshot, state]: [Snapshot, string]) => {
      const candidates = [...new Set([...snapshot.location.candidate_states, state])].toSorted();
      const wider = { ...snapshot, location: { ...snapshot.location, candidate_states: candidates } };
      return decideAll(snapshot).verdict === "allow" || decideAll(wider).verdict !== "allow";
    };
    expect(failure(more, holds)).toBeNull();
  });
});

describe("unknown never allows", () => {
  const grantsWith = (one: Snapshot, change: Partial<Grant>): Snapshot => ({
    ...one,
    consent: { ...one.consent, grants: one.consent.grants.map((each) => ({ ...each, ...change })) },
  });
  test.each<[string, (snapshot: Snapshot) => Snapshot]>([
    ["the state", (one) => ({ ...one, location: { ...one.location, known_state: null } })],
    ["the area code", (one) => ({ ...one, location: { ...one.location, area_code_kind: "unassigned" } })],
    ["the basis", (one) => grantsWith(one, { basis: "unknown" })],
    ["the consent's date", (one) => grantsWith(one, { obtained_at: givenDate(null) })],
    [
      "what the last call said",
      (one) => ({ ...one, suppression: { ...one.suppression, stop_check: { state: "pending", call_ended_at: null } } }),
    ],
    ["whether the number is one", (one) => ({ ...one, number: { ...one.number, country: null } })],
    ["the zones", (one) => ({ ...one, zones: { version: "", zones: {} } })],
    ["the free slots", (one) => ({ ...one, capacity: { ...one.capacity, provider_free: Number.NaN } })],
    [
      "the demanded list, on sales",
      (one) => ({
        ...one,
        call: { ...one.call, purpose: "marketing" },
        dnc: { ...one.dnc, provider: "connected", covers: [], answers: [] },
      }),
    ],
  ])("%s", (_name, forget) => {
    expect(failure(snapshots, (snapshot) => decideAll(forget(snapshot)).verdict !== "allow", 150)).toBeNull();
  });
});

describe("time", () => {
  /** Some instants from `from` until before `to`, its first and last second among them. */
  const between = (from: Instant, to: Instant, count: number): Instant[] => {
    const [first, last] = [secondsOf(from), secondsOf(to) - 1];
    const step = Math.max(1, Math.floor((last - first) / count));
    const found = [instantOf(first), instantOf(last)];
    for (let seconds = first + step; seconds < last; seconds += step) found.push(instantOf(seconds));
    return found;
  };
  const horizon = addSeconds(now, 30 * day);
  /** One gate's answer at another instant, with nothing but the clock moved. */
  const answerAt = (snapshot: Snapshot, name: GateName, instant: Instant): GateResult | undefined => {
    const list = gates.filter((gate) => gate.name === name);
    return decideAll(at(snapshot, instant), list).results.find((each) => each.gate === name);
  };
  const forEveryGate = (holds: (snapshot: Snapshot, result: GateResult) => boolean) =>
    failure(snapshots, (snapshot) => decideAll(snapshot).results.every((result) => holds(snapshot, result)), 150);

  test("valid_until is exact: until then each gate says the same, and at it something else", () => {
    const exact = (snapshot: Snapshot, result: GateResult) => {
      const says = (instant: Instant) => {
        const then = answerAt(snapshot, result.gate, instant);
        return then?.verdict === result.verdict && then.reason_code === result.reason_code;
      };
      const until = result.valid_until;
      return between(snapshot.at, until ?? horizon, 12).every(says) && (until === null || !says(until));
    };
    expect(forEveryGate(exact)).toBeNull();
  });
  test("a gate's next instant is the first second at which it allows", () => {
    const first = (snapshot: Snapshot, result: GateResult) => {
      const allows = (instant: Instant) => answerAt(snapshot, result.gate, instant)?.verdict === "allow";
      const next = result.next_eligible_at;
      return next === null || (allows(next) && !between(snapshot.at, next, 12).some(allows));
    };
    expect(forEveryGate(first)).toBeNull();
  });
  test("the decision's next instant is the first at which all allow and a permit can be minted", () => {
    const first = (snapshot: Snapshot) => {
      const dials = (instant: Instant) => canDial(decideAll(at(snapshot, instant)));
      const next = decideAll(snapshot).next_eligible_at;
      return next === null || (dials(next) && !between(snapshot.at, next, 40).some(dials));
    };
    expect(failure(snapshots, first)).toBeNull();
  });
  test("where a deferral has no next instant, none of the coming thirty days would do", () => {
    const none = (snapshot: Snapshot) => {
      const { verdict, next_eligible_at: next } = decideAll(snapshot);
      if (verdict !== "defer" || next !== null) return true;
      return !between(snapshot.at, horizon, 200).some((instant) => canDial(decideAll(at(snapshot, instant))));
    };
    expect(failure(snapshots, none, 100)).toBeNull();
  });
});
