/** Wall one as a rule of writing: a statement that names a tenant table under an alias says `inOrg` of it. */
import { is } from "drizzle-orm";
import { getTableConfig, PgTable } from "drizzle-orm/pg-core";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as schema from "../../src/db/schema/index.ts";
import { untaggedIn } from "../db/untagged-uses.ts";
import { newId } from "../support/world.ts";
import { type Known, statements, untried } from "./statements.ts";

const tables = Object.values(schema).filter((value) => is(value, PgTable)) as PgTable[];
const tenant = new Set(
  tables
    .map(getTableConfig)
    .filter(({ columns }) => columns.some(({ name }) => name === "org_id"))
    .map(({ name }) => `public.${name}`)
    .concat("audit.head", "audit.entry", "audit.payload"),
);
/** Any id will do where nothing is sent. */
const anyone = new Proxy({}, { get: () => newId() }) as Known;

test("every statement of db/queries names the org of each tenant table that it names", () => {
  expect(tenant.size).toBeGreaterThan(30);
  expect(untried()).toEqual([]);
  const texts = Object.entries(statements).flatMap(([name, make]) => make(anyone).map(({ text }) => [name, text] as const));
  expect(texts.length).toBeGreaterThan(80);
  expect(texts.flatMap(([name, text]) => untaggedIn(text, tenant).map((alias) => `${name} ${alias}`))).toEqual([]);
  // The rule sees what it is to see: with the phrase taken away all but what only inserts fail it.
  const bare = texts.filter(([, text]) => text.includes(".org_id = (select app.org())"));
  const caught = bare.filter(([, text]) => untaggedIn(text.replaceAll(/[a-z_]+\.org_id = \(select app\.org\(\)\)/g, "true"), tenant).length > 0);
  expect(caught.length).toBeGreaterThan(bare.length * 0.8);
}); // prettier-ignore

test("SQL stands nowhere but in src/db", () => {
  const root = join(import.meta.dirname, "../../src");
  const sql = /\b(select|insert into|update|delete from)\s+[^`"']{0,200}\b(from|values|set|where)\b/;
  const strings = /`[^`]*`|"[^"\n]*"/g;
  // Durable Objects have a database of their own each, with no organisation's data in it.
  const elsewhere = ["db/", "objects/"];
  const found = readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !elsewhere.some((folder) => file.startsWith(folder)))
    .filter((file) => (readFileSync(join(root, file), "utf8").match(strings) ?? []).some((text) => sql.test(text)));
  expect(found).toEqual([]);
});
