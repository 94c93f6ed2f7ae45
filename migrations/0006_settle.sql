-- What happens after the provider was called: reports, look-ups, stops. Same lock order as 0005.

create function app.attempt_rank(state text) returns integer immutable language sql as $$
  select case state when 'permitted' then 0 when 'dialing' then 1 when 'unknown' then 1 when 'placed' then 2 when 'in_progress' then 3 else 4 end $$;

-- A row that the database makes by itself sorts by creation, as those that the worker makes (RFC 9562 §5.7).
create function app.new_id() returns uuid volatile language sql as $$
  select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing
      substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6), 52, 1), 53, 1), 'hex')::uuid $$;

-- What an incident is about, as its audit entries name it: an attempt, unless its code says otherwise.
create function app.incident_subject(what text, subject uuid) returns text immutable language sql as $$
  select app.public_id(case when what in ('connection_unusable', 'connection_refusing', 'dnc_source_failing') then 'conn'
      when what in ('stop_unattributed', 'webhook_not_applied') then 'evt' when what = 'suppression_canary_lost' then 'org' else 'att' end, subject) $$;

-- Opens an incident once per code and subject. `halting`: the connection that dials no more until a person reopens it; the
-- caller then holds the org. Appends to the audit chain: to be called last.
create function app.open_incident(level integer, what text, subject uuid, about jsonb, halting uuid default null) returns void language plpgsql as $$
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
create function app.close_incidents(what text, subjects uuid[]) returns void language plpgsql as $$
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

-- A call where there should be none: a second one for its attempt, or one of an attempt that had none.
create function app.is_stray(state text, known_id text, provider_id text) returns boolean immutable language sql as $$
  select provider_id is not null
    and (coalesce(known_id <> provider_id, false) or state in ('not_placed', 'cancelled', 'expired', 'refused', 'failed_no_call')) $$;

-- The org's lock, where a halt may come of what follows. It comes before the person's; whoever holds a person already takes
-- it only where it is free, and is otherwise done again.
create function app.hold_org(wanted boolean, may_wait boolean) returns void language plpgsql as $$
begin
  if wanted and may_wait then perform 1 from public.org_facts o where o.org_id = (select app.org()) for no key update;
  elsif wanted then perform 1 from public.org_facts o where o.org_id = (select app.org()) for no key update nowait;
  end if;
end $$;

-- What several reports say of one call is joined, so that their order means nothing: the word further up a ladder stays.
create function app.further(ladder text[], one text, other text) returns text immutable language sql as $$
  select case when coalesce(array_position(ladder, other), 0) > coalesce(array_position(ladder, one), 0) then other else one end $$;

-- One report's words into the call's row. Answers the row as it is now.
create function app.join_report(said public.calls) returns public.calls language plpgsql as $$
declare
  statuses constant text[] := '{registered,in_progress,not_connected,error,ended}';
  dispositions constant text[] := '{unknown,failed,not_connected,invalid_number,busy,no_answer,answered,voicemail}';
  joined public.calls;
begin
  insert into public.calls as c select said.*
    on conflict (org_id, connection_id, provider_call_id) do update set
      status = app.further(statuses, c.status, excluded.status),
      disposition = app.further(dispositions, c.disposition, excluded.disposition),
      provider_reason = greatest(c.provider_reason, excluded.provider_reason),
      started_at = least(c.started_at, excluded.started_at), ended_at = greatest(c.ended_at, excluded.ended_at),
      duration_seconds = greatest(c.duration_seconds, excluded.duration_seconds),
      ended_by = app.further('{unknown,not_connected,agent,person}', c.ended_by, excluded.ended_by),
      transcript = case when length(excluded.transcript::text) > coalesce(length(c.transcript::text), -1) then excluded.transcript else c.transcript end,
      transcript_state = app.further('{pending,none,withheld,kept}', c.transcript_state, excluded.transcript_state),
      recording_ref = greatest(c.recording_ref, excluded.recording_ref),
      stop_requested = c.stop_requested or excluded.stop_requested, stop_searched = c.stop_searched or excluded.stop_searched
      where c.attempt_id = excluded.attempt_id
    returning c.* into joined;
  if not found then raise exception 'one call was reported for two attempts' using errcode = '23505'; end if;
  return joined;
end $$;

-- An ended call that a person may have answered: nobody knows who took a call of unknown disposition, so a person did.
create function app.heard(of_call public.calls) returns boolean immutable language sql as $$
  select coalesce(of_call.status in ('ended', 'error') and of_call.disposition in ('answered', 'unknown'), false) $$;
create function app.unsearched(of_call public.calls) returns boolean immutable language sql as $$
  select app.heard(of_call) and not of_call.stop_searched and not of_call.stop_judged $$;

-- What rings after its window halves the connection's pace, and the third within an hour halts it. The caller holds the org.
-- Answers the halt.
create function app.slow_down(connection uuid) returns uuid language plpgsql as $$
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

-- Records a stop that came with a call, once for its attempt, and stops the person, whom the caller holds. Answers the
-- entry's facts, or null where it was known.
create function app.suppress_of_attempt(attempt uuid, person uuid, suppression_id uuid, why text) returns jsonb language plpgsql as $$
declare cancelled integer; closed integer;
begin
  perform 1 from public.suppressions s where s.org_id = (select app.org()) and s.attempt_id = attempt;
  if found then return null; end if;
  insert into public.suppressions (org_id, id, person_id, source, by_org, recorded_at, attempt_id)
    values (app.org(), suppression_id, person, why, false, app.now(), attempt);
  select s.attempts_cancelled, s.enrolments_closed into cancelled, closed from app.stop_person(person, 'opted_out') s;
  -- Also where an earlier report had closed it: why it is closed must not hang on the order of reports.
  update public.enrolments e set reason = 'opted_out' from public.dial_attempts a
    where a.org_id = (select app.org()) and a.id = attempt and e.org_id = (select app.org()) and e.id = a.enrolment_id and e.state = 'done';
  return jsonb_build_object('source', why, 'attempt', app.public_id('att', attempt), 'attempts_cancelled', cancelled, 'enrolments_closed', closed);
end $$;

-- Stops that named a call before anyone knew whose it was: applied now that it is known. A report that carried one goes back
-- to the inbox to be applied as a whole. Appends to the audit chain: to be called after every other lock.
create function app.apply_waiting_stops(attempt uuid, provider_id text) returns integer language plpgsql as $$
declare target record; waiting uuid[]; suppression_id constant uuid := gen_random_uuid(); facts jsonb;
begin
  select a.person_id, a.connection_id into target from public.dial_attempts a where a.org_id = (select app.org()) and a.id = attempt;
  perform 1 from public.persons p where p.org_id = (select app.org()) and p.id = target.person_id for no key update;
  with taken as (
    update public.webhook_inbox w set attempt_id = attempt, reason = null, lease_until = null, tries = 0,
        state = case when w.type = 'stop_tool' then 'applied' else 'pending' end
      where w.org_id = (select app.org()) and w.reason = 'stop_unattributed' and w.connection_id = target.connection_id
        and (w.provider_call_id = provider_id or w.attempt_id = attempt)
      returning w.id)
  select array_agg(t.id order by t.id) into waiting from taken t;
  if waiting is null then return 0; end if;
  facts := app.suppress_of_attempt(attempt, target.person_id, suppression_id, 'in_call_tool');
  if facts is not null then perform audit.append('suppression.created', app.public_id('supp', suppression_id), facts::text); end if;
  perform app.close_incidents('stop_unattributed', waiting);
  return cardinality(waiting);
end $$;

-- Applies one report of a call: forward only, any order, any number of times. Answers what it did.
create function app.apply_report(
  connection uuid, attempt uuid, provider_id text, status text, disposition text, provider_reason text, started timestamptz, ended timestamptz,
  duration integer, ended_by text, rang boolean, transcript jsonb, transcript_state text, recording text,
  stop_requested boolean, stop_source text, stop_searched boolean, call_id uuid, suppression_id uuid)
  returns table (applied text, attempt_id uuid, attempt_state text, attempts_cancelled integer, enrolments_closed integer) language plpgsql as $$
declare
  target record; known public.calls; joined public.calls; new_state text; late boolean; second boolean; contradicted boolean; unheard boolean;
  began constant timestamptz := coalesce(started, ended, app.now()); stopped jsonb; halted uuid;
begin
  select a.id, a.person_id, a.ring_by, a.rang, a.state, a.provider_call_id into target from public.dial_attempts a
    where a.org_id = (select app.org()) and a.connection_id = connection
      and case when attempt is null then a.provider_call_id = provider_id else a.id = attempt end;
  if not found then return query select 'attempt_unknown', null::uuid, null::text, 0, 0; return; end if;
  -- A late ring, or a call where none should be, may halt the connection, which is the org's fact: its lock comes first.
  late := rang and not target.rang and began > target.ring_by;
  perform app.hold_org(late or app.is_stray(target.state, target.provider_call_id, provider_id), true);
  update public.persons p set facts_version = p.facts_version + 1 where p.org_id = (select app.org()) and p.id = target.person_id;
  select a.* into target from public.dial_attempts a where a.org_id = (select app.org()) and a.id = target.id for update;
  perform app.hold_org(app.is_stray(target.state, target.provider_call_id, provider_id), false);
  second := coalesce(target.provider_call_id <> provider_id, false);
  late := late and not target.rang and not second;
  -- A call where none should be: the look-up, or our own state machine, was wrong.
  contradicted := not second and target.state in ('not_placed', 'cancelled', 'expired', 'refused', 'failed_no_call');

  select c.* into known from public.calls c
    where c.org_id = (select app.org()) and c.attempt_id = target.id and c.provider_call_id = apply_report.provider_id;
  joined := app.join_report(row(app.org(), call_id, target.id, target.campaign_id, target.lead_id, connection, provider_id, status, disposition,
    provider_reason, started, ended, duration, ended_by, transcript, transcript_state, recording, stop_requested, stop_searched, app.now(), false, second)::public.calls);
  new_state := case joined.status when 'registered' then 'placed' when 'in_progress' then 'in_progress' when 'ended' then 'completed' else 'failed' end;
  if second then
    -- It was heard as any call, and counts at its own time (`facts.attempts`); the attempt itself stays its first call's.
    update public.dial_attempts a set rang = a.rang or apply_report.rang, answered_by_person = a.answered_by_person or app.heard(joined)
      where a.org_id = (select app.org()) and a.id = target.id;
  else
    update public.dial_attempts a set provider_call_id = provider_id, rang = a.rang or apply_report.rang,
        state = case when contradicted or app.attempt_rank(new_state) < app.attempt_rank(a.state) then a.state else new_state end,
        answered_by_person = exists (select 1 from public.calls c where c.org_id = (select app.org()) and c.attempt_id = a.id and app.heard(c)),
        ended_by = joined.ended_by,
        reason = case when not contradicted and new_state in ('completed', 'failed') then joined.disposition else a.reason end,
        -- Only what the provider knows to have failed before it rang counts for nothing.
        counts = contradicted or new_state <> 'failed' or a.rang or apply_report.rang,
        ended_at = case when contradicted then a.ended_at when new_state in ('completed', 'failed')
          then greatest(coalesce(joined.ended_at, a.ended_at, app.now()), a.minted_at) else a.ended_at end
      where a.org_id = (select app.org()) and a.id = target.id;
  end if;

  -- The stop check is the person's, whatever the attempt's state: not callable until the words have been searched.
  unheard := exists (select 1 from public.calls c join public.dial_attempts a on a.org_id = (select app.org()) and a.id = c.attempt_id
    where c.org_id = (select app.org()) and a.person_id = target.person_id and app.unsearched(c));
  if app.unsearched(joined) and not app.heard(known) then
    update public.persons p set stop_check = 'pending', stop_check_since = coalesce(joined.ended_at, app.now())
      where p.org_id = (select app.org()) and p.id = target.person_id and p.stop_check = 'clear';
  elsif not unheard and (app.unsearched(known) or target.reason = 'lost_at_provider') then
    update public.persons p set stop_check = 'clear', stop_check_since = null
      where p.org_id = (select app.org()) and p.id = target.person_id and p.stop_check <> 'clear';
  end if;

  if joined.stop_requested then stopped := app.suppress_of_attempt(target.id, target.person_id, suppression_id, stop_source); end if;
  if late then halted := app.slow_down(connection); end if;
  if not contradicted and not second then perform app.settle_enrolments(target.id, coalesce(known.disposition, ''), not unheard); end if;

  perform app.apply_waiting_stops(target.id, provider_id);
  if stopped is not null then perform audit.append('suppression.created', app.public_id('supp', suppression_id), stopped::text); end if;
  if second then
    perform app.open_incident(1, 'second_call_for_attempt', target.id, jsonb_build_object('attempt', target.id), connection);
  elsif contradicted then
    perform app.open_incident(1, 'call_contradicts_' || target.state, target.id, jsonb_build_object('attempt', target.id), connection);
  end if;
  if late then perform app.open_incident(2, 'late_ring', target.id, jsonb_build_object('attempt', target.id)); end if;
  if halted is not null then
    perform audit.append('halt.started', app.public_id('halt', halted), jsonb_build_object('reason', 'connection_halted')::text);
  end if;
  return query select case when second then 'second_call' else 'applied' end, target.id, a.state,
      coalesce((stopped->>'attempts_cancelled')::integer, 0), coalesce((stopped->>'enrolments_closed')::integer, 0)
    from public.dial_attempts a where a.org_id = (select app.org()) and a.id = target.id;
end $$;

-- After a report: the ended attempt's enrolment is done or goes back for a retry, within the lead's one budget across
-- campaigns: a provider's second call of an attempt spends it, as the gate counts it (`facts.attempts`). A later report that
-- knows better decides again. What waited for the stop check is judged again.
create function app.settle_enrolments(attempt uuid, disposition_before text, checked boolean) returns void language plpgsql as $$
declare ended record; again boolean := false; profiles uuid[]; due timestamptz[];
begin
  select a.enrolment_id, a.person_id, a.lead_id, a.reason, m.retry_on, m.retry_after_seconds, y.attempts_max, (
      select count(*) filter (where x.counts) + coalesce(sum((select count(*) from public.calls c
          where c.org_id = (select app.org()) and c.attempt_id = x.id and c.second)), 0)
        from public.dial_attempts x where x.org_id = (select app.org()) and x.person_id = a.person_id and x.lead_id = a.lead_id) as spent
    into ended from public.dial_attempts a join public.campaigns m on m.org_id = (select app.org()) and m.id = a.campaign_id
    join public.calling_policies y on y.org_id = (select app.org())
    where a.org_id = (select app.org()) and a.id = attempt and a.state in ('completed', 'failed');
  if found then
    again := ended.reason = any (ended.retry_on) and ended.spent < ended.attempts_max;
  else
    select a.person_id, null::uuid as enrolment_id, null::text as reason, 0 as retry_after_seconds into ended
      from public.dial_attempts a where a.org_id = (select app.org()) and a.id = attempt;
  end if;
  with settled as (
    update public.enrolments e set reason = ended.reason, state = case when again then 'waiting' else 'done' end,
        due_at = case when again then app.now() + make_interval(secs => ended.retry_after_seconds) else e.due_at end,
        -- Nothing was kept up to date for what was done.
        standing_valid_until = case when again and e.state = 'done' then '-infinity' else e.standing_valid_until end
      where e.org_id = (select app.org()) and e.id = ended.enrolment_id and (e.state = 'held' and e.reason = 'attempt_live'
        or e.state in ('waiting', 'done') and e.reason = disposition_before and e.reason <> ended.reason)
      returning e.profile_id, e.due_at, e.state),
  opened as (
    update public.enrolments e set state = 'waiting', due_at = app.now()
      where e.org_id = (select app.org()) and checked and e.person_id = ended.person_id and e.state = 'held'
        and e.reason in ('stop_check_pending', 'stop_check_missing')
      returning e.profile_id, e.due_at, e.state)
  select array_agg(w.profile_id), array_agg(w.due_at) into profiles, due
    from (select * from settled union all select * from opened) w where w.state = 'waiting';
  if profiles is not null then perform app.profiles_due(profiles, due); end if;
end $$;

-- Attempts whose fate must be asked: past their settle time, or not rung by ring_by less 10 s. The answer leases each
-- for a while by moving its settle time, so that two runs do not ask at once. A dialing attempt is unknown from here on.
create function app.take_unsettled(rows_max integer, lease_seconds integer)
  returns table (attempt_id uuid, state text, overdue boolean, connection_id uuid, provider_call_id text, vendor text, config jsonb, credential_version integer,
    sealed jsonb, keep_transcripts boolean, keep_recordings boolean) language plpgsql as $$
declare due uuid[]; silent uuid[];
begin
  select array_agg(t.id), array_agg(t.id) filter (where t.was = 'dialing') into due, silent from (
    select a.id, a.state as was from public.dial_attempts a
      where a.org_id = (select app.org()) and a.state in ('dialing', 'unknown', 'placed', 'in_progress') and a.settle_after <= clock_timestamp()
      order by a.id limit rows_max for update skip locked) t;
  return query
  with moved as (
    update public.dial_attempts a set settle_after = clock_timestamp() + make_interval(secs => lease_seconds),
        state = case a.state when 'dialing' then 'unknown' else a.state end,
        reason = case a.state when 'dialing' then 'no_answer_recorded' else a.reason end
      where a.org_id = (select app.org()) and a.id = any (due) returning a.*)
  select m.id, m.state, m.dialing_at < clock_timestamp() - interval '24 h', c.id, m.provider_call_id, c.vendor, c.config, k.version, k.sealed,
      y.keep_transcripts, y.keep_recordings
    from moved m join public.calling_policies y on y.org_id = (select app.org())
    join public.connections c on c.org_id = (select app.org()) and c.id = m.connection_id
    left join lateral (select x.version, x.sealed from public.credentials x
      where x.org_id = (select app.org()) and x.connection_id = c.id order by x.version desc limit 1) k on true;
  perform app.append_attempts('attempt.unknown', silent, 'no_answer_recorded');
end $$;

-- The provider knows no such call, after the settle time: not placed. It still counts, and is not dialed again the same day.
create function app.settle_absent(attempt uuid) returns text language plpgsql as $$
declare target record;
begin
  select a.person_id, a.enrolment_id into target from public.dial_attempts a where a.org_id = (select app.org()) and a.id = attempt;
  perform 1 from public.persons p where p.org_id = (select app.org()) and p.id = target.person_id for no key update;
  update public.dial_attempts a set state = 'not_placed', reason = 'not_at_provider', ended_by = 'not_connected', ended_at = app.now()
    where a.org_id = (select app.org()) and a.id = attempt and a.state = 'unknown';
  if found then
    update public.persons p set facts_version = p.facts_version + 1 where p.org_id = (select app.org()) and p.id = target.person_id;
    -- Someone said stop in a call of this connection that nobody could name, and it may have been this one after all.
    update public.persons p set stop_check = 'missing', stop_check_since = coalesce(p.stop_check_since, app.now())
      from public.dial_attempts a
      where p.org_id = (select app.org()) and p.id = target.person_id and a.org_id = (select app.org()) and a.id = attempt
        and exists (select 1 from public.webhook_inbox w where w.org_id = (select app.org()) and w.reason = 'stop_unattributed'
          and w.connection_id = a.connection_id and w.received_at >= a.dialing_at - interval '1 minute');
    perform app.return_enrolment(target.enrolment_id, 'not_placed', app.now() + interval '24 h');
    perform app.append_attempts('attempt.not_placed', array[attempt], null);
  end if;
  return (select a.state from public.dial_attempts a where a.org_id = (select app.org()) and a.id = attempt);
end $$;

-- The provider took this call and a day later knows nothing of it. Someone may have answered, and nobody searched their
-- words: a person judges that before they are called again.
create function app.settle_lost(attempt uuid) returns text language plpgsql as $$
declare target record;
begin
  select a.person_id, a.enrolment_id into target from public.dial_attempts a where a.org_id = (select app.org()) and a.id = attempt;
  perform 1 from public.persons p where p.org_id = (select app.org()) and p.id = target.person_id for no key update;
  update public.dial_attempts a set state = 'failed', reason = 'lost_at_provider', ended_at = app.now()
    where a.org_id = (select app.org()) and a.id = attempt and a.state in ('placed', 'in_progress');
  if found then
    update public.persons p set facts_version = p.facts_version + 1, stop_check = 'missing', stop_check_since = coalesce(p.stop_check_since, app.now())
      where p.org_id = (select app.org()) and p.id = target.person_id;
    perform app.return_enrolment(target.enrolment_id, 'lost_at_provider', app.now() + interval '24 h');
    perform app.append_attempts('attempt.lost', array[attempt], null);
  end if;
  return (select a.state from public.dial_attempts a where a.org_id = (select app.org()) and a.id = attempt);
end $$;

-- What the provider says of a call could not be applied: it is asked again, ever more rarely, and told to someone after so
-- many times. Appends to the audit chain: to be called last.
create function app.note_not_settled(attempt uuid, telling_tries integer) returns void language plpgsql as $$
declare failures integer;
begin
  update public.dial_attempts a set settle_failures = a.settle_failures + 1,
      settle_after = clock_timestamp() + least(power(2, least(a.settle_failures, 6)), 60) * interval '1 min'
    where a.org_id = (select app.org()) and a.id = attempt and a.state in ('dialing', 'unknown', 'placed', 'in_progress')
    returning a.settle_failures into failures;
  if failures >= telling_tries then
    perform app.open_incident(2, 'attempt_unsettled', attempt, jsonb_build_object('attempt', attempt, 'failures', failures));
  end if;
end $$;

-- A day without an answer from a provider that cannot be reached: the person stays busy, and someone must look.
create function app.report_unsettled() returns void language plpgsql as $$
declare late record;
begin
  for late in select a.id from public.dial_attempts a
      where a.org_id = (select app.org()) and a.state in ('dialing', 'unknown', 'placed', 'in_progress')
        and a.dialing_at < clock_timestamp() - interval '25 h' and not exists (
          select 1 from public.incidents i where i.org_id = (select app.org()) and i.code = 'attempt_unsettled' and i.subject_id = a.id)
      order by a.id limit 100 loop
    perform app.open_incident(2, 'attempt_unsettled', late.id, jsonb_build_object('attempt', late.id));
  end loop;
end $$;

-- What has not rung is cancelled at the provider ten seconds before its window ends. Answers the attempts.
create function app.stop_unrung() returns uuid[] language plpgsql as $$
declare stopped uuid[];
begin
  with unrung as (
    select a.id from public.dial_attempts a
      where a.org_id = (select app.org()) and a.state in ('placed', 'unknown') and not a.rang and a.stop_requested_at is null
        and a.ring_by - interval '10 s' <= app.now() order by a.id limit 1000 for update skip locked),
  late as (
    update public.dial_attempts a set stop_requested_at = clock_timestamp(), stop_reason = 'ring_by'
      from unrung u where a.org_id = (select app.org()) and a.id = u.id returning a.id),
  queued as (
    insert into public.outbox (org_id, id, kind, subject_id, due_at, created_at)
      select app.org(), gen_random_uuid(), 'provider_stop', l.id, clock_timestamp(), clock_timestamp() from late l returning subject_id)
  select array_agg(q.subject_id) into stopped from queued q;
  return stopped;
end $$;

-- 24 hours without a searched transcript: for a person to judge. Answers the persons.
create function app.miss_stop_checks() returns uuid[] language sql as $$
  with waiting as (
    select p.id from public.persons p
      where p.org_id = (select app.org()) and p.stop_check = 'pending' and p.stop_check_since <= app.now() - interval '24 h'
      order by p.id limit 1000 for no key update),
  missed as (
    update public.persons p set stop_check = 'missing', facts_version = p.facts_version + 1
      from waiting w where p.org_id = (select app.org()) and p.id = w.id returning p.id)
  select array_agg(m.id) from missed m $$;

-- What time alone brings about: persons before attempts, and the audit entries of both at the end. Answers how many calls
-- are to be stopped.
create function app.sweep_overdue() returns integer language plpgsql as $$
declare missed constant uuid[] := app.miss_stop_checks(); unrung constant uuid[] := app.stop_unrung();
begin
  perform audit.append_many(array_agg('stop_check.missed'::text), array_agg(app.public_id('pers', x.id)), array_agg('{}'::text))
    from unnest(missed) as x(id) having count(*) > 0;
  perform app.append_attempts('attempt.stop_requested', unrung, 'ring_by');
  perform app.report_unsettled();
  return coalesce(cardinality(unrung), 0);
end $$;

-- Due stops whose call's id is known; one without an id waits until it is.
create function app.take_outbox(rows_max integer, lease_seconds integer)
  returns table (id uuid, attempt_id uuid, provider_call_id text, connection_id uuid, vendor text, config jsonb, credential_version integer, sealed jsonb, tries integer, alive boolean)
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
  select l.id, a.id, a.provider_call_id, c.id, c.vendor, c.config, k.version, k.sealed, l.tries,
      a.state in ('dialing', 'unknown', 'placed', 'in_progress')
    from leased l
    join public.dial_attempts a on a.org_id = (select app.org()) and a.id = l.subject_id
    join public.connections c on c.org_id = (select app.org()) and c.id = a.connection_id
    left join lateral (select x.version, x.sealed from public.credentials x
      where x.org_id = (select app.org()) and x.connection_id = c.id order by x.version desc limit 1) k on true;
end $$;

-- Ends the lease of stops: done, or due again in at most a minute. One that is refused so often is told to someone, and
-- asked for all the same.
create function app.close_outbox(ids uuid[], dones boolean[], reasons text[], accepted uuid[], telling_tries integer) returns void language plpgsql as $$
declare fresh uuid[]; refused uuid[]; one uuid;
begin
  perform 1 from public.dial_attempts a where a.org_id = (select app.org()) and a.id = any (accepted) order by a.id for update;
  with stopped as (
    update public.dial_attempts a set stop_accepted_at = clock_timestamp()
      where a.org_id = (select app.org()) and a.id = any (accepted) and a.stop_accepted_at is null returning a.id)
  select array_agg(s.id order by s.id) into fresh from stopped s;
  with closed as (
    update public.outbox o set done_at = case when u.done then clock_timestamp() end, reason = u.reason, lease_until = null,
        due_at = case when u.done then o.due_at else clock_timestamp() + least(o.tries * 2, 60) * interval '1 s' end
      from unnest(ids, dones, reasons) as u(id, done, reason) where o.org_id = (select app.org()) and o.id = u.id
      returning o.subject_id, o.done_at, o.tries)
  select array_agg(c.subject_id) filter (where c.done_at is null and c.tries >= telling_tries) into refused from closed c;
  perform app.append_attempts('attempt.stop_accepted', fresh, null);
  perform app.close_incidents('stop_not_accepted', fresh);
  foreach one in array coalesce(refused, '{}'::uuid[]) loop
    perform app.open_incident(2, 'stop_not_accepted', one, jsonb_build_object('attempt', one));
  end loop;
end $$;

create function app.take_inbox(rows_max integer, lease_seconds integer)
  returns table (id uuid, connection_id uuid, type text, reason text, provider_call_id text, attempt_id uuid, body text, report jsonb, vendor text, config jsonb,
    credential_version integer, sealed jsonb, tries integer, keep_transcripts boolean, keep_recordings boolean) language plpgsql as $$
begin
  return query
  with taken as (
    select w.id from public.webhook_inbox w
      where w.org_id = (select app.org()) and w.state = 'pending' and (w.lease_until is null or w.lease_until < clock_timestamp())
      order by w.received_at, w.id limit rows_max for update skip locked),
  leased as (
    update public.webhook_inbox w set lease_until = clock_timestamp() + make_interval(secs => lease_seconds), tries = w.tries + 1
      from taken t where w.org_id = (select app.org()) and w.id = t.id returning w.*)
  select l.id, c.id, l.type, l.reason, l.provider_call_id, l.attempt_id, l.body, l.report, c.vendor, c.config, k.version, k.sealed, l.tries,
      y.keep_transcripts, y.keep_recordings
    from leased l join public.calling_policies y on y.org_id = (select app.org())
    join public.connections c on c.org_id = (select app.org()) and c.id = l.connection_id
    left join lateral (select x.version, x.sealed from public.credentials x
      where x.org_id = (select app.org()) and x.connection_id = c.id order by x.version desc limit 1) k on true;
end $$;

-- Ends the lease of inbox rows and says what became of each. A stop that nobody can name is asked about ever more rarely, and
-- has its own incident; any other row that is given up is told to someone, until it is applied after all. Appends to the
-- audit chain: to be called last.
create function app.close_inbox(ids uuid[], states text[], reasons text[]) returns void language plpgsql as $$
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

revoke execute on all functions in schema app from public;
grant execute on all functions in schema app to dialgate_app;
revoke execute on procedure app.protect_table(text, text), app.classify(text, text, text, text, text, text), app.open_to_door(text, text) from dialgate_app;

-- Moving a test org's clock ends every permit that is not yet spent: it was minted at another instant.
create function app.expire_unspent_permits() returns integer language plpgsql as $$
declare unspent uuid[]; profiles uuid[]; due timestamptz[];
begin
  select coalesce(array_agg(o.id), '{}') into unspent from (
    select a.id from public.dial_attempts a where a.org_id = (select app.org()) and a.state = 'permitted' order by a.id for update) o;
  select array_agg(r.profile_id), array_agg(r.due_at) into profiles, due from app.end_permits(unspent, 'clock_advanced') r;
  if profiles is not null then perform app.profiles_due(profiles, due); end if;
  perform app.append_attempts('attempt.expired', unspent, 'clock_advanced');
  return cardinality(unspent);
end $$;
revoke execute on function app.expire_unspent_permits() from public;
grant execute on function app.expire_unspent_permits() to dialgate_app;

-- What of the bound org's work is due at this instant, and when the next will be: one look before any of it is begun.
-- In plpgsql because its plan is kept, and costs twice what it finds.
create function app.pending_work() returns table (inbox boolean, outbox boolean, unsettled boolean, unrung boolean, dial boolean, next_at text)
  stable language plpgsql as $$
begin
  return query with clock as (select app.now() as at),
  profiles as (
    select p.open, p.next_change_at, p.next_due_at from public.hour_profiles p
      join public.campaigns m on m.org_id = (select app.org()) and m.id = p.campaign_id and m.status = 'running'
      where p.org_id = (select app.org())),
  unrung as (
    select a.ring_by - interval '10 s' as at from public.dial_attempts a
      where a.org_id = (select app.org()) and a.state in ('placed', 'unknown') and not a.rang and a.stop_requested_at is null)
  select
    exists (select 1 from public.webhook_inbox w where w.org_id = (select app.org()) and w.state = 'pending'
      and (w.lease_until is null or w.lease_until < clock_timestamp())),
    exists (select 1 from public.outbox o join public.dial_attempts a on a.org_id = (select app.org()) and a.id = o.subject_id
      where o.org_id = (select app.org()) and o.done_at is null and o.due_at <= clock_timestamp()
        and (o.lease_until is null or o.lease_until < clock_timestamp())
        and (a.provider_call_id is not null or a.state not in ('dialing', 'unknown', 'placed', 'in_progress'))),
    exists (select 1 from public.dial_attempts a where a.org_id = (select app.org())
      and a.state in ('dialing', 'unknown', 'placed', 'in_progress') and a.settle_after <= clock_timestamp()),
    exists (select 1 from unrung u, clock c where u.at <= c.at)
      or exists (select 1 from public.persons p, clock c where p.org_id = (select app.org()) and p.stop_check = 'pending'
        and p.stop_check_since <= c.at - interval '24 h'),
    exists (select 1 from profiles p, clock c where p.next_change_at <= c.at or (p.open and p.next_due_at <= c.at)),
    (select app.rfc3339(min(d.at)) from (
      select p.next_change_at as at from profiles p
      union all select p.next_due_at from profiles p where p.open
      union all select u.at from unrung u
      union all (select p.stop_check_since + interval '24 h' from public.persons p
        where p.org_id = (select app.org()) and p.stop_check = 'pending' order by p.stop_check_since limit 1)) d, clock c
      where d.at > c.at and isfinite(d.at));
end $$;
revoke execute on function app.pending_work() from public;
grant execute on function app.pending_work() to dialgate_app;
