-- Second factors: passkeys, an authenticator's codes (TOTP) and recovery codes. Of no organisation, as the people are whose
-- they are. The real clock rules all of it.

create table passkeys (
  id uuid primary key,
  user_id uuid not null references users (id),
  -- One that two people had would not say who signs in (WebAuthn Level 3, 7.1).
  credential_id bytea not null unique check (octet_length(credential_id) between 16 and 1023),
  -- As the authenticator gave it (COSE).
  public_key bytea not null check (octet_length(public_key) between 32 and 2048),
  -- How often it was used, for those that count; it only goes up.
  counter bigint not null check (counter >= 0),
  transports text[] not null,
  name text not null,
  -- Whether it can be copied to the person's other devices, which never changes, and whether it is.
  backup_eligible boolean not null,
  backed_up boolean not null,
  created_at timestamptz not null,
  last_used_at timestamptz
);
create index passkeys_of_user on passkeys (user_id, id);
grant select, insert, update (name, counter, backed_up, last_used_at), delete on passkeys to dialgate_app;
call app.classify('passkeys', account => 'credential_id public_key transports name',
  system => 'id user_id counter backup_eligible backed_up created_at last_used_at');

create table totp_factors (
  user_id uuid primary key references users (id),
  -- Of this secret: what was checked against another one counts for nothing.
  id uuid not null,
  -- Sealed by the worker under keys that the database never sees.
  sealed jsonb not null,
  created_at timestamptz not null,
  -- Null: its owner has not shown a code of it yet, and it is no factor.
  confirmed_at timestamptz,
  -- The last 30 seconds, counted from 1970, whose code was taken: each is taken once, and none before it (RFC 6238, 5.2).
  last_step bigint not null
);
grant select, insert, update (id, sealed, created_at, confirmed_at, last_step), delete on totp_factors to dialgate_app;
call app.classify('totp_factors', secret => 'sealed', system => 'user_id id created_at confirmed_at last_step');

create table recovery_codes (
  user_id uuid not null references users (id),
  -- Keyed: 120 bits need no slow hash (ASVS 6.5.2), and without the key a copy of the table is worth nothing.
  code_hash bytea not null,
  created_at timestamptz not null,
  used_at timestamptz,
  primary key (user_id, code_hash)
);
grant select, insert, update (used_at), delete on recovery_codes to dialgate_app;
call app.classify('recovery_codes', secret => 'code_hash', system => 'user_id created_at used_at');

-- The challenges that were answered: none is taken twice, whatever came of the answer. One that nobody answers leaves no row; it
-- carries its own end and a keyed hash of whose it is. Rows go some minutes after no worker would take the challenge any more.
create table webauthn_challenges (
  digest bytea primary key,
  ends_at timestamptz not null,
  used_at timestamptz not null
);
create index webauthn_challenges_ended on webauthn_challenges (ends_at);
-- FOR UPDATE needs UPDATE on some column.
grant select, insert, delete, update (used_at) on webauthn_challenges to dialgate_app;
call app.classify('webauthn_challenges', system => 'digest ends_at used_at');

-- Codes that did not hold, in this session. So many end it: the challenge is locked, never the account.
alter table sessions add column factor_failures integer not null default 0;
grant update (factor_failures) on sessions to dialgate_app;
call app.classify('sessions', system => 'factor_failures');

-- Whether a person must show a second factor when they sign in. Recovery codes stand in for one that is lost, and are none.
create function app.has_factor(of_user uuid) returns boolean stable language sql as $$
  select exists (select 1 from public.passkeys p where p.user_id = of_user)
    or exists (select 1 from public.totp_factors t where t.user_id = of_user and t.confirmed_at is not null) $$;

-- Why a session may not add a factor: the first takes one that has just begun, each further one a session that has shown a
-- factor. Holds the person until the transaction ends, so that two first ones cannot be added beside each other.
create function app.adding_refused(of_user uuid, in_session uuid, real_now timestamptz, recent_seconds integer) returns text
  volatile language plpgsql as $$
declare held record;
begin
  perform 1 from public.users u where u.id = of_user for no key update;
  select s.created_at, s.factor_at into held from public.sessions s where s.id = in_session and s.user_id = of_user and s.stage = 'open';
  if not found then return 'factor_missing'; end if;
  if app.has_factor(of_user) then return case when held.factor_at is null then 'factor_missing' end; end if;
  return case when held.created_at <= real_now - make_interval(secs => recent_seconds) then 'session_old' end;
end $$;

-- Takes away one passkey, or with none named the authenticator. With the last factor whatever it had opened closes: no session
-- has shown one any more, and none waits for one; recovery codes go with what they stand in for. Whichever it was, it may have been
-- shown in other browsers: none of them is known any more, and this one while there is another factor.
create function app.remove_factor(of_user uuid, in_session uuid, passkey uuid, real_now timestamptz) returns table (removed boolean, was_last boolean, waiting integer)
  volatile language plpgsql as $$
begin
  perform 1 from public.users u where u.id = of_user for no key update;
  -- Before the factors: whoever shows one holds their session first. After them once more, for those that began meanwhile.
  perform 1 from public.sessions s where s.user_id = of_user and s.ended_at is null order by s.id for no key update;
  if passkey is null then delete from public.totp_factors t where t.user_id = of_user and t.confirmed_at is not null;
  else delete from public.passkeys p where p.id = passkey and p.user_id = of_user;
  end if;
  removed := found;
  was_last := removed and not app.has_factor(of_user);
  if removed then
    update public.known_devices d set factor_at = null where d.user_id = of_user
      and (was_last or d.id is distinct from (select s.device_id from public.sessions s where s.id = in_session));
  end if;
  -- Whoever has copied or stolen what was removed may be in any other session: it was begun with that alone, or opened by it.
  if was_last then
    update public.sessions s set factor_at = null, ended_at = case when e.ends then real_now end, ended_why = case when e.ends then 'factor_removed' end
      from (select o.id, o.stage = 'factor_due' or o.method = 'passkey' and o.id is distinct from in_session as ends from public.sessions o
          where o.user_id = of_user and o.ended_at is null) e
      where s.id = e.id;
    delete from public.recovery_codes c where c.user_id = of_user;
  end if;
  with due as (
    update public.sessions s set stage = 'factor_due', factor_at = null
      where removed and not was_last and s.user_id = of_user and s.id is distinct from in_session and s.ended_at is null and s.stage = 'open'
      returning 1)
  select count(*) into waiting from due;
  return next;
end $$;

-- A new set; those of before are worth nothing any more.
create function app.replace_recovery_codes(of_user uuid, hashes text[], real_now timestamptz) returns void volatile language plpgsql as $$
begin
  perform 1 from public.users u where u.id = of_user for no key update;
  delete from public.recovery_codes c where c.user_id = of_user;
  insert into public.recovery_codes (user_id, code_hash, created_at) select of_user, h.hash::bytea, real_now from unnest(hashes) as h(hash);
end $$;

revoke execute on function app.has_factor(uuid), app.adding_refused(uuid, uuid, timestamptz, integer), app.remove_factor(uuid, uuid, uuid, timestamptz),
  app.replace_recovery_codes(uuid, text[], timestamptz) from public;
grant execute on function app.has_factor(uuid), app.adding_refused(uuid, uuid, timestamptz, integer), app.remove_factor(uuid, uuid, uuid, timestamptz),
  app.replace_recovery_codes(uuid, text[], timestamptz) to dialgate_app;
