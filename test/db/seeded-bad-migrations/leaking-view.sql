-- expects: view_without_security_invoker
create view bad as select l.org_id, l.id from public.leads l;
grant select on bad to dialgate_app;
