-- People: who they are, what they may do in which org, and how a request of theirs is bound. Users and sessions belong to no
-- org; a membership is an org's. The real clock rules all of it.

create table users (
  id uuid primary key,
  -- As it was proved: lower case.
  email text not null unique check (email = lower(email) and octet_length(email) between 3 and 320),
  name text,
  created_at timestamptz not null,
  last_sign_in_at timestamptz,
  disabled_at timestamptz
);
grant select, insert, update (name, last_sign_in_at) on users to dialgate_app;
call app.classify('users', account => 'email name', system => 'id created_at last_sign_in_at disabled_at');

create table sessions (
  id uuid primary key,
  user_id uuid not null references users (id),
  secret_hash bytea not null,
  -- The one before a rotation: requests that were under way with it are still answered for some seconds.
  previous_hash bytea,
  previous_until timestamptz,
  -- The person's role changed: the next request is answered with another token.
  rotation_due boolean not null default false,
  method text not null check (method in ('link', 'google', 'microsoft', 'passkey', 'oidc')),
  -- factor_due: signed in by one factor while the person has a second; it can do nothing but give that.
  stage text not null check (stage in ('factor_due', 'open')),
  -- When a second factor, or a passkey, was last given in it; null = never, or it must be given again.
  factor_at timestamptz,
  device_id uuid,
  country text,
  -- It was used from another country than before, and its person has not been told yet.
  country_untold boolean not null default false,
  user_agent text,
  created_at timestamptz not null,
  last_seen_at timestamptz not null,
  -- Nearer of the two ends it: this instant, or `idle_seconds` without a request.
  ends_at timestamptz not null,
  idle_seconds integer not null,
  ended_at timestamptz,
  ended_why text
);
create index sessions_of_user on sessions (user_id, created_at);
grant select, insert, update (secret_hash, previous_hash, previous_until, rotation_due, stage, factor_at, country, country_untold, last_seen_at, ended_at, ended_why)
  on sessions to dialgate_app;
call app.classify('sessions', account => 'country user_agent', secret => 'secret_hash previous_hash',
  system => 'id user_id previous_until rotation_due method stage factor_at device_id country_untold created_at last_seen_at ends_at idle_seconds ended_at ended_why');

-- Who runs the platform. Written by SQL alone, as the platform's halts are: no route makes an operator.
create table operators (user_id uuid primary key references users (id), since timestamptz not null, until timestamptz, note text not null);
grant select on operators to dialgate_app;
call app.classify('operators', system => 'user_id since until note');

create table memberships (
  org_id uuid not null references orgs (org_id),
  user_id uuid not null references users (id),
  role text not null check (role in ('owner', 'admin', 'member', 'viewer')),
  created_at timestamptz not null,
  primary key (org_id, user_id)
);
create index memberships_of_user on memberships (user_id, org_id);
call app.protect_table('memberships', 'select, insert, update (role), delete');
call app.classify('memberships', org => 'role', system => 'org_id user_id created_at');

-- Whoever takes an owner away, by whatever statement: an org is never without one again. Whose account is disabled owns nothing
-- that anyone could still ask them for, and does not count. Two owners who leave at once meet on the org's row.
create function app.keep_an_owner() returns trigger language plpgsql as $$
begin
  if old.role <> 'owner' or (tg_op = 'UPDATE' and new.role = 'owner') then return null; end if;
  perform 1 from public.org_facts f where f.org_id = (select app.org()) for update;
  if not exists (select 1 from public.memberships m join public.users u on u.id = m.user_id and u.disabled_at is null
      where m.org_id = (select app.org()) and m.role = 'owner') then
    raise exception 'an org keeps an owner' using errcode = '23514', constraint = 'org_keeps_an_owner';
  end if;
  return null;
end $$;
revoke execute on function app.keep_an_owner() from public;
create constraint trigger org_keeps_an_owner after update or delete on memberships deferrable initially deferred
  for each row execute function app.keep_an_owner();

create table invitations (
  org_id uuid not null references orgs (org_id),
  id uuid not null,
  email text not null check (email = lower(email)),
  role text not null check (role in ('owner', 'admin', 'member', 'viewer')),
  token_hash bytea not null,
  invited_by uuid not null references users (id),
  created_at timestamptz not null,
  expires_at timestamptz not null,
  accepted_at timestamptz,
  revoked_at timestamptz,
  primary key (org_id, id)
);
create unique index invitations_open on invitations (org_id, email) where accepted_at is null and revoked_at is null;
create index invitations_by_token on invitations (token_hash, org_id);
-- What was sent lately, over all orgs (door.invited_lately).
create index invitations_to on invitations (email, created_at) where accepted_at is null;
create index invitations_of on invitations (invited_by, created_at) where accepted_at is null;
call app.protect_table('invitations', 'select, insert, update (accepted_at, revoked_at)');
call app.classify('invitations', account => 'email', org => 'role', secret => 'token_hash',
  system => 'org_id id invited_by created_at expires_at accepted_at revoked_at');

-- What lets an operator into an org: by a reason, until an instant, as a role. The org sees it and can end it.
create table support_grants (
  org_id uuid not null references orgs (org_id),
  id uuid not null,
  operator_id uuid not null references operators (user_id),
  role text not null check (role in ('viewer', 'member', 'admin')),
  reason text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  ended_at timestamptz,
  primary key (org_id, id)
);
create index support_grants_of_operator on support_grants (operator_id, id);
call app.protect_table('support_grants', 'select, insert, update (ended_at)');
call app.classify('support_grants', org => 'role reason', system => 'org_id id operator_id created_at expires_at ended_at');

-- Who answers for a key: it can never do more than that person may at the moment. None: made with the org, answers for itself.
alter table api_keys add column sponsor_id uuid references users (id);
call app.classify('api_keys', system => 'sponsor_id');

-- ------------------------------------------------------------------------------------------------- doors

call app.open_to_door('memberships', 'org_id, user_id, role');
call app.open_to_door('orgs', 'org_id, name, livemode');
call app.open_to_door('invitations', 'org_id, id, token_hash, email, invited_by, created_at, accepted_at');
call app.open_to_door('support_grants', 'org_id, id, operator_id, role, reason, created_at, expires_at, ended_at');

-- The orgs of one person; `orgs_max` bounds what an answer can hold.
create function door.user_orgs(of_user uuid, orgs_max integer) returns table (org_id uuid, role text, name text, livemode boolean)
  stable security definer set search_path = pg_catalog language sql
  as $$ select m.org_id, m.role, o.name, o.livemode from public.memberships m join public.orgs o on o.org_id = m.org_id
    where m.user_id = of_user order by m.org_id limit least(orgs_max, 1000) $$;

create function door.invitation(by_hash bytea) returns table (org_id uuid, id uuid)
  stable security definer set search_path = pg_catalog language sql
  as $$ select i.org_id, i.id from public.invitations i where i.token_hash = by_hash $$;

-- What lets one operator in, wherever: they are a member of none of these orgs. Newest first, from `up_to` on, or from the newest.
create function door.operator_grants(of_operator uuid, up_to uuid, grants_max integer)
  returns table (org_id uuid, id uuid, role text, reason text, created_at timestamptz, expires_at timestamptz, ended_at timestamptz, org_name text)
  stable security definer set search_path = pg_catalog language sql
  as $$ select g.org_id, g.id, g.role, g.reason, g.created_at, g.expires_at, g.ended_at, o.name
    from public.support_grants g join public.orgs o on o.org_id = g.org_id
    where g.operator_id = of_operator and (up_to is null or g.id <= up_to) order by g.id desc limit least(grants_max, 1000) $$;

-- Of the invitations over all orgs that nobody has accepted, newest first, when the last one was sent that a limit lets be: to one
-- address, and by one person. Null where there are fewer, and never which orgs. Whoever else invites that address, or as that
-- person, waits here until this one is written or is not: statements of this function see what those before it committed.
create function door.invited_lately(to_address text, by_user uuid, address_since timestamptz, address_max integer, user_since timestamptz, user_max integer)
  returns table (to_address_at timestamptz, by_user_at timestamptz)
  volatile security definer set search_path = pg_catalog language plpgsql as $$
begin
  -- In one order, and after the org's lock: nobody who waits for an org holds one of these.
  perform pg_advisory_xact_lock(hashtextextended('invited by ' || by_user, 0));
  perform pg_advisory_xact_lock(hashtextextended('invited to ' || to_address, 0));
  return query select
    (select i.created_at from public.invitations i where i.email = to_address and i.accepted_at is null
      and i.created_at > address_since order by i.created_at desc offset address_max - 1 limit 1),
    (select i.created_at from public.invitations i where i.invited_by = by_user and i.accepted_at is null
      and i.created_at > user_since order by i.created_at desc offset user_max - 1 limit 1);
end $$;

revoke execute on function door.user_orgs(uuid, integer), door.invitation(bytea), door.operator_grants(uuid, uuid, integer),
  door.invited_lately(text, uuid, timestamptz, integer, timestamptz, integer) from public;
grant execute on function door.user_orgs(uuid, integer), door.invitation(bytea), door.operator_grants(uuid, uuid, integer),
  door.invited_lately(text, uuid, timestamptz, integer, timestamptz, integer) to dialgate_app;
grant create on schema door to dialgate_door;
alter function door.user_orgs(uuid, integer) owner to dialgate_door;
alter function door.invitation(bytea) owner to dialgate_door;
alter function door.invited_lately(text, uuid, timestamptz, integer, timestamptz, integer) owner to dialgate_door;
alter function door.operator_grants(uuid, uuid, integer) owner to dialgate_door;
revoke create on schema door from dialgate_door;

-- ----------------------------------------------------------------------------------------------- binding

-- Unbound, with the reason: what follows in the batch sees no row and writes none.
create function app.unbind(why text) returns text volatile language plpgsql as $$
begin
  perform set_config('app.org_id', '', true);
  return why;
end $$;

-- What a machine's credential may do: its own scopes, and never more than who answers for it. `roles` are those that may do the
-- operation; null `needed_scope` with roles: people alone may; null roles: whoever is known may. A disabled account answers for
-- nothing, as it opens no session.
create function app.machine_refusal(scopes text[], sponsor uuid, needed_scope text, roles text[]) returns text stable language sql as $$
  select case
    when sponsor is not null and m.role is null then 'unknown_principal'
    when roles is null then null
    when needed_scope is null then 'people_only'
    when not needed_scope = any (scopes) then 'scope_missing'
    when sponsor is not null and not m.role = any (roles) then 'role_missing'
  end
  from (select 1) one
    left join (public.memberships m join public.users u on u.id = m.user_id and u.disabled_at is null)
      on m.org_id = (select app.org()) and m.user_id = sponsor $$;

-- Binding by API key: door, settings and the key's own row in one statement, so that an authenticated read is one request.
-- `wanted_org`: the one that the request names, if it names one; another than the key's is answered as one that is not there.
-- From which network it is used is noted (0018_networks.sql) also where it may not do what it was sent for: it was used.
create function app.bind_api_key(key_id uuid, key_hash bytea, real_now timestamptz, from_network text, notes_use boolean, wanted_org uuid,
    needed_scope text, roles text[])
  returns table (org_id uuid, now timestamptz, livemode boolean, scopes text[], org_name text, sponsor_id uuid, from_new_network boolean, refusal text)
  volatile language plpgsql as $$
declare found_org uuid; bound record; held record; refused text; is_new boolean;
begin
  select d.org_id into found_org from door.api_key(key_id, key_hash) d;
  -- A statement of its own: joined to it, the policies of what follows could be read before the binding has run.
  select b.org_id, b.now, b.livemode into bound from app.bind(found_org, real_now) b;
  select k.scopes, k.sponsor_id, o.name into held
    from public.api_keys k
    join public.orgs o on o.org_id = (select app.org())
    where k.org_id = (select app.org()) and k.id = key_id
      and k.revoked_at is null and (k.expires_at is null or k.expires_at > real_now);
  if not found then perform app.unbind('unknown_principal'); return; end if;
  refused := case when wanted_org <> bound.org_id then 'org_unknown'
    else app.machine_refusal(held.scopes, held.sponsor_id, needed_scope, roles) end;
  -- Nobody waits for it: whoever else is writing it down is as right. A transaction that goes on writes none of it (`notes_use`, as
  -- of a session): the key's row would be held while it waits for the org's, which whoever rotates the key holds.
  if notes_use then
    update public.api_keys k set last_used_at = real_now where k.org_id = (select app.org()) and k.id = (
      select x.id from public.api_keys x where x.org_id = (select app.org()) and x.id = key_id
        and (x.last_used_at is null or x.last_used_at < real_now - interval '1 minute') for no key update skip locked);
    is_new := refused is distinct from 'unknown_principal' and app.note_network(key_id, from_network, real_now);
  end if;
  if refused is not null then perform app.unbind(refused); end if;
  return query select bound.org_id, bound.now, bound.livemode, held.scopes, held.name, held.sponsor_id, is_new, refused;
end $$;

-- The session, if it lives; to the minute it is written down that it was used. `notes_use` false: nothing is written. A transaction
-- that goes on says that, of a session whose use was noted before: who holds a session's row waits for nothing else.
create function app.live_session(session_id uuid, of_user uuid, session_hash bytea, real_now timestamptz, from_country text, notes_use boolean)
  returns table (stage text, factor_at timestamptz, rotation_due boolean, country_changed boolean) volatile language plpgsql as $$
declare held record;
begin
  select s.stage, s.factor_at, s.country, s.country_untold, s.last_seen_at, s.rotation_due and s.secret_hash = session_hash as rotation_due into held
    from public.sessions s join public.users u on u.id = s.user_id
    where s.id = session_id and s.user_id = of_user and s.ended_at is null
      and (s.secret_hash = session_hash or (s.previous_hash = session_hash and s.previous_until > real_now))
      and s.ends_at > real_now and s.last_seen_at > real_now - make_interval(secs => s.idle_seconds) and u.disabled_at is null;
  if not found then return; end if;
  if not notes_use then null;
  elsif held.country is distinct from from_country and from_country is not null then
    -- Used from another country: whoever holds it now shows again who they are, and its person is told after the request. Where
    -- no country was known there is no other.
    held.country_untold := held.country_untold or held.country is not null;
    update public.sessions s set country = from_country, country_untold = held.country_untold, factor_at = null, last_seen_at = real_now where s.id = session_id;
    held.factor_at := null;
  elsif held.last_seen_at < real_now - interval '1 minute' then
    update public.sessions s set last_seen_at = real_now where s.id = (
      select x.id from public.sessions x where x.id = session_id for no key update skip locked);
  end if;
  return query select held.stage, held.factor_at, held.rotation_due, held.country_untold;
end $$;

-- A person in an org. `wanted_org` null: the only one that they are a member of. Not theirs and not there are one answer.
create function app.bind_session(session_id uuid, of_user uuid, session_hash bytea, real_now timestamptz, from_country text,
    notes_use boolean, wanted_org uuid, roles text[], needs_factor boolean)
  returns table (org_id uuid, now timestamptz, livemode boolean, org_name text, role text, sponsor_id uuid, factor_at timestamptz,
    rotation_due boolean, country_changed boolean, refusal text)
  volatile language plpgsql as $$
declare session record; bound record; held record; to_org uuid := wanted_org; refused text;
begin
  select s.stage, s.factor_at, s.rotation_due, s.country_changed into session from app.live_session(session_id, of_user, session_hash, real_now, from_country, notes_use) s;
  if not found then perform app.unbind('unknown_principal'); return; end if;
  if session.stage <> 'open' then refused := 'factor_due';
  elsif to_org is null then
    select case when count(*) = 1 then (array_agg(d.org_id))[1] end, case count(*) when 0 then 'org_none' when 1 then null else 'org_required' end
      into to_org, refused from door.user_orgs(of_user, 2) d;
  end if;
  if refused is null then
    select b.org_id, b.now, b.livemode into bound from app.bind(to_org, real_now) b;
    select m.role, o.name into held from public.memberships m join public.orgs o on o.org_id = (select app.org())
      where m.org_id = (select app.org()) and m.user_id = of_user;
    if not found then refused := 'org_unknown';
    elsif not held.role = any (roles) then refused := 'role_missing';
    elsif needs_factor and session.factor_at is null then refused := 'factor_missing';
    end if;
  end if;
  if refused is not null then
    return query select null::uuid, null::timestamptz, null::boolean, null::text, null::text, null::uuid, null::timestamptz,
      session.rotation_due, session.country_changed, app.unbind(refused);
  else
    return query select bound.org_id, bound.now, bound.livemode, held.name, held.role, of_user, session.factor_at, session.rotation_due,
      session.country_changed, null::text;
  end if;
end $$;

-- An operator in an org that a support grant opened, with a second factor always; but to note what they were refused, for which
-- the session and the grant are enough.
create function app.bind_operator(session_id uuid, of_user uuid, session_hash bytea, real_now timestamptz, from_country text,
    notes_use boolean, wanted_org uuid, grant_id uuid, roles text[], needs_factor boolean)
  returns table (org_id uuid, now timestamptz, livemode boolean, org_name text, role text, factor_at timestamptz, rotation_due boolean,
    country_changed boolean, refusal text)
  volatile language plpgsql as $$
declare session record; bound record; held record; refused text;
begin
  select s.stage, s.factor_at, s.rotation_due, s.country_changed into session from app.live_session(session_id, of_user, session_hash, real_now, from_country, notes_use) s;
  if not found then perform app.unbind('unknown_principal'); return; end if;
  select b.org_id, b.now, b.livemode into bound from app.bind(wanted_org, real_now) b;
  select g.role, o.name into held from public.support_grants g join public.orgs o on o.org_id = (select app.org())
    join public.operators p on p.user_id = g.operator_id and p.since <= real_now and (p.until is null or p.until > real_now)
    where g.org_id = (select app.org()) and g.id = grant_id and g.operator_id = of_user and g.ended_at is null and g.expires_at > real_now;
  if needs_factor and session.stage <> 'open' then refused := 'factor_due';
  elsif held is null then refused := 'org_unknown';
  elsif needs_factor and session.factor_at is null then refused := 'factor_missing';
  elsif not held.role = any (roles) then refused := 'role_missing';
  end if;
  if refused is not null then
    return query select null::uuid, null::timestamptz, null::boolean, null::text, null::text, null::timestamptz, session.rotation_due,
      session.country_changed, app.unbind(refused);
  else
    return query select bound.org_id, bound.now, bound.livemode, held.name, held.role, session.factor_at, session.rotation_due,
      session.country_changed, null::text;
  end if;
end $$;

-- What concerns no org (signing in, one's own sessions) is written on the platform's own chain, whose org has nothing else.
create function app.platform() returns uuid immutable language sql as $$ select '00000000-0000-0000-0000-000000000000'::uuid $$;

-- A person in their own matters. `stages`: of which sessions may do it; `needs_factor`: only with a second factor given.
create function app.bind_person(session_id uuid, of_user uuid, session_hash bytea, real_now timestamptz, from_country text,
    notes_use boolean, stages text[], needs_factor boolean)
  returns table (org_id uuid, now timestamptz, livemode boolean, factor_at timestamptz, factor_due boolean, rotation_due boolean, country_changed boolean, refusal text)
  volatile language plpgsql as $$
declare session record; refused text;
begin
  select s.stage, s.factor_at, s.rotation_due, s.country_changed into session from app.live_session(session_id, of_user, session_hash, real_now, from_country, notes_use) s;
  if not found then perform app.unbind('unknown_principal'); return; end if;
  if not session.stage = any (stages) then refused := 'factor_due';
  elsif needs_factor and session.factor_at is null then refused := 'factor_missing';
  end if;
  if refused is not null then
    return query select null::uuid, null::timestamptz, null::boolean, null::timestamptz, session.stage = 'factor_due', session.rotation_due,
      session.country_changed, app.unbind(refused);
  else
    return query select b.org_id, b.now, b.livemode, session.factor_at, session.stage = 'factor_due', session.rotation_due, session.country_changed, null::text
      from app.bind(app.platform(), real_now) b;
  end if;
end $$;

revoke execute on function app.unbind(text), app.machine_refusal(text[], uuid, text, text[]),
  app.bind_api_key(uuid, bytea, timestamptz, text, boolean, uuid, text, text[]), app.live_session(uuid, uuid, bytea, timestamptz, text, boolean),
  app.bind_session(uuid, uuid, bytea, timestamptz, text, boolean, uuid, text[], boolean),
  app.bind_operator(uuid, uuid, bytea, timestamptz, text, boolean, uuid, uuid, text[], boolean), app.platform(),
  app.bind_person(uuid, uuid, bytea, timestamptz, text, boolean, text[], boolean) from public;
grant execute on function app.unbind(text), app.machine_refusal(text[], uuid, text, text[]),
  app.bind_api_key(uuid, bytea, timestamptz, text, boolean, uuid, text, text[]), app.live_session(uuid, uuid, bytea, timestamptz, text, boolean),
  app.bind_session(uuid, uuid, bytea, timestamptz, text, boolean, uuid, text[], boolean),
  app.bind_operator(uuid, uuid, bytea, timestamptz, text, boolean, uuid, uuid, text[], boolean), app.platform(),
  app.bind_person(uuid, uuid, bytea, timestamptz, text, boolean, text[], boolean) to dialgate_app;

-- The platform's chain.
do $$ begin
  perform set_config('app.org_id', app.platform()::text, true);
end $$;
insert into orgs (org_id, name, livemode, created_at) values (app.platform(), 'Dialgate', true, date_trunc('second', clock_timestamp()));
set local role dialgate_audit;
select audit.open_chain();
set local role dialgate_migrator;
do $$ begin
  perform set_config('app.org_id', '', true);
end $$;
