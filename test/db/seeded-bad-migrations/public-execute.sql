-- expects: public_may_execute
create function app.bad() returns bigint stable language sql as $$ select 1::bigint $$;
grant execute on function app.bad() to public;
