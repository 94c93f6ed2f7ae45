-- Mail: what is to be sent to people. Of no organisation: a person signs in before anyone knows which they belong to.

-- No address and no body in clear: a mail may carry a token that signs someone in. Both are sealed by the worker, under keys
-- that the database never sees, and are gone once the mail is sent or given up.
create table mails (
  id uuid primary key,
  kind text not null,
  sealed jsonb,
  -- At most one mail of this key, for as long as its row is kept. Made of ids and dates: it outlives the address.
  dedupe_key text unique constraint mails_dedupe_key_form check (dedupe_key ~ '^[A-Za-z0-9_:.-]{1,200}$'),
  -- Real clock, as everything that guards a secret.
  created_at timestamptz not null,
  due_at timestamptz not null,
  -- Mails of one lane take turns with everybody else's, so that whoever asks for thousands delays their own. Sixteen bits of
  -- a hash of an address or a network: it goes with the content.
  lane integer,
  turn_at timestamptz not null,
  -- Of no use later (a link that has expired), or no longer safe to repeat: the provider has forgotten the first try.
  not_after timestamptz not null,
  tries integer not null default 0,
  lease_until timestamptz,
  sent_at timestamptz,
  failed_at timestamptz,
  reason text,
  provider_id text,
  -- Open, sent or given up, and the content of the open ones only.
  constraint mails_content_while_open check (num_nonnulls(sealed, sent_at, failed_at) = 1 and (lane is null) = (sealed is null))
);
create index mails_open on mails (due_at, id) where sealed is not null;
create index mails_turns on mails (turn_at, id) where sealed is not null;
create index mails_lanes on mails (lane, turn_at) where sealed is not null;
create index mails_ended on mails (coalesce(sent_at, failed_at), id) where sealed is null;
grant select, insert, delete, update (sealed, lane, due_at, not_after, tries, lease_until, sent_at, failed_at, reason, provider_id) on mails to dialgate_app;
call app.classify('mails', secret => 'sealed',
  system => 'id kind dedupe_key created_at due_at lane turn_at not_after tries lease_until sent_at failed_at reason provider_id');

-- Commits with what it tells of, or not at all. False when there is a mail of this key already. Its turn is now, or turn_seconds
-- after the last open one of its lane: a turn is an order and no delay, so that whatever can be sent is sent.
create function app.queue_mail(mail uuid, of_kind text, content jsonb, key text, useful_seconds integer, of_lane integer, turn_seconds integer)
  returns boolean language plpgsql as $$
begin
  insert into public.mails (id, kind, sealed, dedupe_key, created_at, due_at, lane, turn_at, not_after)
    values (mail, of_kind, content, key, clock_timestamp(), clock_timestamp(), of_lane, greatest(clock_timestamp(), (
        select max(m.turn_at) + make_interval(secs => turn_seconds) from public.mails m where m.lane = of_lane and m.sealed is not null)),
      clock_timestamp() + make_interval(secs => useful_seconds))
    on conflict (dedupe_key) do nothing;
  return found;
end $$;

create function app.mail_is_due() returns boolean language sql as $$
  select exists (select 1 from public.mails m
    where m.sealed is not null and m.due_at <= clock_timestamp() and (m.lease_until is null or m.lease_until < clock_timestamp())) $$;

-- Leases due mails; those that come too late are given up unsent. From its first try on a mail is repeated for as long as the
-- provider knows its key again, and no longer.
create function app.take_mails(rows_max integer, lease_seconds integer, repeatable_seconds integer)
  returns table (id uuid, sealed jsonb, tries integer, given_up boolean) language plpgsql as $$
begin
  return query
  with due as (
    select m.id, m.not_after < clock_timestamp() as is_late from public.mails m
      where m.sealed is not null and m.due_at <= clock_timestamp() and (m.lease_until is null or m.lease_until < clock_timestamp())
      order by m.turn_at, m.id limit rows_max for update skip locked),
  late as (
    update public.mails m set sealed = null, lane = null, failed_at = clock_timestamp(), reason = coalesce(m.reason, 'too_late'), lease_until = null
      from due d where m.id = d.id and d.is_late returning m.*),
  leased as (
    update public.mails m set tries = m.tries + 1, lease_until = clock_timestamp() + make_interval(secs => lease_seconds),
        not_after = case when m.tries > 0 then m.not_after
          else least(m.not_after, clock_timestamp() + make_interval(secs => repeatable_seconds)) end
      from due d where m.id = d.id and not d.is_late returning m.*)
  select l.id, l.sealed, l.tries, false from leased l
    union all select l.id, null, l.tries, true from late l;
end $$;

-- What the provider answered. That it was sent holds whoever says it; anything else only from whoever tried last, and the mail
-- is due again, or given up: refused, tried often enough, or too late when it would be due. Answers whether it was given up.
create function app.close_mail(mail uuid, my_try integer, answer text, why text, provider text, wait_seconds integer, tries_max integer)
  returns boolean language plpgsql as $$
declare again_at constant timestamptz := clock_timestamp() + make_interval(secs => wait_seconds); ends boolean;
begin
  if answer = 'sent' then
    update public.mails m set sealed = null, lane = null, sent_at = clock_timestamp(), failed_at = null, reason = null, provider_id = provider, lease_until = null
      where m.id = mail and m.sent_at is null;
    return false;
  end if;
  update public.mails m set reason = why, lease_until = null, due_at = again_at,
      sealed = case when e.ends then null else m.sealed end, lane = case when e.ends then null else m.lane end, failed_at = case when e.ends then clock_timestamp() end
    from (select x.id, answer = 'refused' or x.tries >= tries_max or again_at > x.not_after as ends from public.mails x where x.id = mail) e
    where m.id = e.id and m.sealed is not null and m.tries = my_try
    returning e.ends into ends;
  return coalesce(ends, false);
end $$;

-- Leased and not tried: due again in a while, and that was no try.
create function app.return_mails(mail_ids uuid[], my_tries integer[], wait_seconds integer) returns void language plpgsql as $$
begin
  update public.mails m set tries = m.tries - 1, lease_until = null, due_at = clock_timestamp() + make_interval(secs => wait_seconds)
    from unnest(mail_ids, my_tries) as u(id, my_try) where m.id = u.id and m.tries = u.my_try and m.sealed is not null;
end $$;

-- Takes away what was sent or given up so long ago, oldest first. An open mail stays, however old it is.
create function app.forget_mails(rows_max integer, keep_days integer) returns integer language sql as $$
  with gone as (
    delete from public.mails m where m.id in (
      select o.id from public.mails o where o.sealed is null and coalesce(o.sent_at, o.failed_at) < clock_timestamp() - make_interval(days => keep_days)
        order by coalesce(o.sent_at, o.failed_at), o.id limit rows_max for update skip locked)
      returning 1)
  select count(*)::integer from gone $$;

revoke execute on function app.queue_mail(uuid, text, jsonb, text, integer, integer, integer), app.mail_is_due(), app.take_mails(integer, integer, integer),
  app.close_mail(uuid, integer, text, text, text, integer, integer), app.return_mails(uuid[], integer[], integer),
  app.forget_mails(integer, integer) from public;
grant execute on function app.queue_mail(uuid, text, jsonb, text, integer, integer, integer), app.mail_is_due(), app.take_mails(integer, integer, integer),
  app.close_mail(uuid, integer, text, text, text, integer, integer), app.return_mails(uuid[], integer[], integer),
  app.forget_mails(integer, integer) to dialgate_app;
