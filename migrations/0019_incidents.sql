-- Incidents are listed, closed by a person with a reason, and close by themselves with what they were opened for.

alter table incidents add column closed_by text, add column close_reason text,
  add constraint incidents_closed_with_a_reason check (num_nulls(closed_at, closed_by, close_reason) in (0, 3));
grant update (closed_by, close_reason) on incidents to dialgate_app;
call app.classify('incidents', org => 'closed_by close_reason');
-- What ends asks for the open incidents of its own subject.
create index incidents_of_subject on incidents (org_id, subject_id) where closed_at is null;
create index webhook_inbox_failed on webhook_inbox (org_id, connection_id, provider_call_id) where state = 'failed';

-- A row that the database makes by itself sorts by creation, as those that the worker makes (RFC 9562 §5.7).
create function app.new_id() returns uuid volatile language sql as $$
  select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing
      substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6), 52, 1), 53, 1), 'hex')::uuid $$;

-- What an incident is about, as its audit entries name it: an attempt, unless its code says otherwise.
create or replace function app.incident_subject(what text, subject uuid) returns text immutable language sql as $$
  select app.public_id(case when what in ('connection_unusable', 'connection_refusing', 'dnc_source_failing') then 'conn'
      when what in ('stop_unattributed', 'webhook_not_applied') then 'evt' when what = 'suppression_canary_lost' then 'org' else 'att' end, subject) $$;

-- Opens an incident once per code and subject. `halting`: the connection that dials no more until a person reopens it; the
-- caller then holds the org. Appends to the audit chain: to be called last.
create or replace function app.open_incident(level integer, what text, subject uuid, about jsonb, halting uuid default null) returns void language plpgsql as $$
declare halt uuid; incident constant uuid := app.new_id();
begin
  perform 1 from public.incidents i where i.org_id = (select app.org()) and i.code = what and i.subject_id = subject and i.closed_at is null;
  if found then return; end if;
  if halting is not null then
    halt := app.new_id();
    insert into public.halts (org_id, id, reason, target_id, since, by, note)
      values (app.org(), halt, 'incident_open', halting, app.now(), 'incident:' || what, case what when 'connection_refusing' then 'The provider places no call over this connection: mend it, then end this halt.'
        else 'A call where none should be; a person ends this halt.' end);
    update public.org_facts f set facts_version = f.facts_version + 1 where f.org_id = (select app.org());
  end if;
  insert into public.incidents (org_id, id, severity, code, subject_id, halt_id, opened_at, detail)
    values (app.org(), incident, level, what, subject, halt, app.now(), about);
  perform audit.append('incident.opened', app.incident_subject(what, subject), (jsonb_build_object('code', what, 'severity', level, 'incident', app.public_id('inc', incident))
    || case when halt is null then '{}'::jsonb else jsonb_build_object('halt', app.public_id('halt', halt)) end)::text);
end $$;

-- What an incident was opened for has been made good. What halts is a person's to end, and stays. One that a person is
-- closing at this moment is left to them: they wait for the chain's head, which this transaction may hold already. Appends
-- to the audit chain: to be called last.
create or replace function app.close_incidents(what text, subjects uuid[]) returns void language plpgsql as $$
declare
  closed uuid[]; about uuid[];
  why constant text := case what when 'attempt_unsettled' then 'attempt_settled' when 'webhook_not_applied' then 'call_settled' when 'stop_not_accepted' then 'stop_accepted_or_call_over'
    when 'stop_unattributed' then 'stop_applied' when 'connection_unusable' then 'connection_accepting_or_deleted' else 'made_good' end;
begin
  with found as (
    select i.id from public.incidents i
      where i.org_id = (select app.org()) and i.code = what and i.subject_id = any (subjects) and i.closed_at is null and i.halt_id is null
      order by i.id for no key update skip locked),
  closing as (
    update public.incidents i set closed_at = app.now(), closed_by = 'system', close_reason = why
      from found f where i.org_id = (select app.org()) and i.id = f.id returning i.id, i.subject_id)
  select array_agg(c.id order by c.id), array_agg(c.subject_id order by c.id) into closed, about from closing c;
  perform audit.append_many(array_agg('incident.closed'::text), array_agg(app.incident_subject(what, x.subject)),
      array_agg(jsonb_build_object('code', what, 'incident', app.public_id('inc', x.id), 'reason', why)::text))
    from unnest(closed, about) as x(id, subject) having count(*) > 0;
end $$;

-- An attempt that has ended is unsettled no more, and nothing of it is left to be stopped, whoever ended it. At commit: the
-- entry comes after every lock of the transaction that ended it.
create function app.close_incidents_of_attempt() returns trigger language plpgsql as $$
begin
  if app.org() is null then return null; end if;
  perform app.close_incidents(i.code, array[new.id]) from public.incidents i
    where i.org_id = (select app.org()) and i.subject_id = new.id and i.code in ('attempt_unsettled', 'stop_not_accepted') and i.closed_at is null;
  return null;
end $$;
create constraint trigger incidents_closed after update of state on dial_attempts deferrable initially deferred for each row
  when (old.state in ('dialing', 'unknown', 'placed', 'in_progress') and new.state not in ('dialing', 'unknown', 'placed', 'in_progress'))
  execute function app.close_incidents_of_attempt();

-- A webhook that was given up is made good by whatever told the rest of its call: it has ended, and who may have answered
-- it has been heard, or judged by a person.
create function app.close_incidents_of_call() returns trigger language plpgsql as $$
declare given_up uuid[];
begin
  if app.org() is null then return null; end if;
  select array_agg(w.id) into given_up from public.webhook_inbox w
    where w.org_id = (select app.org()) and w.state = 'failed' and w.connection_id = new.connection_id
      and (w.provider_call_id = new.provider_call_id or w.provider_call_id is null and w.attempt_id = new.attempt_id);
  if given_up is not null then perform app.close_incidents('webhook_not_applied', given_up); end if;
  return null;
end $$;
create constraint trigger incidents_closed after insert or update of status, disposition, stop_searched, stop_judged on calls
  deferrable initially deferred for each row
  when (new.status not in ('registered', 'in_progress') and (new.stop_searched or new.stop_judged or new.disposition not in ('answered', 'unknown')))
  execute function app.close_incidents_of_call();
revoke execute on function app.close_incidents_of_attempt(), app.close_incidents_of_call() from public;

-- Ends the lease of inbox rows and says what became of each. A stop that nobody can name is asked about ever more rarely, and
-- has its own incident; any other row that is given up is told to someone, until it is applied after all. Appends to the
-- audit chain: to be called last.
create or replace function app.close_inbox(ids uuid[], states text[], reasons text[]) returns void language plpgsql as $$
declare failed record; done uuid[];
begin
  for failed in with closed as (
      update public.webhook_inbox w set state = u.state, reason = u.reason,
          lease_until = case when u.state <> 'pending' then null when u.reason = 'stop_unattributed'
            then clock_timestamp() + least(power(2, least(w.tries, 6)), 60) * interval '1 min' else w.lease_until end
        from unnest(ids, states, reasons) as u(id, state, reason) where w.org_id = (select app.org()) and w.id = u.id returning w.*)
    select c.id, c.connection_id from closed c where c.state = 'failed' and c.reason is distinct from 'stop_unattributed' order by c.id loop
    perform app.open_incident(2, 'webhook_not_applied', failed.id, jsonb_build_object('connection', failed.connection_id, 'webhook', failed.id));
  end loop;
  select array_agg(u.id) into done from unnest(ids, states) as u(id, state) where u.state in ('applied', 'ignored');
  if done is not null then perform app.close_incidents('webhook_not_applied', done); end if;
end $$;

-- What rings after its window halves the connection's pace, and the third within an hour halts it. The caller holds the org.
-- Answers the halt.
create or replace function app.slow_down(connection uuid) returns uuid language plpgsql as $$
declare n integer; halt uuid;
begin
  update public.connections c set calls_per_second = greatest(c.calls_per_second / 2, 0.1) where c.org_id = (select app.org()) and c.id = connection;
  select count(*) into n from public.incidents i join public.dial_attempts a on a.org_id = (select app.org()) and a.id = i.subject_id
    where i.org_id = (select app.org()) and i.code = 'late_ring' and i.opened_at > app.now() - interval '1 hour' and a.connection_id = connection;
  if n >= 2 and not exists (select 1 from public.halts h where h.org_id = (select app.org()) and h.target_id = connection and h.ended_at is null) then
    halt := app.new_id();
    insert into public.halts (org_id, id, reason, target_id, since, by, note)
      values (app.org(), halt, 'connection_halted', connection, app.now(), 'incident:late_ring', 'three late rings within an hour');
    update public.org_facts f set facts_version = f.facts_version + 1 where f.org_id = (select app.org());
  end if;
  return halt;
end $$;

revoke execute on function app.new_id() from public;
grant execute on function app.new_id() to dialgate_app;
