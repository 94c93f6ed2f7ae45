-- What a write that changes facts leaves behind for work that is not urgent enough to be done in its transaction.

-- What a person said of a call that could not be searched for a stop.
create table stop_check_judgements (
  org_id uuid not null,
  id uuid not null,
  person_id uuid not null,
  verdict text not null check (verdict in ('clear', 'stop')),
  judged_by text not null,
  reason text not null,
  judged_at timestamptz not null,
  primary key (org_id, id),
  foreign key (org_id, person_id) references persons (org_id, id)
);
call app.protect_table('stop_check_judgements', 'select, insert');
call app.classify('stop_check_judgements', subject => 'verdict reason', org => 'judged_by', system => 'org_id id person_id judged_at');

-- A halt has ended: what waits for nothing else is due now, the earliest first. Halted leads are asked again within fifteen
-- minutes anyway, so that what is beyond rows_max, which is more than a quarter of an hour's calls, comes by itself.
-- Rows that somebody holds are being moved already.
create function app.wake_halted(of_campaign uuid, why text, rows_max integer) returns integer language plpgsql as $$
declare profiles uuid[];
begin
  with halted as (
    select e.id from public.enrolments e
      where e.org_id = (select app.org()) and e.state = 'waiting' and e.reason = why
        and e.due_at > app.now() and e.due_at <= app.now() + interval '15 minutes'
        and e.profile_id in (select p.id from public.hour_profiles p
          where p.org_id = (select app.org()) and (of_campaign is null or p.campaign_id = of_campaign))
      order by e.due_at, e.id limit rows_max for no key update skip locked),
  opened as (
    update public.enrolments e set due_at = app.now()
      from halted h where e.org_id = (select app.org()) and e.id = h.id
      returning e.profile_id)
  select array_agg(o.profile_id) into profiles from opened o;
  if profiles is null then return 0; end if;
  perform app.profiles_due(profiles, array_fill(app.now(), array[cardinality(profiles)]));
  return cardinality(profiles);
end $$;


-- ---------------------------------------------------------- standing results
-- What the standing gates say of each open enrolment, computed by the gates themselves (src/domain/standing) and kept with
-- the first instant at which it would be otherwise. Three things make it stale: that instant, a mark of its person, and a
-- sweep that has not come to its person yet. A dial asks every gate again, whatever is kept here.

alter table enrolments alter column standing_valid_until set default '-infinity';
create index enrolments_stale on enrolments (org_id, standing_valid_until)
  where state in ('waiting', 'held') and standing_valid_until is not null;

-- Marks these persons, as far as something of theirs is kept that may be otherwise now: an open enrolment, or a lead that
-- intake refused. The caller holds the persons, so that nobody waits for a mark.
create function app.mark_standing(persons uuid[]) returns void language plpgsql
  -- Probes by key, whatever the planner believes of tables that have just grown.
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
  insert into public.standing_marks as k (org_id, person_id, due_at)
    select app.org(), u.person, clock_timestamp() from (select distinct x.person from unnest(persons) as x(person)) u
      -- As values, each is looked up by itself; as exists (...) or exists (...) all leads of the org were read and hashed.
      where (select e.id from public.enrolments e where e.org_id = (select app.org()) and e.person_id = u.person and e.state <> 'done' limit 1) is not null
        or (select l.id from public.leads l where l.org_id = (select app.org()) and l.person_id = u.person and l.status = 'ineligible') is not null
      order by u.person
    on conflict (org_id, person_id) do update set marked_by = excluded.marked_by, due_at = excluded.due_at;
end $$;

-- Written by the tables of facts, so that no path can forget it. Consent evidence alone is marked by who appends it: it
-- comes by the thousand with numbers that are new, and of which nothing can be kept yet.
create function app.mark_persons() returns trigger language plpgsql as $$
begin
  perform app.mark_standing(array(select distinct f.person_id from fresh f));
  return null;
end $$;
create function app.mark_person() returns trigger language plpgsql as $$
begin
  if tg_table_name = 'persons' then perform app.mark_standing(array[new.id]);
  else perform app.mark_standing(array[new.person_id]);
  end if;
  return null;
end $$;
create trigger standing_marked after insert on scrubs referencing new table as fresh
  for each statement execute function app.mark_persons();
create trigger standing_marked after insert on suppressions referencing new table as fresh
  for each statement execute function app.mark_persons();
create trigger standing_marked after update of stop_check, stop_check_since on persons for each row
  when ((old.stop_check, old.stop_check_since) is distinct from (new.stop_check, new.stop_check_since))
  execute function app.mark_person();
create trigger standing_marked after update of state, zip on leads for each row
  when ((old.state, old.zip) is distinct from (new.state, new.zip))
  execute function app.mark_person();

-- Carries a change of the whole org or platform to the next persons, while there is room for their marks. It waits for
-- persons, so it may not share a transaction with what holds their places (keep_standing).
create function app.sweep_standing(marks_max integer) returns void language plpgsql as $$
declare sweep public.standing_sweeps; platform bigint; batch uuid[];
begin
  select f.facts_version into platform from public.platform_facts f where f.id = 1;
  select s.* into sweep from public.standing_sweeps s where s.org_id = (select app.org()) for no key update skip locked;
  if not found then return; end if;
  if sweep.platform_version < platform then sweep.after_person := '00000000-0000-0000-0000-000000000000'; end if;
  if sweep.after_person is null then return; end if;
  -- A batch that is being judged keeps its marks until its results are kept: there is room for one more beside it.
  if (select count(*) from (select 1 from public.standing_marks m where m.org_id = (select app.org()) limit 2 * marks_max) x) >= 2 * marks_max then
    return;
  end if;
  batch := array(select distinct e.person_id from public.enrolments e
    where e.org_id = (select app.org()) and e.state <> 'done' and e.person_id > sweep.after_person order by 1 limit marks_max);
  perform 1 from public.persons p where p.org_id = (select app.org()) and p.id = any (batch) order by p.id for share;
  perform app.mark_standing(batch);
  update public.standing_sweeps s set after_person = batch[marks_max], platform_version = platform where s.org_id = (select app.org());
end $$;

-- What a claim is deciding. Its record may hold a place for what has ended since its facts were read: the mark must still
-- be there then, so that the place is judged once more and opened.
create function app.leased_enrolments() returns uuid[] language sql as $$
  select coalesce(array_agg(x.id), '{}') from public.leases k cross join unnest(k.enrolment_ids) as x(id) where k.org_id = (select app.org()) $$;

-- What must be judged now: marked persons with all their places, then places whose time has come. A row without a place is
-- a person who has none left, or whose lead intake refused. Versions, the rows' own included, are of before any fact.
create function app.take_stale_standing(rows_max integer) returns table (
    person uuid, person_version bigint, mark text, enrolment uuid, campaign uuid, lead uuid, row_version text, refused_lead boolean,
    org_version bigint, platform_version bigint)
  language plpgsql set plan_cache_mode = force_custom_plan as $$
declare leased uuid[] := app.leased_enrolments();
begin
  return query
    with marked as materialized (
      select m.person_id, m.marked_by, m.due_at from public.standing_marks m
        where m.org_id = (select app.org()) and m.due_at <= clock_timestamp() order by m.due_at, m.person_id limit rows_max),
    places as (
      select k.person_id, k.marked_by::text as mark, e.id, e.campaign_id, e.lead_id, e.xmin::text as row_version, k.due_at
        from marked k left join public.enrolments e on e.org_id = (select app.org()) and e.person_id = k.person_id and e.state in ('waiting', 'held')),
    timely as (
      select e.person_id, null::text as mark, e.id, e.campaign_id, e.lead_id, e.xmin::text as row_version, e.standing_valid_until
        from public.enrolments e
        where e.org_id = (select app.org()) and e.state in ('waiting', 'held') and e.standing_valid_until <= app.now()
          and e.id <> all (leased) and not exists (select 1 from public.standing_marks m where m.org_id = (select app.org()) and m.person_id = e.person_id)
        order by e.standing_valid_until, e.id limit rows_max),
    chosen as (
      select x.person_id, x.mark, x.id, x.campaign_id, x.lead_id, x.row_version, 0 as turn, x.due_at as due from places x
      union all
      select y.person_id, y.mark, y.id, y.campaign_id, y.lead_id, y.row_version, 1, null from timely y
      order by turn, due, person_id limit rows_max)
    select c.person_id, p.facts_version, c.mark, c.id, c.campaign_id, c.lead_id, c.row_version,
        c.mark is not null and exists (select 1 from public.leads l
          where l.org_id = (select app.org()) and l.person_id = c.person_id and l.status = 'ineligible'),
        (select o.facts_version from public.org_facts o where o.org_id = (select app.org())),
        (select f.facts_version from public.platform_facts f where f.id = 1)
      from chosen c join public.persons p on p.org_id = (select app.org()) and p.id = c.person_id
      order by c.turn, c.due, c.person_id;
end $$;

-- Keeps results, each only while nothing that it stands on has moved since it was taken: org, platform, person, its mark and
-- its own row. What is not kept stays stale and is taken again. Nothing here waits for a person's or place's lock, so that no
-- claim, record or stop meets it crosswise; no version is raised. Answers how many places and marks it has done with.
-- A place that was held and that all of them allow now waits again, whatever first reason its decision gave: who followed
-- the fix of a policy, a seller or a list sees the lead dialed. Where another gate refuses still, the next decision says so.
create function app.keep_standing(org_version bigint, platform_version bigint, marked uuid[], marks text[], marked_versions bigint[],
    enrolments uuid[], row_versions text[], person_versions bigint[], standings text[], valid_until timestamptz[])
  returns integer language plpgsql set plan_cache_mode = force_custom_plan as $$
declare leased uuid[] := app.leased_enrolments(); moved boolean; steady uuid[]; kept uuid[]; cleared integer; profiles uuid[]; due timestamptz[];
begin
  moved := not exists (select 1 from public.org_facts o where o.org_id = (select app.org()) and o.facts_version = keep_standing.org_version)
    or not exists (select 1 from public.platform_facts f where f.id = 1 and f.facts_version = keep_standing.platform_version);
  if moved then return 0; end if;
  steady := array(select m.person_id from public.standing_marks m
    join unnest(marked, marks, marked_versions) as u(person, mark, version) on u.person = m.person_id and u.mark = m.marked_by::text
    join public.persons p on p.org_id = (select app.org()) and p.id = m.person_id and p.facts_version = u.version
    where m.org_id = (select app.org()) order by m.person_id for update of m skip locked);
  with free as (
    select e.id from public.enrolments e
      join unnest(enrolments, row_versions, person_versions) as u(id, row_version, person_version) on u.id = e.id
      join public.persons p on p.org_id = (select app.org()) and p.id = e.person_id and p.facts_version = u.person_version
      where e.org_id = (select app.org()) and e.xmin::text = u.row_version and e.state in ('waiting', 'held')
        and e.id <> all (leased)
        and (e.person_id = any (steady)
          or not exists (select 1 from public.standing_marks m where m.org_id = (select app.org()) and m.person_id = e.person_id))
      order by e.id for update of e skip locked),
  judged as (
    select x.id, u.standing::jsonb as standing, u.until, x.state = 'held' and x.reason <> 'attempt_live'
        and not u.standing::jsonb @? '$[*] ? (@.verdict <> "allow")'
        -- Time alone opens only what time had shut: else a place that another gate holds would be decided at each edge.
        and (x.person_id = any (steady) or x.standing @? '$[*] ? (@.verdict <> "allow")') as opens
      from unnest(enrolments, standings, valid_until) as u(id, standing, until) join free f on f.id = u.id
      join public.enrolments x on x.org_id = (select app.org()) and x.id = u.id),
  keeping as (
    update public.enrolments e set standing = j.standing, standing_valid_until = j.until,
        state = case when j.opens then 'waiting' else e.state end, due_at = case when j.opens then app.now() else e.due_at end
      from judged j where e.org_id = (select app.org()) and e.id = j.id returning e.id, e.profile_id, e.due_at, j.opens)
  select coalesce(array_agg(k.id), '{}'), array_agg(k.profile_id) filter (where k.opens), array_agg(k.due_at) filter (where k.opens)
    into kept, profiles, due from keeping k;
  if profiles is not null then perform app.profiles_due(profiles, due); end if;
  delete from public.standing_marks m where m.org_id = (select app.org()) and m.person_id = any (steady)
    and not exists (select 1 from public.enrolments e
      where e.org_id = (select app.org()) and e.person_id = m.person_id and e.state <> 'done' and not e.id = any (kept));
  get diagnostics cleared = row_count;
  -- A place that is leased, or that someone else holds locked: in a moment.
  update public.standing_marks m set due_at = clock_timestamp() + interval '10 s' where m.org_id = (select app.org()) and m.person_id = any (steady);
  return cardinality(kept) + cleared;
end $$;

do $$
declare made regprocedure;
begin
  foreach made in array array(
    select p.oid::regprocedure from pg_proc p join pg_namespace s on s.oid = p.pronamespace
      where s.nspname = 'app' and p.proname in ('wake_halted', 'mark_standing', 'sweep_standing', 'leased_enrolments', 'take_stale_standing', 'keep_standing')) loop
    execute format('revoke execute on function %s from public', made);
    execute format('grant execute on function %s to dialgate_app', made);
  end loop;
end $$;
revoke execute on function app.mark_persons(), app.mark_person() from public;
