/** Control arms: the same database with one protection taken out of one function. */
import type { TestDatabase } from "../support/database.ts";

/** Rewrites a function in the test's database alone. @throws when the text to be taken out is not there. */
export async function rewriteFunction(
  db: TestDatabase,
  name: string,
  changes: readonly (readonly [from: string, to: string])[],
): Promise<void> {
  const { rows } = await db.admin(
    "select pg_get_functiondef(p.oid) as text from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname || '.' || p.proname = $1",
    [name],
  );
  if (rows.length !== 1) throw new Error(`${name} is not one function`);
  const whole = rows[0]?.["text"] as string;
  let text = whole;
  for (const [from, to] of changes) {
    if (text.split(from).length !== 2) throw new Error(`${name} does not hold this text once: ${from}`);
    text = text.replace(from, to);
  }
  await db.admin(text);
  const after = await db.admin("select pg_get_functiondef($1::regproc) as text", [name]);
  if (after.rows[0]?.["text"] === whole) throw new Error(`${name} was not rewritten`);
}

export async function withoutVersionCheck(db: TestDatabase): Promise<void> {
  await rewriteFunction(db, "app.record_decisions", [["(moved or f.person is null)", "false"]]);
  await rewriteFunction(db, "app.consume_permit", [
    [
      "(v_platform, v_org, v_person) is distinct from (permit.platform_version, permit.org_version, permit.person_version)",
      "false",
    ],
  ]);
}

export async function withoutCancelling(db: TestDatabase): Promise<void> {
  await rewriteFunction(db, "app.stop_person", [
    ["a.person_id = person and a.state = 'permitted' returning", "a.person_id = person and false returning"],
    ["e.person_id = person and e.state <> 'done' returning", "e.person_id = person and false returning"],
  ]);
}
