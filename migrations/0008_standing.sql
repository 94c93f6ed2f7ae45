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
-- Rows that a claim holds are being decided already.
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

revoke execute on function app.wake_halted(uuid, text, integer) from public;
grant execute on function app.wake_halted(uuid, text, integer) to dialgate_app;
