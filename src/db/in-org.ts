import { sql, type SQL } from "drizzle-orm";

/**
 * Wall one: the predicate that names the bound org, for one alias of a statement. Every statement and SQL function
 * on a tenant table carries exactly this phrase for each alias, so that a test can take them away one at a time.
 */
export function inOrg(alias: string): string {
  if (!/^[a-z_]+$/.test(alias)) throw new RangeError("an alias is lower-case letters and underscores");
  return `${alias}.org_id = (select app.org())`;
}

/** The same for a drizzle statement on one table. */
export function tableInOrg(column: SQL | { readonly name: string }): SQL {
  return sql`${column} = (select app.org())`;
}
