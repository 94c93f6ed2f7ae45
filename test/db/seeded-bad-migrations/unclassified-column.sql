-- expects: column_unclassified
alter table public.leads add column bad text;
