import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { verifyChain } from "../../src/lib/audit-chain.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { exportedChain } from "./exported-chain.ts";
import golden from "./golden.json" with { type: "json" };

let db: TestDatabase;
let app: pg.Client;

beforeAll(async () => {
  db = await openTestDatabase({ ownChains: true });
  app = new pg.Client({ connectionString: db.connectionString });
  await app.connect();
});
afterAll(async () => {
  await app?.end();
  await db?.close();
});

async function bound<T>(org: string, work: () => Promise<T>): Promise<T> {
  await app.query("begin");
  try {
    await app.query("select set_config('app.org_id', $1, true)", [org]);
    const result = await work();
    await app.query("commit");
    return result;
  } catch (error) {
    await app.query("rollback");
    throw error;
  }
}

async function openedChain(): Promise<string> {
  const org = randomUUID();
  await bound(org, () => app.query("select audit.open_chain()"));
  return org;
}

const append = (type: string, subject: string, facts: string) =>
  app.query<{ seq: string }>("select audit.append($1, $2, $3) as seq", [type, subject, facts]);
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "no error",
    (error: { code: string }) => error.code,
  );

test("the database hashes the golden vectors to the same bytes as the independent implementation", async () => {
  let checked = 0;
  for (const { org, genesis, entries } of golden) {
    expect((await db.admin("select encode(audit.genesis($1), 'hex') as hash", [org])).rows).toEqual([{ hash: genesis }]);
    for (const entry of entries) {
      const { rows } = await db.admin(
        `select encode(sha256(audit.part_digest('\\x01', decode($1, 'hex'), $2) || audit.part_digest('\\x02', decode($3, 'hex'), $4)), 'hex') as commitment,
          encode(audit.entry_hash($5, $6, $7, $8, decode($9, 'hex'), decode($10, 'hex')), 'hex') as hash`,
        [
          entry.salt_subject,
          entry.subject,
          entry.salt_facts,
          entry.facts,
          org,
          entry.seq,
          entry.type,
          entry.at_us,
          entry.payload_commit,
          entry.previous_hash,
        ],
      );
      expect(rows).toEqual([{ commitment: entry.payload_commit, hash: entry.entry_hash }]);
      checked++;
    }
  }
  expect(checked).toBe(6);
});

test("what append and append_many wrote verifies, one by one and in a batch, with any text", async () => {
  const org = await openedChain();
  await bound(org, async () => expect((await append("lead.created", "lead_1", "{}")).rows).toEqual([{ seq: "1" }]));
  const texts = ["Zoë, 東京, 🛑", "", 'it\'s \\ "quoted"', "{a,b,NULL}", "x".repeat(50_000)];
  await bound(org, async () => {
    const { rows } = await app.query("select audit.append_many($1::text[], $2::text[], $3::text[]) as seq", [
      texts.map(() => "call.placed"),
      texts,
      texts.toReversed(),
    ]);
    expect(rows).toEqual([{ seq: "6" }]);
  });
  await bound(org, async () => {
    const entries = await exportedChain(app);
    expect(entries.slice(1).map(({ subject }) => subject)).toEqual(texts);
    const { rows } = await app.query<{ seq: string; hash: string }>("select seq, encode(head, 'hex') as hash from audit.head");
    expect(rows).toHaveLength(1);
    const report = await verifyChain(entries, { org, head: { seq: Number(rows[0]?.seq), hash: rows[0]?.hash ?? "" } });
    expect(report.faults).toEqual([]);
    expect(report.entries).toBe(6);
    expect(entries.every((entry, index) => index === 0 || entry.at_us > (entries[index - 1]?.at_us ?? 0))).toBe(true);
    expect(new Set(entries.flatMap(({ salt_facts, salt_subject }) => [salt_facts, salt_subject])).size).toBe(12);
  });
});

test("an empty batch changes nothing and answers where the chain stands", async () => {
  const org = await openedChain();
  const { rows } = await bound(org, () => app.query("select audit.append_many('{}', '{}', '{}') as seq"));
  expect(rows).toEqual([{ seq: "0" }]);
});

test("a rolled back append leaves neither an entry nor a gap", async () => {
  const org = await openedChain();
  await expect(
    bound(org, async () => {
      await append("lead.created", "lead_1", "{}");
      throw new Error("the act failed");
    }),
  ).rejects.toThrow("the act failed");
  await bound(org, async () => expect((await append("lead.created", "lead_1", "{}")).rows).toEqual([{ seq: "1" }]));
});

test("append refuses when no org is bound, when the org has no chain, and when anything is missing or of another form", async () => {
  const org = await openedChain();
  expect(await codeOf(append("lead.created", "s", "{}"))).toBe("42501");
  expect(await codeOf(app.query("select audit.open_chain()"))).toBe("42501");
  expect(await codeOf(bound(randomUUID(), () => append("lead.created", "s", "{}")))).toBe("55000");
  const incomplete: unknown[][] = [
    [
      ["a.b", null],
      ["s", "s"],
      ["f", "f"],
    ],
    [["a.b"], [null], ["f"]],
    [["a.b"], ["s"], [null]],
    [null, ["s"], ["f"]],
  ];
  for (const arrays of incomplete) {
    expect(
      await codeOf(bound(org, () => app.query("select audit.append_many($1::text[], $2::text[], $3::text[])", arrays))),
    ).toBe("22004");
  }
  expect(await codeOf(bound(org, () => app.query("select audit.append_many(array['a', 'b'], array['s'], array['f'])")))).toBe(
    "22023",
  );
  const repeated = (times: number) => `array_fill('a'::text, array[${times}])`;
  for (const [facts, code] of [
    [repeated(10_001), "22023"],
    [repeated(10_000), "no error"],
  ] as const) {
    const many = `select audit.append_many(${[facts, facts, facts].join()})`;
    expect(await codeOf(bound(await openedChain(), () => app.query(many)))).toBe(code);
  }
  for (const type of ["Not A Type", "lead created", "lead.créé", "lead.created\n", "1", ".lead", `a${"b".repeat(100)}`])
    expect(await codeOf(bound(org, () => append(type, "s", "{}"))), type).toBe("23514");
  await bound(org, async () => expect(await exportedChain(app)).toEqual([]));
});

test("the app role may not write to the audit schema by itself, and sees the bound org's chain alone", async () => {
  const [mine, other] = [await openedChain(), await openedChain()];
  await bound(mine, () => append("lead.created", "mine", "{}"));
  await bound(other, () => append("lead.created", "theirs", "{}"));
  for (const table of ["head", "entry", "payload"]) {
    for (const statement of [
      `delete from audit.${table}`,
      `truncate audit.${table}`,
      `update audit.${table} set seq = seq`,
      `insert into audit.${table} select * from audit.${table}`,
    ]) {
      expect(await codeOf(bound(mine, () => app.query(statement)))).toBe("42501");
    }
  }
  for (const call of ["audit.secret()", "audit.genesis(gen_random_uuid())", "audit.part_digest('', '', '')"]) {
    expect(await codeOf(bound(mine, () => app.query(`select ${call}`)))).toBe("42501");
  }
  const seen = await bound(mine, () => app.query<{ subject_text: string }>("select subject_text from audit.payload"));
  expect(seen.rows).toEqual([{ subject_text: "mine" }]);
  expect((await app.query("select from audit.entry")).rowCount).toBe(0);
});

test("even the owner of all cannot rewrite, cut or step back by mistake; a purge that leaves the digest is the one exception", async () => {
  const org = await openedChain();
  await bound(org, () => append("lead.created", "the person", "the facts"));
  for (const statement of [
    "delete from audit.entry",
    "truncate audit.entry",
    "update audit.entry set at_us = at_us + 1",
    "delete from audit.payload",
    "truncate audit.payload",
    "update audit.payload set facts_text = 'other facts'",
    "update audit.payload set subject_text = null, salt_subject = null, subject_digest = sha256('other')",
    "update audit.payload set seq = seq + 1",
    "delete from audit.head",
    "truncate audit.head",
    "update audit.head set seq = seq - 1",
    "update audit.head set head = sha256('other')",
    "update audit.head set head = sha256('other'), seq = seq + 1",
    "update audit.head set head = sha256('other'), seq = seq + 1, at_us = at_us - 1",
    "update audit.head set org_id = gen_random_uuid(), seq = seq + 1, at_us = at_us + 1",
  ]) {
    expect({ statement, code: await codeOf(db.admin(statement)) }).toEqual({ statement, code: "42501" });
  }
  await db.admin(
    "update audit.payload set subject_text = null, salt_subject = null, subject_digest = audit.part_digest('\\x01', salt_subject, subject_text) where org_id = $1",
    [org],
  );
  await bound(org, async () => {
    const entries = await exportedChain(app);
    expect(entries).toMatchObject([{ subject: null, salt_subject: null, facts: "the facts" }]);
    expect(await verifyChain(entries, { org })).toMatchObject({ faults: [], entries: 1, purged: 1 });
    const forged = entries.map((entry) => ({ ...entry, facts: "other facts" }));
    expect((await verifyChain(forged, { org })).faults).toMatchObject([{ kind: "commitment" }]);
  });
  // What went is never anything else again.
  await db.admin(
    "update audit.payload set facts_text = null, salt_facts = null, facts_digest = audit.part_digest('\\x02', salt_facts, facts_text) where org_id = $1",
    [org],
  );
  for (const change of [
    "subject_digest = sha256('other')",
    "facts_digest = sha256('other')",
    "facts_digest = null, facts_text = 'x', salt_facts = 'y'",
  ])
    expect({ change, code: await codeOf(db.admin(`update audit.payload set ${change} where org_id = $1`, [org])) }).toEqual({
      change,
      code: "42501",
    });
});

test("time in a chain goes forward even when the server's clock went back", async () => {
  const org = await openedChain();
  const future = 4_000_000_000_000_000;
  await db.admin("update audit.head set seq = 1, at_us = $2 where org_id = $1", [org, future]);
  await bound(org, () => append("lead.created", "s", "{}"));
  const { rows } = await db.admin("select at_us::text from audit.entry where org_id = $1", [org]);
  expect(rows).toEqual([{ at_us: String(future + 1) }]);
});
