import { describe, expect, test } from "vitest";
import { decide, gateNames } from "../../src/gates/decide.ts";
import { type AnyGate, type GateAnswer, type GateName, defineGate } from "../../src/gates/gate.ts";
import { gates, mandatoryGates } from "../../src/gates/registry.ts";
import type { Snapshot } from "../../src/gates/snapshot.ts";
import { addSeconds } from "../../src/lib/instant.ts";
import { decideAll, grant, instant, now, resultOf, snapshotOf } from "./fixture.ts";

const answer = (changes: Partial<GateAnswer> = {}): GateAnswer => ({
  verdict: "allow",
  reason_code: "fine",
  valid_until: null,
  next_eligible_at: null,
  fix: null,
  rule: null,
  details: {},
  ...changes,
});
const fix = { code: "do_it", who: "operator", text: "Do it." } as const;
const gate = (name: GateName, check: (facts: Pick<Snapshot, "at">) => unknown): AnyGate =>
  defineGate({
    name,
    version: 1,
    kind: "momentary",
    reads: ["at"],
    reasons: ["fine", "later", "never"],
    check: check as () => GateAnswer,
  });
const only = (list: readonly AnyGate[], snapshot: Snapshot) =>
  decide(list, snapshot, { mandatory: list.map((each) => each.name) });

describe("a healthy person", () => {
  test("is allowed by all gates, with a permit's worth of time", async () => {
    const decision = decideAll(await snapshotOf());
    expect(decision).toMatchObject({ verdict: "allow", reason_codes: [], mintable: true, next_eligible_at: null, fix: null });
    expect(decision.results.map((result) => result.gate)).toEqual(mandatoryGates);
    expect(decision.valid_until).toBe("2026-11-19T02:00:00Z");
  });
  test("the mandatory list is exactly what the build has", () => expect(mandatoryGates).toEqual(gates.map((each) => each.name)));
  test("each result names what it saw", async () => {
    for (const result of decideAll(await snapshotOf()).results) {
      expect(result.reads).toEqual(gates.find((each) => each.name === result.gate)?.reads);
    }
  });
});

describe("an incomplete list of gates blocks", () => {
  test.each(mandatoryGates)("without %s", async (name) => {
    const decision = decideAll(
      await snapshotOf(),
      gates.filter((each) => each.name !== name),
    );
    expect(decision.verdict).toBe("block");
    expect(resultOf(decision, name)).toMatchObject({ verdict: "block", reason_code: "gates_incomplete" });
  });
  test("with no gate at all, and even with nothing mandatory", async () => {
    expect(decideAll(await snapshotOf(), []).verdict).toBe("block");
    expect(decide([], await snapshotOf(), { mandatory: [] })).toMatchObject({
      verdict: "block",
      reason_codes: ["gates_incomplete"],
    });
  });
  test("with a gate that stands in the list twice", async () => {
    const decision = decideAll(await snapshotOf(), [...gates, gates[0]!]);
    expect(decision).toMatchObject({ verdict: "block", reason_codes: ["gates_incomplete"] });
  });
  test("with a gate that nobody registered", async () => {
    const stranger = { ...gate("halt", () => answer()), name: "horoscope" as GateName };
    expect(decideAll(await snapshotOf(), [...gates, stranger])).toMatchObject({
      verdict: "block",
      reason_codes: ["gates_incomplete"],
    });
  });
});

describe("an answer that cannot be read blocks", () => {
  const later = addSeconds(now, 60);
  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["a promise", Promise.resolve(answer())],
    ["another verdict", answer({ verdict: "yes" as "allow" })],
    ["a verdict in capitals", answer({ verdict: "ALLOW" as "allow" })],
    ["a reason outside its union", answer({ reason_code: "because" })],
    ["a valid_until that has passed", answer({ valid_until: addSeconds(now, -1) })],
    ["a valid_until that is now", answer({ valid_until: now })],
    ["a valid_until of another form", answer({ valid_until: instant("2026-11-19") })],
    ["a valid_until that is no day", answer({ valid_until: instant("2027-02-31T99:00:00Z") })],
    ["a valid_until that is missing", { ...answer(), valid_until: undefined }],
    ["a next instant that has passed", answer({ verdict: "defer", reason_code: "later", next_eligible_at: now })],
    ["a next instant beside a block", answer({ verdict: "block", reason_code: "never", next_eligible_at: later, fix })],
    ["a next instant beside an allow", answer({ next_eligible_at: later })],
    ["a block without a fix", answer({ verdict: "block", reason_code: "never" })],
    ["a deferral with neither instant nor fix", answer({ verdict: "defer", reason_code: "later" })],
    ["a fix that is a word", answer({ verdict: "block", reason_code: "never", fix: "wait" as never })],
    ["an allow with a fix", answer({ fix })],
    ["details that are missing", { ...answer(), details: undefined }],
  ])("%s", async (_name, said) => {
    const decision = only([gate("halt", () => said)], await snapshotOf());
    expect(decision).toMatchObject({ verdict: "block", reason_codes: ["gate_failed"], mintable: false });
    expect(decision.fix).not.toBeNull();
  });
  test.each(mandatoryGates)("a throw in %s, and every other gate still answers", async (name) => {
    const list = gates.map((each) =>
      each.name === name
        ? {
            ...each,
            check: () => {
              throw new Error("+12125550123");
            },
          }
        : each,
    );
    const decision = decideAll(await snapshotOf(), list);
    expect(decision).toMatchObject({ verdict: "block", reason_codes: ["gate_failed"] });
    expect(decision.results.filter((result) => result.verdict === "allow").length).toBe(mandatoryGates.length - 1);
    expect(JSON.stringify(decision.results)).not.toContain("2125550123");
  });
  test("a snapshot that lacks what a gate reads", async () => {
    const { halts: _, ...rest } = await snapshotOf();
    expect(decideAll(rest as Snapshot)).toMatchObject({ verdict: "block", reason_codes: ["gate_failed"] });
  });
});

describe("a gate sees only what it reads, and changes nothing", () => {
  test("what it did not declare is not there", async () => {
    let seen: readonly string[] = [];
    only([gate("halt", (facts) => ((seen = Object.keys(facts)), answer()))], await snapshotOf());
    expect(seen).toEqual(["at"]);
  });
  test("writing to the facts is a throw, hence a block", async () => {
    const greedy: AnyGate = defineGate({
      name: "halt",
      version: 1,
      kind: "momentary",
      reads: ["consent"],
      reasons: ["fine"],
      check: (facts) => {
        (facts.consent.revocations as unknown[]).length = 0;
        return answer() as GateAnswer<"fine">;
      },
    });
    expect(only([greedy], await snapshotOf()).reason_codes).toEqual(["gate_failed"]);
  });
});

describe("the verdict", () => {
  const block = answer({ verdict: "block", reason_code: "never", fix });
  const wait = answer({ verdict: "defer", reason_code: "later", next_eligible_at: addSeconds(now, 60) });
  test("any block outranks any deferral, and each gate keeps its own answer", async () => {
    const decision = only(
      [gate("halt", () => wait), gate("consent", () => block), gate("dnc", () => answer())],
      await snapshotOf(),
    );
    expect(decision).toMatchObject({ verdict: "block", reason_codes: ["later", "never"], next_eligible_at: null, fix });
    expect(decision.results.map((result) => result.verdict)).toEqual(["defer", "block", "allow"]);
  });
  test("results stand in the gates' order, whatever order they were given in", async () => {
    const snapshot = await snapshotOf();
    expect(decideAll(snapshot, [...gates].toReversed())).toEqual(decideAll(snapshot));
    expect(gateNames.length).toBe(12);
  });
  test("one answer by memo and without: a batch shares work, never verdicts", async () => {
    const batch = new Map<string, unknown>();
    for (const at of ["2026-11-18T18:00:00Z", "2026-11-18T06:00:00Z", "2026-11-22T18:00:00Z"].map(instant)) {
      for (const text of [grant.text, "nothing of the kind"]) {
        const base = await snapshotOf({ at });
        const snapshot = { ...base, consent: { ...base.consent, grants: [{ ...grant, text }] } };
        for (const campaign_window of [null, {}, { wed: { from: "09:00", to: "12:00" } }]) {
          const narrowed = { ...snapshot, hours: { campaign_window } };
          expect(decide(gates, narrowed, { mandatory: mandatoryGates, batch })).toEqual(decideAll(narrowed));
        }
      }
    }
  });
});

describe("the decision's next instant", () => {
  test("is the first at which all gates allow: the latest of those that defer", async () => {
    const attempts = [
      { id: "a", at: addSeconds(now, -60), answered_by_person: false, conversation_at: null, ended_by: "not_connected" as const },
    ];
    const base = await snapshotOf();
    const decision = decideAll({
      ...base,
      frequency: { ...base.frequency, attempts, attempts_spent: 1, recall_gap_seconds: 8 * 3600 },
    });
    // The gap ends at 20:59 local time; what is left of the window is enough for a permit.
    expect(decision).toMatchObject({
      verdict: "defer",
      reason_codes: ["recall_gap"],
      next_eligible_at: "2026-11-19T01:59:00Z",
      fix: null,
    });
  });
  test("goes on to the next window where the gap ends outside", async () => {
    const attempts = [{ id: "a", at: now, answered_by_person: false, conversation_at: null, ended_by: "not_connected" as const }];
    const base = await snapshotOf({ at: addSeconds(now, 60) });
    const decision = decideAll({ ...base, frequency: { ...base.frequency, attempts, recall_gap_seconds: 9 * 3600 } });
    expect(decision.next_eligible_at).toBe("2026-11-19T13:00:00Z");
  });
  test("is null, with the fix, where capacity defers, whatever else opens", async () => {
    const base = await snapshotOf();
    const decision = decideAll({ ...base, capacity: { ...base.capacity, org_free: 0 } });
    expect(decision).toMatchObject({
      verdict: "defer",
      reason_codes: ["org_concurrency"],
      next_eligible_at: null,
      fix: { code: "raise_limit" },
    });
  });
  test("is null, with scrub_again, where the scrub runs out before the window opens", async () => {
    const base = await snapshotOf({ at: instant("2026-11-19T03:00:00Z") });
    const stale = { ...base.dnc, answers: [{ ...base.dnc.answers[0]!, list_version_at: instant("2026-10-19T12:59:58Z") }] };
    expect(decideAll({ ...base, dnc: stale })).toMatchObject({
      verdict: "defer",
      next_eligible_at: null,
      fix: { code: "scrub_again" },
    });
    const fresh = { ...base.dnc, answers: [{ ...base.dnc.answers[0]!, list_version_at: instant("2026-10-19T13:00:40Z") }] };
    expect(decideAll({ ...base, dnc: fresh }).next_eligible_at).toBe("2026-11-19T13:00:00Z");
  });
  test("is null, with none, where windows never meet", async () => {
    const decision = decideAll(await snapshotOf({ hours: { campaign_window: {} } }));
    expect(decision).toMatchObject({ verdict: "defer", next_eligible_at: null, fix: { code: "none" } });
  });
  test("is null, with none, where every window is too short for a permit", async () => {
    const minute = { from: "10:00", to: "10:01" };
    const campaign_window = { mon: minute, tue: minute, wed: minute, thu: minute, fri: minute, sat: minute, sun: minute };
    const base = await snapshotOf({
      hours: { campaign_window },
      permit: { margin_seconds: 55, life_seconds_max: 60, life_seconds_min: 10 },
    });
    const slow: Snapshot = {
      ...base,
      call: { ...base.call, purpose: "informational" },
      consent: { ...base.consent, grants: [{ ...grant, purpose: "informational" }] },
    };
    expect(decideAll(slow)).toMatchObject({ verdict: "defer", next_eligible_at: null, fix: { code: "none" } });
  });
  test("is looked for 400 days ahead, and no further", async () => {
    const opensAfter = (seconds: number) => {
      const opens = addSeconds(now, seconds);
      return gate("frequency", ({ at }) =>
        at < opens ? answer({ verdict: "defer", reason_code: "later", next_eligible_at: opens, valid_until: opens }) : answer(),
      );
    };
    const snapshot = await snapshotOf();
    for (const days of [301, 400])
      expect(only([opensAfter(days * 86_400)], snapshot)).toMatchObject({
        next_eligible_at: addSeconds(now, days * 86_400),
        fix: null,
      });
    expect(only([opensAfter(400 * 86_400 + 1)], snapshot)).toMatchObject({ next_eligible_at: null, fix: { code: "none" } });
  });
  test("is null, with the block's own fix, where a gate blocks", async () => {
    const base = await snapshotOf();
    const decision = decideAll({ ...base, consent: { ...base.consent, grants: [] } });
    expect(decision).toMatchObject({ verdict: "block", next_eligible_at: null, fix: { code: "obtain_consent" } });
  });
});

describe("a permit's life", () => {
  const margin = { margin_seconds: 30, life_seconds_max: 60, life_seconds_min: 10 };
  test.each([
    ["2026-11-19T01:59:19Z", true],
    ["2026-11-19T01:59:20Z", true],
    ["2026-11-19T01:59:21Z", false],
    ["2026-11-19T01:59:59Z", false],
  ])("forty seconds before the window closes is the last moment: %s mintable %s", async (at, mintable) => {
    const decision = decideAll(await snapshotOf({ at: instant(at), permit: margin }));
    expect([decision.verdict, decision.mintable]).toEqual(["allow", mintable]);
    // Allowed, but closing: the next instant is the first at which a permit could be minted.
    expect(decision.next_eligible_at).toBe(mintable ? null : "2026-11-19T13:00:00Z");
  });
  test.each([
    ["a margin that is no number", { ...margin, margin_seconds: Number.NaN }],
    ["a negative margin", { ...margin, margin_seconds: -1 }],
    ["a least life of nothing", { ...margin, life_seconds_min: 0 }],
  ])("%s mints nothing", async (_name, permit) => expect(decideAll(await snapshotOf({ permit })).mintable).toBe(false));
  test("only what is allowed can be minted", async () => {
    expect(decideAll(await snapshotOf({ at: instant("2026-11-19T03:00:00Z") })).mintable).toBe(false);
  });
});
