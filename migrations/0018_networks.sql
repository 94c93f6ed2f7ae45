-- From which networks a machine's credential is used, to the /24 or /48: a new one is told to the org's owners. The first is the
-- one that it is made for, and is told to nobody.
create table credential_networks (
  org_id uuid not null references orgs (org_id),
  -- An API key or a token issuer.
  credential_id uuid not null,
  network text not null,
  first_seen_at timestamptz not null,
  told_at timestamptz,
  primary key (org_id, credential_id, network)
);
call app.protect_table('credential_networks', 'select, insert, update (told_at)');
call app.classify('credential_networks', org => 'network', system => 'org_id credential_id first_seen_at told_at');

-- Asked by what binds. True while somebody is still to be told of this network. A credential that is used from a thousand
-- is used from anywhere: further ones are not kept.
create function app.note_network(credential uuid, from_network text, real_now timestamptz) returns boolean volatile language plpgsql as $$
declare known record; many bigint;
begin
  if from_network is null then return false; end if;
  select n.told_at is null as untold into known from public.credential_networks n
    where n.org_id = (select app.org()) and n.credential_id = credential and n.network = from_network;
  if found then return known.untold; end if;
  select count(*) into many from public.credential_networks n where n.org_id = (select app.org()) and n.credential_id = credential;
  if many >= 1000 then return false; end if;
  insert into public.credential_networks as n (org_id, credential_id, network, first_seen_at, told_at)
    values ((select app.org()), credential, from_network, real_now, case when many = 0 then real_now end) on conflict do nothing;
  return many > 0;
end $$;
revoke execute on function app.note_network(uuid, text, timestamptz) from public;
grant execute on function app.note_network(uuid, text, timestamptz) to dialgate_app;
