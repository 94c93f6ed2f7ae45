-- expects: tenant_data_without_org
create table bad (id uuid primary key, phone text);
comment on column bad.id is 'system'; comment on column bad.phone is 'subject';
