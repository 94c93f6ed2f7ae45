/** What is read for a decision hides nothing that would stop it, however much else is on file. */
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { recordConsent, type ConsentEventInput } from "../../src/domain/consent/record-consent.ts";
import { dryRun } from "../../src/domain/decisions/dry-run.ts";
import { endPosition } from "../../src/domain/positions/end-position.ts";
import { recordPosition } from "../../src/domain/positions/record-position.ts";
import { settleAbsent } from "../../src/db/queries/dispatch.ts";
import { updatePolicy } from "../../src/domain/policies/update-policy.ts";
import { type ScrubDeps, scrubDueLeads } from "../../src/domain/scrubs/scrub-due-leads.ts";
import { suppressNumbers } from "../../src/domain/suppressions/suppress.ts";
import { dnc } from "../../src/gates/dnc.ts";
import type { Decision } from "../../src/gates/gate.ts";
import { packRefs } from "../../src/gates/rules/packs.ts";
import type { ListAnswer } from "../../src/gates/snapshot.ts";
import { givenDate } from "../../src/lib/given-date.ts";
import { addSeconds, type Instant } from "../../src/lib/instant.ts";
import { numberHasher } from "../../src/lib/number-hash.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { buildWorld, newId, noon, type World } from "../support/world.ts";
import { type Change, tell } from "./reports.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase();
});
afterAll(() => db?.close());

const numbers = await numberHasher(new Map([[1, new Uint8Array(32).fill(7)]]));
const packs = await packRefs();
const day = 86_400;
const many = 205;

async function dry(world: World): Promise<Decision> {
  const run = await dryRun(world.org, world.deps.desk, {
    leadId: world.leadIds[0] as string,
    campaignId: world.campaignId,
    at: null,
  });
  if (!run.ok) throw new Error(run.refusal);
  return run.value.decision;
}
const saying = async (world: World): Promise<string> => {
  const decision = await dry(world);
  return [decision.verdict, ...decision.reason_codes].join(" ");
};
const say = (world: World, event: ConsentEventInput) =>
  recordConsent(world.org, { numbers, packs }, { leadId: world.leadIds[0] as string }, event);
const lift: ConsentEventInput = { kind: "lift", body: { by: "Dana Reyes", reason: "a wrong file" } };
const e164Of = async (world: World): Promise<string> =>
  (await world.sql<{ e164: string }>("select e164 from leads where org_id = $1", [world.orgId]))[0]?.e164 ?? "";
const events = (world: World, kind: string, body: string, at: Instant, count = many) =>
  world.sql(
    `insert into consent_events (org_id, id, person_id, kind, recorded_at, digest, body)
       select $1, gen_random_uuid(), $2, $3, $4, sha256(convert_to($3 || n, 'UTF8')), $5::json from generate_series(1, $6::integer) n`,
    [world.orgId, world.personIds[0], kind, at, body, count],
  );
const suppress = (world: World, byOrg: boolean, at: Instant, count = 1) =>
  world.sql(
    `insert into suppressions (org_id, id, person_id, source, by_org, recorded_at)
       select $1, gen_random_uuid(), $2, 'bulk_file', $3, $4 from generate_series(1, $5::integer)`,
    [world.orgId, world.personIds[0], byOrg, at, count],
  );
const grantBody = async (world: World): Promise<string> =>
  JSON.stringify(
    (await world.sql<{ body: unknown }>("select body from consent_events where org_id = $1 and kind = 'grant'", [world.orgId]))[0]
      ?.body,
  );

describe("evidence", () => {
  test("a revocation is not hidden by the grants that follow it", async () => {
    const world = await buildWorld(db, { enrol: false });
    expect(await saying(world)).toBe("allow");
    await say(world, { kind: "revocation", body: { revoked_at: null, channel: "mail" } });
    await events(world, "grant", await grantBody(world), addSeconds(noon, 60));
    await world.setClock(addSeconds(noon, 120));
    expect(await saying(world)).toBe("block consent_revoked");
  });
  test("a lift that came before many grants still counts, and of the grants the newest are read and the cut is shown", async () => {
    const world = await buildWorld(db, { enrol: false });
    await suppress(world, true, addSeconds(noon, -60));
    await say(world, lift);
    await events(world, "grant", await grantBody(world), addSeconds(noon, 60));
    await world.setClock(addSeconds(noon, 120));
    const decision = await dry(world);
    expect(decision.verdict).toBe("allow");
    const consent = decision.results.find((result) => result.gate === "consent");
    expect(consent?.details["unread"]).toEqual(["grant"]);
    expect(consent?.details["grants"]).toHaveLength(200);
  });
  test("more revocations than are read count as one that stands, whatever was lifted", async () => {
    const world = await buildWorld(db, { enrol: false });
    const spoken = givenDate(addSeconds(noon, -10 * day));
    await events(world, "revocation", JSON.stringify({ revoked_at: spoken, channel: "mail" }), addSeconds(noon, -9 * day));
    await say(world, lift);
    const signed = { ...JSON.parse(await grantBody(world)), obtained_at: givenDate(addSeconds(noon, 60)), source: "hosted_page" };
    await events(world, "grant", JSON.stringify(signed), addSeconds(noon, 60), 1);
    await world.setClock(addSeconds(noon, 120));
    expect(await saying(world)).toBe("block consent_revoked");
    await world.sql(
      "delete from consent_events where org_id = $1 and kind = 'revocation' and id not in (select id from consent_events where org_id = $1 and kind = 'revocation' limit 200)",
      [world.orgId],
    );
    expect(await saying(world)).toBe("allow");
  });
  test("a person's own stop is not hidden by what the org entered after it", async () => {
    const world = await buildWorld(db, { enrol: false });
    await suppressNumbers(world.org, numbers, [await e164Of(world)], {
      source: "in_call_tool",
      byOrg: false,
      note: null,
      attemptId: null,
    });
    await suppress(world, true, addSeconds(noon, 60), many);
    await world.setClock(addSeconds(noon, 120));
    await say(world, lift);
    await world.setClock(addSeconds(noon, 180));
    expect(await saying(world)).toBe("block suppressed");
  });
  test("what the org entered ends with the lift, however often it was entered", async () => {
    const world = await buildWorld(db, { enrol: false });
    await suppress(world, true, noon, many);
    expect(await saying(world)).toBe("block suppressed");
    await world.setClock(addSeconds(noon, 60));
    await say(world, lift);
    await world.setClock(addSeconds(noon, 120));
    expect(await saying(world)).toBe("allow");
  });
  test("a lead is made eligible by a grant, not over a revocation behind hundreds of them", async () => {
    const world = await buildWorld(db, { enrol: false });
    await world.sql("update leads set status = 'ineligible', ineligible_reason = 'consent_missing' where org_id = $1", [
      world.orgId,
    ]);
    await events(world, "grant", await grantBody(world), addSeconds(noon, -day), 600);
    await say(world, { kind: "revocation", body: { revoked_at: null, channel: "mail" } });
    await say(world, { kind: "grant", body: { ...JSON.parse(await grantBody(world)), page_url: "https://other.example" } });
    const [lead] = await world.sql("select status from leads where org_id = $1", [world.orgId]);
    expect(lead).toEqual({ status: "ineligible" });
  });
});

/** An attempt of the lead, so many days ago. */
async function attempted(world: World, daysAgo: number, endedBy: string): Promise<void> {
  const at = addSeconds(noon, -daysAgo * day);
  const [attempt, decision] = [newId(), newId()];
  await world.sql("insert into snapshot_parts (org_id, digest, body) values ($1, '\\x00', '{}') on conflict do nothing", [
    world.orgId,
  ]);
  await world.sql(
    `insert into decisions (org_id, id, kind, campaign_id, lead_id, person_id, at, verdict, outcome, reason_codes, results, own_facts, shared_facts, snapshot_digest)
     values ($1, $2, 'dial', $3, $4, $5, $6, 'allow', 'permitted', '{}', '[]', '{}', '\\x00', '\\x00')`,
    [world.orgId, decision, world.campaignId, world.leadIds[0], world.personIds[0], at],
  );
  await world.sql(
    `insert into dial_attempts (org_id, id, kind, campaign_id, lead_id, person_id, connection_id, decision_id, state, minted_at, ring_by, slot_at, ended_at, ended_by, answered_by_person)
     values ($1, $2, 'single', $3, $4, $5, $6, $7, 'completed', $8, $8, $8, $8, $9, true)`,
    [world.orgId, attempt, world.campaignId, world.leadIds[0], world.personIds[0], world.connectionId, decision, at, endedBy],
  );
}

describe("attempts", () => {
  test("reach as far back as the org's longest cap", async () => {
    const world = await buildWorld(db, { enrol: false });
    await attempted(world, 100, "agent");
    expect(await saying(world)).toBe("allow");
    await updatePolicy(world.org, {
      caps: [
        { max: 1, window_hours: 8760 },
        { max: 3, window_hours: 24 },
      ],
    });
    expect(await saying(world)).toBe("defer cap_reached");
  });
  test("and as its re-call gap", async () => {
    const world = await buildWorld(db, { enrol: false });
    await attempted(world, 364, "agent");
    expect(await saying(world)).toBe("allow");
    await updatePolicy(world.org, { recallGapSeconds: 365 * day });
    expect(await saying(world)).toBe("defer recall_gap");
  });
  test.each([
    ["person", "block ended_by_person"],
    ["unknown", "block ended_by_person"],
    ["agent", "allow"],
  ])("in Nevada a call that ended by %s years ago: %s", async (endedBy, said) => {
    const world = await buildWorld(db, { enrol: false, state: "NV" });
    await attempted(world, 800, endedBy);
    await attempted(world, 700, "agent");
    expect(await saying(world)).toBe(said);
  });
  test("a provider's second call of one attempt counts beside it, at its own time", async () => {
    const world = await buildWorld(db, { enrol: false });
    await updatePolicy(world.org, { caps: [{ max: 2, window_hours: 24 }], recallGapSeconds: 0 });
    await attempted(world, 2, "agent");
    const [{ id } = { id: "" }] = await world.sql<{ id: string }>(
      "update dial_attempts set provider_call_id = 'call_own' where org_id = $1 returning id",
      [world.orgId],
    );
    const told = async (callId: string, hoursAgo: number) => {
      const at = addSeconds(noon, -hoursAgo * 3600);
      const change: Change = { providerCallId: callId, startedAt: at, endedAt: at };
      await tell(world, id, change);
      await world.sql("update halts set ended_at = since where org_id = $1", [world.orgId]);
    };
    await told("call_own", 48);
    await told("call_two", 25);
    expect(await saying(world)).toBe("allow");
    await told("call_three", 23);
    expect(await saying(world)).toBe("allow");
    await told("call_four", 22);
    expect(await saying(world)).toBe("defer cap_reached");
    expect((await dry(world)).next_eligible_at).toBe(addSeconds(noon, 3600 + 1));
  });
  test("one beside an attempt that never rang counts once", async () => {
    const world = await buildWorld(db, { enrol: false });
    await updatePolicy(world.org, { caps: [{ max: 2, window_hours: 24 }], recallGapSeconds: 0 });
    await attempted(world, 0.5, "not_connected");
    const [{ id } = { id: "" }] = await world.sql<{ id: string }>(
      "update dial_attempts set provider_call_id = 'call_own', state = 'failed', counts = false where org_id = $1 returning id",
      [world.orgId],
    );
    await tell(world, id, { providerCallId: "call_two" });
    await world.sql("update halts set ended_at = since where org_id = $1", [world.orgId]);
    expect(await saying(world)).toBe("allow");
  });
  test("in Nevada a call that was never placed was ended by nobody", async () => {
    const world = await buildWorld(db, { enrol: false, state: "NV" });
    await attempted(world, 1, "unknown");
    await world.sql("update dial_attempts set state = 'unknown', answered_by_person = false where org_id = $1", [world.orgId]);
    const [{ id } = { id: "" }] = await world.sql<{ id: string }>("select id from dial_attempts where org_id = $1", [
      world.orgId,
    ]);
    await world.org.query(settleAbsent(id));
    expect(await saying(world)).toBe("allow");
  });
  test("a state's cap counts them: the fourth within a day waits", async () => {
    const world = await buildWorld(db, { enrol: false, state: "MD" });
    for (const part of [0.9, 0.6]) await attempted(world, part, "agent");
    expect(await saying(world)).toBe("allow");
    await attempted(world, 0.3, "agent");
    expect(await saying(world)).toBe("defer cap_reached");
  });
});

describe("a relationship", () => {
  test("that was recorded opens a state that asks for one", async () => {
    const world = await buildWorld(db, { enrol: false, state: "NM" });
    expect(await saying(world)).toBe("block state_needs_relationship");
    await say(world, { kind: "relationship", body: { kind: "inquiry", at: addSeconds(noon, -30 * day) } });
    expect(await saying(world)).toBe("allow");
  });
});

describe("counsel's position", () => {
  const on = (world: World, ruleId: string) =>
    recordPosition(world.org, {
      ruleId,
      counsel: "Reyes & Holt LLP",
      documentSha256: "ab".repeat(32),
      datedAt: addSeconds(noon, -day),
      untilAt: addSeconds(noon, day),
      by: "Dana",
    });
  test("lifts the contested row that it is on, while it lasts, and no other", async () => {
    const world = await buildWorld(db, { enrol: false, state: "NM" });
    await on(world, "automated-voice/MS");
    expect(await saying(world)).toBe("block state_needs_relationship");
    const made = await on(world, "automated-voice/NM");
    expect(await saying(world)).toBe("allow");
    await endPosition(world.org, made.ok ? made.value.id : "");
    expect(await saying(world)).toBe("block state_needs_relationship");
  });
  test("lifts a listing on a state's list, and nothing that is unknown", async () => {
    const world = await buildWorld(db, { enrol: false, state: "FL" });
    await on(world, "dnc-list/FL");
    expect(await saying(world)).toBe("block dnc_unknown");
    await world.sql("update connections set config = $2 where org_id = $1 and kind = 'dnc'", [
      world.orgId,
      JSON.stringify({ lists: ["national", "state:FL"] }),
    ]);
    await scrubbed(world, "state:FL", "listed", noon);
    expect(await saying(world)).toBe("allow");
    await world.setClock(addSeconds(noon, day));
    expect(await saying(world)).toBe("block dnc_state_listed");
  });
});

const source = (world: World, config: object, id = newId()) =>
  world.sql(
    `insert into connections (org_id, id, kind, vendor, name, config, status, inbox_keeps, max_concurrency, calls_per_second, settle_seconds, created_at)
       values ($1, $2, 'dnc', 'http_dnc', 'B', $3, 'active', 'raw', 1, 1, 1, $4)`,
    [world.orgId, id, JSON.stringify(config), noon],
  );
const scrubbed = (
  world: World,
  list: string,
  result: string,
  at: Instant,
  version: Instant | null = addSeconds(noon, -day),
  id = newId(),
  by: string | null = null,
) =>
  world.sql(
    `insert into scrubs (org_id, id, person_id, list, kind, result, list_version_at, scrubbed_at, connection_id, run_id)
       select $1, $2, $3, $4, 'do_not_call', $5, $6, $7, coalesce($8::uuid, c.id), $2
       from connections c where c.org_id = $1 and c.kind = 'dnc' order by c.id limit 1`,
    [world.orgId, id, world.personIds[0], list, result, version, at, by],
  );

describe("scrubs", () => {
  test("of one second: the stricter answer wins, whichever was stored last", async () => {
    for (const id of ["00000000-0000-7000-8000-000000000001", "ffffffff-ffff-7fff-bfff-ffffffffffff"]) {
      const world = await buildWorld(db, { enrol: false });
      await scrubbed(world, "national", "listed", noon, undefined, id);
      expect(await saying(world)).toBe("block dnc_national_listed");
    }
  });
  test("of one second with one result: the oldest date counts, and none is none", async () => {
    const world = await buildWorld(db, { enrol: false });
    await scrubbed(world, "national", "clear", noon, addSeconds(noon, -40 * day), "00000000-0000-7000-8000-000000000002");
    expect(await saying(world)).toBe("block scrub_stale");
    await scrubbed(world, "national", "clear", noon, null, "00000000-0000-7000-8000-000000000003");
    expect(await saying(world)).toBe("block dnc_unknown");
  });
  test("a listing ends only with a clear answer that is later, and of a list as new as its own", async () => {
    const world = await buildWorld(db, { enrol: false });
    const onceListed = async () => {
      const run = await dryRun(world.org, world.deps.desk, {
        leadId: world.leadIds[0] as string,
        campaignId: world.campaignId,
        at: null,
      });
      return run.ok ? run.value.snapshot.dnc.once_listed : null;
    };
    await scrubbed(world, "national", "listed", addSeconds(noon, 60));
    await scrubbed(world, "national", "unknown", addSeconds(noon, 120));
    expect(await onceListed(), "clear before, unknown after").toEqual(["national"]);
    await scrubbed(world, "national", "clear", addSeconds(noon, 60));
    expect(await onceListed(), "clear in the same second").toEqual(["national"]);
    await scrubbed(world, "national", "clear", addSeconds(noon, 121), addSeconds(noon, -day - 1));
    expect(await onceListed(), "clear of an older list").toEqual(["national"]);
    expect(await saying(world)).toBe("block dnc_national_listed");
    await scrubbed(world, "national", "clear", addSeconds(noon, 122));
    expect(await onceListed()).toEqual([]);
    expect(await saying(world)).toBe("allow");
  });
  test("of any history the gate is told what stands: what is read says the same as all of it", async () => {
    const world = await buildWorld(db, { enrol: false });
    const sources = [newId(), newId()];
    await source(world, { lists: ["national"], attested_list_age_days: 3 }, sources[0]);
    await source(world, { lists: ["national"] }, sources[1]);
    const hour = 3_600;
    const histories = fc.array(
      fc.record({
        source: fc.nat(1),
        result: fc.constantFrom("clear", "clear", "listed", "unknown"),
        gap: fc.constantFrom(0, 1, 20 * hour, 2 * day),
        age: fc.constantFrom(null, 0, hour, 19 * hour, 4 * day),
      }),
      { minLength: 2, maxLength: 7 },
    );
    const seen = { stands: 0, cleared: 0, outlasts: 0 };
    for (const history of fc.sample(histories, { numRuns: 150, seed: 20_261_130 })) {
      await world.sql("delete from scrubs where org_id = $1", [world.orgId]);
      let at = addSeconds(noon, -history.reduce((sum, each) => sum + each.gap, 1));
      const answers = history.map(({ source: which, result, gap, age }): ListAnswer => {
        at = addSeconds(at, gap);
        const attested = which === 0 ? 3 : null;
        const version = age === null ? null : addSeconds(at, -age);
        return {
          list: "national",
          kind: "do_not_call",
          result,
          scrubbed_at: at,
          list_version_at: version,
          connection_id: sources[which] ?? null,
          attested_list_age_days: attested,
        };
      });
      for (const each of answers)
        await scrubbed(world, "national", each.result, each.scrubbed_at, each.list_version_at, newId(), each.connection_id);
      const run = await dryRun(world.org, world.deps.desk, {
        leadId: world.leadIds[0] as string,
        campaignId: world.campaignId,
        at: null,
      });
      if (!run.ok) throw new Error(run.refusal);
      const { snapshot } = run.value;
      const all = dnc.check({ ...snapshot, dnc: { ...snapshot.dnc, answers, once_listed: [] } });
      const told = dnc.check({ ...snapshot, dnc: { ...snapshot.dnc, once_listed: [] } });
      const listed = (answer: typeof all) =>
        (answer.details["lists"] as { list: string; listed: boolean }[]).find((one) => one.list === "national")?.listed;
      expect(listed(told), JSON.stringify(answers)).toBe(listed(all));
      expect(snapshot.dnc.once_listed, JSON.stringify(answers)).toEqual(listed(all) ? ["national"] : []);
      if (listed(all)) seen.stands++;
      else if (answers.some((each) => each.result === "listed")) seen.cleared++;
      if (listed(all) && answers.at(-1)?.result === "clear") seen.outlasts++;
    }
    expect(Math.min(...Object.values(seen)), JSON.stringify(seen)).toBeGreaterThan(15);
  });
  test("a mobile is on no list that binds", async () => {
    const world = await buildWorld(db, { enrol: false });
    await world.sql("update scrubs set list = 'wireless', kind = 'line_type', result = 'listed' where org_id = $1", [
      world.orgId,
    ]);
    await scrubbed(world, "national", "clear", noon);
    expect(await saying(world)).toBe("allow");
    const [source] = await world.sql<{ id: string }>("select id from connections where org_id = $1 and kind = 'dnc'", [
      world.orgId,
    ]);
    await world.sql("update connections set kind = 'voice' where org_id = $1 and id = $2", [world.orgId, source?.id]);
    expect(await saying(world), "without a provider").toBe("allow");
  });
  test("an age attested of one source dates no answer of another", async () => {
    const world = await buildWorld(db, { enrol: false });
    await world.sql("update scrubs set list_version_at = null where org_id = $1", [world.orgId]);
    await source(world, { lists: ["state:FL"], attested_list_age_days: 1 });
    expect(await saying(world)).toBe("block dnc_unknown");
    await world.sql(`update connections set config = config || '{"attested_list_age_days": 1}' where org_id = $1`, [world.orgId]);
    expect(await saying(world)).toBe("allow");
  });
});

describe("a number once listed", () => {
  const lists = ["national", "state:FL", "litigator", "industry"];
  interface Said {
    readonly list: string;
    readonly result: string;
    readonly second: number;
  }
  const said = fc.record({
    list: fc.constantFrom(...lists),
    result: fc.constantFrom("clear", "listed", "unknown", "unknown"),
    second: fc.integer({ min: 1, max: 6 }),
  });
  const standsListed = (history: readonly Said[]): boolean =>
    history.some(({ list, result, second }) => {
      const isCleared = history.some((each) => each.list === list && each.result === "clear" && each.second > second);
      return result === "listed" && !isCleared;
    });
  const keep = (world: World, histories: readonly (readonly Said[])[]) => {
    const rows = histories.flatMap((history, lead) => history.map((each) => ({ ...each, person: world.personIds[lead] })));
    return world.sql(
      `insert into scrubs (org_id, id, person_id, list, kind, result, list_version_at, scrubbed_at, connection_id, run_id)
         select $1, gen_random_uuid(), u.person, u.list, case u.list when 'litigator' then 'litigator' else 'do_not_call' end, u.result,
           $6::timestamptz - interval '1 day', $6::timestamptz - interval '1 hour' + make_interval(secs => u.second), c.id, c.id
         from unnest($2::uuid[], $3::text[], $4::text[], $5::integer[]) as u(person, list, result, second),
           (select id from connections where org_id = $1 and kind = 'dnc') c`,
      [
        world.orgId,
        rows.map((row) => row.person),
        rows.map((row) => row.list),
        rows.map((row) => row.result),
        rows.map((row) => row.second),
        noon,
      ],
    );
  };
  /** Without a provider an acknowledgement stands, so that nothing but the listing is in the way. */
  const states: Readonly<Record<string, string>> = {
    connected: "select $1::uuid",
    failing: "update connections set status = 'failing' where org_id = $1 and kind = 'dnc'",
    disabled: "update connections set status = 'disabled' where org_id = $1 and kind = 'dnc'",
    none: `with gone as (update connections set kind = 'voice' where org_id = $1 and kind = 'dnc')
      insert into dnc_acknowledgements (org_id, id, lists, made_at, by)
        select $1, gen_random_uuid(), '{national}', now, 'Dana' from test_clocks where org_id = $1`,
  };
  test.each(Object.entries(states))("stays listed until a later scrub says clear, provider %s", async (state, arrange) => {
    // A clear national answer first, as each call demands: only what comes after differs.
    const clear = { list: "national", result: "clear", second: 0 };
    const drawn = fc.sample(fc.array(said, { minLength: 1, maxLength: 8 }), { numRuns: 60, seed: 11 });
    const histories = [[], ...drawn].map((history) => [clear, ...history]);
    const world = await buildWorld(db, { enrol: false, leads: histories.length, scrubbed: false });
    await keep(world, histories);
    await world.sql(arrange, [world.orgId]);
    const verdicts = new Map<boolean, Set<string>>();
    for (const [at, leadId] of world.leadIds.entries()) {
      const run = await dryRun(world.org, world.deps.desk, { leadId, campaignId: world.campaignId, at: null });
      const isListed = standsListed(histories[at] ?? []);
      verdicts.set(isListed, (verdicts.get(isListed) ?? new Set()).add(run.ok ? run.value.decision.verdict : run.refusal));
    }
    expect([...(verdicts.get(true) ?? [])]).toEqual(["block"]);
    // A disconnected provider's word serves no call; every other state allows who is clear.
    expect(verdicts.get(false)?.has("allow")).toBe(state !== "disabled");
  });
});

describe("asking the sources", () => {
  /** Sources that say clear to all, and what each was asked. */
  function sources(asked: [string, readonly string[]][], failing: string | null = null): ScrubDeps {
    return {
      dnc: ({ connectionId }) => ({
        vendor: "http_dnc",
        check: async ({ lists, numbers: given }) => {
          asked.push([connectionId, lists]);
          if (connectionId === failing) return { kind: "failed", reason: "timeout", retryAfterSeconds: null } as never;
          const answers = lists.map((list) => ({
            list,
            result: "clear" as const,
            listVersionAt: addSeconds(noon, -3600),
            reason: null,
          }));
          return {
            kind: "answered",
            providerRef: null,
            responseDigest: "00".repeat(32),
            numbers: given.map(({ id }) => ({ id, lineType: "unknown" as const, lists: answers })),
          } as never;
        },
      }),
    };
  }
  async function twoSources(first: readonly string[], second: readonly string[]) {
    const world = await buildWorld(db, { enrol: false, state: "FL" });
    const [one] = await world.sql<{ id: string }>("select id from connections where org_id = $1 and kind = 'dnc'", [world.orgId]);
    const two = newId();
    await world.sql("update connections set config = $2 where org_id = $1 and kind = 'dnc'", [
      world.orgId,
      JSON.stringify({ lists: first }),
    ]);
    await source(world, { lists: second }, two);
    await world.sql(
      "insert into credentials (org_id, connection_id, version, sealed, created_at) select org_id, id, 1, '{}', created_at from connections where org_id = $1 and kind = 'dnc'",
      [world.orgId],
    );
    await world.sql("update leads set scrub_due_at = '-infinity' where org_id = $1", [world.orgId]);
    return { world, one: one?.id as string, two };
  }
  const dueIn = async (world: World) =>
    (
      await world.sql<{ s: number }>(
        "select extract(epoch from scrub_due_at - $2::timestamptz)::integer as s from leads where org_id = $1",
        [world.orgId, noon],
      )
    )[0]?.s;

  test("each list is asked of the oldest source that covers it, so that two may share them", async () => {
    const { world, one, two } = await twoSources(["national", "litigator"], ["national", "state:FL"]);
    const asked: [string, readonly string[]][] = [];
    expect(await scrubDueLeads(sources(asked), world.org)).toMatchObject({ scrubbed: 1, failure: null });
    expect(asked).toEqual([
      [one, ["litigator", "national"]],
      [two, ["state:FL"]],
    ]);
    expect(await saying(world)).toBe("allow");
    expect(await dueIn(world)).toBe(30 * day - 3600);
  });
  test("while one of them fails the lead stays due", async () => {
    const { world, two } = await twoSources(["national"], ["state:FL"]);
    expect(await scrubDueLeads(sources([], two), world.org)).toMatchObject({ failure: "timeout" });
    expect(await dueIn(world)).toBe(600);
  });
  test("the lists that the org added are asked, of every lead, from when it added them", async () => {
    const { world, one } = await twoSources(["national", "dma"], ["state:FL"]);
    await scrubDueLeads(sources([]), world.org);
    expect(await saying(world)).toBe("allow");
    await updatePolicy(world.org, { addedLists: ["dma"] });
    expect(await saying(world)).toBe("block scrub_missing");
    const asked: [string, readonly string[]][] = [];
    await scrubDueLeads(sources(asked), world.org);
    expect(asked[0]).toEqual([one, ["dma", "national"]]);
    expect(await saying(world)).toBe("allow");
  });
  test("what no source covers is asked of nobody, and the lead is not asked about again and again", async () => {
    const { world } = await twoSources(["state:CO"], ["state:TX"]);
    const asked: [string, readonly string[]][] = [];
    expect(await scrubDueLeads(sources(asked), world.org)).toMatchObject({ scrubbed: 0, failure: null });
    expect(asked).toEqual([]);
    expect(await dueIn(world)).toBe(30 * day);
  });
});
