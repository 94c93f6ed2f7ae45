import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { publicId } from "../../src/lib/ids.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { buildWorld, type World } from "../support/world.ts";
import type { DispatcherWork } from "./dispatcher.ts";
import { full, report } from "./figures.ts";
import { brokenInvariants } from "./invariants.ts";
import { endedReport, type ProviderLedger } from "./provider-ledger.ts";

const leads = full ? 10_000 : 1_000;
const secondsMax = full ? 1_500 : 240;
const script = fileURLToPath(new URL("dispatcher.ts", import.meta.url));

let db: TestDatabase | undefined;
afterEach(async () => {
  await db?.close();
  db = undefined;
});

describe("several dispatchers on one Postgres, killed at random and started again", () => {
  for (const dispatchers of [2, 8]) {
    it(
      `${dispatchers} dispatchers dial each of ${leads} due leads at most once, and none without a committed allow`,
      { timeout: (secondsMax + 300) * 1000 },
      async () => {
        db = await openTestDatabase({ postgres: true });
        const world = await buildWorld(db, { leads, maxConcurrency: full ? 400 : 100, settleSeconds: 2 });
        const folder = mkdtempSync(join(tmpdir(), "dialgate-dispatchers-"));
        const ledgerFile = join(folder, "provider.log");
        writeFileSync(ledgerFile, "");
        const work: DispatcherWork = {
          connectionString: db.connectionString,
          address: `127.0.0.1:${db.endpoint.port}`,
          orgId: world.orgId,
          ledgerFile,
        };
        const started = performance.now();
        const { kills } = await dispatchUntilDone(world, work, dispatchers);
        const dialed = readFileSync(ledgerFile, "utf8").trim().split("\n");
        rmSync(folder, { recursive: true, force: true });
        const seconds = (performance.now() - started) / 1000;
        const counts = await countsOf(world, dialed);
        const line = `${dispatchers} dispatchers: ${leads} leads, ${kills} kills, ${dialed.length} calls, ${counts.twice} dialed twice, `;
        const text = `${line}${counts.withoutAllow} without a committed allow, ${counts.undecided} undecided, ${seconds.toFixed(0)} s`;
        report(text, { test: "dispatchers", dispatchers, leads, kills, calls: dialed.length, ...counts, seconds });
        expect(counts).toEqual({ twice: 0, personsTwice: 0, withoutAllow: 0, undecided: 0, open: 0 });
        expect(kills).toBeGreaterThanOrEqual(3);
        // What a kill caught between its permit's use and its call is not dialed again today.
        expect(dialed.length).toBeGreaterThan(leads * 0.8);
        expect(await brokenInvariants(world, ledgerOf(dialed))).toEqual([]);
      },
    );
  }
});

/** Kills one of them at random, again and again, and starts another in its place, until all is decided and settled. */
async function dispatchUntilDone(world: World, work: DispatcherWork, dispatchers: number): Promise<{ kills: number }> {
  const children = new Set<ChildProcess>();
  const start = (): ChildProcess => {
    const child = spawn(process.execPath, [script], {
      env: { ...process.env, DISPATCHER: JSON.stringify(work) },
      stdio: ["ignore", "ignore", "inherit"],
    });
    children.add(child);
    return child;
  };
  let kills = 0;
  try {
    const running = Array.from({ length: dispatchers }, start);
    for (const deadline = Date.now() + secondsMax * 1000; Date.now() < deadline;) {
      await hasDialed(work.ledgerFile);
      await new Promise((resolve) => setTimeout(resolve, 500 + Math.random() * 3_000));
      await hasten(world);
      if ((await openOf(world)) === 0) break;
      const index = Math.floor(Math.random() * dispatchers);
      running[index]?.kill("SIGKILL");
      running[index] = start();
      kills += 1;
    }
  } finally {
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(
      [...children].filter((child) => child.exitCode === null && child.signalCode === null).map((child) => once(child, "close")),
    );
  }
  return { kills };
}

/** A process needs a second or two to start, on a busy machine more: killed more often than they dial, none would ever finish. */
async function hasDialed(ledgerFile: string): Promise<void> {
  const before = statSync(ledgerFile).size;
  for (let look = 0; look < 100 && statSync(ledgerFile).size === before; look++)
    await new Promise((resolve) => setTimeout(resolve, 100));
}

/** Leases of dead dispatchers would last a minute; here they last as long as a run of a live one cannot take. */
async function hasten(world: World): Promise<void> {
  await world.sql("update leases set lease_until = least(lease_until, clock_timestamp() + interval '5 s') where org_id = $1", [
    world.orgId,
  ]);
  await world.sql(
    "update permits set expires_at = least(expires_at, minted_real_at + interval '20 s') where org_id = $1 and consumed_at is null",
    [world.orgId],
  );
}

/** Enrolments and attempts that are not yet at an end of today's. */
async function openOf(world: World): Promise<number | undefined> {
  const [row] = await world.sql<{ open: number }>(
    `select (select count(*)::int from enrolments e where e.org_id = $1 and ((e.state = 'held' and e.reason = 'attempt_live')
        or (e.state = 'waiting' and e.due_at <= (select now from test_clocks t where t.org_id = $1))))
      + (select count(*)::int from dial_attempts a where a.org_id = $1 and a.state in ('permitted', 'dialing', 'unknown', 'placed', 'in_progress')) as open`,
    [world.orgId],
  );
  return row?.open;
}

async function countsOf(world: World, dialed: readonly string[]) {
  const attempts = dialed.map((line) => line.split(" ")[0] as string);
  const allowed = await world.sql<{ id: string; person_id: string }>(
    `select a.id, a.person_id from dial_attempts a join permits p on p.org_id = a.org_id and p.attempt_id = a.id and p.consumed_at is not null
       join decisions d on d.org_id = a.org_id and d.id = a.decision_id and d.verdict = 'allow' and d.outcome = 'permitted'
       where a.org_id = $1 and a.dialed_xid is not null`,
    [world.orgId],
  );
  const persons = new Map(allowed.map((row) => [publicId("attempt", row.id), row.person_id]));
  const [row] = await world.sql<{ n: number }>(
    "select count(*)::int as n from leads l where l.org_id = $1 and not exists (select 1 from decisions d where d.org_id = l.org_id and d.lead_id = l.id)",
    [world.orgId],
  );
  return {
    twice: attempts.length - new Set(attempts).size,
    personsTwice: attempts.length - new Set(attempts.map((id) => persons.get(id))).size,
    withoutAllow: attempts.filter((id) => !persons.has(id)).length,
    undecided: row?.n ?? -1,
    open: (await openOf(world)) ?? -1,
  };
}

function ledgerOf(dialed: readonly string[]): ProviderLedger {
  const attempts = dialed.map((line) => line.split(" ")[0] as string);
  const behind = { consumed: true, verdict: "allow", outcome: "permitted", state: "dialing" };
  return {
    posts: attempts.map((attemptId) => ({ attemptId, behind })),
    calls: new Map(attempts.map((attemptId) => [attemptId, endedReport(attemptId)])),
    lags: false,
  };
}
