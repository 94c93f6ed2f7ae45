import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { verifyChain } from "../../src/lib/audit-chain.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { exportedChain } from "./exported-chain.ts";

const writers = 32;
/** CI's size; test:full sets the release's. */
const appends = Number(process.env["AUDIT_APPENDS"] ?? 20_000);

let db: TestDatabase;
let pool: pg.Pool;

beforeAll(async () => {
  db = await openTestDatabase({ postgres: true });
  pool = new pg.Pool({ connectionString: db.connectionString, max: writers });
});
afterAll(async () => {
  await pool?.end();
  await db?.close();
});

async function bound<T>(org: string, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    await client.query("select set_config('app.org_id', $1, true)", [org]);
    const result = await work(client);
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback");
    throw error;
  } finally {
    client.release();
  }
}

test(`${writers} concurrent writers on one org fork nothing, leave no gap and lose no entry`, async () => {
  const org = randomUUID();
  await bound(org, (client) => client.query("select audit.open_chain()"));
  let left = appends;
  let written = 0;
  let singles = 0;
  let batches = 0;
  let rolledBack = 0;
  const started = performance.now();
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      for (let turn = 0; left > 0; turn++) {
        const size = turn % 4 === 3 ? Math.min(left, 50) : 1;
        left -= size;
        const subjects = Array.from({ length: size }, (_entry, index) => `${writer}-${turn}-${index}`);
        // Every fifth transaction appends, fails afterwards and is tried again: nothing of the first try may remain.
        if (turn % 5 === 4) {
          await bound(org, async (client) => {
            await client.query("select audit.append('test.failed', 'never', '{}')");
            throw new Error("the act failed");
          }).catch(() => rolledBack++);
        }
        await bound(org, (client) =>
          size === 1
            ? client.query("select audit.append('test.written', $1, '{}')", subjects)
            : client.query("select audit.append_many($1::text[], $2::text[], $3::text[])", [
                subjects.map(() => "test.written"),
                subjects,
                subjects.map(() => "{}"),
              ]),
        );
        written += size;
        if (size === 1) singles++;
        else batches++;
      }
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  const entries = await bound(org, exportedChain);
  const forks = entries.length - new Set(entries.map(({ previous_hash }) => previous_hash)).size;
  const gaps = entries.filter(({ seq }, index) => seq !== index + 1).length;
  const lost = written - new Set(entries.map(({ subject }) => subject)).size;
  const counts = { writers, written, singles, batches, rolledBack, forks, gaps, lost, perSecond: Math.round(written / seconds) };
  console.log(`audit append: ${JSON.stringify(counts)}`);
  expect({ forks, gaps, lost, entries: entries.length }).toEqual({ forks: 0, gaps: 0, lost: 0, entries: appends });
  expect(rolledBack).toBeGreaterThan(0);
  const { rows } = await bound(org, (client) =>
    client.query<{ seq: string; hash: string }>("select seq, encode(head, 'hex') as hash from audit.head"),
  );
  const report = await verifyChain(entries, { org, head: { seq: Number(rows[0]?.seq), hash: rows[0]?.hash ?? "" } });
  expect(report).toMatchObject({ faults: [], entries: appends, purged: 0 });
});

test("the measure is able to fail: locking the last entry instead of the head lets writers share a predecessor", async () => {
  await db.admin("create table naive (id bigint generated always as identity, prev bytea, hash bytea)");
  await db.admin("grant select, insert, update on naive to dialgate_app");
  await Promise.all(
    Array.from({ length: writers }, async () => {
      for (let turn = 0; turn < 20; turn++) {
        await bound(randomUUID(), async (client) => {
          const { rows } = await client.query("select hash from naive order by id desc limit 1 for update");
          const prev = rows[0]?.hash ?? Buffer.alloc(32);
          await client.query("insert into naive (prev, hash) values ($1, sha256($1 || uuid_send(gen_random_uuid())))", [prev]);
        });
      }
    }),
  );
  const { rows } = await db.admin("select count(*) - count(distinct prev) as forks from naive");
  expect(Number(rows[0]?.["forks"])).toBeGreaterThan(0);
});
