-- expects: untagged_use
create function app.bad() returns bigint stable language sql
  as $$ select count(*) from public.leads l join public.persons p on p.org_id = (select app.org()) and p.id = l.person_id $$;
revoke execute on function app.bad() from public;
