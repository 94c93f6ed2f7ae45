-- expects: definer_of_another_owner
create function app.bad() returns bigint stable security definer set search_path = pg_catalog language sql as $$ select 1::bigint $$;
revoke execute on function app.bad() from public;
