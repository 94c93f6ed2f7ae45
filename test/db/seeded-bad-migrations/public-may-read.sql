-- expects: public_grant
grant select on public.leads to public;
