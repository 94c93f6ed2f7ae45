-- From the platform's own org into another, within the transaction that has proved who asks. What is shown leads to the org, or
-- nothing is answered and the transaction is bound to none: its writes fail and its reads see no row.

create function app.bind_shown(to_org uuid, real_now timestamptz)
  returns table (org_id uuid, now timestamptz, livemode boolean, org_name text) volatile language plpgsql as $$
declare bound record;
begin
  -- A statement of its own: joined to it, the policies of what follows could be read before the binding has run.
  select b.org_id, b.now, b.livemode into bound from app.bind(to_org, real_now) b;
  return query select bound.org_id, bound.now, bound.livemode, o.name from public.orgs o where o.org_id = (select app.org());
end $$;

-- By an invitation's token. Whether it still holds, and for whom, is asked of the org.
create function app.bind_invitation(by_hash bytea, real_now timestamptz)
  returns table (org_id uuid, now timestamptz, livemode boolean, org_name text) volatile language sql as $$
  select b.* from app.bind_shown((select d.org_id from door.invitation(by_hash) d), real_now) b $$;

-- By a whole API key, whoever shows it.
create function app.bind_leaked_key(key_id uuid, key_hash bytea, real_now timestamptz)
  returns table (org_id uuid, now timestamptz, livemode boolean, org_name text) volatile language sql as $$
  select b.* from app.bind_shown((select d.org_id from door.api_key(key_id, key_hash) d), real_now) b $$;

-- By being an operator. The platform's own org, which has everybody's sessions on its chain, is opened to nobody.
create function app.bind_for_support(to_org uuid, of_user uuid, real_now timestamptz)
  returns table (org_id uuid, now timestamptz, livemode boolean, org_name text) volatile language sql as $$
  select b.* from app.bind_shown((
    select to_org from public.operators p
      where p.user_id = of_user and p.since <= real_now and (p.until is null or p.until > real_now) and to_org <> app.platform()), real_now) b $$;

-- By a support grant of one's own, whether it is open or has ended, and whether one is an operator still.
create function app.bind_own_grant(grant_id uuid, of_user uuid, real_now timestamptz)
  returns table (org_id uuid, now timestamptz, livemode boolean, org_name text) volatile language sql as $$
  select b.* from app.bind_shown((select d.org_id from door.operator_grants(of_user, grant_id, 1) d where d.id = grant_id), real_now) b $$;

-- A new org, whole or not at all: with what its dials are judged by, its chain, the canary that shows whether stops are found,
-- and a clock of its own when it is a test org. An id that is taken fails: nobody gets into an org that is there.
create function app.bind_new_org(new_org uuid, of_name text, is_live boolean, clock_at timestamptz, canary_person uuid, canary_suppression uuid)
  returns table (org_id uuid, now timestamptz, livemode boolean, org_name text) volatile language plpgsql as $$
begin
  perform set_config('app.org_id', new_org::text, true), set_config('app.now', clock_at::text, true);
  insert into public.orgs (org_id, name, livemode, created_at) values ((select app.org()), of_name, is_live, clock_at);
  insert into public.org_facts (org_id) values ((select app.org()));
  if not is_live then
    insert into public.test_clocks (org_id, now, status) values ((select app.org()), clock_at, 'ready');
  end if;
  insert into public.calling_policies (org_id) values ((select app.org()));
  perform app.plant_canary(canary_person, canary_suppression);
  perform audit.open_chain();
  return query select new_org, clock_at, is_live, of_name;
end $$;

revoke execute on function app.bind_shown(uuid, timestamptz), app.bind_invitation(bytea, timestamptz),
  app.bind_leaked_key(uuid, bytea, timestamptz), app.bind_for_support(uuid, uuid, timestamptz), app.bind_own_grant(uuid, uuid, timestamptz),
  app.bind_new_org(uuid, text, boolean, timestamptz, uuid, uuid) from public;
grant execute on function app.bind_shown(uuid, timestamptz), app.bind_invitation(bytea, timestamptz),
  app.bind_leaked_key(uuid, bytea, timestamptz), app.bind_for_support(uuid, uuid, timestamptz), app.bind_own_grant(uuid, uuid, timestamptz),
  app.bind_new_org(uuid, text, boolean, timestamptz, uuid, uuid) to dialgate_app;

-- What operators asked for in an org is few entries of many.
set local role dialgate_audit;
create index entry_of_support on audit.entry (org_id, seq) where event_type in ('support.acted', 'support.refused');
set local role dialgate_migrator;
