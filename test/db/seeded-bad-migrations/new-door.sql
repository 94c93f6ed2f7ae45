-- expects: door_not_listed
create function door.bad() returns table (org_id uuid) stable security definer set search_path = pg_catalog language sql as $$ select null::uuid $$;
revoke execute on function door.bad() from public;
grant create on schema door to dialgate_door;
alter function door.bad() owner to dialgate_door;
revoke create on schema door from dialgate_door;
