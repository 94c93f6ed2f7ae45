import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "../../src/dispatch/run.ts";
import { resumeCampaign } from "../../src/domain/campaigns/resume-campaign.ts";
import { deleteConnection } from "../../src/domain/connections/delete-connection.ts";
import { dryRun } from "../../src/domain/decisions/dry-run.ts";
import { endHalt } from "../../src/domain/halts/end-halt.ts";
import { type ScrubDeps, scrubDueLeads } from "../../src/domain/scrubs/scrub-due-leads.ts";
import { addSeconds, instantOf } from "../../src/lib/instant.ts";
import { enrolmentOf } from "./looks.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { buildWorld, newId, noon, type World } from "../support/world.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase();
});
afterAll(() => db?.close());

const firstDnc = async (world: World) =>
  (await world.sql<{ id: string }>("select id from connections where org_id = $1 and kind = 'dnc' order by id", [world.orgId]))[0]
    ?.id ?? "";
async function addDnc(world: World): Promise<string> {
  const id = newId();
  await world.sql(
    `insert into connections (org_id, id, kind, vendor, name, config, status, inbox_keeps, max_concurrency, calls_per_second, settle_seconds, created_at)
       values ($1, $2, 'dnc', 'http_dnc', 'B', '{"lists":["national","litigator"]}', 'active', 'raw', 1, 1, 1, $3)`,
    [world.orgId, id, noon],
  );
  await world.sql("insert into credentials (org_id, connection_id, version, sealed, created_at) values ($1, $2, 1, '{}', $3)", [
    world.orgId,
    id,
    noon,
  ]);
  return id;
}
/** A provider that says of each list what it is told to say. */
const saying = (told: Readonly<Record<string, string>>): ScrubDeps =>
  ({
    dnc: () => ({
      vendor: "http_dnc",
      check: async ({ numbers }: { numbers: { id: string }[] }) => ({
        kind: "answered",
        providerRef: null,
        responseDigest: "00".repeat(32),
        numbers: numbers.map(({ id }) => ({
          id,
          lineType: "unknown",
          lists: Object.entries(told).map(([list, result]) => ({
            list,
            result,
            listVersionAt: result === "unknown" ? null : addSeconds(noon, -3600),
            reason: null,
          })),
        })),
      }),
    }),
  }) as unknown as ScrubDeps;
/** A provider that says clear of everything, or answers nothing. */
const provider = (answers: boolean): ScrubDeps =>
  ({
    dnc: () => ({
      vendor: "http_dnc",
      check: async ({ numbers, lists }: { numbers: { id: string }[]; lists: string[] }) =>
        answers
          ? {
              kind: "answered",
              providerRef: null,
              responseDigest: "00".repeat(32),
              numbers: numbers.map(({ id }) => ({
                id,
                lineType: "unknown",
                lists: lists.map((list) => ({ list, result: "clear", listVersionAt: addSeconds(noon, -3600), reason: null })),
              })),
            }
          : { kind: "failed", reason: "timeout", retryAfterSeconds: null },
    }),
  }) as unknown as ScrubDeps;
const verdict = async (world: World) => {
  const source = { leadId: world.leadIds[0] as string, campaignId: world.campaignId, at: null };
  const done = await dryRun(world.org, world.deps.desk, source);
  if (!done.ok) return [done.refusal];
  return [done.value.decision.verdict, ...done.value.decision.reason_codes];
};
const dials = async (world: World) => {
  await run(world.deps, world.org, 20);
  return world.voice.placed.length;
};

describe("a do-not-call provider that was disconnected", () => {
  it("serves no dial any more, and its campaigns resume only after another's scrub, which comes by itself", async () => {
    const world = await buildWorld(db, { leads: 3 });
    expect(await verdict(world)).toEqual(["allow"]);
    const gone = await firstDnc(world);
    await deleteConnection(world.org, gone);
    expect(await resumeCampaign(world.org, world.campaignId)).toEqual({ ok: false, refusal: "scrub_wanted" });
    // Whoever gets past the resume meets the gate.
    await world.sql("update campaigns set status = 'running' where org_id = $1", [world.orgId]);
    expect(await verdict(world)).toEqual(["block", "scrub_missing"]);
    expect(await dials(world)).toBe(0);
    await world.sql("update campaigns set status = 'paused' where org_id = $1", [world.orgId]);

    await addDnc(world);
    await world.setClock(addSeconds(noon, 60));
    expect(await resumeCampaign(world.org, world.campaignId), "connected, and nothing scrubbed").toMatchObject({ ok: false });
    const due = await world.system.dueOrgs("scrub", instantOf(Date.now() / 1000), 100);
    expect(due).toContain(world.orgId);
    expect(await scrubDueLeads(provider(true), world.org)).toMatchObject({ scrubbed: 3, failure: null });
    expect(await resumeCampaign(world.org, world.campaignId)).toMatchObject({ ok: true });
    expect(await verdict(world)).toEqual(["allow"]);
    expect(await dials(world)).toBe(3);
  });

  it("still says what it listed", async () => {
    const world = await buildWorld(db);
    await world.sql("update scrubs set result = 'listed' where org_id = $1", [world.orgId]);
    await deleteConnection(world.org, await firstDnc(world));
    expect((await verdict(world)).filter((code) => code.startsWith("dnc"))).toEqual(["dnc_national_listed"]);
  });

  it("is nothing to a campaign that no list binds", async () => {
    const world = await buildWorld(db);
    await world.sql("update campaigns set purpose = 'informational' where org_id = $1", [world.orgId]);
    await deleteConnection(world.org, await firstDnc(world));
    expect(await resumeCampaign(world.org, world.campaignId)).toMatchObject({ ok: true });
  });
});

describe("a person whom a litigator list named", () => {
  it("is not dialed when a later scrub knows nothing of that list, and is when one says clear", async () => {
    const world = await buildWorld(db, { leads: 1 });
    const scrub = async (minutes: number, told: Readonly<Record<string, string>>) => {
      await world.setClock(addSeconds(noon, minutes * 60));
      await world.sql("update leads set scrub_due_at = '-infinity' where org_id = $1", [world.orgId]);
      expect(await scrubDueLeads(saying(told), world.org)).toMatchObject({ scrubbed: 1, failure: null });
    };
    await world.sql("insert into credentials (org_id, connection_id, version, sealed, created_at) values ($1, $2, 1, '{}', $3)", [
      world.orgId,
      await firstDnc(world),
      noon,
    ]);
    await scrub(0, { national: "clear", litigator: "listed" });
    expect((await enrolmentOf(world))?.state).toBe("held");
    await scrub(60, { national: "unknown", litigator: "unknown" });
    expect((await enrolmentOf(world))?.state, "nothing clear came: it stays held").toBe("held");
    await scrub(120, { national: "clear", litigator: "unknown" });
    expect(await verdict(world)).toEqual(["block", "dnc_litigator"]);
    expect(await dials(world)).toBe(0);
    await scrub(180, { national: "clear", litigator: "clear" });
    expect(await dials(world)).toBe(1);
  });
});

describe("a do-not-call provider that fails", () => {
  const failed = async () => {
    const world = await buildWorld(db);
    await world.sql("update leads set scrub_due_at = $2 where org_id = $1", [world.orgId, noon]);
    await world.sql("insert into credentials (org_id, connection_id, version, sealed, created_at) values ($1, $2, 1, '{}', $3)", [
      world.orgId,
      await firstDnc(world),
      noon,
    ]);
    expect(await scrubDueLeads(provider(false), world.org)).toMatchObject({ failure: "timeout" });
    const [halt] = await world.sql<{ id: string }>("select id from halts where org_id = $1", [world.orgId]);
    return { world, haltId: halt?.id ?? "" };
  };

  it("halts until a scrub has come again and a person ends it: neither alone is enough", async () => {
    const { world, haltId } = await failed();
    expect(await verdict(world)).toEqual(["block", "incident_open"]);
    expect(await endHalt(world.org, haltId)).toEqual({ ok: false, refusal: "scrub_wanted" });
    expect(await verdict(world), "a person alone").toEqual(["block", "incident_open"]);
    await world.setClock(addSeconds(noon, 700));
    expect(await scrubDueLeads(provider(true), world.org)).toMatchObject({ scrubbed: 1 });
    expect(await verdict(world), "a scrub alone").toEqual(["block", "incident_open"]);
    expect(await dials(world)).toBe(0);
    expect(await endHalt(world.org, haltId)).toMatchObject({ ok: true });
    expect(await dials(world)).toBe(1);
  });

  it("and is disconnected then takes another's scrub", async () => {
    const { world, haltId } = await failed();
    await world.setClock(addSeconds(noon, 700));
    await scrubDueLeads(provider(true), world.org);
    await deleteConnection(world.org, await firstDnc(world));
    expect(await endHalt(world.org, haltId)).toMatchObject({ ok: false });
    await addDnc(world);
    await scrubDueLeads(provider(true), world.org);
    expect(await endHalt(world.org, haltId)).toMatchObject({ ok: true });
  });
});
