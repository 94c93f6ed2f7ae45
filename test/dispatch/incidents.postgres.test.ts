/** An incident that a person closes while what it is about ends: neither waits for the other in a circle. */
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { noteNotSettled } from "../../src/db/queries/dispatch.ts";
import { closeIncidentRow } from "../../src/db/queries/incidents.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { analysed, dialWorld, tell } from "./reports.ts";

let db: TestDatabase;
beforeAll(async () => {
  db = await openTestDatabase({ postgres: true });
});
afterAll(() => db.close());

/** A person has closed it and not committed; then its call ends; then the person commits, whose entry waits for the chain's head. */
async function closeAndEnd() {
  const world = await dialWorld(db);
  const [attempt = ""] = world.attempts;
  await world.org.query(noteNotSettled(attempt, 1));
  const [incident] = await world.sql<{ id: string }>("select id from incidents where org_id = $1", [world.orgId]);
  let report: Promise<unknown> = Promise.resolve();
  const close = world.org.change({ action: "incident.closed", subject: "x" }, async (w) => {
    await w.rows(closeIncidentRow(incident?.id ?? "", "test:person", "done"));
    report = tell(world, attempt, analysed);
    report.catch(() => undefined);
    await pause(500);
  });
  const failures = (await Promise.allSettled([close, close.then(() => report).catch(() => report)])).flatMap((one) =>
    one.status === "rejected" ? [String((one.reason as { sqlstate?: string }).sqlstate ?? one.reason)] : [],
  );
  const [row] = await world.sql<{ closed_by: string }>("select closed_by from incidents where org_id = $1", [world.orgId]);
  const entries = await world.sql("select 1 from audit.entry where org_id = $1 and event_type = 'incident.closed'", [
    world.orgId,
  ]);
  return { failures, by: row?.closed_by, entries: entries.length };
}

test("who ends the call leaves the incident to the person", async () => {
  expect(await closeAndEnd()).toEqual({ failures: [], by: "test:person", entries: 1 });
});

test("control: were it to wait for the person, they would", async () => {
  const [found] = (await db.admin("select pg_get_functiondef('app.close_incidents(text, uuid[])'::regprocedure) as text")).rows;
  const whole = String(found?.["text"]);
  const waiting = whole.replace(" skip locked", "");
  expect(waiting).not.toBe(whole);
  await db.admin(waiting);
  try {
    expect((await closeAndEnd()).failures).toContain("40P01");
  } finally {
    await db.admin(whole);
  }
});
