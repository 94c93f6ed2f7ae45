import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { record } from "../../src/dispatch/record.ts";
import { run } from "../../src/dispatch/run.ts";
import { recordConsent } from "../../src/domain/consent/record-consent.ts";
import { endHalt } from "../../src/domain/halts/end-halt.ts";
import { halt } from "../../src/domain/halts/halt.ts";
import { updatePolicy } from "../../src/domain/policies/update-policy.ts";
import { updateSeller } from "../../src/domain/sellers/update-seller.ts";
import { judgeStale } from "../../src/domain/standing/judge-stale.ts";
import { judgeStopCheck } from "../../src/domain/stop-checks/judge-stop-check.ts";
import { dryRun } from "../../src/domain/decisions/dry-run.ts";
import { suppressNumbers } from "../../src/domain/suppressions/suppress.ts";
import { packRefs } from "../../src/gates/rules/packs.ts";
import { addSeconds } from "../../src/lib/instant.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { testNumbers as numbers } from "../support/peppers.ts";
import { decideDue } from "../dispatch/mint.ts";
import { buildWorld, noon, type World } from "../support/world.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase();
});
afterAll(() => db?.close());

const packs = await packRefs();
const place = async (world: World) =>
  (
    await world.sql<{ state: string; reason: string }>("select state, reason from enrolments where org_id = $1", [world.orgId])
  )[0];
const judge = (world: World) => judgeStale(world.deps.desk, world.org, () => false);
const dials = async (world: World) => {
  await run(world.deps, world.org, 20);
  return world.voice.placed.length;
};
const verdict = async (world: World) => {
  const source = { leadId: world.leadIds[0] as string, campaignId: world.campaignId, at: null };
  const done = await dryRun(world.org, world.deps.desk, source);
  return done.ok ? [done.value.decision.verdict, ...done.value.decision.reason_codes] : [done.refusal];
};

describe("who was held, and whose fix was followed, is dialed", () => {
  const fixes: Record<string, { arrange: string; held: string; fix: (world: World) => Promise<unknown> }> = {
    "the national switch": {
      arrange: "update scrubs set result = 'listed' where org_id = $1",
      held: "dnc_national_listed",
      fix: (world) => updatePolicy(world.org, { writtenConsentOverNational: true }),
    },
    "the seller's name": {
      arrange: "update sellers set registered_name = 'Acme Solr LLC', trade_names = '{}' where org_id = $1",
      held: "consent_scope_mismatch",
      fix: (world) => updateSeller(world.org, world.sellerId, { registeredName: "Acme Solar LLC" }),
    },
    "a line that operators take off the protected ones, as any change of the platform": {
      arrange: `with v as (select version from pepper_versions)
        insert into protected_lines (e164_hmac, id, pepper_version, kind, source, recorded_at)
          select p.e164_hmac, p.id, 1, 'hospital', 'operator', now() from persons p join leads l on l.person_id = p.id where l.org_id = $1`,
      held: "number_protected",
      fix: (world) => world.sql("delete from protected_lines"),
    },
  };
  test.each(Object.keys(fixes))("%s", async (name) => {
    const { arrange, held, fix } = fixes[name] as (typeof fixes)[string];
    const world = await buildWorld(db);
    await world.sql(arrange, [world.orgId]);
    expect(await dials(world)).toBe(0);
    expect(await place(world)).toEqual({ state: "held", reason: held });
    await fix(world);
    expect(await verdict(world)).toEqual(["allow"]);
    await judge(world);
    expect(await place(world)).toMatchObject({ state: "waiting" });
    expect(await dials(world)).toBe(1);
  });

  test("a halt and a pending stop check at one decision, whichever ends first", async () => {
    for (const haltFirst of [true, false]) {
      const world = await buildWorld(db);
      const stopped = await halt(world.org, { reason: "org_halted", note: "x" });
      await world.sql("update persons set stop_check = 'missing', stop_check_since = $2 where org_id = $1 and id = $3", [
        world.orgId,
        addSeconds(noon, -90_000),
        world.personIds[0],
      ]);
      expect(await dials(world)).toBe(0);
      expect(await place(world)).toEqual({ state: "held", reason: "org_halted" });
      const endOfHalt = () => endHalt(world.org, stopped.ok ? stopped.value.id : "");
      // As the search's own end, which opens nothing that has another first reason.
      const endOfCheck = async () => {
        await world.org.rows({
          name: "clear",
          text: `update persons p set stop_check = 'clear', stop_check_since = null, facts_version = p.facts_version + 1
            where p.org_id = (select app.org()) and p.id = $1`,
          params: [world.personIds[0]],
        });
        await judge(world);
      };
      if (haltFirst) await endOfHalt();
      await endOfCheck();
      if (!haltFirst) await endOfHalt();
      await world.setClock(addSeconds(noon, 901));
      expect(await dials(world)).toBe(1);
    }
  });

  test("a retry budget that was spent, and is raised", async () => {
    const world = await buildWorld(db);
    expect(await dials(world)).toBe(1);
    await world.sql("update dial_attempts set state = 'completed', ended_at = minted_at where org_id = $1", [world.orgId]);
    await world.sql("update enrolments set state = 'waiting', reason = 'no_answer' where org_id = $1", [world.orgId]);
    await world.sql("update hour_profiles set next_due_at = '-infinity' where org_id = $1", [world.orgId]);
    await updatePolicy(world.org, { attemptsMax: 1 });
    await world.setClock(addSeconds(noon, 2 * 3_600));
    expect(await dials(world)).toBe(1);
    expect(await place(world)).toEqual({ state: "held", reason: "retry_budget_spent" });
    await updatePolicy(world.org, { attemptsMax: 2 });
    await judge(world);
    expect(await dials(world)).toBe(2);
  });

  test("also when the fix came while the refusal was being decided", async () => {
    const world = await buildWorld(db);
    await world.sql("update scrubs set result = 'listed' where org_id = $1", [world.orgId]);
    await judge(world);
    const batch = await decideDue(world);
    await updatePolicy(world.org, { writtenConsentOverNational: true });
    await judge(world);
    await record(world.org, batch);
    expect(await place(world)).toEqual({ state: "held", reason: "dnc_national_listed" });
    await world.sql("update standing_marks set due_at = '-infinity' where org_id = $1", [world.orgId]);
    await judge(world);
    expect(await dials(world)).toBe(1);
  });

  test("but not who is held by something that stands", async () => {
    const world = await buildWorld(db);
    await world.sql("update scrubs set result = 'listed' where org_id = $1", [world.orgId]);
    await dials(world);
    await updatePolicy(world.org, { gradeFloor: "B" });
    await judge(world);
    expect(await place(world)).toEqual({ state: "held", reason: "dnc_national_listed" });
    // A live attempt's place is its attempt's.
    const live = await buildWorld(db);
    expect(await dials(live)).toBe(1);
    await updatePolicy(live.org, { addedLists: [] });
    await judge(live);
    expect(await place(live)).toEqual({ state: "held", reason: "attempt_live" });
  });
});

describe("the same words of a lift or a revocation", () => {
  const say = (world: World, kind: "lift" | "revocation") => {
    const body = kind === "lift" ? { by: "Dana", reason: "wrong file" } : { channel: "mail_reply", revoked_at: null };
    return recordConsent(world.org, { numbers, packs }, { leadId: world.leadIds[0] as string }, { kind, body } as never);
  };
  const suppress = async (world: World) => {
    const [lead] = await world.sql<{ e164: string }>("select e164 from leads where org_id = $1", [world.orgId]);
    await suppressNumbers(world.org, numbers, [lead?.e164 ?? ""], {
      source: "bulk_file",
      byOrg: true,
      note: null,
      attemptId: null,
    });
  };

  test("lift again what was entered again", async () => {
    const world = await buildWorld(db);
    for (const hour of [1, 3]) {
      await world.setClock(addSeconds(noon, hour * 600));
      await suppress(world);
      expect(await verdict(world)).toEqual(["block", "suppressed"]);
      await world.setClock(addSeconds(noon, (hour + 1) * 600));
      expect(await say(world, "lift")).toMatchObject({ ok: true, value: { known: false } });
      expect(await verdict(world)).toEqual(["allow"]);
    }
  });

  test("revoke again, after a lift", async () => {
    const world = await buildWorld(db);
    await say(world, "revocation");
    await world.setClock(addSeconds(noon, 600));
    await say(world, "lift");
    await world.setClock(addSeconds(noon, 1_200));
    expect(await say(world, "revocation")).toMatchObject({ ok: true, value: { known: false } });
    const rows = await world.sql("select kind from consent_events where org_id = $1 and kind <> 'grant' order by recorded_at", [
      world.orgId,
    ]);
    expect(rows.map((row) => row["kind"])).toEqual(["revocation", "lift", "revocation"]);
  });
});

test("an ordinary judgement of a stop check needs no halt to end for its lead to be dialed", async () => {
  const world = await buildWorld(db);
  await world.sql("update persons set stop_check = 'missing', stop_check_since = $2 where org_id = $1 and id = $3", [
    world.orgId,
    addSeconds(noon, -90_000),
    world.personIds[0],
  ]);
  expect(await dials(world)).toBe(0);
  await judgeStopCheck(world.org, world.personIds[0] as string, { verdict: "clear", judgedBy: "Dana", reason: "x" });
  expect(await dials(world)).toBe(1);
});
