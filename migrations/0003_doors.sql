-- Doors: work that has no org yet. Owned by dialgate_door, the one role that may see every org's rows; they return
-- org ids and row keys, never a person's data. The list is closed and stands in the catalog test.

-- What a door reads: this table, all orgs.
create procedure app.open_to_door(tenant_table text, columns text) language plpgsql as $$
begin
  execute format('create policy %I on %I for select to dialgate_door using (true)', tenant_table || '_door', tenant_table);
  execute format('grant select (%s) on %I to dialgate_door', columns, tenant_table);
end $$;
call app.open_to_door('api_keys', 'org_id, id, secret_hash');
call app.open_to_door('connections', 'org_id, id, kind, status');
call app.open_to_door('leads', 'org_id, status, scrub_due_at');
call app.open_to_door('test_clocks', 'org_id, now, target, status, lease_until');
call app.open_to_door('hour_profiles', 'org_id, open, next_change_at, next_due_at, campaign_id');
call app.open_to_door('campaigns', 'org_id, id, status');
call app.open_to_door('imports', 'org_id, id, status, lease_until');
call app.open_to_door('dial_attempts', 'org_id, state, settle_after, ring_by, rang, stop_requested_at, dialing_at');
call app.open_to_door('permits', 'org_id, expires_at, consumed_at');
call app.open_to_door('leases', 'org_id, lease_until');
call app.open_to_door('enrolments', 'org_id, state, standing_valid_until');
call app.open_to_door('standing_marks', 'org_id, due_at');
call app.open_to_door('standing_sweeps', 'org_id, platform_version, after_person');
grant select (id, facts_version) on platform_facts to dialgate_door;
call app.open_to_door('webhook_inbox', 'org_id, state, lease_until');
call app.open_to_door('outbox', 'org_id, due_at, done_at, lease_until');
call app.open_to_door('persons', 'org_id, stop_check, stop_check_since');

-- An API key by its id and keyed hash. Comparing the hash here keeps a wrong secret from learning that its id exists.
create function door.api_key(key_id uuid, key_hash bytea) returns table (org_id uuid)
  stable security definer set search_path = pg_catalog language sql
  as $$ select k.org_id from public.api_keys k where k.id = key_id and k.secret_hash = key_hash $$;

-- A webhook path names a connection; its signature is checked afterwards, with that org's credential.
create function door.webhook_connection(connection_id uuid) returns table (org_id uuid)
  stable security definer set search_path = pg_catalog language sql
  as $$ select c.org_id from public.connections c where c.id = connection_id $$;

-- Orgs with work of one kind that is due. A test org is judged by its own clock.
create function door.due_orgs(work text, real_now timestamptz, orgs_max integer) returns table (org_id uuid)
  stable security definer set search_path = pg_catalog language sql
  as $$
  select d.org_id from (
    select p.org_id, p.next_due_at as due, true as by_org_clock
      from public.hour_profiles p join public.campaigns c on c.org_id = p.org_id and c.id = p.campaign_id and c.status = 'running'
      where work = 'dial' and p.open
    union all
    select p.org_id, p.next_change_at, true
      from public.hour_profiles p join public.campaigns c on c.org_id = p.org_id and c.id = p.campaign_id and c.status = 'running'
      where work = 'dial'
    union all
    select k.org_id, k.lease_until, false from public.leases k where work = 'dial'
    union all
    select i.org_id, coalesce(i.lease_until, '-infinity'), false from public.imports i where work = 'import' and i.status in ('queued', 'running')
    union all
    select a.org_id, a.settle_after, false from public.dial_attempts a where work = 'reconcile' and a.state in ('dialing', 'unknown', 'placed', 'in_progress')
    union all
    select a.org_id, a.ring_by - interval '10 s', true from public.dial_attempts a where work = 'reconcile' and a.state in ('placed', 'unknown') and not a.rang
    union all
    select s.org_id, s.stop_check_since, true from public.persons s where work = 'reconcile' and s.stop_check = 'pending'
    union all
    select p.org_id, p.expires_at, false from public.permits p where work = 'permits' and p.consumed_at is null
    union all
    select w.org_id, coalesce(w.lease_until, '-infinity'), false from public.webhook_inbox w where work = 'inbox' and w.state = 'pending'
    union all
    select o.org_id, greatest(o.due_at, coalesce(o.lease_until, '-infinity')), false from public.outbox o where work = 'outbox' and o.done_at is null
    union all
    select c.org_id, l.scrub_due_at, true from public.connections c
      cross join lateral (select x.scrub_due_at from public.leads x where x.org_id = c.org_id and x.status = 'eligible'
        order by x.scrub_due_at limit 1) l
      where work = 'scrub' and c.kind = 'dnc' and c.status = 'active'
    union all
    select m.org_id, m.due_at, false from public.standing_marks m where work = 'standing'
    union all
    select s.org_id, case when s.after_person is not null or s.platform_version < f.facts_version then '-infinity' else e.due end, true
      from public.standing_sweeps s join public.platform_facts f on f.id = 1
      left join lateral (select x.standing_valid_until as due from public.enrolments x
        where x.org_id = s.org_id and x.state in ('waiting', 'held') and x.standing_valid_until is not null
        order by x.standing_valid_until limit 1) e on true
      where work = 'standing'
    union all
    select t.org_id, coalesce(t.lease_until, '-infinity'), false from public.test_clocks t where work = 'test_clock' and t.status = 'advancing'
  ) d left join public.test_clocks t on t.org_id = d.org_id
  where d.due <= case when d.by_org_clock then coalesce(t.now, real_now) else real_now end
  group by d.org_id order by min(d.due), d.org_id limit least(orgs_max, 1000)
  $$;

-- Grants first: once a door has its owner, the migrator may no longer give them. An owner needs CREATE while it becomes one.
revoke execute on all functions in schema door from public;
grant execute on all functions in schema door to dialgate_app;
grant create on schema door to dialgate_door;
alter function door.api_key(uuid, bytea) owner to dialgate_door;
alter function door.webhook_connection(uuid) owner to dialgate_door;
alter function door.due_orgs(text, timestamptz, integer) owner to dialgate_door;
revoke create on schema door from dialgate_door;

-- Binding: the first statement of every request's transaction. Settings are local: they end with it, also on a pooled connection.
create function app.bind(to_org uuid, real_now timestamptz) returns table (org_id uuid, now timestamptz, livemode boolean)
  volatile language plpgsql as $$
declare bound record;
begin
  perform set_config('app.org_id', coalesce(to_org::text, ''), true);
  select o.org_id, o.livemode, coalesce(t.now, date_trunc('second', real_now)) as now into bound
    from public.orgs o left join public.test_clocks t on t.org_id = (select app.org()) and not o.livemode
    where o.org_id = (select app.org());
  if not found then return; end if;
  perform set_config('app.now', bound.now::text, true);
  return query select bound.org_id, bound.now, bound.livemode;
end $$;

-- Binding by a webhook's path: door and settings in the statement that precedes the look at its connection.
create function app.bind_webhook(connection_id uuid, real_now timestamptz)
  returns table (org_id uuid, now timestamptz, livemode boolean, clock_moving boolean)
  volatile language plpgsql as $$
declare found_org uuid;
begin
  select d.org_id into found_org from door.webhook_connection(connection_id) d;
  return query
    select b.org_id, b.now, b.livemode, exists (
      select 1 from public.test_clocks t where t.org_id = found_org and t.org_id = (select app.org()) and t.status = 'advancing')
    from app.bind(found_org, real_now) b;
end $$;
grant execute on function app.bind_webhook(uuid, timestamptz) to dialgate_app;

-- Refused to serve: the answer of the boot check (design §3). A member of another role has that role's rights, or may take them
-- on: a door's policies are every org's, and whoever owns a table may take its walls away. CREATEROLE can make itself a member.
create function app.unsafe_role() returns boolean stable language sql as $$
  select r.rolsuper or r.rolbypassrls or r.rolcreaterole
    or exists (select 1 from pg_auth_members m where m.member = r.oid)
    or exists (select 1 from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id'
      where c.relowner = r.oid and c.relkind in ('r', 'p'))
  from pg_roles r where r.rolname = current_user $$;

grant execute on function app.bind(uuid, timestamptz), app.unsafe_role() to dialgate_app;

-- An instant as it is recorded and sent: RFC 3339, UTC, whole seconds.
create function app.rfc3339(at timestamptz) returns text immutable language sql as $$
  select case when at is null or not isfinite(at) then null
    else to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') end $$;
grant execute on function app.rfc3339(timestamptz) to dialgate_app;
