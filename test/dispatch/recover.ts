/** What the tick and the queues do again after a fault, with the waiting taken out: leases and settle times are ended by SQL. */
import { SystemDb } from "../../src/db/system-db.ts";
import type { OrgDb } from "../../src/db/org-db.ts";
import { expirePermits } from "../../src/db/queries/dispatch.ts";
import type { Transport } from "../../src/db/transport.ts";
import { applyInbox } from "../../src/dispatch/apply-inbox.ts";
import { reconcile } from "../../src/dispatch/reconcile.ts";
import { run } from "../../src/dispatch/run.ts";
import { sendStops } from "../../src/dispatch/send-stops.ts";
import { newId, type World } from "../support/world.ts";
import { testPeppers } from "../support/peppers.ts";

/** Every lease, permit and settle time of the org is over now, as it would be after the wait. */
export async function endWaits(world: World): Promise<void> {
  const past = "clock_timestamp() - interval '1 s'";
  await world.sql(`update leases set lease_until = ${past} where org_id = $1`, [world.orgId]);
  await world.sql(`update permits set expires_at = ${past} where org_id = $1 and consumed_at is null`, [world.orgId]);
  await world.sql(`update dial_attempts set settle_after = ${past} where org_id = $1 and settle_after is not null`, [
    world.orgId,
  ]);
  await world.sql("update webhook_inbox set lease_until = null where org_id = $1 and state = 'pending'", [world.orgId]);
  await world.sql("update outbox set lease_until = null, due_at = clock_timestamp() where org_id = $1 and done_at is null", [
    world.orgId,
  ]);
}

/** A new process: its own connection, nothing remembered. */
export function freshOrg(world: World, transport: Transport): OrgDb {
  return new SystemDb(transport, newId, testPeppers).asOrg(
    world.orgId,
    { type: "job", id: "recovery" },
    "req_recovery",
    world.deps.now(),
  );
}

export async function recover(world: World, transport: Transport, rounds = 2): Promise<void> {
  const org = freshOrg(world, transport);
  const deps = { ...world.deps, system: new SystemDb(transport, newId, testPeppers), voice: () => world.voice };
  for (let round = 0; round < rounds; round++) {
    await endWaits(world);
    await org.query(expirePermits());
    await applyInbox(deps, org);
    await reconcile(deps, org);
    await run(deps, org, 20);
    await endWaits(world);
    await reconcile(deps, org);
    await sendStops(deps, org);
    await applyInbox(deps, org);
  }
}
