-- Scrubs: who must be asked, and what the lists answered.

-- Takes eligible leads whose scrub is due and moves their due time, so that a second run does not ask again at once.
create function app.take_scrub_due(rows_max integer)
  returns table (lead_id uuid, person_id uuid, e164 text, state text, candidate_states text, consent_at text) language plpgsql as $$
begin
  return query
  with taken as (
    select l.id from public.leads l
      where l.org_id = (select app.org()) and l.status = 'eligible' and l.scrub_due_at <= app.now()
      order by l.scrub_due_at, l.id limit rows_max for update skip locked),
  moved as (
    update public.leads l set scrub_due_at = app.now() + interval '10 minutes' from taken t
      where l.org_id = (select app.org()) and l.id = t.id returning l.*)
  select m.id, m.person_id, m.e164, m.state, m.candidate_states,
    (select c.body->'obtained_at'->>'utc' from public.consent_events c
      where c.org_id = (select app.org()) and c.person_id = m.person_id and c.kind = 'grant' order by c.recorded_at desc, c.id desc limit 1)
    from moved m order by m.id;
end $$;

-- Records answers as columns. A number that turned to listed also loses its permit and its place in every queue. A clear
-- answer that is in nothing older than what was known widens only, so that it bumps nothing; clear answers alone let what was
-- held be judged again.
create function app.record_scrubs(run uuid, connection uuid, digest bytea, ids uuid[], persons uuid[], lists text[], kinds text[], results text[],
  list_versions timestamptz[], leads uuid[], due timestamptz[]) returns table (listed integer, attempts_cancelled integer, enrolments_closed integer)
  language plpgsql as $$
declare turned uuid[]; narrowed uuid[]; n_cancelled integer; n_held integer;
begin
  perform 1 from public.persons p where p.org_id = (select app.org()) and p.id = any (persons) order by p.id for no key update;
  -- Of line types only what was a landline's until now is a change: unknown counts as mobile. A clear answer of another
  -- source without a list date may count as older: what was attested of that source's lists dates it.
  select coalesce(array_agg(distinct u.person) filter (where u.result = 'listed' and u.kind <> 'line_type'), '{}'),
      coalesce(array_agg(distinct u.person) filter (where case
        when u.kind = 'line_type' then u.result <> 'clear' and k.result = 'clear'
        when u.result <> 'clear' then true
        else k.scrubbed_at > app.now() or coalesce(u.version, '-infinity') < coalesce(k.list_version_at, '-infinity')
          or (u.version is null and k.connection_id <> connection) end), '{}')
    into turned, narrowed from unnest(persons, lists, kinds, results, list_versions) as u(person, list, kind, result, version)
    left join lateral (
      select s.result, s.list_version_at, s.scrubbed_at, s.connection_id from public.scrubs s
        where s.org_id = (select app.org()) and s.person_id = u.person and s.list = u.list
        order by s.scrubbed_at desc, s.id desc limit 1) k on true;
  insert into public.scrubs (org_id, id, person_id, list, kind, result, list_version_at, scrubbed_at, connection_id, run_id, response_digest)
    select app.org(), u.id, u.person, u.list, u.kind, u.result, u.version, app.now(), connection, run, digest
    from unnest(ids, persons, lists, kinds, results, list_versions) as u(id, person, list, kind, result, version);
  update public.leads l set scrub_due_at = u.at from unnest(leads, due) as u(lead, at) where l.org_id = (select app.org()) and l.id = u.lead;
  update public.persons p set facts_version = p.facts_version + 1 where p.org_id = (select app.org()) and p.id = any (narrowed);
  with gone as (
    update public.dial_attempts a set state = 'cancelled', reason = 'dnc_listed', counts = false, ended_at = app.now()
      where a.org_id = (select app.org()) and a.person_id = any (turned) and a.state = 'permitted' returning a.id),
  spent as (
    update public.permits p set consumed_at = clock_timestamp() from gone g where p.org_id = (select app.org()) and p.attempt_id = g.id)
  select count(*) into n_cancelled from gone;
  -- Held, not done: a lifting consent, or a later clear answer, has them judged again.
  with held as (
    update public.enrolments e set state = 'held', reason = 'dnc_listed'
      where e.org_id = (select app.org()) and e.person_id = any (turned) and e.state <> 'done'
        and not exists (select 1 from public.dial_attempts a where a.org_id = (select app.org()) and a.enrolment_id = e.id
          and a.state in ('dialing', 'unknown', 'placed', 'in_progress'))
      returning 1)
  select count(*) into n_held from held;
  with marked as (
    update public.dial_attempts a set stop_requested_at = clock_timestamp(), stop_reason = 'dnc_listed'
      where a.org_id = (select app.org()) and a.person_id = any (turned) and a.stop_requested_at is null
        and a.state in ('dialing', 'unknown', 'placed', 'in_progress') returning a.id)
  insert into public.outbox (org_id, id, kind, subject_id, due_at, created_at)
    select app.org(), gen_random_uuid(), 'provider_stop', m.id, clock_timestamp(), clock_timestamp() from marked m;
  perform app.reopen_persons(array(select distinct u.person from unnest(persons, results) as u(person, result)
    where u.result = 'clear' and not u.person = any (turned)));
  return query select cardinality(turned), n_cancelled, n_held;
end $$;

revoke execute on all functions in schema app from public;
grant execute on function app.take_scrub_due(integer) to dialgate_app;
grant execute on function app.record_scrubs(uuid, uuid, bytea, uuid[], uuid[], text[], text[], text[], timestamptz[], uuid[], timestamptz[]) to dialgate_app;
