-- Tables, walls and column classes. Run as dialgate_migrator, which owns them all; the app role owns nothing.
-- Two ids per tenant row: every key starts with org_id, every reference between tenants' tables carries it.

create schema app;
create schema door;
grant usage on schema app to dialgate_app, dialgate_door, dialgate_audit;
grant usage on schema door to dialgate_app;
alter default privileges in schema app revoke execute on functions from public;
alter default privileges in schema door revoke execute on functions from public;
alter default privileges revoke execute on functions from public;

-- The org that this transaction is bound to. nullif: after COMMIT a local setting reads '' instead of null.
create function app.org() returns uuid stable language sql
  as $$ select nullif(current_setting('app.org_id', true), '')::uuid $$;
-- The bound org's clock: real, or the test org's own. Rules what law or plan dates.
create function app.now() returns timestamptz stable language sql
  as $$ select nullif(current_setting('app.now', true), '')::timestamptz $$;
revoke execute on function app.org(), app.now() from public;
grant execute on function app.org(), app.now() to dialgate_app, dialgate_door, dialgate_audit;

-- Wall two for one table: enabled, forced, one policy, the app role's verbs. Every tenant table passes here.
create procedure app.protect_table(tenant_table text, verbs text) language plpgsql as $$
begin
  execute format('alter table %I enable row level security', tenant_table);
  execute format('alter table %I force row level security', tenant_table);
  execute format('create policy %I on %I using (org_id = (select nullif(current_setting(''app.org_id'', true), '''')::uuid))'
    || ' with check (org_id = (select nullif(current_setting(''app.org_id'', true), '''')::uuid))', tenant_table || '_org', tenant_table);
  execute format('grant %s on %I to dialgate_app', verbs, tenant_table);
end $$;

-- The class of each column, as a comment that starts with it: subject (about the person called), account (about one who signs
-- in), org, secret, system.
create procedure app.classify(of_table text, subject text default '', org text default '', secret text default '', system text default '', account text default '')
language plpgsql as $$
declare class record; col text;
begin
  for class in select * from (values ('subject', subject), ('account', account), ('org', org), ('secret', secret), ('system', system)) as c(name, columns) loop
    foreach col in array string_to_array(class.columns, ' ') loop
      execute format('comment on column %I.%I is %L', of_table, col, class.name);
    end loop;
  end loop;
end $$;

-- ------------------------------------------------------------------ platform

create table platform_facts (
  id smallint primary key check (id = 1),
  facts_version bigint not null default 1,
  -- FOR SHARE needs UPDATE on some column; this one carries nothing.
  lock_only smallint
);
insert into platform_facts (id) values (1);
grant select, update (lock_only) on platform_facts to dialgate_app;
call app.classify('platform_facts', system => 'id facts_version lock_only');

-- Operators write what follows by SQL. Whoever does voids every permit in the same transaction: the row is locked before
-- anything changes, as by every other writer.
create function app.bump_platform() returns trigger language plpgsql as $$
begin
  update public.platform_facts f set facts_version = f.facts_version + 1 where f.id = 1;
  return null;
end $$;
revoke execute on function app.bump_platform() from public;

create table platform_halts (
  id uuid primary key,
  reason text not null check (reason in ('platform_halted', 'state_halted', 'emergency_moratorium', 'incident_open')),
  states text[], zips text[],
  since timestamptz not null, until timestamptz, ended_at timestamptz,
  by text not null, note text not null
);
create trigger platform_bumped before insert or update or delete or truncate on platform_halts
  for each statement execute function app.bump_platform();
grant select on platform_halts to dialgate_app;
call app.classify('platform_halts', system => 'id reason states zips since until ended_at by note');

-- Every pepper version that a number was ever hashed under, or may have been, with the hash of the canary under it: the
-- pepper's fingerprint. A worker writes a version before it uses it. A row is taken away only when no hash of it is left.
create table pepper_versions (
  version smallint primary key,
  canary_hmac bytea not null unique,
  first_held_at timestamptz not null default clock_timestamp(),
  -- Some protected line is not kept under this version, so that persons kept under it could not be matched with it.
  lacks_lines boolean not null default false
);
create trigger platform_bumped before update or delete or truncate on pepper_versions
  for each statement execute function app.bump_platform();
grant select, insert (version, canary_hmac) on pepper_versions to dialgate_app;
call app.classify('pepper_versions', system => 'version canary_hmac first_held_at lacks_lines');

-- Operator entries: emergency, hospital and care-home lines, by keyed hash, each under every pepper version.
create table protected_lines (
  e164_hmac bytea primary key, id uuid not null, pepper_version smallint not null references pepper_versions (version),
  kind text not null, source text not null, recorded_at timestamptz not null,
  unique (id, pepper_version)
);
create trigger platform_bumped before insert or update or delete or truncate on protected_lines
  for each statement execute function app.bump_platform();
grant select on protected_lines to dialgate_app;
call app.classify('protected_lines', system => 'e164_hmac id pepper_version kind source recorded_at');

create function app.lines_lacking(under smallint) returns boolean language sql as $$
  select exists (select 1 from public.protected_lines f where not exists (
    select 1 from public.protected_lines g where g.id = f.id and g.pepper_version = under)) $$;
create function app.note_lacking_lines() returns trigger language plpgsql as $$
begin
  if tg_table_name = 'pepper_versions' then
    new.lacks_lines := app.lines_lacking(new.version);
    return new;
  end if;
  update public.pepper_versions v set lacks_lines = not v.lacks_lines where v.lacks_lines <> app.lines_lacking(v.version);
  return null;
end $$;
create trigger lines_noted before insert on pepper_versions for each row execute function app.note_lacking_lines();
create trigger lines_noted after insert or update or delete or truncate on protected_lines
  for each statement execute function app.note_lacking_lines();
revoke execute on function app.lines_lacking(smallint), app.note_lacking_lines() from public;
grant execute on function app.lines_lacking(smallint) to dialgate_app;

-- The peppers that this transaction's worker holds, as it said when it bound: "version:canary" by commas.
create function app.held_peppers() returns table (version smallint, canary_hmac bytea) stable language sql as $$
  select split_part(h, ':', 1)::smallint, decode(split_part(h, ':', 2), 'hex')
    from string_to_table(nullif(current_setting('app.peppers', true), ''), ',') as h $$;
-- Versions that the worker does not hold, or holds with another key: whoever was suppressed under them is not found.
create function app.lost_peppers() returns smallint[] stable language sql as $$
  select coalesce(array_agg(v.version order by v.version), '{}') from public.pepper_versions v
    where not exists (select 1 from app.held_peppers() h where h.version = v.version and h.canary_hmac = v.canary_hmac) $$;
-- Before a worker hashes anything. FOR UPDATE: whoever makes a person holds the row FOR SHARE until it has committed, so
-- that a number which another worker makes under its older peppers alone is there to be found by the first look of this one.
create function app.register_peppers(peppers text) returns smallint[] language plpgsql as $$
begin
  perform set_config('app.peppers', peppers, true);
  if exists (select 1 from app.held_peppers() h where not exists (select 1 from public.pepper_versions v where v.version = h.version)) then
    perform 1 from public.platform_facts f where f.id = 1 for update;
    insert into public.pepper_versions (version, canary_hmac) select h.version, h.canary_hmac from app.held_peppers() h
      order by h.version on conflict (version) do nothing;
  end if;
  return app.lost_peppers();
end $$;
revoke execute on function app.held_peppers(), app.lost_peppers(), app.register_peppers(text) from public;
grant execute on function app.held_peppers(), app.lost_peppers(), app.register_peppers(text) to dialgate_app;

-- ---------------------------------------------------------------------- orgs

create table orgs (
  org_id uuid primary key,
  name text not null,
  livemode boolean not null,
  created_at timestamptz not null
);
call app.protect_table('orgs', 'select, insert, update (name)');
call app.classify('orgs', org => 'name', system => 'org_id livemode created_at');

create table org_facts (org_id uuid primary key references orgs (org_id), facts_version bigint not null default 1);
call app.protect_table('org_facts', 'select, insert, update (facts_version)');
call app.classify('org_facts', system => 'org_id facts_version');

create table test_clocks (
  org_id uuid primary key references orgs (org_id),
  now timestamptz not null,
  target timestamptz,
  status text not null check (status in ('ready', 'advancing', 'failed')),
  status_reason text,
  lease_until timestamptz
);
call app.protect_table('test_clocks', 'select, insert, update');
call app.classify('test_clocks', system => 'org_id now target status status_reason lease_until');

create table api_keys (
  org_id uuid not null references orgs (org_id),
  id uuid not null,
  name text not null,
  secret_hash bytea not null,
  scopes text[] not null,
  -- Real clock, as everything that guards a secret.
  created_at timestamptz not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  -- To the minute: a write for each request would be one for each read, too.
  last_used_at timestamptz,
  -- In the place of which key it was made, and which one was made in its own. A rotation brings the old one's end nearer.
  rotated_from uuid,
  successor_id uuid,
  -- Of a successor, however many rotations later: the key with which they began. To an Idempotency-Key all of them are one.
  first_key_id uuid,
  -- The key that made it, as its maker or by a rotation; null: a person or the platform did. It ends with that one, if that one is leaked.
  made_by uuid,
  primary key (org_id, id),
  foreign key (org_id, rotated_from) references api_keys (org_id, id),
  foreign key (org_id, successor_id) references api_keys (org_id, id),
  foreign key (org_id, first_key_id) references api_keys (org_id, id),
  foreign key (org_id, made_by) references api_keys (org_id, id),
  check ((first_key_id is null) = (rotated_from is null))
);
create unique index api_keys_by_id on api_keys (id, org_id);
create index api_keys_made on api_keys (org_id, made_by) where made_by is not null;
-- How many there are is counted by what works and by what is new, however many have ended.
create index api_keys_unrevoked on api_keys (org_id, expires_at) where revoked_at is null;
create index api_keys_by_age on api_keys (org_id, created_at);
call app.protect_table('api_keys', 'select, insert, update (revoked_at, expires_at, last_used_at, successor_id)');
call app.classify('api_keys', org => 'name scopes', secret => 'secret_hash', system => 'org_id id created_at expires_at revoked_at last_used_at rotated_from successor_id first_key_id made_by');

create table idempotency_keys (
  org_id uuid not null references orgs (org_id),
  -- Of an API key: the first of its rotations.
  principal_id uuid not null,
  key text not null,
  fingerprint bytea not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  status integer,
  headers jsonb,
  body text,
  primary key (org_id, principal_id, key)
);
create index idempotency_keys_expiry on idempotency_keys (org_id, expires_at);
call app.protect_table('idempotency_keys', 'select, insert, update, delete');
call app.classify('idempotency_keys', subject => 'body', system => 'org_id principal_id key fingerprint created_at expires_at status headers');

-- What a person or an incident stopped, of this org alone.
create table halts (
  org_id uuid not null references orgs (org_id),
  id uuid not null,
  reason text not null check (reason in ('org_halted', 'seller_halted', 'state_halted', 'caller_number_halted', 'connection_halted', 'incident_open')),
  target_id uuid,
  target text,
  since timestamptz not null,
  ended_at timestamptz,
  by text not null,
  note text not null,
  primary key (org_id, id)
);
create index halts_open on halts (org_id) where ended_at is null;
call app.protect_table('halts', 'select, insert, update (ended_at)');
call app.classify('halts', org => 'reason target note by', system => 'org_id id target_id since ended_at');

create table incidents (
  org_id uuid not null references orgs (org_id),
  id uuid not null,
  severity smallint not null check (severity between 1 and 3),
  code text not null,
  subject_id uuid,
  halt_id uuid,
  opened_at timestamptz not null,
  closed_at timestamptz,
  closed_by text,
  close_reason text,
  detail jsonb not null,
  primary key (org_id, id),
  foreign key (org_id, halt_id) references halts (org_id, id),
  constraint incidents_closed_with_a_reason check (num_nulls(closed_at, closed_by, close_reason) in (0, 3))
);
create index incidents_open on incidents (org_id, code) where closed_at is null;
-- What ends asks for the open incidents of its own subject.
create index incidents_of_subject on incidents (org_id, subject_id) where closed_at is null;
call app.protect_table('incidents', 'select, insert, update (closed_at, closed_by, close_reason)');
call app.classify('incidents', org => 'code detail closed_by close_reason', system => 'org_id id severity subject_id halt_id opened_at closed_at');

-- One row an org: what the owner chose beyond the law. Nothing here loosens a gate but the recorded switch of gates.md §4.
create table calling_policies (
  org_id uuid primary key references orgs (org_id),
  written_consent_over_national boolean not null default false,
  added_lists text[] not null default '{}',
  consent_max_age_days integer check (consent_max_age_days > 0),
  grade_floor text not null default 'C' check (grade_floor in ('A', 'B', 'C')),
  caps jsonb not null default '[]',
  attempts_max integer not null default 6 check (attempts_max between 1 and 100),
  recall_gap_seconds integer not null default 3600 check (recall_gap_seconds >= 0),
  max_concurrency integer not null default 20 check (max_concurrency > 0),
  keep_transcripts boolean not null default true,
  keep_recordings boolean not null default true
);
call app.protect_table('calling_policies', 'select, insert, update');
call app.classify('calling_policies', org => 'written_consent_over_national added_lists consent_max_age_days grade_floor caps attempts_max recall_gap_seconds max_concurrency keep_transcripts keep_recordings', system => 'org_id');

create table dnc_acknowledgements (
  org_id uuid not null references orgs (org_id),
  id uuid not null,
  lists text[] not null,
  made_at timestamptz not null,
  by text not null,
  primary key (org_id, id)
);
call app.protect_table('dnc_acknowledgements', 'select, insert');
call app.classify('dnc_acknowledgements', org => 'lists by', system => 'org_id id made_at');

-- Counsel's written position on a rule: an owner's act that lifts it for this org, for at most a year (gates.md, Verdicts).
create table counsel_positions (
  org_id uuid not null references orgs (org_id),
  id uuid not null,
  rule_id text not null,
  counsel text not null,
  document_sha256 bytea not null check (length(document_sha256) = 32),
  dated_at timestamptz not null,
  until_at timestamptz not null check (until_at between dated_at and dated_at + interval '366 days'),
  recorded_at timestamptz not null,
  by text not null,
  primary key (org_id, id)
);
call app.protect_table('counsel_positions', 'select, insert, update (until_at)');
call app.classify('counsel_positions', org => 'rule_id counsel document_sha256 by', system => 'org_id id dated_at until_at recorded_at');

-- ------------------------------------------------- sellers, connections, campaigns

create table sellers (
  org_id uuid not null references orgs (org_id),
  id uuid not null,
  registered_name text not null,
  trade_names text[] not null,
  address text,
  do_not_call_number text,
  san text,
  san_area_codes text[] not null,
  created_at timestamptz not null,
  primary key (org_id, id)
);
call app.protect_table('sellers', 'select, insert, update');
call app.classify('sellers', org => 'registered_name trade_names address do_not_call_number san san_area_codes', system => 'org_id id created_at');

create table connections (
  org_id uuid not null references orgs (org_id),
  id uuid not null,
  kind text not null check (kind in ('voice', 'dnc')),
  vendor text not null,
  name text not null,
  config jsonb not null,
  status text not null check (status in ('active', 'failing', 'disabled')),
  inbox_keeps text not null check (inbox_keeps in ('raw', 'envelope')),
  max_concurrency integer not null check (max_concurrency > 0),
  calls_per_second numeric not null check (calls_per_second > 0),
  -- Ring time plus the longest call: before it an unknown attempt stays unknown.
  settle_seconds integer not null check (settle_seconds > 0),
  queue_delay_seconds integer not null default 600 check (queue_delay_seconds >= 30),
  -- Real clock: from here on tokens are free to be reserved, and from there on the next call may leave, so that the provider
  -- never queues. A token is for an instant; who comes too late for it does not leave beside the next.
  next_slot_at timestamptz not null default '-infinity',
  leaves_from timestamptz not null default '-infinity',
  -- How many calls in a row the provider would not place for a reason that is the connection's.
  refused_in_row integer not null default 0,
  -- Real clock: when it last placed one.
  accepted_at timestamptz,
  created_at timestamptz not null,
  primary key (org_id, id)
);
create unique index connections_by_id on connections (id, org_id);
call app.protect_table('connections', 'select, insert, update');
call app.classify('connections', org => 'vendor name config', system => 'org_id id kind status inbox_keeps max_concurrency calls_per_second settle_seconds queue_delay_seconds next_slot_at leaves_from refused_in_row accepted_at created_at');

create table credentials (
  org_id uuid not null,
  connection_id uuid not null,
  version integer not null,
  sealed jsonb not null,
  created_at timestamptz not null,
  primary key (org_id, connection_id, version),
  foreign key (org_id, connection_id) references connections (org_id, id)
);
call app.protect_table('credentials', 'select, insert, update (sealed), delete');
call app.classify('credentials', secret => 'sealed', system => 'org_id connection_id version created_at');

create table campaigns (
  org_id uuid not null references orgs (org_id),
  id uuid not null,
  name text not null,
  seller_id uuid not null,
  connection_id uuid not null,
  status text not null check (status in ('draft', 'running', 'paused', 'completed', 'cancelled')),
  status_reason text,
  purpose text not null check (purpose in ('marketing', 'mixed', 'informational', 'undeclared')),
  debt_collection boolean not null,
  calling_window jsonb,
  from_number text not null,
  ring_seconds integer not null check (ring_seconds between 15 and 120),
  -- The allow-list of lead fields that may go to the voice provider.
  variables text[] not null,
  retry_on text[] not null,
  retry_after_seconds integer not null check (retry_after_seconds >= 0),
  max_concurrency integer not null check (max_concurrency > 0),
  created_at timestamptz not null,
  launched_at timestamptz,
  primary key (org_id, id),
  foreign key (org_id, seller_id) references sellers (org_id, id),
  foreign key (org_id, connection_id) references connections (org_id, id)
);
create index campaigns_by_connection on campaigns (org_id, connection_id);
call app.protect_table('campaigns', 'select, insert, update');
call app.classify('campaigns', org => 'name purpose debt_collection calling_window from_number ring_seconds variables retry_on retry_after_seconds max_concurrency', system => 'org_id id seller_id connection_id status status_reason created_at launched_at');

-- ------------------------------------------------------------ persons and leads

-- One row a number, for ever. Every write that changes a person's facts bumps facts_version in its own transaction.
create table persons (
  -- Its org is required by a trigger: a foreign key's check of each row costs as much as the row's insert (measured).
  org_id uuid not null,
  id uuid not null,
  e164_hmac bytea not null,
  pepper_version smallint not null,
  facts_version bigint not null default 1,
  stop_check text not null default 'clear' check (stop_check in ('clear', 'pending', 'missing')),
  stop_check_since timestamptz,
  primary key (org_id, id),
  unique (org_id, e164_hmac)
) with (fillfactor = 80);
-- Once a statement: row security holds every row of it to the bound org. A role that passes row security is not asked.
create function app.require_org() returns trigger language plpgsql as $$
begin
  if app.org() is not null and not exists (select 1 from public.orgs o where o.org_id = (select app.org())) then
    raise exception 'a person of an org that does not exist' using errcode = 'foreign_key_violation';
  end if;
  return null;
end $$;
revoke execute on function app.require_org() from public;
create trigger org_exists before insert on persons for each statement execute function app.require_org();
-- A person under a pepper that others do not hold yet, or while one is lost, would hide what stands under an older hash: a
-- stop, most of all. FOR SHARE: see app.register_peppers. 55000: the object is not in the state that the statement needs.
create function app.require_peppers() returns trigger language plpgsql as $$
begin
  if app.org() is null or not exists (select 1 from fresh) then return null; end if;
  perform 1 from public.platform_facts f where f.id = 1 for share;
  if app.lost_peppers() <> '{}' or exists (select 1 from (select distinct f.pepper_version from fresh f) p where not exists (
      select 1 from app.held_peppers() h join public.pepper_versions v using (version, canary_hmac) where h.version = p.pepper_version)) then
    raise exception 'a pepper version is lost or unknown: no number is hashed' using errcode = 'object_not_in_prerequisite_state', constraint = 'peppers_held';
  end if;
  return null;
end $$;
revoke execute on function app.require_peppers() from public;
create index persons_stop_check on persons (org_id, stop_check_since) where stop_check <> 'clear';
create trigger peppers_held after insert on persons referencing new table as fresh
  for each statement execute function app.require_peppers();
call app.protect_table('persons', 'select, insert, update (facts_version, stop_check, stop_check_since)');
call app.classify('persons', subject => 'e164_hmac stop_check stop_check_since', system => 'org_id id pepper_version facts_version');

-- A new pepper adds an alias; no write uses the pepper before the alias exists.
create table person_aliases (
  org_id uuid not null,
  e164_hmac bytea not null,
  person_id uuid not null,
  pepper_version smallint not null,
  primary key (org_id, e164_hmac),
  foreign key (org_id, person_id) references persons (org_id, id)
);
create trigger peppers_held after insert on person_aliases referencing new table as fresh
  for each statement execute function app.require_peppers();
create index person_aliases_by_person on person_aliases (org_id, person_id);
call app.protect_table('person_aliases', 'select, insert');
call app.classify('person_aliases', subject => 'e164_hmac', system => 'org_id person_id pepper_version');

create table imports (
  org_id uuid not null references orgs (org_id),
  id uuid not null,
  seller_id uuid not null,
  file_name text not null,
  file_key text not null,
  file_sha256 bytea,
  bytes_total bigint not null default 0,
  bytes_done bigint not null default 0,
  lines_done bigint not null default 0,
  rows_done bigint not null default 0,
  chunks_done integer not null default 0,
  columns jsonb not null,
  attestation jsonb not null,
  status text not null check (status in ('awaiting_file', 'queued', 'running', 'succeeded', 'failed', 'cancelled')),
  status_reason text,
  status_detail text,
  accepted bigint not null default 0,
  eligible bigint not null default 0,
  rejected jsonb not null default '{}',
  ineligible jsonb not null default '{}',
  states_differ bigint not null default 0,
  timezone_unknown bigint not null default 0,
  header jsonb,
  lease_until timestamptz,
  created_at timestamptz not null,
  -- When the file was whole: consent dates later than this are in the future.
  arrived_at timestamptz,
  finished_at timestamptz,
  primary key (org_id, id),
  foreign key (org_id, seller_id) references sellers (org_id, id)
);
create index imports_open on imports (org_id, lease_until) where status in ('queued', 'running');
call app.protect_table('imports', 'select, insert, update');
call app.classify('imports', org => 'file_name columns attestation header status_detail', system => 'org_id id seller_id file_key file_sha256 bytes_total bytes_done lines_done rows_done chunks_done status status_reason accepted eligible rejected ineligible states_differ timezone_unknown lease_until created_at arrived_at finished_at');

create table import_rejects (
  org_id uuid not null,
  import_id uuid not null,
  line bigint not null,
  code text not null,
  detail text not null,
  raw text not null,
  primary key (org_id, import_id, line),
  foreign key (org_id, import_id) references imports (org_id, id)
);
call app.protect_table('import_rejects', 'select, insert');
call app.classify('import_rejects', subject => 'raw', org => 'detail', system => 'org_id import_id line code');

create table leads (
  org_id uuid not null,
  id uuid not null,
  person_id uuid not null,
  import_id uuid,
  line bigint,
  external_id text,
  e164 text not null,
  first_name text, last_name text, email text, city text, state text, zip text, source text, notes text,
  -- The hours profile's part that is the lead's: its candidate states, sorted and joined; '' = none known.
  candidate_states text not null,
  status text not null check (status in ('eligible', 'ineligible')),
  ineligible_reason text check ((status = 'ineligible') = (ineligible_reason is not null)),
  callback_at timestamptz,
  -- Org clock: when its lists must be asked again; never asked = at once.
  scrub_due_at timestamptz not null default '-infinity',
  created_at timestamptz not null,
  primary key (org_id, id),
  unique (org_id, person_id)
) with (fillfactor = 90);
-- Not unique: the id is the vendor's, and vendors repeat them; what makes a lead one is its number.
create index leads_by_external_id on leads (org_id, external_id) where external_id is not null;
create index leads_scrub_due on leads (org_id, scrub_due_at, id) where status = 'eligible';
create index leads_by_import on leads (org_id, import_id, line) where import_id is not null;
call app.protect_table('leads', 'select, insert, update (external_id, first_name, last_name, email, city, state, zip, source, notes, status, ineligible_reason, callback_at, scrub_due_at)');
call app.classify('leads', subject => 'e164 first_name last_name email city state zip source notes candidate_states status ineligible_reason callback_at scrub_due_at', org => 'external_id', system => 'org_id id person_id import_id line created_at');

-- In place of a foreign key: the app role can neither delete a person nor rewrite whose row it is, and intake brings
-- thousands of rows in one statement, which are looked up together here.
create function app.require_persons() returns trigger language plpgsql
  -- All of them in one walk through the key. As a join it was planned, while the table was small, to read all the persons of
  -- the org for each row (measured: two seconds for a chunk of 2,500).
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off as $$
declare named uuid[];
begin
  if app.org() is null then return null; end if;
  named := array(select distinct f.person_id from fresh f);
  if cardinality(named) <> (select count(*) from public.persons p where p.org_id = (select app.org()) and p.id = any (named)) then
    raise exception '% names a person that its org does not have', tg_table_name using errcode = 'foreign_key_violation';
  end if;
  return null;
end $$;
revoke execute on function app.require_persons() from public;
create trigger person_exists after insert on leads referencing new table as fresh for each statement execute function app.require_persons();

-- Append-only: grants, revocations, lifts, relationships. Once per digest and person.
create table consent_events (
  org_id uuid not null,
  id uuid not null,
  person_id uuid not null,
  kind text not null check (kind in ('grant', 'revocation', 'lift', 'relationship')),
  recorded_at timestamptz not null,
  digest bytea not null,
  -- As it was written; jsonb would sort it and cost four times as much to store (measured).
  body json not null,
  primary key (org_id, id),
  unique (org_id, person_id, digest)
);
call app.protect_table('consent_events', 'select, insert');
create trigger person_exists after insert on consent_events referencing new table as fresh for each statement execute function app.require_persons();
call app.classify('consent_events', subject => 'kind body', system => 'org_id id person_id recorded_at digest');

create table suppressions (
  org_id uuid not null references orgs (org_id),
  id uuid not null,
  person_id uuid not null,
  source text not null,
  by_org boolean not null,
  recorded_at timestamptz not null,
  note text,
  attempt_id uuid,
  -- xmin is lost on the next update; races are judged by commit timestamps of these.
  recorded_xid xid8 not null default pg_current_xact_id(),
  primary key (org_id, id),
  foreign key (org_id, person_id) references persons (org_id, id)
);
create index suppressions_by_person on suppressions (org_id, person_id);
call app.protect_table('suppressions', 'select, insert');
call app.classify('suppressions', subject => 'source note recorded_at', system => 'org_id id person_id by_org attempt_id recorded_xid');

-- The canary: a suppression of a number that nobody has, made with the org. A worker that does not find it would not find
-- anyone's stop either. It is in the list as every other entry, under each pepper that is held.
create function app.plant_canary(person uuid, suppression uuid) returns void language plpgsql as $$
begin
  insert into public.persons (org_id, id, e164_hmac, pepper_version)
    select app.org(), person, h.canary_hmac, h.version from app.held_peppers() h order by h.version desc limit 1;
  insert into public.person_aliases (org_id, e164_hmac, person_id, pepper_version)
    select app.org(), h.canary_hmac, person, h.version from app.held_peppers() h order by h.version desc offset 1;
  insert into public.suppressions (org_id, id, person_id, source, by_org, recorded_at) values (app.org(), suppression, person, 'canary', true, app.now());
end $$;
create function app.canary_found() returns boolean stable language sql as $$
  select exists (
    select 1 from app.held_peppers() h
      cross join lateral (
        select p.id from public.persons p where p.org_id = (select app.org()) and p.e164_hmac = h.canary_hmac
        union all
        select a.person_id from public.person_aliases a where a.org_id = (select app.org()) and a.e164_hmac = h.canary_hmac) c
      join public.suppressions s on s.org_id = (select app.org()) and s.person_id = c.id) $$;
-- What `place` asks again under its locks: its worker may hold other keys than the one that decided.
create function app.keys_hold() returns boolean stable language sql as $$
  select app.lost_peppers() = '{}' and app.canary_found() and not exists (select 1 from public.pepper_versions v where v.lacks_lines) $$;
revoke execute on function app.plant_canary(uuid, uuid), app.canary_found(), app.keys_hold() from public;
grant execute on function app.plant_canary(uuid, uuid), app.canary_found(), app.keys_hold() to dialgate_app;

create table scrubs (
  org_id uuid not null references orgs (org_id),
  id uuid not null,
  person_id uuid not null,
  list text not null,
  kind text not null check (kind in ('do_not_call', 'litigator', 'line_type')),
  result text not null check (result in ('clear', 'listed', 'unknown')),
  list_version_at timestamptz,
  scrubbed_at timestamptz not null,
  connection_id uuid not null,
  run_id uuid not null,
  response_digest bytea,
  primary key (org_id, id),
  foreign key (org_id, person_id) references persons (org_id, id),
  foreign key (org_id, connection_id) references connections (org_id, id)
);
create index scrubs_latest on scrubs (org_id, person_id, list, scrubbed_at desc);
create index scrubs_by_connection on scrubs (org_id, connection_id);
call app.protect_table('scrubs', 'select, insert');
call app.classify('scrubs', subject => 'result', org => 'list kind', system => 'org_id id person_id list_version_at scrubbed_at connection_id run_id response_digest');

-- ------------------------------------------------------------ the queue and the dial

-- As app.require_persons, for what a dial writes of a lead: the lead names the person.
create function app.require_leads() returns trigger language plpgsql
  set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off as $$
begin
  if app.org() is not null and exists (select 1 from fresh f where not exists (
      select 1 from public.leads l where l.org_id = (select app.org()) and l.id = f.lead_id and l.person_id = f.person_id)) then
    raise exception '% names a lead that its org does not have', tg_table_name using errcode = 'foreign_key_violation';
  end if;
  return null;
end $$;
revoke execute on function app.require_leads() from public;

-- One row for each (campaign, set of candidate states): the hours are judged here, not per lead.
create table hour_profiles (
  org_id uuid not null,
  id uuid not null,
  campaign_id uuid not null,
  candidate_states text not null,
  open boolean not null default false,
  -- Org clock: when `open` must be judged again; null = never opens.
  next_change_at timestamptz default '-infinity',
  -- Org clock: no waiting enrolment of the profile is due before it.
  next_due_at timestamptz not null default 'infinity',
  primary key (org_id, id),
  unique (org_id, campaign_id, candidate_states),
  foreign key (org_id, campaign_id) references campaigns (org_id, id)
) with (fillfactor = 70);
create index hour_profiles_ready on hour_profiles (next_due_at, org_id) where open;
create index hour_profiles_edges on hour_profiles (next_change_at, org_id);
call app.protect_table('hour_profiles', 'select, insert, update, delete');
call app.classify('hour_profiles', system => 'org_id id campaign_id candidate_states open next_change_at next_due_at');

create table enrolments (
  org_id uuid not null,
  id uuid not null,
  campaign_id uuid not null,
  lead_id uuid not null,
  person_id uuid not null,
  profile_id uuid not null,
  -- Claimed is a waiting one that a lease names.
  state text not null check (state in ('waiting', 'held', 'done')),
  reason text,
  due_at timestamptz not null,
  -- The standing gates' answers, for the funnel; stale from standing_valid_until on.
  standing jsonb,
  standing_valid_until timestamptz,
  attempts integer not null default 0,
  primary key (org_id, id),
  unique (org_id, lead_id, campaign_id),
  foreign key (org_id, campaign_id) references campaigns (org_id, id),
  foreign key (org_id, lead_id) references leads (org_id, id),
  foreign key (org_id, person_id) references persons (org_id, id),
  foreign key (org_id, profile_id) references hour_profiles (org_id, id)
) with (fillfactor = 70);
create index enrolments_due on enrolments (org_id, profile_id, due_at, id) include (lead_id, person_id) where state = 'waiting';
create index enrolments_by_person on enrolments (org_id, person_id) where state <> 'done';
call app.protect_table('enrolments', 'select, insert, update');
call app.classify('enrolments', subject => 'standing reason', system => 'org_id id campaign_id lead_id person_id profile_id state due_at standing_valid_until attempts');

-- What runs hold: a row for each part of a batch, so that a claim writes one row and not one a lead. Its token is the
-- fence: only who still has it may record. What a lease still names at its end waits again, with nothing to be written.
create table leases (
  org_id uuid not null references orgs (org_id),
  token uuid not null,
  -- In the order in which parts are recorded. A part has one profile, and no more leads than the claim was told.
  part integer not null,
  profile_id uuid not null,
  campaign_id uuid not null,
  connection_id uuid not null,
  -- Of one length: who they are, so that reading a batch's facts does not begin with its enrolments.
  enrolment_ids uuid[] not null,
  lead_ids uuid[] not null,
  person_ids uuid[] not null,
  -- Real clock. The connection's tokens that are reserved for the part: one in each step of its calls per second.
  slots_from timestamptz not null, slots_until timestamptz not null,
  lease_until timestamptz not null,
  primary key (org_id, token, part)
);
create index leases_end on leases (lease_until, org_id);
call app.protect_table('leases', 'select, insert, update (lease_until, slots_from), delete');
call app.classify('leases', system => 'org_id token part profile_id campaign_id connection_id enrolment_ids lead_ids person_ids slots_from slots_until lease_until');

-- Persons whose facts moved since the standing results of their open enrolments were computed. Who writes one holds its person.
create table standing_marks (
  org_id uuid not null,
  person_id uuid not null,
  -- Which change it was: a result that was computed before it does not take the mark away.
  marked_by xid8 not null default pg_current_xact_id(),
  -- Real clock.
  due_at timestamptz not null,
  primary key (org_id, person_id),
  foreign key (org_id, person_id) references persons (org_id, id)
);
create index standing_marks_due on standing_marks (org_id, due_at);
call app.protect_table('standing_marks', 'select, insert, update, delete');
call app.classify('standing_marks', system => 'org_id person_id marked_by due_at');

-- One row an org that has enrolled: a change of the whole org or platform makes all of its standing results stale at once,
-- and is carried to the persons batch by batch, in the order of their ids.
create table standing_sweeps (
  org_id uuid primary key references orgs (org_id),
  platform_version bigint not null,
  -- Results of later persons are stale; null = none is.
  after_person uuid
);
call app.protect_table('standing_sweeps', 'select, insert, update');
call app.classify('standing_sweeps', system => 'org_id platform_version after_person');

-- Parts of snapshots that many decisions share (policy, campaign, zones), once each.
create table snapshot_parts (
  org_id uuid not null references orgs (org_id),
  digest bytea not null,
  body text not null,
  primary key (org_id, digest)
);
call app.protect_table('snapshot_parts', 'select, insert');
call app.classify('snapshot_parts', org => 'body', system => 'org_id digest');

create table decisions (
  org_id uuid not null,
  id uuid not null,
  kind text not null check (kind in ('dial', 'dry_run')),
  campaign_id uuid not null,
  lead_id uuid not null,
  person_id uuid not null,
  at timestamptz not null,
  verdict text not null check (verdict in ('allow', 'defer', 'block')),
  outcome text not null check (outcome in ('permitted', 'refused', 'window_closing', 'person_busy', 'facts_changed')),
  reason_codes text[] not null,
  next_eligible_at timestamptz,
  valid_until timestamptz,
  fix jsonb,
  results text not null,
  own_facts text not null,
  shared_facts bytea not null,
  snapshot_digest bytea not null,
  primary key (org_id, id)
-- A decision is some 4 kB of text: compressing each would cost twice what the rest of its dial costs (measured).
) with (toast_tuple_target = 8160);
-- Newest first, as every list pages: by id, which sorts by creation.
create index decisions_by_lead on decisions (org_id, lead_id, id desc);
call app.protect_table('decisions', 'select, insert');
-- What a decision was made of is stored: a batch shares a few parts, which are looked up once each.
create function app.require_parts() returns trigger language plpgsql
  set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off as $$
begin
  if app.org() is not null and exists (select 1 from (select distinct n.shared_facts from fresh n) f where not exists (
      select 1 from public.snapshot_parts s where s.org_id = (select app.org()) and s.digest = f.shared_facts)) then
    raise exception 'a decision without the snapshot that it was made of' using errcode = 'foreign_key_violation';
  end if;
  return null;
end $$;
revoke execute on function app.require_parts() from public;
create trigger part_exists after insert on decisions referencing new table as fresh for each statement execute function app.require_parts();
create trigger lead_exists after insert on decisions referencing new table as fresh for each statement execute function app.require_leads();
call app.classify('decisions', subject => 'own_facts results reason_codes', org => 'fix', system => 'org_id id kind campaign_id lead_id person_id at verdict outcome next_eligible_at valid_until shared_facts snapshot_digest');

create table dial_attempts (
  org_id uuid not null,
  id uuid not null,
  kind text not null check (kind in ('campaign', 'single')),
  enrolment_id uuid,
  campaign_id uuid not null,
  lead_id uuid not null,
  person_id uuid not null,
  connection_id uuid not null,
  decision_id uuid not null,
  state text not null check (state in ('permitted', 'dialing', 'placed', 'in_progress', 'unknown', 'completed', 'failed', 'cancelled', 'expired', 'refused', 'failed_no_call', 'not_placed')),
  reason text,
  -- Org clock.
  minted_at timestamptz not null,
  ring_by timestamptz not null,
  ended_at timestamptz,
  -- Real clock.
  slot_at timestamptz not null,
  -- The instant that was kept for it when it came too early, or too late for its slot.
  leaves_at timestamptz,
  dialing_at timestamptz,
  settle_after timestamptz,
  provider_call_id text,
  rang boolean not null default false,
  stop_requested_at timestamptz,
  stop_reason text,
  stop_accepted_at timestamptz,
  -- Counts for frequency caps: from the minting of its permit, unless unused or known not to have rung.
  counts boolean not null default true,
  answered_by_person boolean not null default false,
  ended_by text not null default 'unknown',
  dialed_xid xid8,
  -- Look-ups whose answer could not be applied.
  settle_failures integer not null default 0,
  primary key (org_id, id)
) with (fillfactor = 70);
-- At most one for each person, and all that lives, to be counted by connection and campaign.
create unique index dial_attempts_live on dial_attempts (org_id, person_id) include (connection_id, campaign_id)
  where state in ('permitted', 'dialing', 'unknown', 'placed', 'in_progress');
create index dial_attempts_by_person on dial_attempts (org_id, person_id, minted_at desc);
create unique index dial_attempts_by_provider_call on dial_attempts (org_id, connection_id, provider_call_id) where provider_call_id is not null;
call app.protect_table('dial_attempts', 'select, insert, update');
create trigger lead_exists after insert on dial_attempts referencing new table as fresh for each statement execute function app.require_leads();
call app.classify('dial_attempts', subject => 'answered_by_person ended_by reason', org => 'stop_reason', system => 'org_id id kind enrolment_id campaign_id lead_id person_id connection_id decision_id state minted_at ring_by ended_at slot_at leaves_at dialing_at settle_after provider_call_id rang stop_requested_at stop_accepted_at counts dialed_xid settle_failures');

-- Single use. Two limits: 60 s of the real clock, and an instant of the org's clock before the first gate changes its mind.
create table permits (
  org_id uuid not null,
  attempt_id uuid not null,
  decision_id uuid not null,
  platform_version bigint not null,
  org_version bigint not null,
  person_version bigint not null,
  minted_real_at timestamptz not null,
  expires_at timestamptz not null,
  valid_before timestamptz not null,
  consumed_at timestamptz,
  minted_xid xid8 not null default pg_current_xact_id(),
  -- One an attempt, minted in the attempt's own statement.
  primary key (org_id, attempt_id)
) with (fillfactor = 80);
create index permits_unspent on permits (expires_at, org_id) where consumed_at is null;
call app.protect_table('permits', 'select, insert, update (consumed_at)');
call app.classify('permits', system => 'org_id attempt_id decision_id platform_version org_version person_version minted_real_at expires_at valid_before consumed_at minted_xid');

create table calls (
  org_id uuid not null,
  id uuid not null,
  attempt_id uuid not null,
  campaign_id uuid not null,
  lead_id uuid not null,
  connection_id uuid not null,
  provider_call_id text not null,
  status text not null,
  disposition text not null,
  provider_reason text,
  started_at timestamptz,
  ended_at timestamptz,
  duration_seconds integer,
  ended_by text not null,
  transcript jsonb,
  transcript_state text not null check (transcript_state in ('pending', 'kept', 'withheld', 'none')),
  recording_ref text,
  stop_requested boolean not null,
  stop_searched boolean not null,
  created_at timestamptz not null,
  -- Never searched, and a person judged it.
  stop_judged boolean not null default false,
  -- A further call of its attempt, without a permit of its own.
  second boolean not null default false,
  primary key (org_id, id),
  foreign key (org_id, attempt_id) references dial_attempts (org_id, id),
  foreign key (org_id, connection_id) references connections (org_id, id)
);
-- One, unless a provider made a second call of one attempt: that one was heard by somebody, too.
create index calls_by_attempt on calls (org_id, attempt_id);
create index calls_second on calls (org_id, attempt_id) where second;
create unique index calls_by_provider_call on calls (org_id, connection_id, provider_call_id);
create index calls_by_lead on calls (org_id, lead_id, created_at desc);
call app.protect_table('calls', 'select, insert, update');
call app.classify('calls', subject => 'disposition started_at ended_at duration_seconds ended_by transcript recording_ref stop_requested', system => 'org_id id attempt_id campaign_id lead_id connection_id provider_call_id status provider_reason transcript_state stop_searched stop_judged second created_at');

create table webhook_inbox (
  org_id uuid not null,
  id uuid not null,
  connection_id uuid not null,
  dedupe_key text not null,
  type text not null,
  provider_call_id text,
  attempt_id uuid,
  received_at timestamptz not null,
  body_digest bytea not null,
  -- Raw text, or null where the connection keeps envelopes only.
  body text,
  -- What the adapter read from it, without words of the call.
  report jsonb,
  state text not null check (state in ('pending', 'applied', 'ignored', 'failed')),
  reason text,
  tries integer not null default 0,
  lease_until timestamptz,
  primary key (org_id, id),
  unique (org_id, connection_id, dedupe_key),
  foreign key (org_id, connection_id) references connections (org_id, id)
);
-- Stops of calls that nobody could name yet.
create index webhook_inbox_unattributed on webhook_inbox (org_id, connection_id) where reason = 'stop_unattributed';
create index webhook_inbox_pending on webhook_inbox (org_id, received_at, id) where state = 'pending';
create index webhook_inbox_failed on webhook_inbox (org_id, connection_id, provider_call_id) where state = 'failed';
call app.protect_table('webhook_inbox', 'select, insert, update');
call app.classify('webhook_inbox', subject => 'body report', system => 'org_id id connection_id dedupe_key type provider_call_id attempt_id received_at body_digest state reason tries lease_until');

create table outbox (
  org_id uuid not null references orgs (org_id),
  id uuid not null,
  kind text not null check (kind in ('provider_stop')),
  subject_id uuid not null,
  due_at timestamptz not null,
  tries integer not null default 0,
  lease_until timestamptz,
  done_at timestamptz,
  reason text,
  created_at timestamptz not null,
  primary key (org_id, id)
);
create index outbox_pending on outbox (org_id, due_at) where done_at is null;
call app.protect_table('outbox', 'select, insert, update');
call app.classify('outbox', org => 'reason', system => 'org_id id kind subject_id due_at tries lease_until done_at created_at');
