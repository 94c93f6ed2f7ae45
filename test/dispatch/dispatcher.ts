/**
 * One dispatcher as a process of its own: `node test/dispatch/dispatcher.ts` with its work in DISPATCHER. Runs until it
 * is killed. Its provider writes each call to a file, synchronously and before it answers: what was dialed is known even
 * when the dispatcher dies in the middle of it.
 */
import { appendFileSync, readFileSync } from "node:fs";
import { SystemDb } from "../../src/db/system-db.ts";
import { neonTransport } from "../../src/db/transport.ts";
import type { DispatchDeps } from "../../src/dispatch/deps.ts";
import { reconcile } from "../../src/dispatch/reconcile.ts";
import { run } from "../../src/dispatch/run.ts";
import { expirePermits } from "../../src/db/queries/dispatch.ts";
import { snapshotDesk } from "../../src/domain/decisions/snapshot.ts";
import { instantOf } from "../../src/lib/instant.ts";
import { phoneMemo } from "../../src/lib/phone.ts";
import { zoneBook } from "../../src/lib/time-zones.ts";
import { newId, scriptedVoice } from "../support/world.ts";
import { endedReport } from "./provider-ledger.ts";
import { testPeppers } from "../support/peppers.ts";

export interface DispatcherWork {
  readonly connectionString: string;
  readonly address: string;
  readonly orgId: string;
  readonly ledgerFile: string;
}

async function dispatch(work: DispatcherWork): Promise<void> {
  const system = new SystemDb(neonTransport(work.connectionString, { address: work.address }), newId, testPeppers);
  const now = () => instantOf(Date.now() / 1000);
  const voice = scriptedVoice();
  voice.script.place = async ({ attemptId }) => {
    appendFileSync(work.ledgerFile, `${attemptId} ${process.pid}\n`);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 4));
    return { kind: "accepted", providerCallId: `call_${attemptId}` };
  };
  let listed = new Set<string>();
  voice.script.lookup = (id) => {
    const attemptId = id.replace(/^call_/, "");
    if (!listed.has(attemptId))
      listed = new Set(
        readFileSync(work.ledgerFile, "utf8")
          .split("\n")
          .map((line) => line.split(" ")[0] ?? ""),
      );
    return listed.has(attemptId) ? { kind: "found", report: endedReport(attemptId) } : { kind: "absent" };
  };
  const deps: DispatchDeps = {
    system,
    now,
    milliseconds: Date.now,
    newId,
    desk: snapshotDesk(zoneBook(), phoneMemo()),
    voice: () => voice,
    lookLater: async () => undefined,
    sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  };
  for (;;) {
    const org = system.asOrg(work.orgId, { type: "job", id: "dispatcher" }, "req_dispatcher", now());
    try {
      await run(deps, org, 5);
      await org.query(expirePermits());
      await reconcile(deps, org);
    } catch {
      // As in production: what failed is asked for again by the next tick.
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

if (process.env["DISPATCHER"]) await dispatch(JSON.parse(process.env["DISPATCHER"]) as DispatcherWork);
