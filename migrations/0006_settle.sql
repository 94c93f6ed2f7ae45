-- What happens after the provider was called: reports, look-ups, stops. Same lock order as 0005.

create function app.attempt_rank(state text) returns integer immutable language sql as $$
  select case state when 'permitted' then 0 when 'dialing' then 1 when 'unknown' then 1 when 'placed' then 2 when 'in_progress' then 3 else 4 end $$;

-- Opens an incident once per code and subject.
create function app.open_incident(level integer, what text, subject uuid, about jsonb) returns void language plpgsql as $$
begin
  perform 1 from public.incidents i where i.org_id = (select app.org()) and i.code = what and i.subject_id = subject and i.closed_at is null;
  if found then return; end if;
  insert into public.incidents (org_id, id, severity, code, subject_id, opened_at, detail)
    values (app.org(), gen_random_uuid(), level, what, subject, app.now(), about);
  perform audit.append('incident.opened', subject::text, jsonb_build_object('code', what, 'severity', level)::text);
end $$;

-- Applies one report of a call: forward only, any order, any number of times. Answers what it did.
create function app.apply_report(
  connection uuid, attempt uuid, provider_id text, status text, disposition text, provider_reason text, started timestamptz, ended timestamptz,
  duration integer, ended_by text, rang boolean, answered_by_person boolean, transcript jsonb, transcript_state text, recording text,
  stop_requested boolean, stop_source text, stop_searched boolean, call_id uuid, suppression_id uuid)
  returns table (applied text, attempt_id uuid, attempt_state text, attempts_cancelled integer, enrolments_closed integer) language plpgsql as $$
declare
  target record; known record; new_state text; camp record; spent integer; budget integer; cancelled integer := 0; closed integer := 0;
  was_open boolean; first_end boolean;
begin
  select a.id, a.person_id into target from public.dial_attempts a
    where a.org_id = (select app.org()) and a.connection_id = connection
      and case when attempt is null then a.provider_call_id = provider_id else a.id = attempt end;
  if not found then return query select 'attempt_unknown', null::uuid, null::text, 0, 0; return; end if;
  update public.persons p set facts_version = p.facts_version + 1 where p.org_id = (select app.org()) and p.id = target.person_id;
  select a.* into target from public.dial_attempts a where a.org_id = (select app.org()) and a.id = target.id for update;
  if target.provider_call_id is not null and target.provider_call_id <> provider_id then
    perform app.open_incident(1, 'second_call_for_attempt', target.id, jsonb_build_object('attempt', target.id));
    return query select 'second_call', target.id, target.state, 0, 0; return;
  end if;
  new_state := case status when 'registered' then 'placed' when 'in_progress' then 'in_progress' when 'ended' then 'completed' else 'failed' end;
  was_open := app.attempt_rank(target.state) < 4;
  -- A call where none should be: the look-up, or our own state machine, was wrong.
  if target.state in ('not_placed', 'cancelled', 'expired', 'refused', 'failed_no_call') then
    perform app.open_incident(1, 'call_contradicts_' || target.state, target.id, jsonb_build_object('attempt', target.id));
    update public.dial_attempts a set counts = true, provider_call_id = provider_id, rang = a.rang or apply_report.rang
      where a.org_id = (select app.org()) and a.id = target.id;
  end if;
  first_end := was_open and app.attempt_rank(new_state) = 4;
  if was_open then
    update public.dial_attempts a set provider_call_id = provider_id,
        state = case when app.attempt_rank(new_state) > app.attempt_rank(a.state) then new_state else a.state end,
        rang = a.rang or apply_report.rang,
        answered_by_person = a.answered_by_person or apply_report.answered_by_person,
        ended_by = case when first_end then apply_report.ended_by else a.ended_by end,
        reason = case when first_end then apply_report.disposition else a.reason end,
        -- The provider says that nothing rang and nobody was called: known to precede ringing.
        counts = case when first_end and not apply_report.rang and not a.rang then false else true end,
        ended_at = case when first_end then greatest(coalesce(ended, app.now()), a.minted_at) end
      where a.org_id = (select app.org()) and a.id = target.id;
    if apply_report.rang and not target.rang and coalesce(started, app.now()) > target.ring_by then
      perform app.open_incident(2, 'late_ring', target.id, jsonb_build_object('attempt', target.id));
    end if;
  end if;

  insert into public.calls as c (org_id, id, attempt_id, campaign_id, lead_id, connection_id, provider_call_id, status, disposition, provider_reason,
      started_at, ended_at, duration_seconds, ended_by, transcript, transcript_state, recording_ref, stop_requested, stop_searched, created_at)
    values (app.org(), call_id, target.id, target.campaign_id, target.lead_id, connection, provider_id, apply_report.status, apply_report.disposition,
      apply_report.provider_reason, started, ended, duration, apply_report.ended_by, apply_report.transcript, apply_report.transcript_state,
      recording, apply_report.stop_requested, apply_report.stop_searched, app.now())
    on conflict on constraint calls_org_id_attempt_id_key do update set
      status = case when app.call_rank(excluded.status) >= app.call_rank(c.status) then excluded.status else c.status end,
      disposition = case when excluded.disposition = 'unknown' or app.call_rank(excluded.status) < app.call_rank(c.status) then c.disposition else excluded.disposition end,
      provider_reason = coalesce(excluded.provider_reason, c.provider_reason),
      started_at = coalesce(c.started_at, excluded.started_at), ended_at = coalesce(c.ended_at, excluded.ended_at),
      duration_seconds = coalesce(excluded.duration_seconds, c.duration_seconds),
      ended_by = case when excluded.ended_by = 'unknown' then c.ended_by else excluded.ended_by end,
      transcript = coalesce(excluded.transcript, c.transcript),
      transcript_state = case when excluded.transcript_state = 'pending' then c.transcript_state else excluded.transcript_state end,
      recording_ref = coalesce(excluded.recording_ref, c.recording_ref),
      stop_requested = c.stop_requested or excluded.stop_requested, stop_searched = c.stop_searched or excluded.stop_searched;

  -- The stop check is the person's, whatever the attempt's state: not callable until the words have been searched.
  if apply_report.stop_searched then
    update public.persons p set stop_check = 'clear', stop_check_since = null
      where p.org_id = (select app.org()) and p.id = target.person_id and p.stop_check <> 'clear' and not exists (
        select 1 from public.calls c join public.dial_attempts a on a.org_id = (select app.org()) and a.id = c.attempt_id
        where c.org_id = (select app.org()) and a.person_id = target.person_id and a.answered_by_person and not c.stop_searched and c.attempt_id <> target.id);
    perform app.reopen_person(target.person_id);
  elsif apply_report.answered_by_person and app.attempt_rank(new_state) = 4 then
    update public.persons p set stop_check = 'pending', stop_check_since = coalesce(ended, app.now())
      where p.org_id = (select app.org()) and p.id = target.person_id and p.stop_check = 'clear' and not exists (
        select 1 from public.calls c where c.org_id = (select app.org()) and c.attempt_id = target.id and c.stop_searched);
  end if;

  if apply_report.stop_requested and not exists (
      select 1 from public.suppressions s where s.org_id = (select app.org()) and s.attempt_id = target.id) then
    insert into public.suppressions (org_id, id, person_id, source, by_org, recorded_at, attempt_id)
      values (app.org(), suppression_id, target.person_id, stop_source, false, app.now(), target.id);
    select s.attempts_cancelled, s.enrolments_closed into cancelled, closed from app.stop_person(target.person_id, 'opted_out') s;
    perform audit.append('suppression.created', suppression_id::text, jsonb_build_object('source', stop_source, 'attempt', target.id,
      'attempts_cancelled', cancelled, 'enrolments_closed', closed)::text);
  end if;

  if first_end then
    select m.retry_on, m.retry_after_seconds into camp from public.campaigns m where m.org_id = (select app.org()) and m.id = target.campaign_id;
    select y.attempts_max into budget from public.calling_policies y where y.org_id = (select app.org());
    select count(*) into spent from public.dial_attempts a where a.org_id = (select app.org()) and a.lead_id = target.lead_id and a.counts;
    if apply_report.disposition = any (camp.retry_on) and spent < budget then
      perform app.return_enrolment(target.enrolment_id, apply_report.disposition, app.now() + make_interval(secs => camp.retry_after_seconds));
    else
      update public.enrolments e set state = 'done', reason = apply_report.disposition
        where e.org_id = (select app.org()) and e.id = target.enrolment_id and e.state = 'held' and e.reason = 'attempt_live';
    end if;
  end if;
  return query select 'applied', target.id, a.state, cancelled, closed from public.dial_attempts a where a.org_id = (select app.org()) and a.id = target.id;
end $$;

create function app.call_rank(status text) returns integer immutable language sql as $$
  select case status when 'registered' then 0 when 'in_progress' then 1 else 2 end $$;

-- Attempts whose fate must be asked: past their settle time, or not rung by ring_by less 10 s. The answer leases each
-- for a while by moving its settle time, so that two runs do not ask at once. A dialing attempt is unknown from here on.
create function app.take_unsettled(rows_max integer, lease_seconds integer)
  returns table (attempt_id uuid, state text, connection_id uuid, provider_call_id text, vendor text, config jsonb, credential_version integer, sealed jsonb)
  language plpgsql as $$
begin
  return query
  with taken as (
    select a.id from public.dial_attempts a
      where a.org_id = (select app.org()) and a.state in ('dialing', 'unknown', 'placed', 'in_progress') and a.settle_after <= clock_timestamp()
      order by a.id limit rows_max for update skip locked),
  moved as (
    update public.dial_attempts a set settle_after = clock_timestamp() + make_interval(secs => lease_seconds),
        state = case a.state when 'dialing' then 'unknown' else a.state end,
        reason = case a.state when 'dialing' then 'no_answer_recorded' else a.reason end
      from taken t where a.org_id = (select app.org()) and a.id = t.id returning a.*)
  select m.id, m.state, c.id, m.provider_call_id, c.vendor, c.config, k.version, k.sealed
    from moved m join public.connections c on c.org_id = (select app.org()) and c.id = m.connection_id
    left join lateral (select x.version, x.sealed from public.credentials x
      where x.org_id = (select app.org()) and x.connection_id = c.id order by x.version desc limit 1) k on true;
end $$;

-- The provider knows no such call, after the settle time: not placed. It still counts, and is not dialed again the same day.
create function app.settle_absent(attempt uuid) returns text language plpgsql as $$
declare target record;
begin
  select a.person_id, a.enrolment_id into target from public.dial_attempts a where a.org_id = (select app.org()) and a.id = attempt;
  update public.persons p set facts_version = p.facts_version + 1 where p.org_id = (select app.org()) and p.id = target.person_id;
  update public.dial_attempts a set state = 'not_placed', reason = 'not_at_provider', ended_at = app.now()
    where a.org_id = (select app.org()) and a.id = attempt and a.state = 'unknown';
  if found then perform app.return_enrolment(target.enrolment_id, 'not_placed', app.now() + interval '24 h'); end if;
  return (select a.state from public.dial_attempts a where a.org_id = (select app.org()) and a.id = attempt);
end $$;

-- What has not rung is cancelled at the provider ten seconds before its window ends.
create function app.stop_unrung() returns integer language plpgsql as $$
declare n integer;
begin
  with late as (
    update public.dial_attempts a set stop_requested_at = clock_timestamp(), stop_reason = 'ring_by'
      where a.org_id = (select app.org()) and a.state in ('placed', 'unknown') and not a.rang and a.stop_requested_at is null
        and a.ring_by - interval '10 s' <= app.now() returning a.id),
  queued as (
    insert into public.outbox (org_id, id, kind, subject_id, due_at, created_at)
      select app.org(), gen_random_uuid(), 'provider_stop', l.id, clock_timestamp(), clock_timestamp() from late l returning 1)
  select count(*) into n from queued;
  return n;
end $$;

-- 24 hours without a searched transcript: for a person to judge.
create function app.miss_stop_checks() returns integer language sql as $$
  with missed as (
    update public.persons p set stop_check = 'missing', facts_version = p.facts_version + 1
      where p.org_id = (select app.org()) and p.stop_check = 'pending' and p.stop_check_since <= app.now() - interval '24 h' returning 1)
  select count(*)::integer from missed $$;

-- Due stops whose call's id is known; one without an id waits until it is.
create function app.take_outbox(rows_max integer, lease_seconds integer)
  returns table (id uuid, attempt_id uuid, provider_call_id text, connection_id uuid, vendor text, config jsonb, credential_version integer, sealed jsonb, tries integer)
  language plpgsql as $$
begin
  return query
  with taken as (
    select o.id from public.outbox o join public.dial_attempts a on a.org_id = (select app.org()) and a.id = o.subject_id
      where o.org_id = (select app.org()) and o.done_at is null and o.due_at <= clock_timestamp()
        and (o.lease_until is null or o.lease_until < clock_timestamp())
        and (a.provider_call_id is not null or a.state not in ('dialing', 'unknown', 'placed', 'in_progress'))
      order by o.due_at, o.id limit rows_max for update of o skip locked),
  leased as (
    update public.outbox o set lease_until = clock_timestamp() + make_interval(secs => lease_seconds), tries = o.tries + 1
      from taken t where o.org_id = (select app.org()) and o.id = t.id returning o.*)
  select l.id, a.id, a.provider_call_id, c.id, c.vendor, c.config, k.version, k.sealed, l.tries
    from leased l
    join public.dial_attempts a on a.org_id = (select app.org()) and a.id = l.subject_id
    join public.connections c on c.org_id = (select app.org()) and c.id = a.connection_id
    left join lateral (select x.version, x.sealed from public.credentials x
      where x.org_id = (select app.org()) and x.connection_id = c.id order by x.version desc limit 1) k on true;
end $$;

create function app.take_inbox(rows_max integer, lease_seconds integer)
  returns table (id uuid, connection_id uuid, type text, provider_call_id text, attempt_id uuid, body text, report jsonb, vendor text, config jsonb,
    credential_version integer, sealed jsonb, tries integer) language plpgsql as $$
begin
  return query
  with taken as (
    select w.id from public.webhook_inbox w
      where w.org_id = (select app.org()) and w.state = 'pending' and (w.lease_until is null or w.lease_until < clock_timestamp())
      order by w.received_at, w.id limit rows_max for update skip locked),
  leased as (
    update public.webhook_inbox w set lease_until = clock_timestamp() + make_interval(secs => lease_seconds), tries = w.tries + 1
      from taken t where w.org_id = (select app.org()) and w.id = t.id returning w.*)
  select l.id, c.id, l.type, l.provider_call_id, l.attempt_id, l.body, l.report, c.vendor, c.config, k.version, k.sealed, l.tries
    from leased l join public.connections c on c.org_id = (select app.org()) and c.id = l.connection_id
    left join lateral (select x.version, x.sealed from public.credentials x
      where x.org_id = (select app.org()) and x.connection_id = c.id order by x.version desc limit 1) k on true;
end $$;

revoke execute on all functions in schema app from public;
grant execute on all functions in schema app to dialgate_app;
revoke execute on procedure app.protect_table(text, text), app.classify(text, text, text, text, text), app.open_to_door(text, text) from dialgate_app;

-- Moving a test org's clock ends every permit that is not yet spent: it was minted at another instant.
create function app.expire_unspent_permits() returns integer language plpgsql as $$
declare profiles uuid[]; due timestamptz[]; n integer;
begin
  with unspent as (
    select a.id from public.dial_attempts a where a.org_id = (select app.org()) and a.state = 'permitted' order by a.id for update),
  expired as (
    update public.dial_attempts a set state = 'expired', reason = 'clock_advanced', counts = false, ended_at = app.now()
      from unspent u where a.org_id = (select app.org()) and a.id = u.id returning a.enrolment_id),
  spent as (
    update public.permits p set consumed_at = clock_timestamp() from unspent u where p.org_id = (select app.org()) and p.attempt_id = u.id),
  returned as (
    update public.enrolments e set state = 'waiting', reason = 'permit_expired', due_at = app.now()
      from expired x where e.org_id = (select app.org()) and e.id = x.enrolment_id and e.state = 'held' and e.reason = 'attempt_live'
      returning e.profile_id, e.due_at)
  select (select count(*) from expired), array_agg(r.profile_id), array_agg(r.due_at) into n, profiles, due from returned r;
  if profiles is not null then perform app.profiles_due(profiles, due); end if;
  return n;
end $$;
revoke execute on function app.expire_unspent_permits() from public;
grant execute on function app.expire_unspent_permits() to dialgate_app;
