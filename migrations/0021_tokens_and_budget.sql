-- Two counts that came out differently in two places.

-- When each permit may leave: what may be minted takes the tokens of its part's lease, in the order given. The rest goes to
-- the batch's next part, and from the last one back to the connection if nobody reserved behind us. A record comes a moment
-- after its claim, so that the last token of its part would end behind what was reserved: where nobody is behind, it runs on.
-- Of a batch of several parts the first one's last call does leave behind the batch. To move all later parts by that moment
-- would cost each of them a write, for one call in hundreds that is made some seconds later.
create or replace function app.deal_slots(outcomes text[], connections uuid[], batch_token uuid, slot_connections uuid[], slot_starts timestamptz[],
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

-- After a report: the ended attempt's enrolment is done or goes back for a retry, within the lead's one budget across
-- campaigns: a provider's second call of an attempt spends it, as the gate counts it (`facts.attempts`). A later report that
-- knows better decides again. What waited for the stop check is judged again.
create or replace function app.settle_enrolments(attempt uuid, disposition_before text, checked boolean) returns void language plpgsql as $$
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
