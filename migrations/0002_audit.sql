-- The audit chain of each org: final from its first day, because a digest that was handed out cannot be changed.
-- Owned by dialgate_audit, which nobody can be: the app role reads under row security and writes through three functions.

create schema audit authorization dialgate_audit;
set local role dialgate_audit;
grant usage on schema audit to dialgate_app;
alter default privileges revoke execute on functions from public;

-- Where each chain stands. Appends meet on this row; a sequence would leave gaps when a transaction rolls back.
create table audit.head (
  org_id uuid primary key,
  seq bigint not null,
  head bytea not null check (octet_length(head) = 32),
  at_us bigint not null
) with (fillfactor = 50);
comment on column audit.head.org_id is 'system';
comment on column audit.head.seq is 'system';
comment on column audit.head.head is 'system';
comment on column audit.head.at_us is 'system';

-- Digests and times alone: never purged, so that a chain stays whole when what it speaks of is gone.
create table audit.entry (
  org_id uuid not null,
  seq bigint not null check (seq > 0),
  -- Its form is looked at once for each kind that a call appends: a pattern for each row costs as much as its hash.
  event_type text not null check (octet_length(event_type) between 1 and 100),
  at_us bigint not null,
  payload_commit bytea not null check (octet_length(payload_commit) = 32),
  prev bytea not null check (octet_length(prev) = 32),
  entry_hash bytea not null check (octet_length(entry_hash) = 32),
  primary key (org_id, seq),
  unique (org_id, prev)
);
comment on column audit.entry.org_id is 'system';
comment on column audit.entry.seq is 'system';
comment on column audit.entry.event_type is 'system';
comment on column audit.entry.at_us is 'system';
comment on column audit.entry.payload_commit is 'system';
comment on column audit.entry.prev is 'system';
comment on column audit.entry.entry_hash is 'system';

-- What was said, in two parts that can go apart. A part that went leaves its digest: it opens nothing once its salt is
-- deleted, and without it the other part could no longer be proved.
create table audit.payload (
  org_id uuid not null,
  seq bigint not null,
  salt_subject bytea,
  subject_text text,
  subject_digest bytea,
  salt_facts bytea,
  facts_text text,
  facts_digest bytea,
  primary key (org_id, seq),
  check (num_nulls(salt_subject, subject_text) in (0, 2) and (subject_digest is null) = (subject_text is not null)),
  check (num_nulls(salt_facts, facts_text) in (0, 2) and (facts_digest is null) = (facts_text is not null))
);
-- What the chain says of one row. Ids of a kind sort by creation, so that appends meet in the same few pages.
create index payload_by_subject on audit.payload (org_id, subject_text, seq);
comment on column audit.payload.org_id is 'system';
comment on column audit.payload.seq is 'system';
comment on column audit.payload.salt_subject is 'subject';
comment on column audit.payload.subject_text is 'subject';
comment on column audit.payload.subject_digest is 'system';
comment on column audit.payload.salt_facts is 'org';
comment on column audit.payload.facts_text is 'org';
comment on column audit.payload.facts_digest is 'system';

do $$
declare
  tenant_table text;
begin
  foreach tenant_table in array array['head', 'entry', 'payload'] loop
    execute format('alter table audit.%I enable row level security', tenant_table);
    execute format('alter table audit.%I force row level security', tenant_table);
    execute format('create policy %I on audit.%I using (org_id = (select nullif(current_setting(''app.org_id'', true), '''')::uuid))'
      || ' with check (org_id = (select nullif(current_setting(''app.org_id'', true), '''')::uuid))', tenant_table || '_org', tenant_table);
    execute format('grant select on audit.%I to dialgate_app', tenant_table);
  end loop;
end $$;

-- Mistakes made with the owner's rights stop here. Who owns a table can drop its triggers: against that stands the
-- checkpoint outside the database.
create function audit.refuse_rewrite() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
  raise exception 'audit.% is append-only: % refused', tg_table_name, tg_op using errcode = '42501';
end $$;

create function audit.refuse_going_back() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
  if new.org_id <> old.org_id or new.seq <= old.seq or new.at_us <= old.at_us then
    raise exception 'audit.head moves forward only' using errcode = '42501';
  end if;
  return new;
end $$;

-- A part may go if its digest stays, and nothing else may change.
create function audit.refuse_all_but_purge() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
  if (new.org_id, new.seq) is distinct from (old.org_id, old.seq)
    or ((new.salt_subject, new.subject_text, new.subject_digest) is distinct from (old.salt_subject, old.subject_text, old.subject_digest)
      and not (new.subject_text is null and old.subject_text is not null
        and new.subject_digest = audit.part_digest('\x01', old.salt_subject, old.subject_text)))
    or ((new.salt_facts, new.facts_text, new.facts_digest) is distinct from (old.salt_facts, old.facts_text, old.facts_digest)
      and not (new.facts_text is null and old.facts_text is not null
        and new.facts_digest = audit.part_digest('\x02', old.salt_facts, old.facts_text)))
  then
    raise exception 'audit.payload is append-only, but for a purge that leaves the digest' using errcode = '42501';
  end if;
  return new;
end $$;

create trigger append_only before update or delete or truncate on audit.entry execute function audit.refuse_rewrite();
create trigger append_only before delete or truncate on audit.payload execute function audit.refuse_rewrite();
create trigger purge_only before update on audit.payload for each row execute function audit.refuse_all_but_purge();
create trigger append_only before delete or truncate on audit.head execute function audit.refuse_rewrite();
create trigger forward_only before update on audit.head for each row execute function audit.refuse_going_back();

-- Lengths or fixed widths everywhere: no byte can move from one field to its neighbour and leave the hash as it was.
-- No search_path of their own, and no more volatile than convert_to, so that the planner can inline them; their callers have
-- pinned it.
create function audit.entry_hash(org uuid, seq bigint, event_type text, at_us bigint, payload_commit bytea, prev bytea)
  returns bytea stable parallel safe language sql
  as $$
    select sha256('audit/v1'::bytea || uuid_send(org) || int8send(seq) || int4send(octet_length(convert_to(event_type, 'UTF8')))
      || convert_to(event_type, 'UTF8') || int8send(at_us) || payload_commit || prev)
  $$;

create function audit.part_digest(part bytea, salt bytea, content text)
  returns bytea stable parallel safe language sql
  as $$ select sha256(part || salt || convert_to(content, 'UTF8')) $$;

create function audit.genesis(org uuid)
  returns bytea immutable parallel safe language sql
  as $$ select sha256('audit/v1/genesis'::bytea || uuid_send(org)) $$;

-- 256 bits. Postgres without extensions gives randomness of its generator for secrets as UUIDs alone, 122 bits each
-- (pg_strong_random); three of them are mixed.
create function audit.secret()
  returns bytea volatile parallel safe language sql
  as $$ select sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) $$;

-- The salt of one part: from a secret that its call forgets, so that no salt tells another.
create function audit.salt(secret bytea, part bytea, place bigint)
  returns bytea immutable parallel safe language sql
  as $$ select sha256(secret || part || int8send(place)) $$;

-- The bound org's chain, made with the org.
create function audit.open_chain()
  returns void volatile security definer language plpgsql set search_path = pg_catalog as $$
declare
  bound uuid := (select app.org());
begin
  if bound is null then raise exception 'no org is bound' using errcode = '42501'; end if;
  insert into audit.head as h (org_id, seq, head, at_us) values ((select app.org()), 0, audit.genesis(bound), 0);
end $$;

-- Appends to the bound org's chain and returns the last seq. To be called last in a transaction: the head's row is what
-- every writer of the org waits for. Only the lock on it gives the order (FOR UPDATE on the last entry does not: it lets
-- two writers share a predecessor).
create function audit.append_many(event_types text[], subjects text[], facts text[])
  returns bigint volatile security definer language plpgsql set search_path = pg_catalog as $$
declare
  bound uuid := (select app.org());
  entries constant integer := cardinality(event_types);
  at_head record;
  first_at bigint;
  secret constant bytea := audit.secret();
  digest bytea;
  commits bytea[]; hashes bytea[]; salts_subject bytea[]; salts_facts bytea[];
begin
  if bound is null then raise exception 'no org is bound' using errcode = '42501'; end if;
  -- A null would make a hash null and the entry vanish in silence.
  if event_types is null or subjects is null or facts is null or array_position(event_types, null) is not null
    or array_position(subjects, null) is not null or array_position(facts, null) is not null then
    raise exception 'an audit entry has an event type, a subject and facts' using errcode = '22004';
  end if;
  -- Materialised, or the pattern would be tried on each row before they are told apart.
  if exists (with kinds as materialized (select distinct u.event_type from unnest(event_types) as u (event_type))
      select 1 from kinds k where k.event_type !~ '^[a-z][a-z0-9_.]{0,99}$') then
    raise exception 'an event type is a lower-case word with underscores and dots' using errcode = '23514';
  end if;
  if cardinality(subjects) <> entries or cardinality(facts) <> entries or entries > 10000 then
    raise exception 'audit.append_many takes up to 10000 entries in arrays of one length' using errcode = '22023';
  end if;
  select h.seq, h.head, h.at_us into at_head from audit.head h where h.org_id = (select app.org()) for update;
  if not found then raise exception 'the bound org has no audit chain' using errcode = '55000'; end if;
  if entries = 0 then return at_head.seq; end if;

  -- Later than the entry before it, also when the server's clock was set back; a microsecond apart within one call.
  first_at := greatest((extract(epoch from clock_timestamp()) * 1000000)::bigint, at_head.at_us + 1);
  select array_agg(s.salt_subject order by s.place), array_agg(s.salt_facts order by s.place),
      array_agg(sha256(audit.part_digest('\x01', s.salt_subject, s.subject) || audit.part_digest('\x02', s.salt_facts, s.fact)) order by s.place)
    into salts_subject, salts_facts, commits
    from (select u.subject, u.fact, u.place,
        audit.salt(secret, '\x01', u.place) as salt_subject, audit.salt(secret, '\x02', u.place) as salt_facts
      from unnest(subjects, facts) with ordinality as u (subject, fact, place) offset 0) s;
  -- Only the chain itself needs one after the other.
  digest := at_head.head;
  for place in 1 .. entries loop
    digest := audit.entry_hash(bound, at_head.seq + place, event_types[place], first_at + place - 1, commits[place], digest);
    hashes[place] := digest;
  end loop;

  insert into audit.entry as e (org_id, seq, event_type, at_us, payload_commit, prev, entry_hash)
    select (select app.org()), at_head.seq + u.place, u.event_type, first_at + u.place - 1, u.payload_commit, u.prev, u.entry_hash
    from unnest(event_types, commits, array_prepend(at_head.head, hashes[:entries - 1]), hashes) with ordinality
      as u (event_type, payload_commit, prev, entry_hash, place);
  insert into audit.payload as p (org_id, seq, salt_subject, subject_text, salt_facts, facts_text)
    select (select app.org()), at_head.seq + u.place, u.salt_subject, u.subject, u.salt_facts, u.fact
    from unnest(salts_subject, subjects, salts_facts, facts) with ordinality as u (salt_subject, subject, salt_facts, fact, place);
  update audit.head h set seq = at_head.seq + entries, head = digest, at_us = first_at + entries - 1 where h.org_id = (select app.org());
  return at_head.seq + entries;
end $$;

create function audit.append(event_type text, subject text, facts text)
  returns bigint volatile security definer language sql set search_path = pg_catalog
  as $$ select audit.append_many(array[event_type], array[subject], array[facts]) $$;

revoke execute on all functions in schema audit from public;
grant execute on function audit.open_chain(), audit.append(text, text, text), audit.append_many(text[], text[], text[]) to dialgate_app;
set local role dialgate_migrator;
