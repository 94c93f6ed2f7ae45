/** Whether anything was written: what a request that was refused, or was to read only, has left behind. */
import type { Admin, TenantTable } from "../isolation/tenants.ts";

/** Kept whatever came of the request; the chain's entries tell of whatever else moves its head. */
const kept = new Set(["public.idempotency_keys", "audit.head"]);

/**
 * Has the tables themselves note each row that is written, in the transaction that writes it. Answers what changes with any
 * write that stays, but for what is written of who asked: that someone's data was read, and that a key was used.
 */
export async function watchFootprint(admin: Admin, tables: readonly TenantTable[]): Promise<(orgs?: readonly string[]) => Promise<string>> {
  await admin("create table public.written (id bigint generated always as identity primary key, name text, org_id uuid, seq bigint)");
  await admin(`create function public.note_write() returns trigger language plpgsql security definer as $$
    declare row jsonb := to_jsonb(coalesce(new, old)) - 'last_used_at';
    begin
      if tg_table_name <> 'api_keys' or tg_op <> 'UPDATE' or row is distinct from to_jsonb(old) - 'last_used_at' then
        insert into public.written (name, org_id, seq)
          values (tg_table_schema || '.' || tg_table_name, (row->>'org_id')::uuid, case when tg_table_schema = 'audit' then (row->>'seq')::bigint end);
      end if;
      return null;
    end $$`);
  await admin("grant execute on function public.note_write() to public");
  for (const { name } of tables.filter((table) => !kept.has(table.name)))
    await admin(`create trigger note_write after insert or update or delete on ${name} for each row execute function public.note_write()`);
  return async (orgs) => {
    const { rows } = await admin(
      `select w.id from public.written w where ($1::uuid[] is null or w.org_id = any ($1))
         and not (w.seq is not null and exists (select from audit.entry e
           where (e.org_id, e.seq) = (w.org_id, w.seq) and e.event_type = 'customer_data_accessed'))
         order by w.id desc limit 1`,
      [orgs ?? null],
    );
    return String(rows[0]?.["id"] ?? "nothing");
  };
} // prettier-ignore
