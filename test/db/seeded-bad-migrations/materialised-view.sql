-- expects: materialised_view
create materialized view bad as select l.org_id, l.id from public.leads l;
