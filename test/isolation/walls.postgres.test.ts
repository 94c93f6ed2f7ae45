import pg from "pg";
import { openTestDatabase } from "../support/database.ts";
import { openTenants, rowsOfOrg, tenantTables } from "./tenants.ts";
import { walls } from "./walls.ts";

/** The same two orgs, row by row, on a real Postgres. */
walls(async () => {
  const { house, a, b } = await openTenants();
  const db = await openTestDatabase({ postgres: true });
  const owner = new pg.Client({ connectionString: db.adminConnectionString ?? "" });
  await owner.connect();
  await owner.query("set session_replication_role = replica");
  // People are of no org, and members are read with their addresses.
  const people = (await house.api.db.admin("select to_jsonb(u) as row from users u")).rows.map(({ row }) => row);
  await owner.query("insert into users select * from jsonb_populate_recordset(null::users, $1)", [JSON.stringify(people)]);
  for (const { name } of await tenantTables(house.api.db.admin)) {
    for (const { orgId } of [a, b]) {
      const rows = JSON.stringify(await rowsOfOrg(house.api.db.admin, name, orgId));
      await owner.query(`insert into ${name} select * from jsonb_populate_recordset(null::${name}, $1)`, [rows]);
    }
  }
  await owner.end();
  await house.close();
  return { admin: db.admin, appUrl: db.connectionString, a: a.orgId, b: b.orgId, close: () => db.close() };
});
