import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seedOrg } from "../../dev/seed.ts";
import type { OrgDb } from "../../src/db/org-db.ts";
import { SystemDb } from "../../src/db/system-db.ts";
import { neonTransport } from "../../src/db/transport.ts";
import { apiKeyHasher } from "../../src/lib/api-key.ts";
import type { Instant } from "../../src/lib/instant.ts";
import { uuidMint } from "../../src/lib/uuid-v7.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { testPeppers } from "../support/peppers.ts";

const now = "2026-11-18T15:00:00Z" as Instant;
const newId = uuidMint(() => Date.now(), randomBytes);
let db: TestDatabase;
let acme: OrgDb;
let other: OrgDb;
const own = newId();
const foreign = newId();

const person = (id: string) => ({
  name: "person",
  text: "insert into persons (org_id, id, e164_hmac, pepper_version) values ((select app.org()), $1, sha256(uuid_send($1)), 1)",
  params: [id],
});
const lead = (...persons: readonly string[]) => ({
  name: "leads",
  text: `insert into leads (org_id, id, person_id, e164, candidate_states, status, created_at)
    select (select app.org()), gen_random_uuid(), u.id, '+12125550100', 'NY', 'eligible', app.now() from unnest($1::uuid[]) as u(id)`,
  params: [persons],
});
const evidence = (id: string) => ({
  name: "evidence",
  text: `insert into consent_events (org_id, id, person_id, kind, recorded_at, digest, body)
    values ((select app.org()), gen_random_uuid(), $1, 'grant', app.now(), '\\x00', '{}')`,
  params: [id],
});

beforeAll(async () => {
  db = await openTestDatabase();
  const transport = neonTransport(db.connectionString, { address: `127.0.0.1:${db.endpoint.port}` });
  const hash = await apiKeyHasher(new Uint8Array(32).fill(9));
  const orgOf = async (name: string): Promise<OrgDb> =>
    new SystemDb(transport, newId, testPeppers).asOrg(
      (await seedOrg(transport, hash, { name, now, peppers: testPeppers })).orgId,
      { type: "job", id: "test" },
      "req_test",
      now,
    );
  [acme, other] = [await orgOf("Acme"), await orgOf("Other")];
  await acme.rows(person(own));
  await other.rows(person(foreign));
});
afterAll(() => db?.close());

test("a lead or evidence that names nobody, or another org's person, is refused with all its statement brought", async () => {
  for (const absent of [newId(), foreign]) {
    await expect(acme.rows(lead(own, absent))).rejects.toThrow("23503");
    await expect(acme.rows(evidence(absent))).rejects.toThrow("23503");
  }
  const { rows } = await db.admin("select (select count(*) from leads)::int + (select count(*) from consent_events)::int as n");
  expect(rows[0]?.["n"]).toBe(0);
});

test("a lead or evidence of the org's own person is taken", async () => {
  await acme.rows(lead(own));
  await acme.rows(evidence(own));
});

const decision = (names: { lead: string; person: string; part?: string }) => ({
  name: "decision",
  text: `insert into decisions (org_id, id, kind, campaign_id, lead_id, person_id, at, verdict, outcome, reason_codes, results, own_facts,
      shared_facts, snapshot_digest)
    values ((select app.org()), gen_random_uuid(), 'dial', gen_random_uuid(), $1, $2, app.now(), 'block', 'refused', '{}', '[]', '{}', $3, '\\x00')`,
  params: [names.lead, names.person, names.part ?? "\\x01"],
});
const attempt = (names: { lead: string; person: string }) => ({
  name: "attempt",
  text: `insert into dial_attempts (org_id, id, kind, campaign_id, lead_id, person_id, connection_id, decision_id, state, minted_at, ring_by, slot_at)
    values ((select app.org()), gen_random_uuid(), 'single', gen_random_uuid(), $1, $2, gen_random_uuid(), gen_random_uuid(), 'expired', app.now(), app.now(), app.now())`,
  params: [names.lead, names.person],
});

test("a decision or an attempt about a lead that the org does not have, or of another person, is refused", async () => {
  const part = {
    name: "part",
    text: "insert into snapshot_parts (org_id, digest, body) values ((select app.org()), '\\x01', '{}')",
    params: [],
  };
  await acme.rows(part);
  const theirs = newId();
  await other.rows({
    ...lead(foreign),
    text: lead(foreign).text.replace("gen_random_uuid()", "$2"),
    params: [[foreign], theirs],
  });
  const { rows } = await db.admin("select id::text as id from leads where person_id = $1", [own]);
  const mine = String(rows[0]?.["id"]);
  for (const refused of [decision, attempt]) {
    for (const names of [
      { lead: newId(), person: own },
      { lead: theirs, person: foreign },
      { lead: mine, person: foreign },
    ])
      await expect(acme.rows(refused(names))).rejects.toThrow("23503");
    await acme.rows(refused({ lead: mine, person: own }));
  }
  await expect(acme.rows(decision({ lead: mine, person: own, part: "\\x02" }))).rejects.toThrow("23503");
});

test("a person of an org that does not exist is refused", async () => {
  const text = "select set_config('app.org_id', $1, true)";
  await expect(acme.query({ name: "rebind", text, params: [newId()] }, person(newId()))).rejects.toThrow("23503");
});

test("whose lead or evidence it is cannot be rewritten, and a person cannot be deleted", async () => {
  for (const text of [
    "update leads set person_id = gen_random_uuid()",
    "update consent_events set person_id = gen_random_uuid()",
    "update persons set id = gen_random_uuid()",
    "delete from persons",
  ])
    await expect(acme.rows({ name: "rewrite", text, params: [] })).rejects.toThrow("42501");
});
