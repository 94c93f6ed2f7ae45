-- Roles and what they may create. Run by the database's owner before every migration; running it again changes nothing.
-- Made by SQL and not in a vendor's console: Neon's console, API and CLI make roles that bypass row security
-- (neon.com/docs/changelog/2023-08-15). No password stands here; dev/database/migrate.ts sets one when it is given.

do $$
declare
  name text;
begin
  -- Two runs at once would both see a role missing; roles are shared by all databases of the server.
  perform pg_advisory_xact_lock(hashtext('dialgate roles'));
  foreach name in array array['dialgate_migrator', 'dialgate_audit', 'dialgate_door'] loop
    if not exists (select from pg_roles r where r.rolname = name) then
      execute format('create role %I nologin', name);
    end if;
  end loop;
  if not exists (select from pg_roles r where r.rolname = 'dialgate_app') then
    create role dialgate_app login;
  end if;

  -- FORCE does not stop a superuser or BYPASSRLS: with such a role wall two would be missing, silently.
  if exists (
    select from pg_roles r
    where r.rolname in ('dialgate_migrator', 'dialgate_audit', 'dialgate_door', 'dialgate_app')
      and (r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb or r.rolreplication)
  ) then
    raise exception 'a dialgate role has SUPERUSER, BYPASSRLS, CREATEROLE, CREATEDB or REPLICATION: drop it and let this file make it';
  end if;
  if exists (
    select from pg_auth_members m
    join pg_roles r on r.oid = m.member
    where r.rolname in ('dialgate_app', 'dialgate_door', 'dialgate_audit')
  ) then
    raise exception 'dialgate_app, dialgate_door or dialgate_audit is a member of another role: take that membership away';
  end if;

  -- The owner of a database on Neon is no superuser: he may give himself the roles that he made, and must, to use SET ROLE.
  if not (select r.rolsuper from pg_roles r where r.rolname = current_user) then
    execute format('grant dialgate_migrator to %I with inherit false, set true', current_user);
  end if;
  -- INHERIT FALSE: with it, the policies of dialgate_door ("every org") would hold for the migrator as well.
  if not exists (
    select from pg_auth_members m
    where m.member = 'dialgate_migrator'::regrole and m.roleid = 'dialgate_audit'::regrole and m.set_option and not m.inherit_option
  ) then
    grant dialgate_audit to dialgate_migrator with inherit false, set true;
  end if;
  if not exists (
    select from pg_auth_members m
    where m.member = 'dialgate_migrator'::regrole and m.roleid = 'dialgate_door'::regrole and m.set_option and not m.inherit_option
  ) then
    grant dialgate_door to dialgate_migrator with inherit false, set true;
  end if;

  -- A transaction that its worker forgot would hold its locks, and with them every stop for the same number.
  alter role dialgate_app set idle_in_transaction_session_timeout = '5s';
  -- Times are read as UTC, whatever zone the server was set up in.
  alter role dialgate_app set timezone = 'UTC';

  execute format('revoke all on database %I from public', current_database());
  execute format('grant connect on database %I to dialgate_app', current_database());
  execute format('grant connect, create on database %I to dialgate_migrator', current_database());
end $$;

revoke all on schema public from public;
grant usage on schema public to dialgate_app, dialgate_door, dialgate_audit;
grant usage, create on schema public to dialgate_migrator;
