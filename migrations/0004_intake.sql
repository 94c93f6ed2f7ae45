-- Leads arrive: one call a chunk. Each column comes as one text, its values parted by U+007F, '' for none: such a text
-- needs no escaping on its way, and string_to_array reads it faster than Postgres reads an array's own text form.
-- Locks in the house's order: the import, new persons by hash, known persons by id, the audit head last.

create function app.intake_column(joined text) returns text[] immutable language sql
  as $$ select string_to_array(joined, U&'\007F', '') $$;

-- Two sets of counts by code, added.
create function app.add_counts(one jsonb, other jsonb) returns jsonb immutable language sql as $$
  select coalesce(jsonb_object_agg(s.key, s.total), '{}') from (
    select e.key, sum(e.value::bigint) as total
      from (select * from jsonb_each_text(one) union all select * from jsonb_each_text(coalesce(other, '{}'))) e
      group by e.key) s $$;

-- The persons that the org has under these hashes, in their order, null for none.
create function app.known_persons(hashes bytea[]) returns uuid[] stable language sql
  -- Each by itself through its index. The planner believes a table that has just grown as small as it last saw it: a plan
  -- that reads it whole made each chunk dearer than the one before (measured: 34 of 107 us a row at 120,000 persons).
  set enable_seqscan = off set enable_bitmapscan = off as $$
  select array_agg(coalesce(
      (select p.id from public.persons p where p.org_id = (select app.org()) and p.e164_hmac = u.hmac),
      (select a.person_id from public.person_aliases a where a.org_id = (select app.org()) and a.e164_hmac = u.hmac)) order by u.n)
    from unnest(hashes) with ordinality as u(hmac, n) $$;

-- The persons of one chunk's numbers, in their order; made where the org has none. New ones in the order of their hashes,
-- so that two chunks that bring the same numbers wait for each other in turn; the loser then finds what the winner made.
-- `hashes` holds each number under the newest pepper, then each under the next older one that is still held, and so on.
create function app.intake_persons(pepper smallint, fresh uuid[], hashes bytea[]) returns uuid[] volatile language plpgsql as $$
declare
  count integer := cardinality(fresh);
  newest bytea[] := hashes[1:count];
  found_ids uuid[] := array_fill(null::uuid, array[count]);
  made integer;
begin
  if count = 0 then return fresh; end if;
  -- Who stands under another hash than the newest must not be made a second time. Mostly nobody does.
  if cardinality(hashes) > count or exists (select 1 from public.person_aliases a where a.org_id = (select app.org())) then
    for at in 0 .. cardinality(hashes) - count by count loop
      found_ids := (select array_agg(coalesce(u.known, u.other) order by u.n)
        from unnest(found_ids, app.known_persons(hashes[at + 1:at + count])) with ordinality as u(known, other, n));
    end loop;
  end if;
  insert into public.persons (org_id, id, e164_hmac, pepper_version)
    select app.org(), u.id, u.hmac, pepper from unnest(fresh, newest, found_ids) as u(id, hmac, known) where u.known is null order by u.hmac
    on conflict (org_id, e164_hmac) do nothing;
  get diagnostics made = row_count;
  return (select array_agg(coalesce(u.known, u.made) order by u.n) from unnest(found_ids,
    case when made = cardinality(array_positions(found_ids, null)) then fresh else app.known_persons(newest) end) with ordinality as u(known, made, n));
end $$;

-- The rows at these positions as leads, and their evidence. The plan is made once for whatever columns come: these stay
-- variables then, whose values are found by their position; one made for a chunk's own columns would copy and search them.
create function app.intake_leads(
    into_import uuid, making bigint[], persons uuid[], numbers integer[], lines bigint[], offered uuid[], why text[], external_ids text,
    e164s text, first_names text, last_names text, emails text, cities text, states text, zips text, sources text, row_notes text, candidates text)
  returns void volatile language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
  at timestamptz := app.now();
  external_id text[] := app.intake_column(external_ids);
  e164 text[] := app.intake_column(e164s);
  first_name text[] := app.intake_column(first_names);
  last_name text[] := app.intake_column(last_names);
  email text[] := app.intake_column(emails);
  city text[] := app.intake_column(cities);
  state text[] := app.intake_column(states);
  zip text[] := app.intake_column(zips);
  source text[] := app.intake_column(sources);
  notes text[] := app.intake_column(row_notes);
  candidate_states text[] := app.intake_column(candidates);
begin
  insert into public.leads (org_id, id, person_id, import_id, line, external_id, e164, first_name, last_name, email, city, state, zip,
      source, notes, candidate_states, status, ineligible_reason, created_at)
    select app.org(), offered[u.n], persons[numbers[u.n]], into_import, lines[u.n], external_id[u.n], e164[u.n], first_name[u.n], last_name[u.n],
        email[u.n], city[u.n], state[u.n], zip[u.n], source[u.n], notes[u.n], coalesce(candidate_states[u.n], ''),
        case when why[u.n] is null then 'eligible' else 'ineligible' end, why[u.n], at
      from unnest(making) as u(n);
end $$;

-- What evidence is known by: null where a row has none.
create function app.intake_digests(bodies text[]) returns bytea[] immutable language plpgsql set plan_cache_mode = force_generic_plan as $$
begin
  -- In the select list they stream; in FROM all of them would be laid down first.
  return array(select sha256(convert_to(u.body, 'UTF8')) from (select unnest(bodies) as body) u);
end $$;

create function app.intake_evidence(keeping bigint[], persons uuid[], numbers integer[], keys uuid[], digests bytea[], bodies text[])
  returns void volatile language plpgsql set plan_cache_mode = force_generic_plan as $$
begin
  insert into public.consent_events (org_id, id, person_id, kind, recorded_at, digest, body)
    -- The digest covers the kind, which is a column here. Inside a text of the evidence its quotes would be escaped.
    select app.org(), keys[u.n], persons[numbers[u.n]], 'grant', app.now(), digests[u.n], replace(bodies[u.n], '"kind":"grant",', '')::json
      from unnest(keeping) as u(n);
end $$;

-- Persons, leads and consent evidence of one chunk. Numbers are distinct; a row names its number by position, from 1.
-- A row whose number has a lead already creates none; its evidence is kept for its person all the same, once per digest.
-- The version of a person who was there before moves when a lead or evidence was new, and only then.
create function app.intake_rows(
    into_import uuid, pepper smallint, person_ids text, hmacs text,
    row_numbers text, row_lines text, lead_ids text, external_ids text, e164s text, first_names text, last_names text,
    emails text, cities text, states text, zips text, sources text, row_notes text, candidates text, reasons text,
    evidence_ids text, evidence text)
  returns table (n bigint, lead_id uuid, created boolean, line bigint, first_line bigint, in_import boolean, reason text, evidence_new boolean)
  -- A plan that knows the arrays hashes them; the generic one compares each with each (measured: ten times the time).
  volatile language plpgsql set plan_cache_mode = force_custom_plan set enable_seqscan = off set enable_bitmapscan = off as $$
declare
  fresh uuid[] := app.intake_column(person_ids)::uuid[];
  numbers integer[] := app.intake_column(row_numbers)::integer[];
  lines bigint[] := app.intake_column(row_lines)::bigint[];
  offered uuid[] := app.intake_column(lead_ids)::uuid[];
  why text[] := app.intake_column(reasons);
  evidence_keys uuid[] := app.intake_column(evidence_ids)::uuid[];
  bodies text[] := app.intake_column(evidence);
  digests bytea[] := app.intake_digests(bodies);
  persons uuid[] := app.intake_persons(pepper, fresh, array(select decode(u.hmac, 'hex') from (select unnest(app.intake_column(hmacs)) as hmac) u));
  -- Positions of the rows that make a lead, and of those whose evidence is new.
  known uuid[]; making bigint[]; keeping bigint[]; more uuid[];
begin
  select array_agg(u.person order by u.person) into known from unnest(persons, fresh) as u(person, id) where u.person <> u.id;
  perform 1 from unnest(known) as k(id) cross join lateral (
    select 1 from public.persons p where p.org_id = (select app.org()) and p.id = k.id for no key update) p;
  -- Who brings a lead or evidence holds the person's row, locked or made here: what is absent now stays absent. Who was
  -- made here has neither; others are looked up each by itself, for the reason given at known_persons.
  select array_agg(f.n order by f.n) into making
    from (select u.number, min(u.n) as n from unnest(numbers) with ordinality as u(number, n) group by u.number) f
    where persons[f.number] = fresh[f.number]
      or (select l.id from public.leads l where l.org_id = (select app.org()) and l.person_id = persons[f.number]) is null;
  perform app.intake_leads(into_import, making, persons, numbers, lines, offered, why, external_ids, e164s, first_names, last_names,
    emails, cities, states, zips, sources, row_notes, candidates);

  select array_agg(f.n order by f.n) into keeping from (
      select u.number, u.digest, min(u.n) as n from unnest(numbers, digests) with ordinality as u(number, digest, n)
        where u.digest is not null group by u.number, u.digest) f
    where persons[f.number] = fresh[f.number]
      or (select c.id from public.consent_events c
        where c.org_id = (select app.org()) and c.person_id = persons[f.number] and c.digest = f.digest) is null;
  perform app.intake_evidence(keeping, persons, numbers, evidence_keys, digests, bodies);

  if known is not null then
    update public.persons p set facts_version = p.facts_version + 1
      where p.org_id = (select app.org()) and p.id = any (known)
        and p.id in (select persons[u.number] from unnest(numbers) with ordinality as u(number, n) where u.n = any (making || keeping));
  end if;
  -- More evidence for a lead that is there widens: what the gates held, or intake refused, for want of it is judged again.
  more := array(select distinct persons[u.number] from unnest(numbers) with ordinality as u(number, n)
    where u.n = any (keeping) and (u.n = any (making)) is not true);
  if cardinality(more) > 0 then
    perform app.mark_standing(more);
    perform app.reopen_persons(more);
  end if;

  return query
    select u.n, u.id, true, u.line, u.line, into_import is not null, u.why, coalesce(u.n = any (keeping), false)
      from unnest(offered, lines, why) with ordinality as u(id, line, why, n) where u.n = any (making)
    union all
    select u.n, l.id, false, lines[u.n], l.line, coalesce(l.import_id = into_import, false), u.why, coalesce(u.n = any (keeping), false)
      from unnest(numbers, why) with ordinality as u(number, why, n) cross join lateral (
        select l.id, l.line, l.import_id from public.leads l where l.org_id = (select app.org()) and l.person_id = persons[u.number] limit 1) l
      where (u.n = any (making)) is not true;
end $$;

-- Takes an import that no one works on: queued, or left behind by a consumer whose lease ran out.
create function app.lease_import(wanted uuid, lease_seconds integer, facts text) returns setof public.imports language plpgsql as $$
declare was text;
begin
  select i.status into was from public.imports i
    where i.org_id = (select app.org()) and i.id = wanted and i.status in ('queued', 'running')
      and (i.lease_until is null or i.lease_until < clock_timestamp())
    for no key update skip locked;
  if not found then return; end if;
  if was = 'queued' then perform audit.append('import.started', facts::jsonb ->> 'import', facts); end if;
  return query update public.imports i set status = 'running', lease_until = clock_timestamp() + make_interval(secs => lease_seconds)
    where i.org_id = (select app.org()) and i.id = wanted returning i.*;
end $$;

-- One chunk of an import, whole or not at all. `chunk` and `from_byte` are where the import must stand: a chunk that was
-- applied already, by this consumer or by another, finds them moved and changes nothing.
create function app.intake_chunk(
    into_import uuid, chunk integer, from_byte bigint, to_byte bigint, to_line bigint, rows_in bigint, is_last boolean, lease_seconds integer,
    file_header jsonb, facts text, row_flags text, row_raws text, reject_lines text, reject_codes text, reject_details text, reject_raws text,
    pepper smallint, person_ids text, hmacs text, row_numbers text, row_lines text, lead_ids text, external_ids text, e164s text, first_names text, last_names text,
    emails text, cities text, states text, zips text, sources text, row_notes text, candidates text, reasons text,
    evidence_ids text, evidence text)
  returns table (applied boolean, status text, chunks_done integer, bytes_done bigint)
  -- As for the leads.
  language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
  flags text[] := app.intake_column(row_flags);
  raws text[] := app.intake_column(row_raws);
  held record; taken bigint; fit bigint; differing bigint; unplaced bigint; kept bigint;
  refused jsonb; unfit jsonb; leads_digest text; refused_count bigint;
begin
  select i.status, i.chunks_done, i.bytes_done into held from public.imports i
    where i.org_id = (select app.org()) and i.id = into_import for no key update;
  if held.status is distinct from 'running' or held.chunks_done <> chunk or held.bytes_done <> from_byte then
    return query select false, held.status, held.chunks_done, held.bytes_done;
    return;
  end if;

  with result as materialized (
    select r.* from app.intake_rows(into_import, pepper, person_ids, hmacs, row_numbers, row_lines, lead_ids, external_ids,
      e164s, first_names, last_names, emails, cities, states, zips, sources, row_notes, candidates, reasons, evidence_ids, evidence) r),
  stored as (
    insert into public.import_rejects (org_id, import_id, line, code, detail, raw)
      select app.org(), into_import, r.line, case when r.in_import then 'duplicate_in_file' else 'duplicate_in_org' end,
          case when r.in_import then 'the same number as line ' || r.first_line else 'the org has a lead with this number' end, coalesce(raws[r.n], '')
        from result r where not r.created
      union all
      select app.org(), into_import, u.line, u.code, u.detail, coalesce(u.raw, '')
        from unnest(app.intake_column(reject_lines)::bigint[], app.intake_column(reject_codes), app.intake_column(reject_details),
          app.intake_column(reject_raws)) as u(line, code, detail, raw)
      returning import_rejects.code),
  refusals as (select s.code, count(*) as k from stored s group by s.code)
  select count(*) filter (where r.created), count(*) filter (where r.created and r.reason is null),
      count(*) filter (where r.created and flags[r.n] = 'd'), count(*) filter (where r.created and flags[r.n] = 'u'),
      count(*) filter (where r.evidence_new),
      encode(sha256(coalesce(string_agg(uuid_send(r.lead_id), ''::bytea order by r.n) filter (where r.created), ''::bytea)), 'hex'),
      (select jsonb_object_agg(f.code, f.k) from refusals f), (select coalesce(sum(f.k), 0) from refusals f),
      (select jsonb_object_agg(x.reason, x.k) from (
        select i.reason, count(*) as k from result i where i.created and i.reason is not null group by i.reason) x)
    into taken, fit, differing, unplaced, kept, leads_digest, refused, refused_count, unfit
    from result r;
  if taken + refused_count <> rows_in then raise exception 'a chunk''s rows do not add up'; end if;

  update public.imports i set
      bytes_done = to_byte, lines_done = to_line, rows_done = i.rows_done + rows_in, chunks_done = i.chunks_done + 1,
      accepted = i.accepted + taken, eligible = i.eligible + fit,
      rejected = app.add_counts(i.rejected, refused), ineligible = app.add_counts(i.ineligible, unfit),
      states_differ = i.states_differ + differing, timezone_unknown = i.timezone_unknown + unplaced,
      header = coalesce(i.header, file_header), status = case when is_last then 'succeeded' else 'running' end,
      finished_at = case when is_last then app.now() end,
      lease_until = case when not is_last then clock_timestamp() + make_interval(secs => lease_seconds) end
    where i.org_id = (select app.org()) and i.id = into_import;
  perform audit.append(case when is_last then 'import.succeeded' else 'import.chunk_applied' end, facts::jsonb ->> 'import',
    (facts::jsonb || jsonb_build_object('chunk', chunk, 'rows', rows_in, 'accepted', taken, 'eligible', fit,
      'rejected', coalesce(refused, '{}'), 'ineligible', coalesce(unfit, '{}'), 'evidence_kept', kept, 'lead_ids_sha256', leads_digest))::text);
  return query select true, case when is_last then 'succeeded' else 'running' end, chunk + 1, to_byte;
end $$;

-- A consumer lets go before its time is over; the next one begins where the last chunk ended.
create function app.release_import(wanted uuid) returns void language sql as $$
  update public.imports i set lease_until = null where i.org_id = (select app.org()) and i.id = wanted and i.status = 'running' $$;

-- Ends an import that cannot go on. What its chunks brought stays.
create function app.fail_import(wanted uuid, why text, detail text, facts text) returns void language plpgsql as $$
begin
  update public.imports i set status = 'failed', status_reason = why, status_detail = detail, lease_until = null, finished_at = app.now()
    where i.org_id = (select app.org()) and i.id = wanted and i.status in ('queued', 'running');
  if found then
    perform audit.append('import.failed', facts::jsonb ->> 'import', (facts::jsonb || jsonb_build_object('reason', why))::text);
  end if;
end $$;

do $$
declare made regprocedure;
begin
  foreach made in array array(
    select p.oid::regprocedure from pg_proc p join pg_namespace s on s.oid = p.pronamespace
      where s.nspname = 'app' and p.proname in ('intake_column', 'add_counts', 'known_persons', 'intake_persons', 'intake_leads', 'intake_digests', 'intake_evidence', 'intake_rows', 'lease_import', 'intake_chunk', 'release_import', 'fail_import')) loop
    execute format('revoke execute on function %s from public', made);
    execute format('grant execute on function %s to dialgate_app', made);
  end loop;
end $$;
