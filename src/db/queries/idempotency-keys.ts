import { inOrg } from "../in-org.ts";
import type { Statement } from "../transport.ts";

/**
 * Whose keys the principal's are: a successor repeats what the keys before it sent, and they what it sent, or a caller who
 * rotates between a request and its repetition would do it twice. Asked of the database in the statement itself, in which the
 * principal is `$1`: a key's rotations are in its row and not in what it shows.
 */
const owner = `coalesce((select f.first_key_id from api_keys f where ${inOrg("f")} and f.id = $1::uuid), $1::uuid)`;

/**
 * Takes the key, or shows who has it. Times are the real clock's: this guards concurrency. Sweeps a few that ran out.
 * No row at all: another request took the key while this one waited for it.
 */
export function claimIdempotencyKey(principalId: string, key: string, fingerprint: string): Statement {
  return {
    name: "idempotency_keys.claim",
    bookkeeping: true,
    text: `
      with swept as (
        delete from idempotency_keys k where ${inOrg("k")} and (k.principal_id, k.key) in (
          select o.principal_id, o.key from idempotency_keys o
          where ${inOrg("o")} and o.expires_at <= clock_timestamp() and (o.principal_id, o.key) <> (${owner}, $2)
          order by o.expires_at limit 10 for update skip locked)),
      claimed as (
        insert into idempotency_keys as k (org_id, principal_id, key, fingerprint, created_at, expires_at)
        values ((select app.org()), ${owner}, $2, $3, clock_timestamp(), clock_timestamp() + interval '24 hours')
        on conflict (org_id, principal_id, key) do update set fingerprint = excluded.fingerprint, created_at = excluded.created_at,
          expires_at = excluded.expires_at, status = null, headers = null, body = null
        where ${inOrg("k")} and k.expires_at <= clock_timestamp()
        returning k.key)
      select true as claimed, null::bytea as fingerprint, null::integer as status, null::jsonb as headers, null::text as body, false as stale
        from claimed c
      union all
      select false, k.fingerprint, k.status, k.headers, k.body, k.created_at < clock_timestamp() - interval '60 seconds'
        from idempotency_keys k where ${inOrg("k")} and k.principal_id = ${owner} and k.key = $2 and not exists (select from claimed c)`,
    params: [principalId, key, fingerprint],
  };
}

/** What a repetition will be answered with; status 0 says that nobody knows what came of the first. */
export function settleIdempotencyKey(
  principalId: string,
  key: string,
  answer: { status: number; headers: string | null; body: string | null },
): Statement {
  return {
    name: "idempotency_keys.settle",
    bookkeeping: true,
    text: `update idempotency_keys k set status = $3, headers = $4::jsonb, body = $5
      where ${inOrg("k")} and k.principal_id = ${owner} and k.key = $2 and k.status is null`,
    params: [principalId, key, answer.status, answer.headers, answer.body],
  };
}

/** The request was refused before anything was done for it: the key is free again. */
export function releaseIdempotencyKey(principalId: string, key: string): Statement {
  return {
    name: "idempotency_keys.release",
    bookkeeping: true,
    text: `delete from idempotency_keys k where ${inOrg("k")} and k.principal_id = ${owner} and k.key = $2 and k.status is null`,
    params: [principalId, key],
  };
}
