-- The dial's transactions. Locks are taken in one order everywhere: platform, org, policy, persons by id, attempts, permits,
-- enrolments, connections by id, hour profiles by id in one go, and the audit head last (the other order deadlocks: measured).
-- Statements are READ COMMITTED: each sees what had committed when it began, so a lock and the look that depends on it
-- are two statements.

-- A row's id as everybody sees it (TypeID: the uuid in 26 letters of Crockford's base 32): what audit entries name.
create function app.public_id(prefix text, id uuid) returns text immutable language sql as $$
  select prefix || '_' || string_agg(
      substr('0123456789abcdefghjkmnpqrstvwxyz', substring(b.bits from i * 5 + 1 for 5)::integer + 1, 1), '' order by i)
    from (select B'00' || ('x' || replace(id::text, '-', ''))::bit(128) as bits) b cross join generate_series(0, 25) as i $$;

-- One entry for each attempt, in canonical JSON; the reason is a code. To be called last, as every append.
create function app.append_attempts(what text, attempts uuid[], why text) returns void language plpgsql as $$
declare facts constant text := case when why is null then '{}' else '{"reason":' || to_json(why)::text || '}' end;
begin
  for low in 1 .. coalesce(cardinality(attempts), 0) by 5000 loop
    perform audit.append_many(array_agg(what), array_agg(app.public_id('att', x.id)), array_agg(facts))
      from unnest(attempts[low:low + 4999]) as x(id);
  end loop;
end $$;

-- The profiles of enrolments that went back to waiting are due no later than they are.
create function app.profiles_due(profiles uuid[], due timestamptz[]) returns void language plpgsql as $$
begin
  perform 1 from public.hour_profiles p where p.org_id = (select app.org()) and p.id = any (profiles) order by p.id for no key update;
  update public.hour_profiles p set next_due_at = d.due
    from (select u.profile, min(u.due) as due from unnest(profiles, due) as u(profile, due) group by u.profile) d
    where p.org_id = (select app.org()) and p.id = d.profile and p.next_due_at > d.due;
end $$;

-- Ends leases that ran out, but for one that a record is using up, and answers the profiles whose enrolments wait again.
create function app.end_leases() returns uuid[] language sql as $$
  with ended as (
    delete from public.leases k where k.org_id = (select app.org()) and (k.token, k.part) in (
      select x.token, x.part from public.leases x
        where x.org_id = (select app.org()) and x.lease_until <= clock_timestamp()
        order by x.token, x.part limit 1000 for update skip locked)
      returning k.profile_id)
  select coalesce(array_agg(distinct e.profile_id), '{}') from ended e $$;

-- What is taken: attempts that live, and leases that may become some, by connection and campaign. One statement, so that
-- what record turns from the one into the other is counted once.
create function app.taken_slots() returns table (connection_id uuid, campaign_id uuid, taken bigint) language sql as $$
  select t.connection_id, t.campaign_id, sum(t.n)::bigint from (
    select a.connection_id, a.campaign_id, count(*) as n from public.dial_attempts a
      where a.org_id = (select app.org()) and a.state in ('permitted', 'dialing', 'unknown', 'placed', 'in_progress')
      group by a.connection_id, a.campaign_id
    union all
    select k.connection_id, k.campaign_id, cardinality(k.enrolment_ids) from public.leases k where k.org_id = (select app.org())) t
    group by t.connection_id, t.campaign_id $$;

-- The time between two tokens of a connection, in whole microseconds: rounded up, so that no second has more than cps.
create function app.token_step(cps numeric) returns interval immutable language sql as $$
  select interval '1 microsecond' * ceil(1000000 / cps)::double precision $$;

-- Claims due enrolments in open windows of the connections' running campaigns, and answers how many: no more than free
-- slots, and than tokens that come up within place_seconds. What another lease names is passed over.
create function app.claim_enrolments(token uuid, wanted integer, part_max integer, lease_seconds integer, place_seconds integer)
  returns integer language plpgsql as $$
declare
  conn record; prof record; room integer; camp_room integer; taken integer; got integer; claimed integer := 0; parts integer := 0;
  ids uuid[]; lead_ids uuid[]; person_ids uuid[]; leased uuid[]; stirred uuid[]; org_room integer;
  taken_connections uuid[]; taken_campaigns uuid[]; taken_counts bigint[];
begin
  -- One claim at a time for an org: its room and its leases are shared by all connections. Who comes second comes again.
  select o.max_concurrency into org_room from public.calling_policies o where o.org_id = (select app.org()) for no key update skip locked;
  if not found then return 0; end if;
  stirred := app.end_leases();
  select coalesce(array_agg(x.id), '{}') into leased
    from public.leases k cross join unnest(k.enrolment_ids) as x(id) where k.org_id = (select app.org());
  select coalesce(array_agg(t.connection_id), '{}'), coalesce(array_agg(t.campaign_id), '{}'), coalesce(array_agg(t.taken), '{}')
    into taken_connections, taken_campaigns, taken_counts from app.taken_slots() t;
  select org_room - coalesce(sum(u.n), 0) into org_room from unnest(taken_counts) as u(n);
  for conn in
    select c.id, c.calls_per_second, app.token_step(c.calls_per_second) as step, greatest(c.next_slot_at, clock_timestamp()) as slot, c.max_concurrency - (
          select coalesce(sum(u.n), 0) from unnest(taken_connections, taken_counts) as u(connection, n) where u.connection = c.id) as room
      from public.connections c
      where c.org_id = (select app.org()) and c.kind = 'voice' and c.status = 'active' and exists (
        select 1 from public.campaigns m join public.hour_profiles p on p.org_id = (select app.org()) and p.campaign_id = m.id
          where m.org_id = (select app.org()) and m.connection_id = c.id and m.status = 'running'
            and p.open and p.next_change_at > app.now() and (p.next_due_at <= app.now() or p.id = any (stirred)))
      order by c.id for no key update
  loop
    room := least(wanted, org_room, conn.room,
      floor(extract(epoch from clock_timestamp() + make_interval(secs => place_seconds) - conn.slot) * conn.calls_per_second));
    taken := 0;
    for prof in
      select p.id, p.campaign_id, m.max_concurrency - (
          select coalesce(sum(u.n), 0) from unnest(taken_campaigns, taken_counts) as u(campaign, n) where u.campaign = m.id) as room
        from public.hour_profiles p
        join public.campaigns m on m.org_id = (select app.org()) and m.id = p.campaign_id and m.connection_id = conn.id and m.status = 'running'
        where p.org_id = (select app.org()) and p.open and p.next_change_at > app.now() and (p.next_due_at <= app.now() or p.id = any (stirred))
        order by p.next_due_at, p.id
    loop
      exit when taken >= room;
      -- Less what this claim has itself taken for another profile of the campaign.
      camp_room := prof.room - (select coalesce(sum(cardinality(k.enrolment_ids)), 0) from public.leases k
        where k.org_id = (select app.org()) and k.token = claim_enrolments.token and k.campaign_id = prof.campaign_id);
      continue when camp_room <= 0;
      select array_agg(d.id), array_agg(d.lead_id), array_agg(d.person_id) into ids, lead_ids, person_ids from (
        select e.id, e.lead_id, e.person_id from public.enrolments e
          where e.org_id = (select app.org()) and e.profile_id = prof.id and e.state = 'waiting' and e.due_at <= app.now()
            and e.id <> all (leased)
          order by e.due_at, e.id limit least(room - taken, camp_room)) d;
      got := coalesce(cardinality(ids), 0);
      if got > 0 then
        insert into public.leases (org_id, token, part, profile_id, campaign_id, connection_id, enrolment_ids, lead_ids, person_ids,
            slots_from, slots_until, lease_until)
          select app.org(), claim_enrolments.token, parts + u.part, prof.id, prof.campaign_id, conn.id, ids[u.low:u.high], lead_ids[u.low:u.high],
            person_ids[u.low:u.high], conn.slot + conn.step * (taken + u.low - 1), conn.slot + conn.step * (taken + u.high),
            clock_timestamp() + make_interval(secs => lease_seconds)
          from (select i as part, i * part_max + 1 as low, least((i + 1) * part_max, got) as high from generate_series(0, (got - 1) / part_max) as i) u;
        parts := parts + (got - 1) / part_max + 1;
      end if;
      if got < least(room - taken, camp_room) then stirred := stirred || prof.id; end if;
      taken := taken + got;
    end loop;
    if taken > 0 then
      update public.connections c set next_slot_at = conn.slot + conn.step * taken where c.org_id = (select app.org()) and c.id = conn.id;
      org_room := org_room - taken; wanted := wanted - taken; claimed := claimed + taken;
    end if;
  end loop;
  -- The look that moves a profile's due time begins after its lock, and sees the leases of that moment: whatever went back
  -- to waiting counts, and what a run holds does not.
  perform 1 from public.hour_profiles p where p.org_id = (select app.org()) and p.id = any (stirred) order by p.id for no key update;
  update public.hour_profiles p set next_due_at = coalesce((
      select e.due_at from public.enrolments e
        where e.org_id = (select app.org()) and e.profile_id = p.id and e.state = 'waiting' and e.id not in (
          select unnest(k.enrolment_ids) from public.leases k where k.org_id = (select app.org()))
        order by e.due_at, e.id limit 1), 'infinity')
    where p.org_id = (select app.org()) and p.id = any (stirred);
  return claimed;
end $$;

-- Ends the permits of these attempts, which the caller holds locked. They count for no cap. The caller raises the profiles
-- and appends `attempt.expired`, in this order: the audit head is the last lock.
create function app.end_permits(attempts uuid[], why text) returns table (profile_id uuid, due_at timestamptz) language sql as $$
  with expired as (
    update public.dial_attempts a set state = 'expired', reason = why, counts = false, ended_at = app.now()
      where a.org_id = (select app.org()) and a.id = any (attempts) and a.state = 'permitted' returning a.id, a.enrolment_id),
  spent as (
    update public.permits p set consumed_at = clock_timestamp()
      from expired x where p.org_id = (select app.org()) and p.attempt_id = x.id)
  update public.enrolments e set state = 'waiting', reason = 'permit_expired', due_at = app.now()
    from expired x where e.org_id = (select app.org()) and e.id = x.enrolment_id and e.state = 'held' and e.reason = 'attempt_live'
    returning e.profile_id, e.due_at $$;

-- Attempts whose permit ran out unspent go back to waiting; not those that place holds.
create function app.expire_permits() returns integer language plpgsql as $$
declare overdue uuid[]; profiles uuid[]; due timestamptz[];
begin
  select coalesce(array_agg(o.id), '{}') into overdue from (
    select a.id from public.permits p
      join public.dial_attempts a on a.org_id = (select app.org()) and a.id = p.attempt_id and a.state = 'permitted'
      where p.org_id = (select app.org()) and p.consumed_at is null and (p.expires_at <= clock_timestamp() or p.valid_before <= app.now())
      order by a.id limit 5000 for update of a skip locked) o;
  select array_agg(r.profile_id), array_agg(r.due_at) into profiles, due from app.end_permits(overdue, 'permit_expired') r;
  if profiles is not null then perform app.profiles_due(profiles, due); end if;
  perform app.append_attempts('attempt.expired', overdue, 'permit_expired');
  return cardinality(overdue);
end $$;

-- In how many milliseconds this attempt may leave; 0 = now. The next instant of its connection is kept for it, so that it
-- waits once, however many wait beside it. The caller holds the attempt.
create function app.leave_in(attempt uuid, of_connection uuid) returns double precision language plpgsql as $$
declare mine timestamptz; step interval;
begin
  select a.leaves_at into mine from public.dial_attempts a where a.org_id = (select app.org()) and a.id = attempt;
  if mine is null then
    select greatest(c.leaves_from, clock_timestamp()), app.token_step(c.calls_per_second) into mine, step from public.connections c
      where c.org_id = (select app.org()) and c.id = of_connection for no key update;
    update public.connections c set leaves_from = mine + step where c.org_id = (select app.org()) and c.id = of_connection;
    if mine > clock_timestamp() then
      update public.dial_attempts a set leaves_at = mine where a.org_id = (select app.org()) and a.id = attempt;
    end if;
  end if;
  return greatest(extract(epoch from mine - clock_timestamp()) * 1000, 0);
end $$;

-- Room and a token for one dial that was not claimed, under the policy's lock: the decision's look at them was earlier.
create function app.take_token(of_campaign uuid, of_connection uuid) returns boolean language plpgsql as $$
declare in_org bigint; in_campaign bigint; in_connection bigint;
begin
  select coalesce(sum(t.taken), 0), coalesce(sum(t.taken) filter (where t.campaign_id = of_campaign), 0),
      coalesce(sum(t.taken) filter (where t.connection_id = of_connection), 0)
    into in_org, in_campaign, in_connection from app.taken_slots() t;
  if exists (select 1 from public.calling_policies y where y.org_id = (select app.org()) and y.max_concurrency <= in_org)
    or exists (select 1 from public.campaigns m where m.org_id = (select app.org()) and m.id = of_campaign
      and m.max_concurrency <= in_campaign) then return false; end if;
  update public.connections c set next_slot_at = clock_timestamp() + app.token_step(c.calls_per_second)
    where c.org_id = (select app.org()) and c.id = of_connection and c.next_slot_at <= clock_timestamp()
      and c.max_concurrency > in_connection;
  return found;
end $$;

-- When each permit may leave: what may be minted takes the tokens of its part's lease, in the order given. The rest goes to
-- the batch's next part, and from the last one back to the connection if nobody reserved behind us. A record comes a moment
-- after its claim, so that the last token of its part would end behind what was reserved: where nobody is behind, it runs on.
-- Of a batch of several parts the first one's last call does leave behind the batch. To move all later parts by that moment
-- would cost each of them a write, for one call in hundreds that is made some seconds later.
create function app.deal_slots(outcomes text[], connections uuid[], batch_token uuid, slot_connections uuid[], slot_starts timestamptz[],
  slot_ends timestamptz[], minted_now timestamptz) returns timestamptz[] language plpgsql as $$
declare
  n constant integer := cardinality(outcomes); slots timestamptz[] := array_fill(minted_now, array[greatest(n, 1)]);
  conn record; next_own timestamptz; tail timestamptz; from_tail boolean;
begin
  for conn in select c.id, app.token_step(c.calls_per_second) as step, c.next_slot_at, u.start_at, u.end_at
      from unnest(slot_connections, slot_starts, slot_ends) as u(id, start_at, end_at)
      join public.connections c on c.org_id = (select app.org()) and c.id = u.id order by c.id for no key update of c loop
    next_own := greatest(conn.start_at, minted_now); tail := greatest(conn.next_slot_at, minted_now); from_tail := false;
    for i in 1 .. n loop
      continue when outcomes[i] <> 'permitted' or connections[i] <> conn.id;
      -- What came too late for its reserved tokens takes new ones behind everybody: together they would be a burst.
      if next_own + conn.step <= conn.end_at or conn.next_slot_at = conn.end_at then
        slots[i] := next_own; next_own := next_own + conn.step;
      else
        slots[i] := tail; tail := tail + conn.step; from_tail := true;
      end if;
    end loop;
    update public.leases k set slots_from = next_own
      where k.org_id = (select app.org()) and k.token = batch_token and k.connection_id = conn.id and k.slots_from = conn.end_at and not from_tail
        -- One that has run out is a claim's to end, which then waits for this connection.
        and k.lease_until > clock_timestamp();
    if not found then
      update public.connections c set next_slot_at = case when from_tail then tail else next_own end
        where c.org_id = (select app.org()) and c.id = conn.id and (from_tail or c.next_slot_at = conn.end_at);
    end if;
  end loop;
  return slots;
end $$;

-- Commits decisions, permits, attempts, enrolments and audit entries of one batch together. An allow mints only while
-- every version is still the snapshot's; otherwise the outcome says what moved. Items are columns of equal length; those
-- that hold JSON come as lines, which JSON text never breaks: as an array each quotation mark would be escaped twice.
-- Digests are in hexadecimal.
create function app.record_decisions(
  batch_token uuid, platform_version bigint, org_version bigint, decided_at timestamptz,
  part_digests text[], part_bodies text,
  enrolments uuid[], decisions uuid[], attempts uuid[], campaigns uuid[], leads uuid[], persons uuid[],
  person_versions bigint[], connections uuid[], verdicts text[], outcomes text[], reasons text[], next_eligible timestamptz[],
  valid_until timestamptz[], fixes text, results text, own_facts text, shared_facts text[], snapshot_digests text[],
  ring_by timestamptz[], valid_before timestamptz[], life_seconds integer[],
  back_states text[], back_reasons text[], back_due timestamptz[],
  audit_subjects text[], audit_heads text, audit_tails text, batch_parts integer[], life_least integer, kind text)
  returns table (decision_id uuid, outcome text, attempt_id uuid, slot_at timestamptz, expires_at timestamptz)
  language plpgsql as $$
declare
  n constant integer := cardinality(decisions); moved boolean; current_platform bigint; current_org bigint;
  fresh uuid[]; leased uuid[]; overdue uuid[]; minted uuid[]; final text[] := outcomes; slots timestamptz[]; minted_now timestamptz;
  profiles uuid[]; due timestamptz[]; back_profiles uuid[]; back_profiles_due timestamptz[];
  slot_connections uuid[]; slot_starts timestamptz[]; slot_ends timestamptz[];
begin
  select p.facts_version into current_platform from public.platform_facts p where p.id = 1 for share;
  select o.facts_version into current_org from public.org_facts o where o.org_id = (select app.org()) for share;
  moved := current_platform is distinct from platform_version or current_org is distinct from org_version;

  if kind = 'single' then
    perform 1 from public.calling_policies y where y.org_id = (select app.org()) for no key update;
  end if;
  -- All of them, also the refused: what stops a person locks the person before the enrolments.
  select coalesce(array_agg(p.id), '{}') into fresh from (
    select x.id, x.facts_version from public.persons x where x.org_id = (select app.org()) and x.id = any (persons)
      order by x.id for no key update) p
    join unnest(persons, person_versions) as u(person, version) on p.id = u.person and p.facts_version = u.version;
  minted_now := clock_timestamp();
  select array_agg(o.id) into overdue from (
    select a.id from public.dial_attempts a
      join public.permits p on p.org_id = (select app.org()) and p.attempt_id = a.id
      where a.org_id = (select app.org()) and a.person_id = any (persons) and a.state = 'permitted' and p.consumed_at is null
        and (p.expires_at <= minted_now or p.valid_before <= app.now())
      order by a.id for update of a skip locked) o;
  if overdue is not null then
    select array_agg(r.profile_id), array_agg(r.due_at) into back_profiles, back_profiles_due
      from app.end_permits(overdue, 'permit_expired') r;
  end if;
  -- Only who still holds the lease may write, and only what is waiting still: a run that stalled past its lease has lost it.
  if kind = 'campaign' then
    with spent as (
      delete from public.leases k
        where k.org_id = (select app.org()) and k.token = batch_token and k.part = any (batch_parts) and k.lease_until > minted_now
        returning k.connection_id, k.slots_from, k.slots_until, k.enrolment_ids)
    select (select array_agg(x.id) from spent s cross join unnest(s.enrolment_ids) as x(id)),
        array_agg(r.connection_id), array_agg(r.starts), array_agg(r.ends)
      into leased, slot_connections, slot_starts, slot_ends
      from (select s.connection_id, min(s.slots_from) as starts, max(s.slots_until) as ends from spent s group by s.connection_id) r;
    select coalesce(array_agg(e.id), '{}') into leased from (
      select x.id from public.enrolments x where x.org_id = (select app.org()) and x.id = any (leased) and x.state = 'waiting'
        order by x.id for no key update) e;
  end if;
  select array_agg(case
      when kind = 'campaign' and l.enrolment is null then 'lease_lost'
      when u.outcome = 'permitted' and (moved or f.person is null) then 'facts_changed'
      -- Time has gone by since the snapshot's instant.
      when u.outcome = 'permitted' and u.before < app.now() + make_interval(secs => life_least) then 'window_closing'
      else u.outcome end order by u.place) into final
    from unnest(outcomes, enrolments, persons, valid_before) with ordinality as u(outcome, enrolment, person, before, place)
    left join unnest(leased) as l(enrolment) on l.enrolment = u.enrolment
    left join (select distinct x.person from unnest(fresh) as x(person)) f on f.person = u.person;
  if kind = 'single' and final[1] = 'permitted' and not app.take_token(campaigns[1], connections[1]) then final[1] := 'facts_changed'; end if;

  slots := app.deal_slots(final, connections, batch_token, slot_connections, slot_starts, slot_ends, minted_now);
  with minting as (
    insert into public.dial_attempts as a (org_id, id, kind, enrolment_id, campaign_id, lead_id, person_id, connection_id, decision_id,
        state, minted_at, ring_by, slot_at)
      select app.org(), u.attempt, record_decisions.kind, u.enrolment, u.campaign, u.lead, u.person, u.connection, u.decision,
        'permitted', app.now(), u.ring, u.slot
      from unnest(attempts, enrolments, campaigns, leads, persons, connections, decisions, final, ring_by, slots)
        as u(attempt, enrolment, campaign, lead, person, connection, decision, outcome, ring, slot)
      where u.outcome = 'permitted'
      on conflict do nothing returning a.id)
  select coalesce(array_agg(m.id), '{}') into minted from minting m;
  select array_agg(case when u.outcome = 'permitted' and m.attempt is null then 'person_busy' else u.outcome end order by u.place)
    into final
    from unnest(final, attempts) with ordinality as u(outcome, attempt, place) left join unnest(minted) as m(attempt) on m.attempt = u.attempt;

  update public.persons p set facts_version = p.facts_version + 1
    from unnest(persons, final) as u(person, outcome)
    where p.org_id = (select app.org()) and p.id = u.person and u.outcome = 'permitted';
  insert into public.permits (org_id, attempt_id, decision_id, platform_version, org_version, person_version, minted_real_at, expires_at, valid_before)
    select app.org(), u.attempt, u.decision, platform_version, org_version, u.version + 1, minted_now,
      minted_now + make_interval(secs => u.life), u.before
    from unnest(attempts, decisions, person_versions, final, life_seconds, valid_before) as u(attempt, decision, version, outcome, life, before)
    where u.outcome = 'permitted';
  insert into public.snapshot_parts (org_id, digest, body)
    select app.org(), decode(u.digest, 'hex'), u.body
    from rows from (unnest(part_digests), string_to_table(part_bodies, E'\n')) as u(digest, body) on conflict do nothing;
  insert into public.decisions (org_id, id, kind, campaign_id, lead_id, person_id, at, verdict, outcome, reason_codes, next_eligible_at,
      valid_until, fix, results, own_facts, shared_facts, snapshot_digest)
    select app.org(), u.decision, 'dial', u.campaign, u.lead, u.person, decided_at, u.verdict, u.outcome,
      coalesce(string_to_array(nullif(u.reason, ''), ','), '{}'), u.next_at, u.until, nullif(u.fix, 'null')::jsonb, u.result, u.own,
      decode(u.shared, 'hex'), decode(u.digest, 'hex')
    from rows from (
        unnest(decisions, campaigns, leads, persons, verdicts, final, reasons, next_eligible, valid_until, shared_facts, snapshot_digests),
        string_to_table(fixes, E'\n'), string_to_table(results, E'\n'), string_to_table(own_facts, E'\n'))
      as u(decision, campaign, lead, person, verdict, outcome, reason, next_at, until, shared, digest, fix, result, own)
    where u.outcome <> 'lease_lost';

  with written as (
    update public.enrolments e set
        state = case u.outcome when 'permitted' then 'held' when 'refused' then u.back_state else 'waiting' end,
        reason = case u.outcome when 'permitted' then 'attempt_live' when 'refused' then u.back_reason else u.outcome end,
        due_at = case u.outcome when 'permitted' then e.due_at when 'facts_changed' then app.now()
          when 'person_busy' then app.now() + interval '60 s'
          -- Asked again when something changes, and not at once: nothing else would come of it.
          else greatest(coalesce(u.back_at, u.until, e.due_at), app.now() + interval '1 s') end
      from unnest(enrolments, final, back_states, back_reasons, back_due, valid_until) as u(enrolment, outcome, back_state, back_reason, back_at, until)
      where e.org_id = (select app.org()) and e.id = u.enrolment and u.outcome <> 'lease_lost'
      returning e.profile_id, e.due_at, e.state)
  select array_agg(w.profile_id), array_agg(w.due_at) into profiles, due from written w where w.state = 'waiting';
  if profiles is not null or back_profiles is not null then
    perform app.profiles_due(profiles || back_profiles, due || back_profiles_due);
  end if;

  perform app.append_attempts('attempt.expired', overdue, 'permit_expired');
  perform audit.append_many(
    array_agg('decision.recorded'::text), array_agg(u.subject), array_agg(u.head || u.outcome || u.tail))
    from rows from (unnest(audit_subjects, final), string_to_table(audit_heads, E'\n'), string_to_table(audit_tails, E'\n'))
      as u(subject, outcome, head, tail)
    where u.outcome <> 'lease_lost' having count(*) > 0;

  return query select u.decision, u.outcome, case when u.outcome = 'permitted' then u.attempt end, u.slot,
      case when u.outcome = 'permitted' then minted_now + make_interval(secs => u.life) end
    from unnest(decisions, final, attempts, slots, life_seconds) as u(decision, outcome, attempt, slot, life);
end $$;

-- An attempt that will not ring after all: the enrolment goes back, nothing counts.
create function app.return_enrolment(enrolment uuid, why text, due timestamptz) returns void language plpgsql as $$
declare profile uuid;
begin
  update public.enrolments e set state = 'waiting', reason = why, due_at = due
    where e.org_id = (select app.org()) and e.id = enrolment and e.state = 'held' and e.reason = 'attempt_live'
    returning e.profile_id into profile;
  if profile is not null then perform app.profiles_due(array[profile], array[due]); end if;
end $$;

-- Consumes the permit in the one transaction that precedes the provider's call. Answers `dialing` with what the call
-- needs, or the state the attempt has instead; `early` when the connection's last call left too short a while ago.
-- A stop that committed since `record` has moved a version: facts_changed.
create function app.consume_permit(attempt uuid) returns table (
    state text, reason text, e164 text, from_number text, ring_seconds integer, fields jsonb, variables text[],
    connection_id uuid, vendor text, config jsonb, credential_version integer, sealed jsonb, keep_recordings boolean, expires_in double precision,
    wait_ms double precision)
  language plpgsql as $$
declare
  permit record; target record; v_platform bigint; v_org bigint; v_person bigint; new_state text; why text; early double precision;
begin
  select a.person_id, a.enrolment_id, a.lead_id, a.connection_id into target from public.dial_attempts a where a.org_id = (select app.org()) and a.id = attempt;
  if not found then return; end if;
  select p.facts_version into v_platform from public.platform_facts p where p.id = 1 for share;
  select o.facts_version into v_org from public.org_facts o where o.org_id = (select app.org()) for share;
  select p.facts_version into v_person from public.persons p where p.org_id = (select app.org()) and p.id = target.person_id for share;
  perform 1 from public.dial_attempts a where a.org_id = (select app.org()) and a.id = attempt for update;
  select p.* into permit from public.permits p where p.org_id = (select app.org()) and p.attempt_id = attempt for update;
  if permit.consumed_at is not null or not exists (
      select 1 from public.dial_attempts a where a.org_id = (select app.org()) and a.id = attempt and a.state = 'permitted') then
    -- Never `dialing`: that is the answer to the one who used the permit, and he alone may call.
    return query select case a.state when 'dialing' then 'spent' else a.state end, a.reason, null::text, null::text, null::integer, null::jsonb, null::text[], null::uuid, null::text, null::jsonb,
      null::integer, null::jsonb, null::boolean, null::double precision, null::double precision
      from public.dial_attempts a where a.org_id = (select app.org()) and a.id = attempt;
    return;
  end if;
  if permit.expires_at <= clock_timestamp() or permit.valid_before <= app.now() then
    new_state := 'expired'; why := 'permit_expired';
  elsif (v_platform, v_org, v_person) is distinct from (permit.platform_version, permit.org_version, permit.person_version) or not app.keys_hold() then
    new_state := 'cancelled'; why := 'facts_changed';
  else
    new_state := 'dialing'; why := null;
    early := app.leave_in(attempt, target.connection_id);
    if early > 0 then
      state := 'early'; wait_ms := early;
      return next;
      return;
    end if;
  end if;
  update public.permits p set consumed_at = clock_timestamp() where p.org_id = (select app.org()) and p.attempt_id = attempt;
  update public.dial_attempts a set state = new_state, reason = why, counts = (new_state = 'dialing'),
      dialing_at = case when new_state = 'dialing' then clock_timestamp() end,
      dialed_xid = case when new_state = 'dialing' then pg_current_xact_id() end,
      settle_after = case when new_state = 'dialing' then clock_timestamp() + make_interval(secs => (
        select c.settle_seconds from public.connections c where c.org_id = (select app.org()) and c.id = a.connection_id)) end,
      ended_at = case when new_state <> 'dialing' then app.now() end
    where a.org_id = (select app.org()) and a.id = attempt;
  if new_state <> 'dialing' then perform app.return_enrolment(target.enrolment_id, why, app.now()); end if;
  return query
    select new_state, why, l.e164, m.from_number, m.ring_seconds,
      jsonb_build_object('first_name', l.first_name, 'last_name', l.last_name, 'city', l.city, 'state', l.state, 'source', l.source,
        'external_id', l.external_id, 'seller_name', s.registered_name, 'campaign_name', m.name),
      m.variables, c.id, c.vendor, c.config, k.version, k.sealed, y.keep_recordings,
      extract(epoch from permit.expires_at - clock_timestamp())::double precision, null::double precision
    from public.dial_attempts a
    join public.leads l on l.org_id = (select app.org()) and l.id = a.lead_id
    join public.campaigns m on m.org_id = (select app.org()) and m.id = a.campaign_id
    join public.sellers s on s.org_id = (select app.org()) and s.id = m.seller_id
    join public.connections c on c.org_id = (select app.org()) and c.id = a.connection_id
    join public.calling_policies y on y.org_id = (select app.org())
    left join lateral (
      select x.version, x.sealed from public.credentials x where x.org_id = (select app.org()) and x.connection_id = c.id
        order by x.version desc limit 1) k on true
    where a.org_id = (select app.org()) and a.id = attempt;
  perform app.append_attempts('attempt.' || new_state, array[attempt], why);
end $$;

-- What the provider answered to the one POST. Forward only: a webhook may have come first.
create function app.record_answer(attempt uuid, answer text, why text, provider_id text, retry_at timestamptz) returns text language plpgsql as $$
declare
  target record; new_state text; contradicted boolean; second boolean; refused_in_row integer := 0; accepted timestamptz;
  -- The provider, or we, would place no call over this connection: nothing that the lead or its number could help.
  fault constant boolean := answer = 'refused' and why in ('unauthorized', 'payment_required', 'rejected') or answer = 'failed_no_call' and why <> 'stalled';
begin
  select a.person_id, a.connection_id, a.state, a.provider_call_id into target from public.dial_attempts a where a.org_id = (select app.org()) and a.id = attempt;
  if not found then return null; end if;
  -- A call where there should be none, or one fault too many, halts the connection: the org's lock comes before the person's.
  perform app.hold_org(fault or app.is_stray(target.state, target.provider_call_id, provider_id), true);
  update public.persons p set facts_version = p.facts_version + 1 where p.org_id = (select app.org()) and p.id = target.person_id;
  select a.* into target from public.dial_attempts a where a.org_id = (select app.org()) and a.id = attempt for update;
  perform app.hold_org(app.is_stray(target.state, target.provider_call_id, provider_id), false);
  new_state := case answer when 'accepted' then 'placed' else answer end;
  -- Two calls for one attempt: the webhook of another one came first.
  second := coalesce(target.provider_call_id <> provider_id, false);
  -- The look-up, or our own state machine, was wrong: there is a call where there should be none.
  contradicted := answer = 'accepted' and target.state in ('not_placed', 'cancelled', 'expired', 'refused', 'failed_no_call');
  if target.state = 'dialing' or (target.state = 'unknown' and answer = 'accepted') then
    update public.dial_attempts a set state = new_state, reason = why, provider_call_id = coalesce(a.provider_call_id, provider_id),
        counts = new_state in ('placed', 'unknown'), ended_at = case when new_state in ('refused', 'failed_no_call') then app.now() end
      where a.org_id = (select app.org()) and a.id = attempt;
    if fault or answer = 'accepted' then
      update public.connections c set refused_in_row = case when fault then c.refused_in_row + 1 else 0 end,
          accepted_at = case when fault then c.accepted_at else clock_timestamp() end
        where c.org_id = (select app.org()) and c.id = target.connection_id
        returning c.refused_in_row, c.accepted_at into refused_in_row, accepted;
    end if;
    if new_state = 'refused' and why in ('no_capacity', 'rate_limited') then
      -- Room for this one may be long in coming: asked again ever more rarely, from the first minute to an hour.
      retry_at := app.now() + least(interval '1 hour', interval '1 minute' * 2 ^ (select least(count(*), 10) - 1 from public.dial_attempts a
        where a.org_id = (select app.org()) and a.person_id = target.person_id and a.enrolment_id = target.enrolment_id
          and a.state = 'refused' and a.reason in ('no_capacity', 'rate_limited')));
    end if;
    if new_state in ('refused', 'failed_no_call') then
      -- What is refused time and again while others of its connection are placed is refused for its own sake.
      if retry_at is null or why = 'rejected' and (
          select count(*) >= 2 from public.dial_attempts a where a.org_id = (select app.org()) and a.person_id = target.person_id and a.id <> attempt
            and a.enrolment_id = target.enrolment_id and a.state = 'refused' and a.reason = 'rejected' and a.dialing_at < accepted) then
        update public.enrolments e set state = 'done', reason = why where e.org_id = (select app.org()) and e.id = target.enrolment_id and e.state = 'held';
      else
        perform app.return_enrolment(target.enrolment_id, why, retry_at);
      end if;
    end if;
  elsif provider_id is not null and target.provider_call_id is null then
    update public.dial_attempts a set provider_call_id = provider_id, counts = a.counts or contradicted where a.org_id = (select app.org()) and a.id = attempt;
    new_state := target.state;
  else
    new_state := target.state;
  end if;
  if provider_id is not null then perform app.apply_waiting_stops(attempt, provider_id); end if;
  if second then
    perform app.open_incident(1, 'second_call_for_attempt', attempt, jsonb_build_object('attempt', attempt), target.connection_id);
  elsif contradicted then
    perform app.open_incident(1, 'call_contradicts_' || target.state, attempt, jsonb_build_object('attempt', attempt), target.connection_id);
  elsif refused_in_row >= 5 then
    perform app.open_incident(1, 'connection_refusing', target.connection_id,
      jsonb_build_object('connection', target.connection_id, 'reason', why, 'in_row', refused_in_row), target.connection_id);
  elsif answer = 'accepted' and accepted is not null then
    perform app.close_incidents('connection_unusable', array[target.connection_id]);
  elsif fault then
    perform app.open_incident(2, 'connection_unusable', target.connection_id, jsonb_build_object('connection', target.connection_id, 'reason', why));
  end if;
  return new_state;
end $$;

-- A person asked for calls to end, or something as strong: in the caller's transaction, cancels what is permitted, marks
-- what is at the provider for stopping, closes what waits. The caller writes the suppression or revocation itself.
create function app.stop_person(person uuid, why text) returns table (attempts_cancelled integer, enrolments_closed integer) language plpgsql as $$
declare cancelled integer; closed integer;
begin
  update public.persons p set facts_version = p.facts_version + 1 where p.org_id = (select app.org()) and p.id = person;
  with gone as (
    update public.dial_attempts a set state = 'cancelled', reason = why, counts = false, ended_at = app.now()
      where a.org_id = (select app.org()) and a.person_id = person and a.state = 'permitted' returning a.id),
  spent as (
    update public.permits p set consumed_at = clock_timestamp() from gone g where p.org_id = (select app.org()) and p.attempt_id = g.id)
  select count(*) into cancelled from gone;
  with closing as (
    update public.enrolments e set state = 'done', reason = why
      where e.org_id = (select app.org()) and e.person_id = person and e.state <> 'done' returning 1)
  select count(*) into closed from closing;
  with marked as (
    update public.dial_attempts a set stop_requested_at = clock_timestamp(), stop_reason = why
      where a.org_id = (select app.org()) and a.person_id = person and a.stop_requested_at is null
        and a.state in ('dialing', 'unknown', 'placed', 'in_progress') returning a.id)
  insert into public.outbox (org_id, id, kind, subject_id, due_at, created_at)
    select app.org(), gen_random_uuid(), 'provider_stop', m.id, clock_timestamp(), clock_timestamp() from marked m;
  return query select cancelled, closed;
end $$;

-- Narrower facts became wider (a grant, a lift, a fresh scrub): what a gate held may be judged again. All persons of a
-- change at once, enrolments by id, then their profiles: person by person two changes would meet on profiles crosswise.
create function app.reopen_persons(persons uuid[]) returns integer language plpgsql as $$
declare profiles uuid[]; due timestamptz[];
begin
  with held as (
    select e.id from public.enrolments e
      where e.org_id = (select app.org()) and e.person_id = any (persons) and e.state = 'held' and e.reason <> 'attempt_live'
      order by e.id for no key update),
  opened as (
    update public.enrolments e set state = 'waiting', due_at = app.now()
      from held h where e.org_id = (select app.org()) and e.id = h.id
      returning e.profile_id, e.due_at)
  select array_agg(o.profile_id), array_agg(o.due_at) into profiles, due from opened o;
  if profiles is null then return 0; end if;
  perform app.profiles_due(profiles, due);
  return cardinality(profiles);
end $$;

-- Enrols every eligible lead (of these imports, of these ids, or all) once. An ineligible lead never enters a queue.
create function app.enrol_campaign(campaign uuid, import_ids uuid[], lead_ids uuid[] default null)
  returns table (enrolled integer, already_enrolled integer, ineligible integer) language plpgsql as $$
declare profiles uuid[];
begin
  -- The org's row, as a launch and a correction hold it: nobody is enrolled by the states that a lead has just left. Then the
  -- campaign's: two enrolments of one would meet on its profiles and places crosswise.
  perform 1 from public.org_facts o where o.org_id = (select app.org()) for no key update;
  perform 1 from public.campaigns m where m.org_id = (select app.org()) and m.id = campaign for no key update;
  insert into public.hour_profiles (org_id, id, campaign_id, candidate_states)
    select app.org(), gen_random_uuid(), campaign, l.candidate_states from public.leads l
      where l.org_id = (select app.org()) and l.status = 'eligible' and (import_ids is null or l.import_id = any (import_ids))
        and (lead_ids is null or l.id = any (lead_ids))
      group by l.candidate_states
    on conflict (org_id, campaign_id, candidate_states) do nothing;
  insert into public.standing_sweeps (org_id, platform_version)
    select app.org(), f.facts_version from public.platform_facts f where f.id = 1 on conflict (org_id) do nothing;
  with entering as (
    insert into public.enrolments (org_id, id, campaign_id, lead_id, person_id, profile_id, state, due_at)
      select app.org(), gen_random_uuid(), campaign, l.id, l.person_id, p.id, 'waiting', app.now()
      from public.leads l join public.hour_profiles p
        on p.org_id = (select app.org()) and p.campaign_id = campaign and p.candidate_states = l.candidate_states
      where l.org_id = (select app.org()) and l.status = 'eligible' and (import_ids is null or l.import_id = any (import_ids))
        and (lead_ids is null or l.id = any (lead_ids))
      on conflict (org_id, campaign_id, lead_id) do nothing returning profile_id)
  select count(*), coalesce(array_agg(distinct e.profile_id), '{}') into enrolled, profiles from entering e;
  select count(*) filter (where l.status = 'eligible') - enrolled, count(*) filter (where l.status <> 'eligible')
    into already_enrolled, ineligible from public.leads l
    where l.org_id = (select app.org()) and (import_ids is null or l.import_id = any (import_ids)) and (lead_ids is null or l.id = any (lead_ids));
  perform app.profiles_due(profiles, array_fill(app.now(), array[cardinality(profiles)]));
  return next;
end $$;
