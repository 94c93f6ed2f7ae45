import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dnc } from "../../src/gates/dnc.ts";
import { locate } from "../../src/gates/location.ts";
import type { DncFacts, ListAnswer, Snapshot } from "../../src/gates/snapshot.ts";
import { addSeconds, type Instant } from "../../src/lib/instant.ts";
import { grant, now, snapshotOf } from "./fixture.ts";

const day = 86_400;
const base = await snapshotOf();
const fresh = addSeconds(now, -5 * day);
const stale = addSeconds(now, -31 * day - 1);
const answer = (list: string, change: Partial<ListAnswer> = {}): ListAnswer => ({
  list,
  result: "clear",
  scrubbed_at: fresh,
  list_version_at: fresh,
  kind: "do_not_call",
  connection_id: "c",
  attested_list_age_days: null,
  ...change,
});
const national = (change: Partial<ListAnswer> = {}) => answer("national", change);
const litigator = (change: Partial<ListAnswer> = {}) => answer("litigator", { kind: "litigator", result: "listed", ...change });
const ask = (change: Partial<DncFacts>, rest: Partial<Snapshot> = {}) =>
  dnc.check({ ...base, ...rest, dnc: { ...base.dnc, ...change } });
const reasonOf = (change: Partial<DncFacts>, rest: Partial<Snapshot> = {}) => ask(change, rest).reason_code;
const inFlorida: Partial<Snapshot> = { location: locate({ state: "FL", zip: null, e164: null }) };
const informational: Partial<Snapshot> = {
  call: { technology: "artificial", purpose: "informational", debt_collection: false },
  consent: { ...base.consent, grants: [{ ...grant, purpose: "informational" }] },
};
const noPewc: Partial<Snapshot> = { consent: { ...base.consent, grants: [] } };
const switched = { written_consent_over_national: true };

describe("what is demanded on a sales call", () => {
  test("the national list", () => {
    expect(reasonOf({ answers: [national()] })).toBe("dnc_clear");
    expect(reasonOf({ answers: [] })).toBe("scrub_missing");
  });
  test.each(["CO", "FL", "IN", "LA", "MA", "MO", "OK", "PA", "TN", "TX", "WY", "MS"])(
    "the list of %s, for whoever may be there",
    (state) => {
      const byPhone = locate({ state: "NY", zip: null, e164: null });
      const there = { location: { ...byPhone, candidate_states: ["NY", state] } };
      expect(reasonOf({ answers: [national()] }, there)).toBe("scrub_missing");
      expect(reasonOf({ answers: [national(), answer(`state:${state}`)] }, there)).toBe("dnc_clear");
    },
  );
  test("the lists that the org adds", () =>
    expect(reasonOf({ added_lists: ["own"], covers: ["national", "own"] })).toBe("scrub_missing"));
  test.each(["marketing", "mixed", "undeclared"] as const)("%s is sales", (purpose) =>
    expect(reasonOf({ answers: [] }, { call: { ...base.call, purpose } })).toBe("scrub_missing"),
  );
});

describe("an informational call", () => {
  test("is no solicitation", () => {
    expect(reasonOf({ answers: [] }, informational)).toBe("not_a_solicitation");
    expect(reasonOf({ answers: [national({ result: "listed" })] }, informational)).toBe("not_a_solicitation");
  });
  test("is one where the consent was given for sales, or there is none", () => {
    expect(reasonOf({ answers: [] }, { call: informational.call! })).toBe("scrub_missing");
    expect(reasonOf({ answers: [] }, { ...informational, ...noPewc })).toBe("scrub_missing");
  });
  test("is bound by a litigator list that names the number", () => {
    expect(reasonOf({ answers: [litigator()] }, informational)).toBe("dnc_litigator");
    expect(reasonOf({ answers: [litigator({ list_version_at: stale })] }, informational)).toBe("scrub_stale");
  });
  test("is bound by the lists that the org adds", () => {
    expect(reasonOf({ answers: [], added_lists: ["national"] }, informational)).toBe("scrub_missing");
    expect(reasonOf({ answers: [national({ result: "listed" })], added_lists: ["national"] }, informational)).toBe(
      "dnc_national_listed",
    );
    expect(reasonOf({ answers: [national()], added_lists: ["national"] }, informational)).toBe("dnc_clear");
  });
});

describe("what a list says", () => {
  test.each<[string, ListAnswer[], string]>([
    ["national listed", [national({ result: "listed" })], "dnc_national_listed"],
    ["national unknown", [national({ result: "unknown" })], "dnc_unknown"],
    ["no version date", [national({ list_version_at: null })], "dnc_unknown"],
    ["a version date in the future", [national({ list_version_at: addSeconds(now, 1) })], "dnc_unknown"],
    ["stale and clear", [national({ list_version_at: stale })], "scrub_stale"],
    ["stale and listed", [national({ list_version_at: stale, result: "listed" })], "scrub_stale"],
    ["a state's list that nothing demands, listed", [national(), answer("state:FL", { result: "listed" })], "dnc_state_listed"],
    ["another list, listed", [national(), answer("industry", { result: "listed" })], "dnc_other_listed"],
    ["a litigator list without a date, listed", [national(), litigator({ list_version_at: null })], "dnc_litigator"],
    ["a litigator list that has grown old, listed", [national(), litigator({ list_version_at: stale })], "scrub_stale"],
    ["unknown on a list that nothing demands", [national(), answer("industry", { result: "unknown" })], "dnc_clear"],
    ["stale on a list that nothing demands", [national(), answer("industry", { list_version_at: stale })], "dnc_clear"],
    ["a line-type list", [national(), answer("wireless", { result: "listed", kind: "line_type" })], "dnc_clear"],
    ["the later scrub of two", [national({ result: "listed" }), national({ scrubbed_at: addSeconds(fresh, 1) })], "dnc_clear"],
    ["the stricter of two at one instant", [national(), national({ result: "listed" })], "dnc_national_listed"],
  ])("%s: %3$s", (_name, answers, reason) => expect(reasonOf({ answers })).toBe(reason));
  test("several reasons: the first of the list is reported, and all stay in the evidence", () => {
    const said = ask({ answers: [litigator(), national({ result: "listed" }), answer("industry", { result: "listed" })] });
    expect(said.reason_code).toBe("dnc_litigator");
    expect(said.details["reasons"]).toEqual(["dnc_litigator", "dnc_national_listed", "dnc_other_listed"]);
  });
  test("a demanded list that the connection does not cover is unknown", () =>
    expect(reasonOf({ answers: [national()], covers: ["national"] }, inFlorida)).toBe("dnc_unknown"));
});

describe("age, at the dial instant", () => {
  const aged = (seconds: number) => ask({ answers: [national({ list_version_at: addSeconds(now, -seconds) })] });
  test("exactly 31 days pass, one second more does not", () => {
    expect(aged(31 * day)).toMatchObject({ reason_code: "dnc_clear", valid_until: addSeconds(now, 1) });
    expect(aged(31 * day + 1).reason_code).toBe("scrub_stale");
    expect(aged(0).valid_until).toBe(addSeconds(now, 31 * day + 1));
  });
  test("an attested largest age is deducted where the vendor states no date", () => {
    const attested = (seconds: number) =>
      ask({ answers: [national({ list_version_at: null, scrubbed_at: addSeconds(now, -seconds), attested_list_age_days: 7 })] });
    expect(attested(24 * day)).toMatchObject({ reason_code: "dnc_clear", details: { lists: [{ attested_list_age_days: 7 }] } });
    expect(attested(24 * day + 1).reason_code).toBe("scrub_stale");
  });
  test("what is attested of one source dates no other source's answer", () => {
    const undated = national({ list_version_at: null, connection_id: "c1" });
    const other = answer("state:FL", { list_version_at: null, connection_id: "c2", attested_list_age_days: 1 });
    expect(ask({ answers: [undated, other] }, inFlorida).details["reasons"]).toEqual(["dnc_unknown"]);
    expect(reasonOf({ answers: [{ ...undated, attested_list_age_days: 1 }, other] }, inFlorida)).toBe("dnc_clear");
  });
  test("an attested age that is no age is not guessed at", () => {
    expect(() => ask({ answers: [national({ list_version_at: null, attested_list_age_days: -1 })] })).toThrow("no age");
  });
});

describe("what lifts a listing", () => {
  const listed = [national({ result: "listed" })];
  const listedInFlorida = [national(), answer("state:FL", { result: "listed" })];
  const position = { rule_id: "dnc-list/FL", counsel: "c", document_digest: "d", from: now, until: addSeconds(now, 60) };
  test("the national one by written consent, where the owner switched that on", () => {
    expect(reasonOf({ answers: listed, ...switched })).toBe("dnc_lifted_by_consent");
    expect(reasonOf({ answers: listed })).toBe("dnc_national_listed");
    expect(reasonOf({ answers: listed, ...switched }, noPewc)).toBe("dnc_national_listed");
  });
  test("a state's by counsel's position on its row while it lasts, contested or not, and not by consent", () => {
    expect(ask({ answers: listedInFlorida, positions: [position] }, inFlorida)).toMatchObject({
      reason_code: "dnc_lifted_by_counsel",
      valid_until: position.until,
    });
    expect(reasonOf({ answers: listedInFlorida, ...switched }, inFlorida)).toBe("dnc_state_listed");
    expect(reasonOf({ answers: listedInFlorida, positions: [position] }, { ...inFlorida, at: position.until })).toBe(
      "dnc_state_listed",
    );
    expect(reasonOf({ answers: listedInFlorida, positions: [{ ...position, rule_id: "dnc-list/TX" }] }, inFlorida)).toBe(
      "dnc_state_listed",
    );
  });
  test("a litigator's and any other by nothing", () => {
    const everything = { ...switched, positions: [{ ...position, rule_id: "dnc-list/litigator" }] };
    expect(ask({ answers: [national(), litigator()], ...everything })).toMatchObject({
      reason_code: "dnc_litigator",
      fix: { code: "none" },
    });
    expect(reasonOf({ answers: [national(), answer("industry", { result: "listed" })], ...everything })).toBe("dnc_other_listed");
  });
  test("nothing lifts unknown, stale or missing", () => {
    const lifting = { ...switched, positions: [position] };
    expect(reasonOf({ answers: [national({ result: "unknown" })], ...lifting })).toBe("dnc_unknown");
    expect(reasonOf({ answers: [national({ result: "listed", list_version_at: stale })], ...lifting })).toBe("scrub_stale");
    expect(reasonOf({ answers: [national({ result: "listed", list_version_at: null })], ...lifting })).toBe("dnc_unknown");
    expect(reasonOf({ answers: [], ...lifting })).toBe("scrub_missing");
  });
});

describe("a number once listed", () => {
  const listedAt = addSeconds(fresh, -2);
  const later = { result: "unknown", list_version_at: null } as const;
  const listings: [string, ListAnswer, string][] = [
    ["litigator", litigator(), "dnc_litigator"],
    ["a state's that nothing demands", answer("state:FL", { result: "listed" }), "dnc_state_listed"],
    ["another", answer("industry", { result: "listed" }), "dnc_other_listed"],
    ["national", national({ result: "listed" }), "dnc_national_listed"],
  ];
  test.each(listings)(
    "%s: stays listed whatever is unknown later, told as an answer or as a fact of its own",
    (_name, listing, reason) => {
      const unknown = { ...listing, ...later };
      const others = listing.list === "national" ? [] : [national()];
      for (const provider of ["connected", "failing", "disabled"] as const) {
        expect(reasonOf({ provider, answers: [...others, { ...listing, scrubbed_at: listedAt }, unknown] })).toBe(reason);
        expect(reasonOf({ provider, answers: [...others, unknown], once_listed: [listing.list] })).toBe(reason);
        expect(reasonOf({ provider, answers: others, once_listed: [listing.list] })).toBe(reason);
      }
      expect(reasonOf({ answers: [...others, { ...listing, scrubbed_at: listedAt }, { ...listing, result: "clear" }] })).toBe(
        "dnc_clear",
      );
    },
  );
  const clearOf = (listing: ListAnswer, change: Partial<ListAnswer>): ListAnswer => ({
    ...listing,
    result: "clear",
    connection_id: "other",
    ...change,
  });
  test.each(listings)(
    "%s: stays listed whatever an older list says later, and ends with one as new",
    (_name, listing, reason) => {
      const others = listing.list === "national" ? [] : [national()];
      const told = { ...listing, scrubbed_at: listedAt };
      const later = (version: Instant | null) => [...others, told, clearOf(listing, { list_version_at: version })];
      expect(reasonOf({ answers: later(addSeconds(fresh, -1)) })).toBe(reason);
      expect(reasonOf({ answers: later(fresh) })).toBe("dnc_clear");
      expect(
        reasonOf({ answers: [...later(addSeconds(fresh, -1)), clearOf(listing, { scrubbed_at: now, list_version_at: now })] }),
      ).toBe("dnc_clear");
      const shown = ask({ answers: later(addSeconds(fresh, -1)) }).details["lists"];
      expect(shown).toContainEqual(
        expect.objectContaining({ list: listing.list, result: "clear", listed: true, listed_version_at: fresh }),
      );
    },
  );
  test("and a clear answer without a date ends it only where its list is shown to be as new", () => {
    const told = litigator({ scrubbed_at: listedAt, connection_id: "c1" });
    const undated = { ...told, list_version_at: null };
    const clear = (change: Partial<ListAnswer>) => clearOf(told, { scrubbed_at: fresh, list_version_at: null, ...change });
    const says = (listing: ListAnswer, change: Partial<ListAnswer>) =>
      reasonOf({ answers: [national(), listing, clear(change)] });
    expect(says(told, { connection_id: "c1" }), "dated, then undated").toBe("dnc_litigator");
    expect(says(undated, { connection_id: "c2" }), "two sources, both undated").toBe("dnc_litigator");
    expect(says(undated, { connection_id: "c1" }), "one source's own later list").toBe("dnc_clear");
    expect(says(undated, { list_version_at: addSeconds(listedAt, -1) }), "dated before the listing was told").toBe(
      "dnc_litigator",
    );
    expect(says(undated, { list_version_at: listedAt })).toBe("dnc_clear");
    expect(says({ ...told, list_version_at: addSeconds(fresh, -7 * day) }, { attested_list_age_days: 7 }), "attested").toBe(
      "dnc_clear",
    );
    expect(says({ ...told, list_version_at: addSeconds(fresh, -7 * day + 1) }, { attested_list_age_days: 7 })).toBe(
      "dnc_litigator",
    );
    expect(says(told, { list_version_at: addSeconds(fresh, 1) }), "dated after it was told is no date").toBe("dnc_litigator");
  });
  test("grows old, and binds still", () => {
    const old = litigator({ scrubbed_at: listedAt, list_version_at: addSeconds(now, -31 * day) });
    const said = ask({ answers: [national(), old, litigator(later)] });
    expect(said).toMatchObject({ reason_code: "dnc_litigator", valid_until: addSeconds(now, 1) });
    expect(reasonOf({ answers: [national(), old, litigator(later)] }, { at: addSeconds(now, 1) })).toBe("scrub_stale");
  });
  test("on a list that is demanded and unknown since: what lifts the listing lifts no unknown", () => {
    const answers = [national({ result: "listed", scrubbed_at: listedAt }), national(later)];
    expect(ask({ answers }).details["reasons"]).toEqual(["dnc_national_listed", "dnc_unknown"]);
    expect(reasonOf({ answers, ...switched })).toBe("dnc_unknown");
  });
  test("binds an informational call by a litigator list alone", () => {
    expect(reasonOf({ answers: [litigator(later)], once_listed: ["litigator"] }, informational)).toBe("dnc_litigator");
    expect(reasonOf({ answers: [national(later)], once_listed: ["national"] }, informational)).toBe("not_a_solicitation");
  });

  /** What a scrub said of one list, in the order in which they came; a second apart, or in one second. */
  const scrubs = fc.array(
    fc.record({
      list: fc.constantFrom("national", "state:FL", "litigator", "industry", "wireless"),
      result: fc.constantFrom("clear", "listed", "unknown", "unknown"),
      gap: fc.constantFrom(0, 1, 3_600, 20 * day),
      age: fc.constantFrom(null, 0, 5 * day, 30 * day, 40 * day, -day),
      connection_id: fc.constantFrom("c", "gone"),
    }),
    { minLength: 1, maxLength: 10 },
  );
  const kindOf = (list: string) => (list === "wireless" ? "line_type" : list === "litigator" ? "litigator" : "do_not_call");
  const history = scrubs.map((said) => {
    let at = addSeconds(now, -said.reduce((sum, each) => sum + each.gap, 1));
    return said.map(({ list, result, gap, age, connection_id }) => {
      at = addSeconds(at, gap);
      const list_version_at = age === null ? null : addSeconds(at, -age);
      return answer(list, { result, kind: kindOf(list), scrubbed_at: at, list_version_at, connection_id });
    });
  });
  /** Told later, and of a list that is at least as new; without dates, of the same source. */
  const isEnded = (listing: ListAnswer, said: readonly ListAnswer[]) =>
    said.some((each) => {
      if (each.list !== listing.list || each.result !== "clear" || each.scrubbed_at <= listing.scrubbed_at) return false;
      const [cleared, listed] = [each.list_version_at, listing.list_version_at];
      if (cleared === null) return listed === null && each.connection_id === listing.connection_id;
      return cleared <= each.scrubbed_at && cleared >= (listed ?? listing.scrubbed_at);
    });
  const stands = (each: ListAnswer, said: readonly ListAnswer[]) =>
    each.kind !== "line_type" && each.result === "listed" && !isEnded(each, said);
  const standing = (said: readonly ListAnswer[]): string[] => said.filter((each) => stands(each, said)).map(({ list }) => list);
  /** As the database tells them: each list's newest, and what stands of the listings. */
  const read = (said: readonly ListAnswer[]): ListAnswer[] =>
    said.filter(
      (each) => stands(each, said) || !said.some((other) => other.list === each.list && other.scrubbed_at > each.scrubbed_at),
    );
  const asks = fc.record({
    provider: fc.constantFrom("connected", "none", "failing", "disabled"),
    disconnected: fc.subarray(["gone"]),
    added_lists: fc.subarray(["industry"]),
    acknowledgement: fc.constantFrom(null, {
      id: "a",
      lists: ["national", "state:FL", "industry"],
      made_at: addSeconds(now, -day),
      serves: true,
    }),
  });
  const places = fc.constantFrom({}, inFlorida);
  test("no sequence of scrubs without a later clear of a list as new makes it an allow, on any list, whatever the provider's state", () => {
    let [refused, allowed, byVersion] = [0, 0, 0];
    fc.assert(
      fc.property(history, asks, places, (said, facts, place) => {
        const listed = standing(said);
        const covers = ["national", "state:FL", "litigator", "industry"];
        const told = { ...facts, covers };
        // The switch lifts a national listing, and is on where none stands.
        const written_consent_over_national = !listed.includes("national");
        const verdicts = [
          ask({ ...told, written_consent_over_national, answers: said }, place).verdict,
          ask({ ...told, written_consent_over_national, answers: read(said), once_listed: listed }, place).verdict,
        ];
        if (listed.length > 0) expect(verdicts).toEqual(["block", "block"]);
        if (listed.length > 0) refused++;
        if (
          said.some(
            (each) =>
              stands(each, said) &&
              said.some((one) => one.list === each.list && one.result === "clear" && one.scrubbed_at > each.scrubbed_at),
          )
        )
          byVersion++;
        if (verdicts.includes("allow")) allowed++;
      }),
      // One seed: how many are allowed is counted, and would vary with it.
      { numRuns: 2_000, seed: 20_261_130 },
    );
    expect(refused).toBeGreaterThan(200);
    expect(byVersion, "listings that a clear of an older list followed").toBeGreaterThan(100);
    expect(allowed, "numbers that no list names are called").toBeGreaterThan(25);
  });
});

describe("without a provider", () => {
  const acknowledgement = { id: "a", lists: ["national", "state:FL"], made_at: addSeconds(now, -day), serves: true };
  const none: Partial<DncFacts> = { provider: "none", covers: [], answers: [], acknowledgement, ...switched };
  test("an acknowledgement opens a lead with written consent", () => {
    expect(ask(none)).toMatchObject({ reason_code: "dnc_acknowledged_without_provider", valid_until: addSeconds(now, 89 * day) });
    expect(reasonOf(none, inFlorida)).toBe("dnc_acknowledged_without_provider");
  });
  test.each<[string, Partial<DncFacts>, Partial<Snapshot>]>([
    ["no acknowledgement", { acknowledgement: null }, {}],
    ["one that does not serve this campaign", { acknowledgement: { ...acknowledgement, serves: false } }, {}],
    ["one that lacks a demanded list's name", { acknowledgement: { ...acknowledgement, lists: ["national"] } }, inFlorida],
    ["one from the future", { acknowledgement: { ...acknowledgement, made_at: addSeconds(now, 1) } }, {}],
    ["one of exactly 90 days", { acknowledgement: { ...acknowledgement, made_at: addSeconds(now, -90 * day) } }, {}],
    ["the national switch off", { written_consent_over_national: false }, {}],
    ["no written consent", {}, noPewc],
  ])("%s: unacknowledged", (_name, change, rest) => expect(reasonOf({ ...none, ...change }, rest)).toBe("dnc_unacknowledged"));
  test("one second less than 90 days still opens", () => {
    const made_at = addSeconds(now, -90 * day + 1);
    expect(ask({ ...none, acknowledgement: { ...acknowledgement, made_at } })).toMatchObject({
      verdict: "allow",
      valid_until: addSeconds(now, 1),
    });
  });
  test("a number once listed stays listed", () => {
    expect(reasonOf({ ...none, once_listed: ["national"] })).toBe("dnc_once_listed");
    expect(reasonOf({ ...none, once_listed: ["litigator"] })).toBe("dnc_once_listed");
    expect(reasonOf({ ...none, answers: [national({ result: "listed", list_version_at: stale })] })).toBe("dnc_once_listed");
  });
  test("a scrub that is still fresh speaks for itself", () => {
    expect(reasonOf({ ...none, acknowledgement: null, answers: [national()] })).toBe("dnc_clear");
    expect(reasonOf({ ...none, answers: [national({ result: "listed" })], written_consent_over_national: false })).toBe(
      "dnc_national_listed",
    );
    expect(reasonOf({ ...none, answers: [national({ list_version_at: stale })] })).toBe("dnc_acknowledged_without_provider");
  });
  test.each(["failing", "disabled"] as const)(
    "%s is not none: no acknowledgement serves it, and a fresh clear scrub stays clear",
    (provider) => {
      expect(reasonOf({ ...none, provider, covers: ["national"] })).toBe("scrub_missing");
      expect(reasonOf({ ...none, provider, covers: ["national"], answers: [national()] })).toBe("dnc_clear");
    },
  );
  test("an informational call needs no acknowledgement", () =>
    expect(reasonOf({ ...none, acknowledgement: null }, informational)).toBe("not_a_solicitation"));
});

test("every refusal names a fix", () => {
  const refused = [ask({ answers: [] }), ask({ answers: [litigator()] }), ask({ provider: "none", answers: [] })];
  for (const said of refused) expect(said.fix).not.toBeNull();
});
