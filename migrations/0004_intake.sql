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

-- The persons of one chunk's numbers, in their order; made where the org has none. `hashes` holds each number under the
-- newest pepper, then each under the next older one that is still held, and so on. Numbers come in the order of their newest
-- hash, so that two chunks that bring the same ones wait for each other in turn; the loser then finds what the winner made.
create function app.intake_persons(pepper smallint, fresh uuid[], hashes bytea[]) returns uuid[] volatile language plpgsql as $$
declare
  own uuid := app.org();
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
    select own, u.id, u.hmac, pepper from unnest(fresh, newest, found_ids) as u(id, hmac, known) where u.known is null
    on conflict (org_id, e164_hmac) do nothing;
  get diagnostics made = row_count;
  return (select array_agg(coalesce(u.known, u.made) order by u.n) from unnest(found_ids,
    case when made = cardinality(array_positions(found_ids, null)) then fresh else app.known_persons(newest) end) with ordinality as u(known, made, n));
end $$;

-- The rows that are wanted, as leads, and their evidence. The plans are made once for whatever columns come: these stay
-- variables then, whose values are found by their position; one made for a chunk's own columns would copy and search them.
create function app.intake_leads(
    into_import uuid, wanted boolean[], persons uuid[], numbers integer[], lines bigint[], offered uuid[], why text[], external_ids text,
    e164s text, first_names text, last_names text, emails text, cities text, states text, zips text, sources text, row_notes text, candidates text)
  returns void volatile language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
  own uuid := app.org();
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
    select own, offered[n], persons[numbers[n]], into_import, lines[n], external_id[n], e164[n], first_name[n], last_name[n],
        email[n], city[n], state[n], zip[n], source[n], notes[n], coalesce(candidate_states[n], ''),
        case when why[n] is null then 'eligible' else 'ineligible' end, why[n], at
      from generate_series(1, cardinality(wanted)) as n where wanted[n];
end $$;

-- What evidence is known by. It covers the kind, which is a column of the table and not in the body.
create function app.evidence_digest(before text, after text) returns bytea immutable language sql
  as $$ select sha256(convert_to(before || '"kind":"grant",' || after, 'UTF8')) $$;

-- Keeps evidence once per person and digest; answers for each row whether its own was kept. Rows share most of it, and name
-- their frame by its position. Most rows are the only one of a person who was made here, and all that they bring is new: only
-- of others the digest is looked for, each by itself, for the reason given at known_persons. Evidence bears the id that its
-- row brought for a lead.
create function app.intake_evidence(
    persons uuid[], fresh uuid[], numbers integer[], firsts integer[], keys uuid[],
    heads text, tails text, row_frames text, row_proofs text, row_dates text, row_ends text)
  returns boolean[] volatile language plpgsql set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
  -- What a trigger is to see of a chunk is kept whole until then: not in a file.
  set work_mem = '16MB' as $$
declare
  own uuid := app.org();
  at timestamptz := app.now();
  head text[] := app.intake_column(heads);
  tail text[] := app.intake_column(tails);
  frames integer[] := app.intake_column(row_frames)::integer[];
  proofs text[] := app.intake_column(row_proofs);
  dates text[] := app.intake_column(row_dates);
  ends text[] := app.intake_column(row_ends);
  sought boolean[] := array(select u.person <> u.id from unnest(persons, fresh) with ordinality as u(person, id, number) order by u.number);
  digests bytea[]; repeated bigint[]; kept boolean[]; number integer;
begin
  for number in select u.number from unnest(numbers) with ordinality as u(number, n) where firsts[u.number] <> u.n loop
    sought[number] := true;
  end loop;
  digests := array(select case when sought[u.number] then
      app.evidence_digest(head[frames[u.n]] || proofs[u.n], dates[u.n] || tail[frames[u.n]] || coalesce(ends[u.n], '')) end
    from unnest(numbers) with ordinality as u(number, n) order by u.n);
  -- Of the further rows of a number, the first that brings its evidence.
  repeated := array(select min(u.n) from unnest(numbers) with ordinality as u(number, n)
    where firsts[u.number] <> u.n and digests[u.n] is distinct from digests[firsts[u.number]] group by u.number, digests[u.n]);
  kept := array(select frames[u.n] is not null and (firsts[u.number] = u.n or u.n = any (repeated)) and (persons[u.number] = fresh[u.number]
      or (select c.id from public.consent_events c
        where c.org_id = (select app.org()) and c.person_id = persons[u.number] and c.digest = digests[u.n]) is null)
    from unnest(numbers) with ordinality as u(number, n) order by u.n);
  insert into public.consent_events (org_id, id, person_id, kind, recorded_at, digest, body)
    select own, keys[u.n], persons[numbers[u.n]], 'grant', at, app.evidence_digest(u.before, u.after), (u.before || u.after)::json
      from (select n, head[frames[n]] || proofs[n] as before, dates[n] || tail[frames[n]] || coalesce(ends[n], '') as after
        from generate_series(1, cardinality(kept)) as n where kept[n] offset 0) u;
  return kept;
end $$;

-- Persons, leads and consent evidence of one chunk. Numbers are distinct; a row names its number by position, from 1, and
-- `first_rows` says of each number which row is its first. A row whose number has a lead already creates none; its evidence
-- is kept for its person all the same, once per digest. The version of a person who was there before moves when a lead or
-- evidence was new, and only then. Answers by position: each number's person, and of each row what was made of it.
create function app.intake_take(
    into_import uuid, pepper smallint, person_ids text, hmacs text, first_rows text,
    row_numbers text, row_lines text, lead_ids text, external_ids text, e164s text, first_names text, last_names text,
    emails text, cities text, states text, zips text, sources text, row_notes text, candidates text, reasons text,
    evidence_heads text, evidence_tails text, evidence_frames text, evidence_proofs text, evidence_dates text, evidence_ends text,
    out persons uuid[], out offered uuid[], out made boolean[], out kept boolean[])
  volatile language plpgsql set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off as $$
declare
  fresh uuid[] := app.intake_column(person_ids)::uuid[];
  firsts integer[] := app.intake_column(first_rows)::integer[];
  numbers integer[] := app.intake_column(row_numbers)::integer[];
  touched uuid[]; more uuid[];
begin
  offered := app.intake_column(lead_ids)::uuid[];
  persons := app.intake_persons(pepper, fresh, array(select decode(u.hmac, 'hex') from (select unnest(app.intake_column(hmacs)) as hmac) u));
  perform 1 from (select u.person from unnest(persons, fresh) as u(person, id) where u.person <> u.id order by u.person) k
    cross join lateral (select 1 from public.persons p where p.org_id = (select app.org()) and p.id = k.person for no key update) p;
  -- Who brings a lead or evidence holds the person's row, locked or made here: what is absent now stays absent. Who was
  -- made here has neither; others are looked up each by itself, for the reason given at known_persons.
  made := array(select firsts[number] = n and (persons[number] = fresh[number]
      or (select l.id from public.leads l where l.org_id = (select app.org()) and l.person_id = persons[number]) is null)
    from unnest(numbers) with ordinality as u(number, n) order by n);
  perform app.intake_leads(into_import, made, persons, numbers, app.intake_column(row_lines)::bigint[], offered, app.intake_column(reasons),
    external_ids, e164s, first_names, last_names, emails, cities, states, zips, sources, row_notes, candidates);

  kept := app.intake_evidence(persons, fresh, numbers, firsts, offered,
    evidence_heads, evidence_tails, evidence_frames, evidence_proofs, evidence_dates, evidence_ends);
  touched := array(select distinct persons[number] from unnest(numbers) with ordinality as u(number, n)
    where persons[number] <> fresh[number] and (made[n] or kept[n]));
  if cardinality(touched) > 0 then
    update public.persons p set facts_version = p.facts_version + 1 where p.org_id = (select app.org()) and p.id = any (touched);
  end if;
  -- More evidence for a lead that is there widens: what the gates held, or intake refused, for want of it is judged again.
  more := array(select distinct persons[number] from unnest(numbers) with ordinality as u(number, n) where kept[n] and not made[n]);
  if cardinality(more) > 0 then
    perform app.mark_standing(more);
    perform app.reopen_persons(more);
  end if;
end $$;

-- Rows that come from no file: what became of each.
create function app.intake_rows(
    pepper smallint, person_ids text, hmacs text, first_rows text,
    row_numbers text, row_lines text, lead_ids text, external_ids text, e164s text, first_names text, last_names text,
    emails text, cities text, states text, zips text, sources text, row_notes text, candidates text, reasons text,
    evidence_heads text, evidence_tails text, evidence_frames text, evidence_proofs text, evidence_dates text, evidence_ends text)
  returns table (n bigint, lead_id uuid, created boolean, first_line bigint, reason text, evidence_new boolean)
  volatile language plpgsql set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off as $$
declare
  why text[] := app.intake_column(reasons);
  taken record;
begin
  select t.* into taken from app.intake_take(null, pepper, person_ids, hmacs, first_rows, row_numbers, row_lines, lead_ids, external_ids, e164s,
    first_names, last_names, emails, cities, states, zips, sources, row_notes, candidates, reasons,
      evidence_heads, evidence_tails, evidence_frames, evidence_proofs, evidence_dates, evidence_ends) t;
  return query
    select u.n, l.id, taken.made[u.n], l.line, why[u.n], taken.kept[u.n]
      from unnest(app.intake_column(row_numbers)::integer[]) with ordinality as u(number, n)
      cross join lateral (select l.id, l.line from public.leads l
        where l.org_id = (select app.org()) and l.person_id = taken.persons[u.number] limit 1) l;
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
    file_header jsonb, facts text, row_flags text, row_raws text, raw_ends text, reject_lines text, reject_codes text, reject_details text, reject_raws text,
    pepper smallint, person_ids text, hmacs text, first_rows text, row_numbers text, row_lines text, lead_ids text, external_ids text, e164s text,
    first_names text, last_names text, emails text, cities text, states text, zips text, sources text, row_notes text, candidates text, reasons text,
    evidence_heads text, evidence_tails text, evidence_frames text, evidence_proofs text, evidence_dates text, evidence_ends text)
  returns table (applied boolean, status text, chunks_done integer, bytes_done bigint)
  -- As for the leads.
  language plpgsql set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off as $$
declare
  own uuid := app.org();
  flags text[] := app.intake_column(row_flags);
  why text[] := app.intake_column(reasons);
  numbers integer[] := app.intake_column(row_numbers)::integer[];
  lines bigint[] := app.intake_column(row_lines)::bigint[];
  -- Of few rows the text is needed: in bytes each is found by where it ends.
  raws bytea := convert_to(row_raws, 'UTF8');
  ends integer[] := array_prepend(0, app.intake_column(raw_ends)::integer[]);
  held record; persons uuid[]; offered uuid[]; made boolean[]; kept boolean[]; taken bigint; fit bigint; differing bigint; unplaced bigint;
  refused jsonb; unfit jsonb; leads_digest text; refused_count bigint;
begin
  select i.status, i.chunks_done, i.bytes_done into held from public.imports i
    where i.org_id = (select app.org()) and i.id = into_import for no key update;
  if held.status is distinct from 'running' or held.chunks_done <> chunk or held.bytes_done <> from_byte then
    return query select false, held.status, held.chunks_done, held.bytes_done;
    return;
  end if;

  select t.persons, t.offered, t.made, t.kept into persons, offered, made, kept
    from app.intake_take(into_import, pepper, person_ids, hmacs, first_rows, row_numbers, row_lines, lead_ids, external_ids, e164s,
      first_names, last_names, emails, cities, states, zips, sources, row_notes, candidates, reasons,
      evidence_heads, evidence_tails, evidence_frames, evidence_proofs, evidence_dates, evidence_ends) t;
  with stored as (
    insert into public.import_rejects (org_id, import_id, line, code, detail, raw)
      select own, into_import, lines[n], case when l.import_id = into_import then 'duplicate_in_file' else 'duplicate_in_org' end,
          case when l.import_id = into_import then 'the same number as line ' || l.line else 'the org has a lead with this number' end,
          convert_from(substring(raws from ends[n] + 1 for ends[n + 1] - ends[n]), 'UTF8')
        from generate_series(1, cardinality(made)) as n cross join lateral (select l.import_id, l.line from public.leads l
          where l.org_id = (select app.org()) and l.person_id = persons[numbers[n]] limit 1) l
        where not made[n]
      union all
      select own, into_import, u.line, u.code, u.detail, coalesce(u.raw, '')
        from unnest(app.intake_column(reject_lines)::bigint[], app.intake_column(reject_codes), app.intake_column(reject_details),
          app.intake_column(reject_raws)) as u(line, code, detail, raw)
      returning import_rejects.code)
  select jsonb_object_agg(f.code, f.k), coalesce(sum(f.k), 0) into refused, refused_count
    from (select s.code, count(*) as k from stored s group by s.code) f;
  select count(*), count(*) filter (where why[n] is null), count(*) filter (where flags[n] = 'd'), count(*) filter (where flags[n] = 'u'),
      encode(sha256(coalesce(string_agg(uuid_send(id), ''::bytea order by n), ''::bytea)), 'hex')
    into taken, fit, differing, unplaced, leads_digest
    from unnest(offered) with ordinality as u(id, n) where made[n];
  if taken + refused_count <> rows_in then raise exception 'a chunk''s rows do not add up'; end if;
  if fit < taken then
    select jsonb_object_agg(x.reason, x.k) into unfit
      from (select why[n] as reason, count(*) as k from generate_series(1, cardinality(made)) as n where made[n] and why[n] is not null group by 1) x;
  end if;

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
      'rejected', coalesce(refused, '{}'), 'ineligible', coalesce(unfit, '{}'), 'evidence_kept', cardinality(array_positions(kept, true)), 'lead_ids_sha256', leads_digest))::text);
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
      where s.nspname = 'app' and p.proname in ('intake_column', 'add_counts', 'known_persons', 'intake_persons', 'intake_leads', 'evidence_digest', 'intake_evidence', 'intake_take', 'intake_rows', 'lease_import', 'intake_chunk', 'release_import', 'fail_import')) loop
    execute format('revoke execute on function %s from public', made);
    execute format('grant execute on function %s to dialgate_app', made);
  end loop;
end $$;
