-- Signing in with an account at Google or Microsoft (OpenID Connect). The real clock rules all of it.

-- A sign-in that was begun and not finished: whoever comes back from the provider must bring the state and be the browser that
-- began. Only keyed hashes of both are kept; nonce and PKCE verifier are derived from them in the worker and stand nowhere.
create table oidc_flows (
  state_hash bytea primary key,
  browser_hash bytea not null,
  provider text not null check (provider in ('google', 'microsoft')),
  created_at timestamptz not null,
  expires_at timestamptz not null,
  -- Where the browser goes on: one of our own pages, by name.
  next_path text,
  -- Consumed by one conditional update, whatever comes of the sign-in.
  used_at timestamptz
);
create index oidc_flows_by_end on oidc_flows (expires_at);
grant select, insert, delete, update (used_at) on oidc_flows to dialgate_app;
call app.classify('oidc_flows', secret => 'state_hash browser_hash', system => 'provider next_path created_at expires_at used_at');

-- Whose an account at a provider is: bound to a user by its verified address once, and found by issuer and subject ever after
-- (OpenID Connect Core 1.0 §5.7: no other claims identify anyone).
create table oidc_identities (
  id uuid not null unique,
  provider text not null check (provider in ('google', 'microsoft')),
  issuer text not null check (octet_length(issuer) between 1 and 255),
  subject text not null check (octet_length(subject) between 1 and 255),
  user_id uuid not null references users (id),
  created_at timestamptz not null,
  last_used_at timestamptz not null,
  primary key (provider, issuer, subject)
);
create index oidc_identities_of_user on oidc_identities (user_id, id);
grant select, insert, update (last_used_at), delete on oidc_identities to dialgate_app;
call app.classify('oidc_identities', account => 'issuer subject', system => 'id provider user_id created_at last_used_at');

-- Accounts at a provider that a person took away from their user. Their address is as good as before, and would let each of them
-- in again: it comes back to that user by nothing but a session of the person's own.
create table oidc_removals (
  provider text not null check (provider in ('google', 'microsoft')),
  issuer text not null check (octet_length(issuer) between 1 and 255),
  subject text not null check (octet_length(subject) between 1 and 255),
  user_id uuid not null references users (id),
  removed_at timestamptz not null,
  primary key (provider, issuer, subject, user_id)
);
grant select, insert, delete on oidc_removals to dialgate_app;
call app.classify('oidc_removals', account => 'issuer subject', system => 'provider user_id removed_at');

-- By which account at a provider a session was begun: it ends when the account is taken away.
alter table sessions add column identity_id uuid;
grant update (identity_id) on sessions to dialgate_app;
call app.classify('sessions', system => 'identity_id');

-- Takes an account at a provider away from its user, and ends the sessions that it began, but the one that asks; those that had run
-- out are ended and not answered. No row when the person has no such account.
create function app.remove_identity(of_user uuid, identity uuid, in_session uuid, real_now timestamptz) returns table (provider text, ended uuid[])
  volatile language plpgsql as $$
declare gone record;
begin
  perform 1 from public.users u where u.id = of_user for no key update;
  delete from public.oidc_identities i where i.id = identity and i.user_id = of_user returning i.provider, i.issuer, i.subject into gone;
  if not found then return; end if;
  insert into public.oidc_removals (provider, issuer, subject, user_id, removed_at)
    values (gone.provider, gone.issuer, gone.subject, of_user, real_now);
  return query
    with open_ones as (select s.id, s.ends_at > real_now and s.last_seen_at > real_now - make_interval(secs => s.idle_seconds) as is_live
        from public.sessions s
        where s.user_id = of_user and s.identity_id = identity and s.id <> in_session and s.ended_at is null order by s.id for no key update),
      closed as (update public.sessions s set ended_at = real_now, ended_why = 'identity_removed' from open_ones o where s.id = o.id returning s.id, o.is_live)
    select gone.provider, array(select c.id from closed c where c.is_live order by c.id);
end $$;

-- Whether whoever has the address took this account at a provider away. Holds them until the transaction ends: of a removal and a
-- sign-in at once the later one knows of the earlier. In an open session of that person it is theirs again.
create function app.identity_is_removed(of_provider text, of_issuer text, of_subject text, of_email text, session_id uuid, session_hash bytea,
    real_now timestamptz) returns boolean volatile language plpgsql as $$
declare held uuid;
begin
  select u.id into held from public.users u where u.email = of_email order by u.id for no key update;
  if not exists (select 1 from public.oidc_removals r
    where r.provider = of_provider and r.issuer = of_issuer and r.subject = of_subject and r.user_id = held) then return false; end if;
  if not exists (select 1 from app.live_session(session_id, held, session_hash, real_now, null, false) s where s.stage = 'open') then return true; end if;
  delete from public.oidc_removals r where r.provider = of_provider and r.issuer = of_issuer and r.subject = of_subject and r.user_id = held;
  return false;
end $$;

revoke execute on function app.remove_identity(uuid, uuid, uuid, timestamptz),
  app.identity_is_removed(text, text, text, text, uuid, bytea, timestamptz) from public;
grant execute on function app.remove_identity(uuid, uuid, uuid, timestamptz),
  app.identity_is_removed(text, text, text, text, uuid, bytea, timestamptz) to dialgate_app;
