/** How the tests look at what the dial has left behind. */
import { expect } from "vitest";
import type { TestDatabase } from "../support/database.ts";
import type { World } from "../support/world.ts";

export const attemptOf = async (world: World, attempt: string) =>
  (
    await world.sql(
      "select state, reason, counts, rang, answered_by_person, stop_reason from dial_attempts where org_id = $1 and id = $2",
      [world.orgId, attempt],
    )
  )[0] ?? {};
export const enrolmentOf = async (world: World) =>
  (
    await world.sql<{ state: string; reason: string; due_at: Date }>(
      "select state, reason, due_at from enrolments where org_id = $1 and campaign_id = $2",
      [world.orgId, world.campaignId],
    )
  )[0];
export const personOf = async (world: World) =>
  (
    await world.sql<{ stop_check: string; stop_check_since: Date | null }>(
      "select p.stop_check, p.stop_check_since from persons p join leads l on l.person_id = p.id where p.org_id = $1",
      [world.orgId],
    )
  )[0];
export const incidentsOf = async (world: World) =>
  await world.sql<{ severity: number; code: string }>(
    "select severity, code from incidents where org_id = $1 order by opened_at, code",
    [world.orgId],
  );
export const attemptsOf = (world: World) =>
  world.sql<{ state: string; reason: string | null; counts: boolean }>(
    "select state, reason, counts from dial_attempts where org_id = $1 order by minted_at, id",
    [world.orgId],
  );
export const unspent = (world: World) =>
  world.sql("select 1 from permits where org_id = $1 and consumed_at is null", [world.orgId]);

/** Audit entries name rows by their public ids: a uuid of the database's own tells a reader nothing. */
export async function expectPublicIds(db: TestDatabase): Promise<void> {
  const uuid = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";
  const entries = "from audit.entry e join audit.payload p on p.org_id = e.org_id and p.seq = e.seq";
  const raw = `select e.event_type, p.subject_text, p.facts_text ${entries} where p.subject_text ~ $1 or p.facts_text ~ $1`;
  expect((await db.admin(raw, [uuid])).rows).toEqual([]);
  expect((await db.admin(`select 1 ${entries}`)).rows.length).toBeGreaterThan(20);
}
