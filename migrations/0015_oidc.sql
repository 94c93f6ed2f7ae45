-- Signing in with an account at Google or Microsoft (OpenID Connect). The real clock rules all of it.

-- A sign-in that was begun and not finished: whoever comes back from the provider must bring the state and be the browser that
-- began. Only keyed hashes of both are kept; nonce and PKCE verifier are derived from them in the worker and stand nowhere.
create table oidc_flows (
  state_hash bytea primary key,
  browser_hash bytea not null,
  provider text not null check (provider in ('google', 'microsoft')),
  created_at timestamptz not null,
  expires_at timestamptz not null,
  -- Consumed by one conditional update, whatever comes of the sign-in.
  used_at timestamptz
);
create index oidc_flows_by_end on oidc_flows (expires_at);
grant select, insert, delete, update (used_at) on oidc_flows to dialgate_app;
call app.classify('oidc_flows', secret => 'state_hash browser_hash', system => 'provider created_at expires_at used_at');

-- Whose an account at a provider is: bound to a user by its verified address once, and found by issuer and subject ever after
-- (OpenID Connect Core 1.0 §5.7: no other claims identify anyone).
create table oidc_identities (
  provider text not null check (provider in ('google', 'microsoft')),
  issuer text not null check (octet_length(issuer) between 1 and 255),
  subject text not null check (octet_length(subject) between 1 and 255),
  user_id uuid not null references users (id),
  created_at timestamptz not null,
  last_used_at timestamptz not null,
  primary key (provider, issuer, subject)
);
create index oidc_identities_of_user on oidc_identities (user_id);
grant select, insert, update (last_used_at) on oidc_identities to dialgate_app;
call app.classify('oidc_identities', account => 'issuer subject', system => 'provider user_id created_at last_used_at');
