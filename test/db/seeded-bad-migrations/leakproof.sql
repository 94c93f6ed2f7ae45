-- expects: leakproof_function
set local role postgres;
create function app.bad() returns bigint stable leakproof language sql as $$ select 1::bigint $$;
revoke execute on function app.bad() from public;
alter function app.bad() owner to dialgate_migrator;
