import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { neonTransport } from "../../src/db/transport.ts";
import { SystemDb } from "../../src/db/system-db.ts";
import { place } from "../../src/dispatch/place.ts";
import { run } from "../../src/dispatch/run.ts";
import { dryRun } from "../../src/domain/decisions/dry-run.ts";
import { endHalt } from "../../src/domain/halts/end-halt.ts";
import { createLeads, newLead } from "../../src/domain/leads/create-leads.ts";
import { suppressNumbers } from "../../src/domain/suppressions/suppress.ts";
import { packRefs } from "../../src/gates/rules/packs.ts";
import { byteaText } from "../../src/lib/bytes.ts";
import { addSeconds } from "../../src/lib/instant.ts";
import { type NumberHasher, numberHasher } from "../../src/lib/number-hash.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { testNumbers } from "../support/peppers.ts";
import { buildWorld, newId, noon, type World } from "../support/world.ts";
import { mintOne } from "./mint.ts";

// Peppers are the platform's: each test has a platform of its own.
let db: TestDatabase;
beforeEach(async () => {
  db = await openTestDatabase();
});
afterEach(() => db?.close());

const key = (byte: number) => new Uint8Array(32).fill(byte);
const packs = await packRefs();
const [first, second] = [
  [1, key(7)],
  [2, key(9)],
] as const;
const both = await numberHasher(new Map([first, second]));
const onlySecond = await numberHasher(new Map([second]));
const anotherFirst = await numberHasher(new Map([[1, key(8)]]));

/** The same org, served by a worker that holds these peppers. */
async function servedBy(world: World, numbers: NumberHasher): Promise<World> {
  const transport = neonTransport(db.connectionString, { address: `127.0.0.1:${db.endpoint.port}` });
  const system = new SystemDb(transport, newId, numbers.held);
  await system.registerPeppers();
  const org = system.asOrg(world.orgId, { type: "job", id: "test" }, "req_test", world.deps.now());
  return { ...world, system, org, deps: { ...world.deps, system } };
}
const verdict = async (world: World) => {
  const done = await dryRun(world.org, world.deps.desk, {
    leadId: world.leadIds[0] as string,
    campaignId: world.campaignId,
    at: null,
  });
  return done.ok ? [done.value.decision.verdict, ...done.value.decision.reason_codes] : done.refusal;
};
const phone = "+12127654321";
const lead = newLead.parse({ phone, state: "NY" });
const suppress = (world: World, numbers: NumberHasher) =>
  suppressNumbers(world.org, numbers, [phone], { source: "api", byOrg: false, note: null, attemptId: null });
const persons = async (world: World) =>
  Number((await world.sql<{ n: number }>("select count(*)::int as n from persons where org_id = $1", [world.orgId]))[0]?.n);

describe("a pepper that is lost", () => {
  for (const [name, numbers] of [
    ["missing", onlySecond],
    ["another key", anotherFirst],
  ] as const) {
    it(`halts the platform when it is ${name}: no decision allows, no permit is used, no person is made`, async () => {
      const world = await buildWorld(db);
      await suppress(world, testNumbers);
      const permit = await mintOne(world);
      const before = await persons(world);
      const blind = await servedBy(world, numbers);
      expect((await verdict(blind)).slice(0, 2)).toEqual(["block", "platform_halted"]);
      expect(await place(blind.deps, blind.org, permit)).toBe("cancelled");
      await run(blind.deps, blind.org, 10);
      expect(world.voice.placed).toEqual([]);
      await expect(createLeads(blind.org, { numbers, packs }, [lead])).rejects.toMatchObject({ constraint: "peppers_held" });
      await expect(suppress(blind, numbers)).rejects.toMatchObject({ constraint: "peppers_held" });
      expect(await persons(world)).toBe(before);
    });
  }

  it("is no obstacle once it is back: what was halted is dialed again", async () => {
    const world = await buildWorld(db);
    await run((await servedBy(world, onlySecond)).deps, (await servedBy(world, onlySecond)).org, 10);
    const [open] = await world.sql<{ id: string }>("select id from halts where org_id = $1 and ended_at is null", [world.orgId]);
    const restored = await servedBy(world, both);
    expect((await verdict(restored)).slice(0, 2)).toEqual(["block", "org_halted"]);
    await endHalt(restored.org, open?.id ?? "");
    expect(await verdict(restored)).toEqual(["allow"]);
    await world.setClock(addSeconds(noon, 901));
    await run(restored.deps, restored.org, 10);
    expect(world.voice.placed).toHaveLength(1);
  });
});

describe("a further pepper", () => {
  it("finds everyone who was kept under the older one, and dials go on", async () => {
    const world = await buildWorld(db);
    await suppress(world, testNumbers);
    const newer = await servedBy(world, both);
    const before = await persons(world);
    await createLeads(newer.org, { numbers: both, packs }, [lead]);
    expect(await persons(world)).toBe(before);
    await suppressNumbers(newer.org, both, ["+12127654322"], { source: "api", byOrg: false, note: null, attemptId: null });
    expect(
      await world.sql("select pepper_version as v from persons where org_id = $1 and pepper_version = 2", [world.orgId]),
    ).toEqual([{ v: 2 }]);
    await run(newer.deps, newer.org, 10);
    expect(world.voice.placed).toHaveLength(1);
  });

  it("shuts out the workers that do not hold it yet, permits in their hands included", async () => {
    const world = await buildWorld(db);
    const permit = await mintOne(world);
    const newer = await servedBy(world, both);
    expect((await verdict(world)).slice(0, 2)).toEqual(["block", "platform_halted"]);
    expect(await place(world.deps, world.org, permit)).toBe("cancelled");
    await expect(suppress(world, testNumbers)).rejects.toMatchObject({ constraint: "peppers_held" });
    expect(await verdict(newer)).toEqual(["allow"]);
  });

  it("that no worker registered makes no person", async () => {
    const world = await buildWorld(db);
    await expect(suppress(world, onlySecond)).rejects.toMatchObject({ constraint: "peppers_held" });
  });
});

describe("the canary of the suppression list", () => {
  it("that cannot be found halts the org with a SEV1, once, and a person ends it", async () => {
    const world = await buildWorld(db, { leads: 3 });
    const [healthy, permit] = [await verdict(world), await mintOne(world)];
    expect(healthy).toEqual(["allow"]);
    await world.sql("delete from suppressions where org_id = $1", [world.orgId]);
    expect(await place(world.deps, world.org, permit)).toBe("cancelled");
    expect((await verdict(world)).slice(0, 2)).toEqual(["block", "org_halted"]);
    await run(world.deps, world.org, 10);
    await world.setClock(addSeconds(noon, 901));
    await run(world.deps, world.org, 10);
    expect(world.voice.placed).toEqual([]);
    expect(await world.sql("select severity, code, closed_at from incidents where org_id = $1", [world.orgId])).toEqual([
      { severity: 1, code: "suppression_canary_lost", closed_at: null },
    ]);
    const [open] = await world.sql<{ id: string }>("select id from halts where org_id = $1", [world.orgId]);
    await endHalt(world.org, open?.id ?? "");
    expect((await verdict(world)).slice(0, 2), "still not found").toEqual(["block", "org_halted"]);
  });
});

describe("a protected line", () => {
  const enter = async (world: World, numbers: NumberHasher, of: string, versions: readonly number[]) => {
    const id = newId();
    const hashes = (await numbers.hashAll(of)).filter((hash) => versions.includes(hash.pepperVersion));
    await world.sql(
      `insert into protected_lines (e164_hmac, id, pepper_version, kind, source, recorded_at)
         select u.hmac::bytea, $1, u.version, 'hospital', 'operator', $4 from unnest($2::text[], $3::smallint[]) as u(hmac, version)`,
      [id, hashes.map((hash) => byteaText(hash.hmac)), hashes.map((hash) => hash.pepperVersion), noon],
    );
  };
  const numberOf = async (world: World) =>
    (
      await world.sql<{ e164: string }>("select e164 from leads where org_id = $1 and id = $2", [world.orgId, world.leadIds[0]])
    )[0]?.e164 ?? "";

  it("is matched whatever pepper its person is kept under, and through each alias", async () => {
    const world = await servedBy(await buildWorld(db, { leads: 2 }), both);
    await enter(world, both, await numberOf(world), [1, 2]);
    expect((await verdict(world)).slice(0, 2)).toEqual(["block", "number_protected"]);
    // The person under another hash, with the old one as an alias.
    await world.sql(
      `insert into person_aliases (org_id, e164_hmac, person_id, pepper_version) select org_id, e164_hmac, id, 1 from persons where org_id = $1 and id = $2`,
      [world.orgId, world.personIds[0]],
    );
    await world.sql("update persons set e164_hmac = '\\x01' where org_id = $1 and id = $2", [world.orgId, world.personIds[0]]);
    expect((await verdict(world)).slice(0, 2)).toEqual(["block", "number_protected"]);
    await run(world.deps, world.org, 10);
    expect(world.voice.placed, "the other lead").toHaveLength(1);
  });

  it("that is kept under one of two peppers halts the platform until it is kept under both", async () => {
    const world = await servedBy(await buildWorld(db), both);
    await enter(world, both, "+12125550999", [2]);
    expect((await verdict(world)).slice(0, 2)).toEqual(["block", "platform_halted"]);
    await world.sql("delete from protected_lines");
    expect(await verdict(world)).toEqual(["allow"]);
    await enter(world, both, "+12125550999", [1, 2]);
    expect(await verdict(world)).toEqual(["allow"]);
  });

  it("must be entered under a further pepper before that pepper serves", async () => {
    const world = await buildWorld(db);
    await enter(world, testNumbers, "+12125550999", [1]);
    const permit = await mintOne(world);
    const newer = await servedBy(world, both);
    expect((await verdict(newer)).slice(0, 2)).toEqual(["block", "platform_halted"]);
    expect(await place(newer.deps, newer.org, permit)).toBe("cancelled");
  });
});
