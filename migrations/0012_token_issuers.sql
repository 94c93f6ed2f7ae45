-- Who signs tokens for an org: one issuer, one algorithm, one place where its key comes from. The real clock rules all of it.

create table token_issuers (
  org_id uuid not null references orgs (org_id),
  id uuid not null,
  name text not null,
  -- What a token's `iss` says, byte for byte.
  issuer text not null,
  -- For good: what a token says its algorithm is decides nothing.
  alg text not null check (alg in ('EdDSA', 'ES256', 'RS256', 'HS256')),
  -- Exactly one of the three, as long as it is not revoked: a public key, where a set of them is, or a sealed secret.
  public_key jsonb,
  jwks_url text,
  sealed jsonb,
  -- Whom it may speak for; null: whoever it signs for.
  subjects text[] check (cardinality(subjects) > 0),
  -- A token lasts a day: what it could make with these would outlive it.
  scopes text[] not null check (not scopes && array['api_keys:write', 'token_issuers:write']),
  -- Who answers for it, as for an API key.
  sponsor_id uuid references users (id),
  -- The API keys that were the last to set its key, its `iss` and its subjects; null: a person was. It ends with any of them that is leaked.
  key_set_by uuid,
  issuer_set_by uuid,
  subjects_set_by uuid,
  -- Moves with whatever a signature is judged by: who has verified by an older one has verified nothing.
  version integer not null default 1,
  -- Tokens issued before it are refused.
  not_before timestamptz,
  created_at timestamptz not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  -- To the minute, as a key's.
  last_used_at timestamptz,
  -- The key set as it was last fetched, when that was, and when it was last tried, with what came of it.
  jwks jsonb,
  jwks_fetched_at timestamptz,
  jwks_tried_at timestamptz,
  jwks_failure text,
  primary key (org_id, id),
  check (revoked_at is not null or num_nonnulls(public_key, jwks_url, sealed) = 1),
  check (revoked_at is not null or (alg = 'HS256') = (sealed is not null))
);
create unique index token_issuers_by_id on token_issuers (id, org_id);
-- As of API keys.
create index token_issuers_unrevoked on token_issuers (org_id) where revoked_at is null;
create index token_issuers_by_age on token_issuers (org_id, created_at);
call app.protect_table('token_issuers', 'select, insert, update (name, issuer, public_key, jwks_url, sealed, subjects, scopes, version,
  sponsor_id, key_set_by, issuer_set_by, subjects_set_by, not_before, expires_at, revoked_at, last_used_at, jwks, jwks_fetched_at, jwks_tried_at, jwks_failure)');
call app.classify('token_issuers', org => 'name issuer public_key jwks_url subjects scopes jwks', secret => 'sealed',
  system => 'org_id id alg sponsor_id key_set_by issuer_set_by subjects_set_by version not_before created_at expires_at revoked_at last_used_at jwks_fetched_at jwks_tried_at jwks_failure');

-- A token's audience names its issuer's record. The record itself is read, and the signature tried, as that org.
call app.open_to_door('token_issuers', 'org_id, id');
create function door.token_issuer(issuer_id uuid) returns table (org_id uuid)
  stable security definer set search_path = pg_catalog language sql
  as $$ select i.org_id from public.token_issuers i where i.id = issuer_id $$;
revoke execute on function door.token_issuer(uuid) from public;
grant execute on function door.token_issuer(uuid) to dialgate_app;
grant create on schema door to dialgate_door;
alter function door.token_issuer(uuid) owner to dialgate_door;
revoke create on schema door from dialgate_door;

-- Binding for the look at an issuer's record, before anything of its token is proved. Nothing else is read under it.
create function app.bind_token_issuer(issuer_id uuid, real_now timestamptz) returns table (org_id uuid, now timestamptz, livemode boolean)
  volatile language plpgsql as $$
declare found_org uuid;
begin
  select d.org_id into found_org from door.token_issuer(issuer_id) d;
  return query select b.org_id, b.now, b.livemode from app.bind(found_org, real_now) b;
end $$;

-- Binding by a token whose signature held under `issuer_version` of its issuer: that is asked again here, with everything that
-- may have changed since, in the statement before the work. `token_scopes` null: all that the issuer may. Whatever of the issuer
-- is not as it was is one refusal. `wanted_org`, `from_network` and
-- `notes_use`: as for a key.
create function app.bind_token(issuer_id uuid, issuer_version integer, issued_at timestamptz, token_scopes text[],
    real_now timestamptz, from_network text, notes_use boolean, wanted_org uuid, needed_scope text, roles text[])
  returns table (org_id uuid, now timestamptz, livemode boolean, scopes text[], org_name text, sponsor_id uuid, from_new_network boolean, refusal text)
  volatile language plpgsql as $$
declare found_org uuid; bound record; held record; refused text; is_new boolean;
begin
  select d.org_id into found_org from door.token_issuer(issuer_id) d;
  select b.org_id, b.now, b.livemode into bound from app.bind(found_org, real_now) b;
  select array(select s from unnest(i.scopes) s where token_scopes is null or s = any (token_scopes)) as scopes,
      i.sponsor_id, i.version, i.not_before, o.name into held
    from public.token_issuers i
    join public.orgs o on o.org_id = (select app.org())
    where i.org_id = (select app.org()) and i.id = issuer_id
      and i.revoked_at is null and (i.expires_at is null or i.expires_at > real_now);
  if not found or held.version <> issuer_version or held.not_before > issued_at then refused := 'token_refused';
  elsif wanted_org <> bound.org_id then refused := 'org_unknown';
  else refused := replace(app.machine_refusal(held.scopes, held.sponsor_id, needed_scope, roles), 'unknown_principal', 'token_refused');
  end if;
  is_new := notes_use and refused is distinct from 'token_refused' and app.note_network(issuer_id, from_network, real_now);
  if refused is not null then
    -- Who answers for it is told to whoever holds a token of it: nobody else learns why they are refused.
    return query select null::uuid, null::timestamptz, null::boolean, null::text[], null::text,
      case when refused = 'role_missing' then held.sponsor_id end, is_new, app.unbind(refused);
    return;
  end if;
  if notes_use then
    update public.token_issuers u set last_used_at = real_now where u.org_id = (select app.org()) and u.id = (
      select x.id from public.token_issuers x where x.org_id = (select app.org()) and x.id = issuer_id
        and (x.last_used_at is null or x.last_used_at < real_now - interval '1 minute') for no key update skip locked);
  end if;
  return query select bound.org_id, bound.now, bound.livemode, held.scopes, held.name, held.sponsor_id, is_new, null::text;
end $$;
revoke execute on function app.bind_token_issuer(uuid, timestamptz),
  app.bind_token(uuid, integer, timestamptz, text[], timestamptz, text, boolean, uuid, text, text[]) from public;
grant execute on function app.bind_token_issuer(uuid, timestamptz),
  app.bind_token(uuid, integer, timestamptz, text[], timestamptz, text, boolean, uuid, text, text[]) to dialgate_app;
