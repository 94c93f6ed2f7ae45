-- expects: definer_without_search_path
set local role dialgate_audit;
create function audit.bad() returns bigint stable security definer language sql as $$ select 1::bigint $$;
revoke execute on function audit.bad() from public;
